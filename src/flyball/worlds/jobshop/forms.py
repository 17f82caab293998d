# SPDX-License-Identifier: MIT
"""The sheets and columns that describe a shop: what the reader expects and the template explains.

Names are matched in any case; columns may stand in any order. Every quantity has its unit here.
"""

from dataclasses import dataclass

from flyball.worlds.jobshop import cells
from flyball.worlds.jobshop.cells import Read

MAX_HOURS = 10_000
MAX_MINUTES = MAX_HOURS * 60
MAX_ROWS = 1_000_000
MAX_COLUMNS = 256
MAX_HORIZON_DAYS = 3660


@dataclass(frozen=True)
class Column:
    """One column (of the sheet Plant: one key): how it is read and what it means."""

    name: str
    read: Read
    about: str
    needed: bool = True
    """Whether the sheet must have it."""
    filled: bool = True
    """Whether every row must fill it."""


@dataclass(frozen=True)
class Form:
    """One sheet."""

    name: str
    about: str
    columns: tuple[Column, ...]
    needed: bool = True


def _optional(name: str, read: Read, about: str) -> Column:
    return Column(name, read, about, needed=False, filled=False)


def _anything(raw: cells.Raw) -> cells.Raw:
    return raw


MINUTES = cells.number(0, MAX_MINUTES, "min")

README = "Read me"
"""Sheet of the template that explains the others; readers pass over it."""

PLANT = (
    Column("name", cells.text, "name of the plant"),
    Column("start", cells.moment, "date and time at which the plan starts"),
    _optional("country", cells.text, "country code for public holidays, such as DE"),
    _optional("subdivision", cells.text, "state or canton for public holidays, such as BY"),
    _optional(
        "horizon_days",
        cells.number(1, MAX_HORIZON_DAYS, "days"),
        "how far calendars are laid out, days; widened where the work needs more",
    ),
)

FORMS = (
    Form(
        "Plant",
        "One row for each key.",
        (
            Column("key", cells.text, "name, start, country, subdivision or horizon_days"),
            Column("value", _anything, "its value", filled=False),
        ),
    ),
    Form(
        "Groups",
        "Machine groups; set-up times belong to a group.",
        (
            Column("group", cells.text, "name of the group"),
            _optional(
                "setup_may_pause",
                cells.flag,
                "yes where a set-up may pause over a break or a closed night; default no",
            ),
            _optional("remark", cells.text, "free text, not read"),
        ),
    ),
    Form(
        "Machines",
        "Every machine or work place.",
        (
            Column("machine", cells.text, "name of the machine"),
            Column("group", cells.text, "its group, as in the sheet Groups"),
            Column("calendar", cells.text, "a calendar of the sheet Shifts, or always"),
            _optional(
                "speed",
                cells.number(0.01, 100),
                "speed factor, 1 is nominal, 1.25 takes 20 % less time; default 1",
            ),
            _optional("set_up_for", cells.text, "family it is set up for at the start"),
        ),
    ),
    Form(
        "Shifts",
        "Weekly working times of each calendar.",
        (
            Column("calendar", cells.text, "name of the calendar"),
            Column("days", cells.days, "days on which the row starts, such as Mon-Fri"),
            Column("from", cells.clock, "start, hh:mm"),
            Column("to", cells.clock, "end, hh:mm; at or before `from`: on the next day"),
            Column(
                "kind",
                cells.choice("work", "break", "overtime"),
                "work, break (closed inside a shift) or overtime (open, costs extra)",
            ),
        ),
    ),
    Form(
        "Holidays",
        "Days on which no shift starts.",
        (
            Column("calendar", cells.text, "a calendar, or all"),
            Column("date", cells.day, "the day"),
            _optional("name", cells.text, "free text, not read"),
        ),
        needed=False,
    ),
    Form(
        "Maintenance",
        "Times at which one machine is closed.",
        (
            Column("machine", cells.text, "the machine"),
            Column("from", cells.moment, "start, date and time"),
            Column("to", cells.moment, "end, date and time"),
            _optional("remark", cells.text, "free text, not read"),
        ),
        needed=False,
    ),
    Form(
        "Setups",
        "Set-up minutes from one family to the next, in a group. What is not listed takes none.",
        (
            Column("group", cells.text, "the group"),
            Column("from", cells.text, "family before; * any other, - nothing set up"),
            Column("to", cells.text, "family after; * any other"),
            Column("minutes", MINUTES, "working time of the set-up, min"),
        ),
        needed=False,
    ),
    Form(
        "Jobs",
        "The order book.",
        (
            Column("job", cells.text, "number or name of the job"),
            _optional("customer", cells.text, "name of the customer"),
            _optional("product", cells.text, "what is made, not read"),
            _optional("release", cells.moment, "earliest start, date and time; default the start"),
            Column(
                "due",
                cells.moment,
                "due date and time; a day without a time means its end",
                filled=False,
            ),
            _optional("weight", cells.number(0, 1e6), "cost of an hour late; default 1"),
            _optional("important", cells.flag, "yes counts three times; default no"),
        ),
    ),
    Form(
        "Operations",
        "The routes: one row for each step of a job, in order.",
        (
            Column("job", cells.text, "the job"),
            Column("operation", cells.text, "number or name, once in its job"),
            _optional(
                "after",
                cells.text,
                "the operation before it; default the row before of the same job; - for none",
            ),
            Column(
                "machines",
                cells.text,
                "a group, or machines with ; between them and @speed where it differs: M1; M2 @0.8",
            ),
            Column("minutes", MINUTES, "working time at speed 1, min"),
            _optional("family", cells.text, "set-up family"),
            _optional(
                "interruptible",
                cells.flag,
                "yes where it may pause over a break or a closed night; default yes",
            ),
            _optional(
                "status",
                cells.choice("open", "running", "frozen", "finished"),
                "open, running, frozen (planned, must not move) or finished; default open",
            ),
            _optional("on_machine", cells.text, "machine of running and frozen work"),
            _optional("starts", cells.moment, "start of running and frozen work, date and time"),
            _optional("remaining_minutes", MINUTES, "running work: working time that is left, min"),
        ),
    ),
)
"""Every sheet, in the order in which the template shows them."""
