# SPDX-License-Identifier: MIT
"""The shipped shop: an invented metal works with thirty machines, drawn from a fixed seed.

The figures are chosen so that good rules leave part of the order book late and poor ones most of
it: `LOAD` and `TIGHTNESS` are the two screws.
"""

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import NamedTuple

import numpy as np

Rows = list[list[object]]
"""The rows of a sheet without its header, in the order of the form's columns."""

SEED = 1788
START = datetime(2026, 3, 2, 6, 0)  # noqa: DTZ001  the plant's wall clock has no zone
N_JOBS = 120
LOAD = 1.0
"""What every working time is multiplied by."""
TIGHTNESS = 1.0
"""What the time from release to due date is multiplied by."""

PLANT: Rows = [
    ["name", "Hallbruck Metallbau"],
    ["start", START],
    ["country", "DE"],
    ["subdivision", "BY"],
    ["horizon_days", 180],
]

GROUPS: Rows = [
    ["Saw", "no", "cut-off saws"],
    ["Laser", "no", "flat-bed lasers"],
    ["Bend", "no", "press brakes"],
    ["Turn", "yes", "lathes"],
    ["Mill", "yes", "machining centres"],
    ["Weld", "no", "welding booths and robots"],
    ["Coat", "no", "powder coating lines"],
    ["Finish", "yes", "deburring and inspection benches"],
]

_MACHINES = """
    Saw 1    Saw     one-shift    1.0   steel bar
    Saw 2    Saw     two-shift    1.0   steel bar
    Saw 3    Saw     two-shift    0.8   stainless bar
    Laser 1  Laser   two-shift    1.0   steel 3 mm
    Laser 2  Laser   three-shift  1.0   steel 8 mm
    Laser 3  Laser   three-shift  1.25  stainless 2 mm
    Bend 1   Bend    one-shift    0.9   V12
    Bend 2   Bend    two-shift    1.0   V12
    Bend 3   Bend    two-shift    1.0   V24
    Bend 4   Bend    two-shift    1.2   V40
    Turn 1   Turn    one-shift    0.9   chuck 160
    Turn 2   Turn    two-shift    1.0   chuck 160
    Turn 3   Turn    two-shift    1.0   chuck 315
    Turn 4   Turn    three-shift  1.3   bar feed
    Mill 1   Mill    one-shift    0.8   vice
    Mill 2   Mill    two-shift    1.0   vice
    Mill 3   Mill    two-shift    1.0   plate
    Mill 4   Mill    three-shift  1.1   pallet
    Mill 5   Mill    three-shift  1.2   five axes
    Weld 1   Weld    one-shift    1.0   MAG steel
    Weld 2   Weld    one-shift    1.0   MAG steel
    Weld 3   Weld    two-shift    1.0   TIG stainless
    Weld 4   Weld    two-shift    0.9   TIG aluminium
    Weld 5   Weld    three-shift  1.5   MAG steel
    Coat 1   Coat    two-shift    1.0   RAL 7016 grey
    Coat 2   Coat    two-shift    1.1   RAL 9005 black
    Bench 1  Finish  one-shift    1.0
    Bench 2  Finish  one-shift    1.0
    Bench 3  Finish  two-shift    1.0
    Bench 4  Finish  two-shift    1.1
"""

SHIFTS: Rows = [
    ["one-shift", "Mon-Fri", "06:00", "14:30", "work"],
    ["one-shift", "Mon-Fri", "09:00", "09:15", "break"],
    ["one-shift", "Mon-Fri", "12:00", "12:30", "break"],
    ["two-shift", "Mon-Fri", "06:00", "14:00", "work"],
    ["two-shift", "Mon-Fri", "14:00", "22:00", "work"],
    ["two-shift", "Mon-Fri", "10:00", "10:30", "break"],
    ["two-shift", "Mon-Fri", "18:00", "18:30", "break"],
    ["two-shift", "Sat", "06:00", "12:00", "overtime"],
    ["three-shift", "Mon-Fri", "06:00", "14:00", "work"],
    ["three-shift", "Mon-Fri", "14:00", "22:00", "work"],
    ["three-shift", "Mon-Fri", "22:00", "06:00", "work"],
    ["three-shift", "Mon-Fri", "10:00", "10:30", "break"],
    ["three-shift", "Mon-Fri", "18:00", "18:30", "break"],
    ["three-shift", "Tue-Sat", "02:00", "02:30", "break"],
]

