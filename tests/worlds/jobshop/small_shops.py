# SPDX-License-Identifier: MIT
"""Small shops for the tests of the validator, the solver and the known optima."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from flyball.worlds.jobshop.scenario import NO_DUE_S, Calendars, Scenario, always_open

H = 3600
Routes = list[list[dict[int, int]]]  # job, operation: machine -> hours


def longs(values: object) -> NDArray[np.int64]:
    return np.array(values, dtype=np.int64)


def ints(values: object) -> NDArray[np.int32]:
    return np.array(values, dtype=np.int32)


def windows(*calendars: list[tuple[float, float]], overtime: tuple[float, float] | None = None):
    """Return calendars of windows in hours; `overtime` lies in the first of them."""
    flat = [window for calendar in calendars for window in calendar]
    extra = [overtime] if overtime else []
    return Calendars(
        name=tuple(f"shift {n}" for n in range(len(calendars))),
        window=ints(np.cumsum([0, *(len(calendar) for calendar in calendars)])),
        open_s=longs([round(a * H) for a, _ in flat]),
        close_s=longs([round(b * H) for _, b in flat]),
        overtime=ints([0] + [len(extra)] * len(calendars)),
        overtime_open_s=longs([round(a * H) for a, _ in extra]),
        overtime_close_s=longs([round(b * H) for _, b in extra]),
    )


def shop(routes: Routes, *, at_least: int = 1, **changes: object) -> Scenario:
    """Return a shop without families, calendars, due dates or fixed work; `changes` adds them.

    There are `at_least` so many machines, whether they are used or not.
    """
    n_jobs = len(routes)
    ops = [op for route in routes for op in route]
    n_machines = max(at_least, 1 + max(machine for op in ops for machine in op))
    scenario = Scenario(
        name="small",
        start=None,
        job_name=tuple(f"J{n + 1}" for n in range(n_jobs)),
        customer=("",) * n_jobs,
        job_op=ints(np.cumsum([0, *(len(route) for route in routes)])),
        release_s=longs([0] * n_jobs),
        due_s=longs([NO_DUE_S] * n_jobs),
        weight=np.ones(n_jobs),
        important=np.zeros(n_jobs, dtype=np.bool_),
        op_name=tuple(f"{n + 1}" for route in routes for n in range(len(route))),
        op_family=ints([0] * len(ops)),
        interruptible=np.zeros(len(ops), dtype=np.bool_),
        op_pair=ints(np.cumsum([0, *(len(op) for op in ops)])),
        pair_machine=ints([machine for op in ops for machine in op]),
        pair_duration_s=longs([round(hours * H) for op in ops for hours in op.values()]),
        fixed_machine=ints([-1] * len(ops)),
        fixed_start_s=longs([0] * len(ops)),
        fixed_end_s=longs([0] * len(ops)),
        machine_name=tuple(f"M{n + 1}" for n in range(n_machines)),
        machine_group=ints([0] * n_machines),
        machine_calendar=ints([0] * n_machines),
        machine_family=ints([-1] * n_machines),
        group_name=("all",),
        family_name=("plain",),
        setup_s=np.zeros((1, 2, 1), dtype=np.int64),
        setup_interruptible=np.ones(1, dtype=np.bool_),
        calendars=always_open(),
    )
    return replace(scenario, **changes)


def random_shop(seed: int, *, n_jobs: int = 3, n_machines: int = 2, n_ops: int = 2) -> Scenario:
    """Return a shop with everything at once: breaks, set-ups, alternatives, due dates, releases.

    Whether operations and set-ups may pause is drawn too; hours are whole.
    """
    rng = np.random.default_rng(seed)
    routes: Routes = []
    for _ in range(n_jobs):
        route = []
        for _ in range(int(rng.integers(1, n_ops + 1))):
            count = int(rng.integers(1, n_machines + 1))
            machines = rng.choice(n_machines, size=count, replace=False)
            route.append({int(m): int(rng.integers(1, 5)) for m in machines})
        routes.append(route)
    total = sum(len(route) for route in routes)
    days = [windows_of_a_day for day in range(30) for windows_of_a_day in _day(rng, 16 * day)]
    long_days = [(16 * day + 1, 16 * day + 13) for day in range(30)]
    setup_s = rng.integers(0, 3, size=(2, 3, 2)) * H
    setup_s[:, [0, 1], [0, 1]] = 0
    return shop(
        routes,
        at_least=n_machines,
        release_s=longs(rng.integers(0, 6, size=n_jobs) * H),
        due_s=longs(rng.integers(3, 20, size=n_jobs) * H),
        weight=rng.integers(1, 4, size=n_jobs).astype(np.float64),
        important=rng.random(n_jobs) < 0.3,
        op_family=ints(rng.integers(0, 2, size=total)),
        interruptible=rng.random(total) < 0.5,
        machine_group=ints(np.arange(n_machines) % 2),
        machine_calendar=ints(rng.integers(0, 2, size=n_machines)),
        machine_family=ints(rng.integers(-1, 2, size=n_machines)),
        group_name=("even", "odd"),
        family_name=("red", "blue"),
        setup_s=setup_s,
        setup_interruptible=rng.random(2) < 0.5,
        calendars=windows(days, long_days),
    )


def _day(rng: np.random.Generator, from_h: int) -> list[tuple[float, float]]:
    noon = from_h + int(rng.integers(4, 6))
    return [(from_h, noon), (noon + 1, from_h + 10)]
