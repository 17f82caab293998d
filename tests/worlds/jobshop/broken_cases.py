# SPDX-License-Identifier: MIT
"""What planners do to workbooks, cell by cell, and what each of them must be told."""

from collections.abc import Callable
from dataclasses import dataclass

from tests.worlds.jobshop.workbooks import START, Sheets, at


@dataclass(frozen=True)
class Want:
    """One expected problem: its place, words of what was found and of the fix."""

    where: str
    found: str
    fix: str
    more: int = 0


@dataclass(frozen=True)
class Case:
    """A workbook with cells changed, or changed as a whole, and what it must be told."""

    name: str
    cells: dict[str, object]
    wants: tuple[Want, ...]
    change: Callable[[Sheets], object] | None = None


def cell(name: str, address: str, value: object, found: str, fix: str) -> Case:
    """Return a case in which one cell is wrong and is itself the place of the problem."""
    return Case(name, {address: value}, (Want(address, found, fix),))


FROZEN = {"H": "frozen", "I": "C1", "J": at(2, 6, 30)}
RUNNING = {"H": "running", "I": "C1", "J": at(1, 13), "K": 20}


def operation(line: int, values: dict[str, object], **changed: object) -> dict[str, object]:
    """Return the cells of an operation's status, with some of them changed."""
    return {f"Operations!{column}{line}": v for column, v in {**values, **changed}.items()}


