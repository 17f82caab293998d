# SPDX-License-Identifier: MIT
"""The shipped shop: an invented metal works with thirty machines, drawn from a fixed seed.

The figures are chosen so that good rules leave part of the order book late and poor ones most of
it: `LOAD` and `TIGHTNESS` are the two screws.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

import numpy as np

from flyball.worlds.jobshop.example_plant import (
    FAMILIES,
    GROUPS,
    HOLIDAYS,
    MAINTENANCE,
    PLANT,
    SHIFTS,
    START,
    Rows,
    machines,
    setups,
)

SEED = 1788
N_JOBS = 120
LOAD = 1.4
"""What every working time is multiplied by."""
TIGHTNESS = 0.5
"""What the time from release to due date is multiplied by."""


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
    "Anker Fördertechnik", "Birkner Pumpen", "Cordes Landmaschinen", "Dellbach Aufzüge",
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
    under_way = _UnderWay([], [])
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

    running: list[str]
    frozen: list[str]

    def status(self, index: int, order: Order, position: int) -> list[object]:
        """Return status, on_machine, starts and remaining_minutes of one operation."""
        step, _, minutes = order.route[position]
        group = [str(row[0]) for row in machines() if row[1] == step.group]
        begun = index % 3 if index < 36 and order.release is None else 0
        idle = [name for name in group if name not in self.running]
        unplanned = [name for name in group if name not in self.frozen]
        if begun and position < begun - 1:
            return ["finished", None, None, None]
        if begun and position == begun - 1 and idle and len(self.running) < 14:
            left = max(15, round(minutes * (0.2 + 0.05 * (index % 12)) / 5) * 5)
            started = datetime(2026, 2, 27, 8 + index % 5, 30)  # noqa: DTZ001
            self.running.append(idle[0])
            return ["running", idle[0], started, min(left, minutes)]
        is_first = index >= 36 and position == 0 and order.release is None
        if is_first and unplanned and minutes <= 300 and len(self.frozen) < 5:
            start = START + timedelta(days=1, hours=1 + len(self.frozen) % 3)
            self.frozen.append(unplanned[0])
            return ["frozen", unplanned[0], start, None]
        return ["open", None, None, None]


def _alternatives(group: str, index: int) -> str:
    """Return what stands in the column machines: a group, or a list with speeds."""
    some = {
        "Laser": "Laser 2; Laser 3 @1.1", "Bend": "Bend 2; Bend 3; Bend 4 @1.1",
        "Turn": "Turn 2; Turn 3 @0.9; Turn 4", "Mill": "Mill 3; Mill 4; Mill 5 @1.3",
        "Weld": "Weld 3; Weld 4", "Saw": "Saw 1; Saw 2",
    }  # fmt: skip
    return some[group] if group in some and index % 4 == 3 else group
