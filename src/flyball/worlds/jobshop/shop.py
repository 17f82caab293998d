# SPDX-License-Identifier: MIT
"""From the sheets that describe the plant to its machines, groups, calendars and set-ups."""

from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta

import holidays
import numpy as np

from flyball.core.batch import Bools, Longs
from flyball.worlds.jobshop.calendar import Pattern, Shift, Span
from flyball.worlds.jobshop.cells import Fault
from flyball.worlds.jobshop.findings import Findings
from flyball.worlds.jobshop.tables import Row, Table, Tables

ALWAYS = "always"
"""Calendar that needs no shifts: open day and night."""

MAX_SETUP_CELLS = 20_000_000
HOLIDAY_YEARS = 11


@dataclass(frozen=True)
class Machine:
    """One machine as the sheet names it."""

    row: Row
    name: str
    group: int  # -1 where the sheet is wrong
    calendar: str
    speed: float
    set_up_for: str


@dataclass
class Shop:
    """The plant; names in lower case lead to numbers. Faulty rows are left out or marked -1."""

    start: datetime | None = None
    horizon_days: int = 0
    group: dict[str, int] = field(default_factory=dict)
    group_name: list[str] = field(default_factory=list)
    setup_may_pause: list[bool] = field(default_factory=list)
    machine: dict[str, int] = field(default_factory=dict)
    machines: list[Machine] = field(default_factory=list)
    members: dict[int, list[int]] = field(default_factory=dict)  # group -> machines
    pattern: dict[str, Pattern] = field(default_factory=dict)
    maintenance: dict[int, list[Span]] = field(default_factory=dict)
    setups: list[Row] = field(default_factory=list)

    def seconds(self, moment: datetime | date, *, at_end_of_day: bool = False) -> int:
        """Return a moment as whole seconds since the start; a day alone is its midnight."""
        if not isinstance(moment, datetime):
            moment = datetime.combine(moment, time()) + timedelta(days=int(at_end_of_day))
        # Without a start, which is reported, dates can still be held against each other.
        origin = self.start or datetime(2000, 1, 1)  # noqa: DTZ001
        return round((moment - origin).total_seconds())


def shop(tables: Tables, findings: Findings) -> Shop:
    """Return the plant that the sheets describe; what is wrong goes into `findings`."""
    plant = Shop()
    _start(plant, tables.plant)
    _groups(plant, tables["groups"], findings)
    _shifts(plant, tables, findings)
    _machines(plant, tables, findings)
    _maintenance(plant, tables, findings)
    _setups(plant, tables, findings)
    return plant


def twice(kind: str, name: str, first: Row) -> Fault:
    """Return what is wrong with a name that has been used before."""
    found = f"{kind} '{name}' stands here again, first in line {first.line}"
    return Fault("twice", found, f"each {kind} once", "delete or rename one of the two")


def _start(plant: Shop, row: Row | None) -> None:
    moment = row.moment("start") if row else None
    if moment is not None:
        at = moment if isinstance(moment, datetime) else datetime.combine(moment, time())
        plant.start = at
    if row is not None:
        plant.horizon_days = int(row.number("horizon_days"))


def _groups(plant: Shop, table: Table, findings: Findings) -> None:
    first: dict[str, Row] = {}
    for row in table.rows:
        name = row.text("group")
        if name.lower() in first:
            row.report(findings, "group", twice("group", name, first[name.lower()]))
        elif name:
            first[name.lower()] = row
            plant.group[name.lower()] = len(plant.group_name)
            plant.group_name.append(name)
            plant.setup_may_pause.append(row.flag("setup_may_pause"))


def _machines(plant: Shop, tables: Tables, findings: Findings) -> None:
    first: dict[str, Row] = {}
    for row in tables["machines"].rows:
        name, group, calendar = (row.text(key) for key in ("machine", "group", "calendar"))
        if name.lower() in first:
            row.report(findings, "machine", twice("machine", name, first[name.lower()]))
            continue
        if name.lower() in plant.group:
            found = f"machine '{name}' has the name of a group"
            fix = "rename the machine or the group"
            row.report(findings, "machine", Fault("name", found, "a name of its own", fix))
        if set(name) & {";", "@"}:
            found = f"'{name}' holds ; or @"
            fix = "rename the machine"
            row.report(findings, "machine", Fault("sign", found, "a name without ; and @", fix))
        if group and tables["groups"].known and group.lower() not in plant.group:
            row.report_unknown(findings, "group", "group", plant.group_name)
        _known_calendar(plant, tables, row, findings)
        if name:
            first[name.lower()] = row
            number = plant.group.get(group.lower(), -1)
            speed = row.number("speed", 1.0)
            plant.machine[name.lower()] = len(plant.machines)
            plant.members.setdefault(number, []).append(len(plant.machines))
            family = row.text("set_up_for")
            plant.machines.append(Machine(row, name, number, calendar.lower(), speed, family))


def _known_calendar(plant: Shop, tables: Tables, row: Row, findings: Findings) -> None:
    name = row.text("calendar")
    known = tables["shifts"].known
    if name and known and name.lower() not in plant.pattern:
        names = {r.text("calendar") for r in tables["shifts"].rows} - {""} | {ALWAYS}
        row.report_unknown(findings, "calendar", "calendar", names)