CASES = [
    # Numbers
    cell("a word as minutes", "Operations!E2", "abc", "'abc' is not a number", "type a number"),
    cell("a decimal comma", "Operations!E2", "1,5", "decimal comma", "write 1.5 or make"),
    cell("a unit in the cell", "Operations!E2", "30 min", "not a number", "without a unit"),
    cell("negative minutes", "Operations!E2", -5, "-5 min", "correct the number"),
    cell("minutes beyond the limit", "Operations!E2", 600_001, "600001 min", "its unit"),
    cell("minutes beyond all bounds", "Operations!E2", 1e300, "1e+300 min", "correct the number"),
    cell("minutes as text beyond", "Operations!E2", "9" * 190, "min", "correct the number"),
    cell("no minutes", "Operations!E2", None, "the cell is empty", "fill the cell"),
    cell("blanks as minutes", "Operations!E2", "   ", "the cell is empty", "fill the cell"),
    cell("TRUE as minutes", "Operations!E2", True, "True is not a number", "General"),
    cell("a date as minutes", "Operations!E2", at(2, 7), "is not a number", "General"),
    cell("a word as weight", "Jobs!F2", "heavy", "'heavy' is not a number", "type a number"),
    cell("a negative weight", "Jobs!F2", -1, "-1", "correct the number"),
    cell("a weight beyond the limit", "Jobs!F2", 1e7, "1e+07", "correct the number"),
    cell("a speed of zero", "Machines!D2", 0, "0", "correct the number"),
    cell("not a number", "Operations!E2", "nan", "'nan' is not a number", "type a number"),
    # Dates and times
    cell("a German date", "Jobs!E2", "31.03.2026", "'31.03.2026' is not a date", "2026-03-20"),
    cell("a day that does not exist", "Jobs!E2", "2026-02-31", "not in the calendar", "2026"),
    cell("an hour that does not exist", "Jobs!E2", "2026-03-04 25:00", "not in the cal", "2026"),
    cell("a date as a bare number", "Jobs!E2", 46100, "46100 is not a date", "cell a date"),
    cell("a date of the last century", "Jobs!E2", at(4, year=1926), "1926", "the year"),
    cell("a date of the next decades", "Jobs!E2", at(4, year=2062), "2062", "the year"),
    cell("a due date before the release", "Jobs!E3", at(2, 5), "before release", "one of the"),
    cell("a word as release", "Jobs!D2", "soon", "'soon' is not a date", "2026-03-20"),
    cell("a shift at 25 o'clock", "Shifts!C2", "25:00", "not a time of day", "14:30"),
    cell("a shift at 6:75", "Shifts!C2", "6:75", "not a time of day", "14:30"),
    cell("a shift from a number", "Shifts!C2", 6.5, "6.5 is not a time of day", "as a time"),
    cell("unknown days", "Shifts!B2", "Mo-Xy", "'Mo-Xy' are not days", "write Mon-Fri"),
    cell("a holiday on no day", "Holidays!B2", "Easter", "'Easter' is not a date", "2026"),
    cell("a start that is no date", "Plant!B3", "Monday", "'Monday' is not a date", "2026-03-20"),
    # Words
    cell("neither yes nor no", "Jobs!G2", "maybe", "neither yes nor no", "write yes or no"),
    cell("a pause that is perhaps", "Operations!G2", "perhaps", "neither yes nor", "yes or no"),
    cell("a set-up pause that is 2", "Groups!B2", 2, "2 is neither", "write yes or no"),
    cell("an unknown status", "Operations!H2", "runing", "'runing'", "did you mean 'running'"),
    cell("an unknown kind of shift", "Shifts!E3", "brake", "'brake'", "did you mean 'break'"),
    cell("an endless name", "Jobs!A2", "x" * 300, "300 characters", "shorten it"),
    cell("a date as job", "Operations!A2", at(4), "is not a text", "as text"),
    # Names that are not there, or are there twice
    cell("an unknown job", "Operations!A2", "AA", "unknown job 'AA'", "did you mean 'A'"),
    cell("an unknown machine", "Operations!D2", "C1; D7", "unknown machine or group 'D7'", "one"),
    cell("a misspelled group", "Operations!D2", "Cutt", "group 'Cutt'", "did you mean 'Cut'"),
    cell("a machine in no group", "Machines!B2", "Cup", "group 'Cup'", "did you mean 'Cut'"),
    cell("an unknown calendar", "Machines!C2", "days", "calendar 'days'", "did you mean 'day'"),
    cell("set up for nothing known", "Machines!E4", "rad", "family 'rad'", "did you mean 'red'"),
    cell("an unknown family", "Operations!F3", "rad", "family 'rad'", "did you mean 'red'"),
    cell("no family where it counts", "Operations!F3", None, "no family", "name the family"),
    cell("a star as family", "Operations!F2", "*", "'*' as family", "name it"),
    cell("a holiday of no calendar", "Holidays!A2", "dayy", "calendar 'dayy'", "mean 'day'"),
    cell("maintenance of no machine", "Maintenance!A2", "C9", "machine 'C9'", "add the machine"),
    cell("set-ups of no group", "Setups!A2", "Pain", "group 'Pain'", "did you mean 'Paint'"),
    cell("an operation twice", "Operations!B3", 10, "operation '10' stands here again", "rename"),
    # Machines of an operation
    cell("no machine", "Operations!D2", None, "the cell is empty", "fill the cell"),
    cell("only a semicolon", "Operations!D2", ";", "no machine", "name a machine"),
    cell("a machine twice in one", "Operations!D2", "C1; Cut", "'C1' twice in one", "delete one"),
    cell("a factor that is a word", "Operations!D2", "C1 @fast", "factor 'fast'", "M2 @0.8"),
    cell("a factor of zero", "Operations!D2", "C1 @0", "factor '0'", "M2 @0.8"),
    cell("a factor with a comma", "Operations!D2", "C1 @0,8", "factor '0,8'", "M2 @0.8"),
    # Routes
    cell("after nothing known", "Operations!C3", 15, "unknown operation '15'", "choose one"),
    cell("a cycle", "Operations!C2", 20, "in a cycle", "- starts a route"),
    cell("after itself", "Operations!C3", 20, "in a cycle", "- starts a route"),
    cell("a fork", "Operations!C3", "-", "a fork", "write after '10'"),
    cell("a join", "Operations!C3", "10; 20", "joins 2 branches", "name one of them"),
    # Calendars and work
    cell("one piece too long", "Operations!E3", 250, "4.17 h in one piece", "split the operation"),
    cell("a set-up too long", "Setups!D2", 250, "a set-up of 4.17 h", "setup_may_pause"),
    cell("maintenance without end", "Maintenance!C2", at(2, 5), "not after its start", "exchange"),
    cell("a set-up into nothing", "Setups!C2", "-", "'-' as family after", "name a family"),
]  # fmt: skip


def row(name: str, *values: object) -> Callable[[Sheets], object]:
    """Return a change that adds a row to a sheet."""
    return lambda sheets: sheets[name].append(list(values))


def place(*wants: Want) -> tuple[Want, ...]:
    return wants