HOLIDAYS: Rows = [
    ["all", date(2026, 4, 2), "works outing"],
    ["all", date(2026, 5, 15), "bridge day, plant closed"],
    *[["all", date(2026, 8, 3) + timedelta(days=i), "summer closing"] for i in range(12)],
    ["one-shift", date(2026, 3, 13), "staff training"],
]

MAINTENANCE: Rows = [
    ["Laser 2", datetime(2026, 3, 4, 6), datetime(2026, 3, 4, 14), "optics"],  # noqa: DTZ001
    ["Mill 4", datetime(2026, 3, 6, 6), datetime(2026, 3, 6, 12), "spindle"],  # noqa: DTZ001
    ["Coat 1", datetime(2026, 3, 10, 14), datetime(2026, 3, 10, 22), "filters"],  # noqa: DTZ001
    ["Weld 5", datetime(2026, 3, 12, 6), datetime(2026, 3, 12, 10), "robot axes"],  # noqa: DTZ001
    ["Turn 4", datetime(2026, 3, 17, 6), datetime(2026, 3, 18, 6), "overhaul"],  # noqa: DTZ001
]

FAMILIES = {
    "Saw": ("steel bar", "stainless bar", "aluminium bar"),
    "Laser": ("steel 3 mm", "steel 8 mm", "stainless 2 mm", "aluminium 4 mm"),
    "Bend": ("V12", "V24", "V40", "radius"),
    "Turn": ("chuck 160", "chuck 315", "bar feed"),
    "Mill": ("vice", "plate", "pallet", "five axes"),
    "Weld": ("MAG steel", "TIG stainless", "TIG aluminium"),
    # From light to dark: cleaning a line for a lighter colour takes longer.
    "Coat": (
        "RAL 9016 white", "RAL 1023 yellow", "RAL 3020 red", "RAL 5010 blue",
        "RAL 7016 grey", "RAL 9005 black",
    ),
}  # fmt: skip

_SETUP_MIN = {"Saw": 8, "Laser": 14, "Bend": 22, "Turn": 40, "Mill": 45, "Weld": 18}


class Step(NamedTuple):
    """A step of a product's route: how often it occurs and how long it takes."""

    name: str
    group: str
    share: float  # of the jobs that have it
    minutes: float  # median at speed 1, of the whole lot


ROUTES: tuple[tuple[str, float, tuple[Step, ...]], ...] = (
    ("sheet housing", 0.34, (
        Step("cut", "Laser", 1.0, 210), Step("deburr", "Finish", 1.0, 60),
        Step("bend", "Bend", 1.0, 240), Step("weld", "Weld", 0.5, 240),
        Step("check", "Finish", 0.6, 45), Step("coat", "Coat", 0.6, 100),
        Step("inspect", "Finish", 1.0, 50),
    )),
    ("turned shaft", 0.24, (
        Step("saw", "Saw", 1.0, 90), Step("turn", "Turn", 1.0, 330),
        Step("deburr", "Finish", 0.7, 50), Step("mill", "Mill", 0.5, 240),
        Step("finish turn", "Turn", 0.3, 150), Step("inspect", "Finish", 1.0, 60),
    )),
    ("milled block", 0.22, (
        Step("saw", "Saw", 1.0, 80), Step("mill", "Mill", 1.0, 360),
        Step("deburr", "Finish", 1.0, 60), Step("mill side 2", "Mill", 0.6, 240),
        Step("coat", "Coat", 0.25, 90), Step("inspect", "Finish", 1.0, 60),
    )),
    ("welded frame", 0.20, (
        Step("saw", "Saw", 1.0, 120), Step("cut", "Laser", 0.7, 150),
        Step("bend", "Bend", 0.7, 180), Step("weld", "Weld", 1.0, 420),
        Step("deburr", "Finish", 1.0, 90), Step("coat", "Coat", 0.9, 130),
        Step("inspect", "Finish", 1.0, 60),
    )),
)  # fmt: skip
"""Product, share of the order book, route."""