def _shifts(plant: Shop, tables: Tables, findings: Findings) -> None:
    weeks: dict[str, list[Shift]] = {}
    for row in tables["shifts"].rows:
        name = row.text("calendar").lower()
        found = row.values.get("days")
        if not name:
            continue
        week = weeks.setdefault(name, [])
        if isinstance(found, frozenset) and row.has("from") and row.has("to") and row.has("kind"):
            begin, end = int(row.number("from")), int(row.number("to"))
            week.append(Shift(found, begin, end, row.text("kind")))
        else:
            # A faulty row is reported already; its calendar must not be called closed for it.
            week.append(Shift(frozenset(range(7)), 0, 24 * 60, "work"))
    public = _public_holidays(plant, tables.plant, findings)
    closed = {name: set(public) for name in weeks}
    for row in tables["holidays"].rows:
        name = row.text("calendar").lower()
        moment = row.moment("date")
        if name and name != "all" and name not in weeks and tables["shifts"].known:
            names = {r.text("calendar") for r in tables["shifts"].rows} - {""} | {"all"}
            row.report_unknown(findings, "calendar", "calendar", names)
        for calendar in weeks if name == "all" else {name} & set(weeks):
            if moment is not None:
                closed[calendar].add(moment)
    for name, shifts in weeks.items():
        plant.pattern[name] = Pattern(tuple(shifts), frozenset(closed[name]))
    plant.pattern.setdefault(ALWAYS, Pattern((), always=True))


def _public_holidays(plant: Shop, row: Row | None, findings: Findings) -> set[date]:
    """Return the public holidays from a year before the start until no calendar is laid out."""
    if row is None or plant.start is None:
        return set()
    country, state = row.text("country").upper(), row.text("subdivision").upper()
    if not country:
        if state:
            fix = "add a row with country, such as DE"
            fault = Fault("country", f"'{state}' without a country", "both or neither", fix)
            row.report(findings, "subdivision", fault)
        return set()
    states = holidays.list_supported_countries()
    if country not in states:
        row.report_unknown(findings, "country", "country", states)
        return set()
    if state and state not in states[country]:
        row.report_unknown(findings, "subdivision", "subdivision", states[country])
        return set()
    years = range(plant.start.year - 1, plant.start.year + HOLIDAY_YEARS)
    return set(holidays.country_holidays(country, subdiv=state or None, years=years))


def _maintenance(plant: Shop, tables: Tables, findings: Findings) -> None:
    for row in tables["maintenance"].rows:
        name, begin, end = row.text("machine"), row.moment("from"), row.moment("to")
        machine = plant.machine.get(name.lower())
        if name and machine is None and tables["machines"].known:
            names = (each.name for each in plant.machines)
            row.report_unknown(findings, "machine", "machine", names)
        if begin is None or end is None:
            continue
        span = plant.seconds(begin), plant.seconds(end, at_end_of_day=True)
        if span[1] <= span[0]:
            found = f"maintenance ends at {end}, not after its start at {begin}"
            fault = Fault("order", found, "an end after the start", "exchange or correct them")
            row.report(findings, "to", fault)
        elif machine is not None:
            plant.maintenance.setdefault(machine, []).append(span)


def _setups(plant: Shop, tables: Tables, findings: Findings) -> None:
    first: dict[tuple[str, str, str], Row] = {}
    for row in tables["setups"].rows:
        group, before, after = (row.text(key) for key in ("group", "from", "to"))
        if group and tables["groups"].known and group.lower() not in plant.group:
            row.report_unknown(findings, "group", "group", plant.group_name)
        if after == "-":
            fix = "name a family or write *"
            fault = Fault("nothing", "'-' as family after", "a family or *", fix)
            row.report(findings, "to", fault)
        key = group.lower(), before.lower(), after.lower()
        if key in first and all(key):
            name = f"{group}: {before} to {after}"
            row.report(findings, "from", twice("set-up", name, first[key]))
        first.setdefault(key, row)
        if all(key) and row.has("minutes"):
            plant.setups.append(row)


def setup_matrix(plant: Shop, family: dict[str, int]) -> tuple[Longs, Bools]:
    """Return set-up times (R, U + 1, U) in s, and whether they may pause (R,).

    Parameters
    ----------
    plant
        Groups and set-up rows; the more exact row wins, and of two equals the one that names
        `from`. A family after itself takes nothing unless a row names both.
    family
        Number of each family by its name in lower case.
    """
    n_groups, n_families = len(plant.group_name), len(family)
    matrix = np.zeros((n_groups, n_families + 1, n_families), dtype=np.int64)

    def exactness(row: Row) -> tuple[bool, bool]:
        return row.text("from") != "*", row.text("to") != "*"

    for row in sorted(plant.setups, key=exactness):
        group = plant.group.get(row.text("group").lower())
        if group is None:
            continue
        number = {**family, "-": n_families}
        before = _numbers(row.text("from"), number)
        after = _numbers(row.text("to"), family)
        seconds = int(row.number("minutes") * 60 + 0.5)
        block = np.ix_([group], before, after)
        if exactness(row) == (True, True):
            matrix[block] = seconds
            continue
        same = np.array(before)[:, None] == np.array(after)[None, :]
        matrix[block] = np.where(same, matrix[block], seconds)
    return matrix, np.array(plant.setup_may_pause, dtype=np.bool_)


def _numbers(name: str, number: dict[str, int]) -> list[int]:
    if name == "*":
        return sorted(number.values())
    return [number[name.lower()]] if name.lower() in number else []