CASES += [
    Case(
        "a set-up twice",
        {"Setups!B3": "red", "Setups!C3": "blue"},
        place(Want("Setups!B3", "set-up 'Paint: red to blue' stands here again", "delete")),
    ),
    Case(
        "a job twice",
        {},
        place(Want("Jobs!A5", "job 'a' stands here again, first in line 2", "delete or rename")),
        row("Jobs", "a", None, None, None, at(9, 14)),
    ),
    Case(
        "a machine twice",
        {},
        place(Want("Machines!A5", "machine 'C1' stands here again", "delete or rename")),
        row("Machines", "C1", "Paint", "day"),
    ),
    Case(
        "a group twice",
        {},
        place(Want("Groups!A4", "group 'cut' stands here again", "delete or rename")),
        row("Groups", "cut"),
    ),
    Case(
        "a machine named like a group",
        {},
        place(Want("Machines!A5", "machine 'paint' has the name of a group", "rename")),
        row("Machines", "paint", "Paint", "day"),
    ),
    Case(
        "a machine with a semicolon",
        {},
        place(Want("Machines!A5", "'C;1' holds ; or @", "rename the machine")),
        row("Machines", "C;1", "Cut", "day"),
    ),
    Case(
        "nothing but breaks",
        {"Shifts!E2": "break"},
        place(Want("Machines!C2", "calendar 'day' never opens", "add a row of kind work", 2)),
    ),
    Case(
        "breaks all day at every machine",
        {"Shifts!E2": "overtime", "Shifts!C3": "06:00", "Shifts!D3": "14:00"},
        place(Want("Machines!C2", "calendar 'day' never opens", "add a row of kind work", 2)),
    ),
    Case(
        "maintenance for years",
        {"Maintenance!B2": at(2, 6), "Maintenance!C2": at(3, year=2099)},
        place(Want("Machines!C2", "machine 'C1' never opens", "correct its maintenance")),
    ),
    Case(
        "running without a machine",
        operation(2, RUNNING, I=None),
        place(Want("Operations!I2", "running work without a machine", "name the machine")),
    ),
    Case(
        "running without a start",
        operation(2, RUNNING, J=None),
        place(Want("Operations!J2", "running work without a start", "when it starts")),
    ),
    Case(
        "running with nothing left",
        operation(2, RUNNING, K=0),
        place(Want("Operations!K2", "without working time that is left", "finished")),
    ),
    Case(
        "running from tomorrow",
        operation(2, RUNNING, J=at(3, 6)),
        place(Want("Operations!J2", "running work that starts at 2026-03-03", "correct the time")),
    ),
    Case(
        "frozen in the past",
        operation(2, FROZEN, J=at(2, 5)),
        place(Want("Operations!J2", "frozen work that starts at 2026-03-02 05:00", "the status")),
    ),
    Case(
        "frozen at night",
        operation(2, FROZEN, J=at(2, 22)),
        place(Want("Operations!J2", "machine 'C1' is closed at 2026-03-02 22:00", "correct")),
    ),
    Case(
        "frozen across a break in one piece",
        {**operation(2, FROZEN, J=at(2, 9, 30)), "Operations!G2": "no"},
        place(Want("Operations!J2", "1.00 h in one piece", "interruptible to yes")),
    ),
    Case(
        "frozen on an unknown machine",
        operation(2, FROZEN, I="C3"),
        place(Want("Operations!I2", "unknown machine 'C3'", "choose one")),
    ),
    Case(
        "frozen on a machine that cannot do it",
        operation(2, FROZEN, I="P1"),
        place(Want("Operations!I2", "'P1' is not among those", "add it to the column machines")),
    ),
    Case(
        "two frozen at once on one machine",
        {**operation(2, FROZEN), **operation(6, FROZEN, J=at(2, 7))},
        place(Want("Operations!J6", "overlaps '10' of line 2 on 'C1'", "correct one")),
    ),
    Case(
        "frozen behind open work",
        operation(3, FROZEN, I="P1", J=at(2, 8)),
        place(Want("Operations!H3", "'20' is frozen while '10' before it is open", "correct one")),
    ),
    Case(
        "two running in one job",
        {**operation(2, RUNNING), **operation(3, RUNNING, I="P1")},
        place(
            Want("Operations!J3", "before the operation before it has ended", "correct the start"),
            Want("Operations!H3", "'20' is running while '10' before it is running", "correct one"),
        ),
    ),
    Case(
        "frozen before the operation before it ends",
        {**operation(2, FROZEN), **operation(3, FROZEN, I="P1", J=at(2, 7))},
        place(Want("Operations!J3", "before the operation before it has ended", "the start")),
    ),
    Case(
        "frozen before its release",
        {**operation(2, FROZEN), "Jobs!D2": at(2, 9)},
        place(Want("Operations!J2", "frozen before the release of job 'A'", "the release")),
    ),
    Case(
        "finished behind open work",
        {"Operations!H3": "finished"},
        place(Want("Operations!H3", "'20' is finished while '10' before it is open", "correct")),
    ),
    Case(
        "an unknown country",
        {"Plant!A2": "country", "Plant!B2": "XX"},
        place(
            Want("Plant!B2", "unknown country 'XX'", "choose one"),
            Want("Plant!A2", "no key 'name'", "add a row with name"),
        ),
    ),
    Case(
        "an unknown state",
        {},
        place(Want("Plant!B5", "unknown subdivision 'QQ'", "choose one")),
        lambda sheets: sheets["Plant"].extend([["country", "DE"], ["subdivision", "QQ"]]),
    ),
    Case(
        "a state without a country",
        {},
        place(Want("Plant!B4", "'BY' without a country", "add a row with country")),
        lambda sheets: sheets["Plant"].append(["subdivision", "BY"]),
    ),
    Case(
        "a key twice and one unknown",
        {},
        place(
            Want("Plant!A4", "key 'start' stands here again", "delete one"),
            Want("Plant!A5", "unknown key 'stat'", "did you mean 'start'"),
        ),
        lambda sheets: sheets["Plant"].extend([["start", START], ["stat", START]]),
    ),
    Case(
        "no start",
        {},
        place(Want("Plant!A2", "no key 'start'", "add a row with start")),
        lambda sheets: sheets["Plant"].pop(),
    ),
    Case(
        "a group without machines",
        {"Operations!D2": "Mill"},
        place(Want("Operations!D2", "group 'Mill' has no machine", "add a machine")),
        lambda sheets: sheets["Groups"].append(["Mill", "no"]),
    ),
    Case(
        "a job without operations",
        {},
        place(Want("Jobs!A4", "job 'C' has no operation", "add its operations")),
        lambda sheets: sheets["Operations"].pop(),
    ),
    Case(
        "no sheet Jobs but one called Job",
        {},
        place(Want("Jobs!A1", "the sheet is missing", "did you mean 'Job'? Rename it to Jobs")),
        lambda sheets: sheets.update({"Job": sheets.pop("Jobs")}),
    ),
    Case(
        "no sheet Machines",
        {},
        place(Want("Machines!A1", "the sheet is missing", "add a sheet named Machines")),
        lambda sheets: sheets.pop("Machines"),
    ),
    Case(
        "an empty sheet",
        {},
        place(Want("Jobs!A1", "the sheet is empty", "flyball template jobshop")),
        lambda sheets: sheets["Jobs"].clear(),
    ),
    Case(
        "a header without rows",
        {},
        place(Want("Groups!A1", "a header without rows", "fill the sheet")),
        lambda sheets: sheets.update(Groups=sheets["Groups"][:1]),
    ),
    Case(
        "no column due",
        {"Jobs!E1": "remark"},
        place(Want("Jobs!A1", "no column 'due'", "add column due")),
    ),
    Case(
        "a misspelled column",
        {"Operations!E1": "minuts"},
        place(Want("Operations!E1", "no column 'minutes'", "rename column 'minuts' to minutes")),
    ),
    Case(
        "a column twice",
        {"Jobs!C1": "Due"},
        place(Want("Jobs!E1", "column 'due' stands here again", "delete or rename")),
    ),
]