CUSTOMERS = (
    "Anker Foerdertechnik", "Birkner Pumpen", "Cordes Landmaschinen", "Dellbach Aufzuege",
    "Eichhorn Medizintechnik", "Falk Energie", "Grothe Anlagenbau", "Hagemeister Bahn",
)  # fmt: skip

ONE_PIECE_MIN = 135
"""Longest work that may not pause; it fits between any two breaks of the shipped shifts."""


class Order(NamedTuple):
    """A drawn job before it becomes rows."""

    name: str
    product: str
    route: tuple[tuple[Step, str, int], ...]  # step, family, minutes
    release: datetime | None
    due: datetime
    important: bool
    weight: float


def machines() -> Rows:
    """Return the rows of the sheet Machines."""
    rows: Rows = []
    for line in _MACHINES.strip().splitlines():
        words = line.split()
        family = " ".join(words[5:]) or None
        rows.append([f"{words[0]} {words[1]}", words[2], words[3], float(words[4]), family])
    return rows


def setups() -> Rows:
    """Return the rows of the sheet Setups: exact ones for colours, wider ones for the rest."""
    rows: Rows = []
    for group, minutes in _SETUP_MIN.items():
        names = FAMILIES[group]
        rows.append([group, "*", "*", minutes])
        rows += [[group, "-", name, minutes + 5] for name in names[:1]]
        rows += [
            [group, before, after, minutes + 6 * abs(i - j)]
            for i, before in enumerate(names)
            for j, after in enumerate(names)
            if abs(i - j) > 1
        ]
    colours = FAMILIES["Coat"]
    rows.append(["Coat", "-", "*", 30])
    rows += [
        ["Coat", before, after, 15 + 3 * (j - i) if j > i else 30 + 9 * (i - j)]
        for i, before in enumerate(colours)
        for j, after in enumerate(colours)
        if i != j
    ]
    return rows


def sheets() -> dict[str, Rows]:
    """Return every sheet of the shipped workbook: the same rows on every call."""
    orders = list(_orders(np.random.default_rng(SEED)))
    return {
        "Plant": PLANT,
        "Groups": GROUPS,
        "Machines": machines(),
        "Shifts": SHIFTS,
        "Holidays": HOLIDAYS,
        "Maintenance": MAINTENANCE,
        "Setups": setups(),
        "Jobs": [_job_row(order, i) for i, order in enumerate(orders)],
        "Operations": _operation_rows(orders),
    }


def _pick(draw: float, shares: Sequence[float]) -> int:
    """Return the index that a uniform draw falls on."""
    return int(np.searchsorted(np.cumsum(shares) / np.sum(shares), draw, side="right"))


def _orders(rng: np.random.Generator) -> Iterator[Order]:
    for index in range(N_JOBS):
        product, _, steps = ROUTES[_pick(rng.random(), [route[1] for route in ROUTES])]
        lot = np.exp(0.45 * rng.standard_normal())
        route = tuple(_steps(rng, steps, float(lot)))
        total_h = sum(minutes for _, _, minutes in route) / 60
        released = rng.random() < 0.3 and index >= 40
        release = _workday(rng.random() * 4.0, 6) if released else None
        slack_days = TIGHTNESS * (1.0 + 0.22 * total_h + 9.0 * rng.random() ** 1.3)
        after = (release - START).days if release else 0
        due = _workday(after + slack_days, 14 if rng.random() < 0.7 else 20)
        weight = (1.0, 1.0, 1.0, 2.0, 4.0)[_pick(rng.random(), [1] * 5)]
        important = rng.random() < 0.15
        yield Order(f"A{26001 + index}", product, route, release, due, important, weight)