SEVERAL = Case(
    "faults in every sheet",
    {
        "Machines!B2": "Cup",
        "Shifts!C3": "noon",
        "Holidays!B2": "Easter",
        "Maintenance!A2": "C9",
        "Setups!D2": "3,5",
        "Jobs!E2": "31.02.2026",
        "Jobs!G3": "maybe",
        "Operations!E2": -1,
        "Operations!D4": "C1; C7",
        "Operations!A6": "D",
    },
    place(
        Want("Machines!B2", "unknown group 'Cup'", "did you mean 'Cut'"),
        Want("Shifts!C3", "'noon' is not a time of day", "14:30"),
        Want("Holidays!B2", "'Easter' is not a date", "2026-03-20"),
        Want("Maintenance!A2", "unknown machine 'C9'", "add the machine"),
        Want("Setups!D2", "decimal comma", "write 3.5"),
        Want("Jobs!E2", "'31.02.2026' is not a date", "2026-03-20"),
        Want("Jobs!G3", "neither yes nor no", "write yes or no"),
        Want("Jobs!A4", "job 'C' has no operation", "add its operations"),
        Want("Operations!E2", "-1 min", "correct the number"),
        Want("Operations!D4", "unknown machine or group 'C7'", "choose one"),
        Want("Operations!A6", "unknown job 'D'", "choose one"),
    ),
)