def _steps(
    rng: np.random.Generator, steps: Sequence[Step], lot: float
) -> Iterator[tuple[Step, str, int]]:
    for step in steps:
        has_it, spread = rng.random() < step.share, float(np.exp(0.3 * rng.standard_normal()))
        names = FAMILIES.get(step.group, ("",))
        family = names[_pick(rng.random() ** 1.4, [1] * len(names))]
        minutes = round(LOAD * step.minutes * lot * spread / 5) * 5
        limit = ONE_PIECE_MIN if step.group == "Coat" else 900
        if has_it:
            yield step, family, min(max(minutes, 15), limit)


def _workday(days: float, hour: int) -> datetime:
    """Return a moment some working days after the start, never on a weekend."""
    whole = int(days)
    calendar_days = whole + 2 * (whole // 5)
    return (START + timedelta(days=calendar_days)).replace(hour=hour, minute=0)


def _job_row(order: Order, index: int) -> list[object]:
    customer = CUSTOMERS[(index * 5 + index // 8) % len(CUSTOMERS)]
    important = "yes" if order.important else "no"
    return [
        order.name, customer, order.product, order.release, order.due, order.weight, important
    ]  # fmt: skip


def _operation_rows(orders: Sequence[Order]) -> Rows:
    """Return the routes; the first orders are under way: finished, running, frozen."""
    rows: Rows = []
    under_way = _UnderWay(set(), [], [])
    for index, order in enumerate(orders):
        for position, (step, family, minutes) in enumerate(order.route):
            status = under_way.status(index, order, position)
            group = step.group
            able = _alternatives(group, index) if status[0] == "open" else group
            pause = "no" if group == "Coat" else "yes"
            head: list[object] = [order.name, 10 * (position + 1), None, able]
            rows.append([*head, minutes, family or None, pause, *status])
    return rows


class _UnderWay(NamedTuple):
    """The work in progress that has been given out so far."""

    taken: set[str]
    running: list[str]
    frozen: list[str]

    def status(self, index: int, order: Order, position: int) -> list[object]:
        """Return status, on_machine, starts and remaining_minutes of one operation."""
        step, _, minutes = order.route[position]
        begun = index % 3 if index < 36 and order.release is None else 0
        machine = next(
            (str(r[0]) for r in machines() if r[1] == step.group and r[0] not in self.taken), None
        )
        if begun and position < begun - 1:
            return ["finished", None, None, None]
        if machine is None or order.release is not None:
            return ["open", None, None, None]
        if begun and position == begun - 1 and len(self.running) < 14:
            left = max(15, round(minutes * (0.2 + 0.05 * (index % 12)) / 5) * 5)
            started = datetime(2026, 2, 27, 8 + index % 5, 30)  # noqa: DTZ001
            self.taken.add(machine)
            self.running.append(machine)
            return ["running", machine, started, min(left, minutes)]
        if index >= 36 and position == 0 and minutes <= 240 and len(self.frozen) < 6:
            start = START + timedelta(hours=1 + len(self.frozen) % 3)
            self.taken.add(machine)
            self.frozen.append(machine)
            return ["frozen", machine, start, None]
        return ["open", None, None, None]


def _alternatives(group: str, index: int) -> str:
    """Return what stands in the column machines: a group, or a list with speeds."""
    some = {
        "Laser": "Laser 2; Laser 3 @1.1", "Bend": "Bend 2; Bend 3; Bend 4 @1.1",
        "Turn": "Turn 2; Turn 3 @0.9; Turn 4", "Mill": "Mill 3; Mill 4; Mill 5 @1.3",
        "Weld": "Weld 3; Weld 4", "Saw": "Saw 1; Saw 2",
    }  # fmt: skip
    return some[group] if group in some and index % 4 == 3 else group
