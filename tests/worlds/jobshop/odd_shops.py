# SPDX-License-Identifier: MIT
"""Shops that are unlikely and legal: what kernels get wrong is found here first."""

from dataclasses import replace

import numpy as np

from flyball.worlds.jobshop.scenario import Calendars, Scenario
from tests.worlds.jobshop.small_shops import H, ints, longs, shop


def odd_shop(seed: int) -> Scenario:
    """Return a shop with any of: several cells, machines met twice, equal times, work of length
    zero, windows of minutes, overtime, set-ups that may not pause, fixed work anywhere."""
    rng = np.random.default_rng(seed)
    n_machines, n_jobs = int(rng.integers(1, 6)), int(rng.integers(1, 7))
    unit_s = int(rng.choice([1, 60, H]))
    routes = [_route(rng, n_machines) for _ in range(n_jobs)]
    total = sum(len(route) for route in routes)
    n_families, n_groups = int(rng.integers(1, 4)), int(rng.integers(1, 3))
    setup_s = rng.integers(0, 3, size=(n_groups, n_families + 1, n_families)) * unit_s
    if rng.random() < 0.5:  # some shops need a set-up even within a family
        setup_s[:, range(n_families), range(n_families)] = 0
    base = shop(
        [*routes, [{n_machines - 1: 1}]],
        release_s=longs(rng.integers(-4, 6, size=n_jobs + 1) * unit_s),
        due_s=longs(rng.integers(-2, 30, size=n_jobs + 1) * unit_s),
        weight=rng.choice([0.0, 1.0, 2.5], size=n_jobs + 1),
        important=rng.random(n_jobs + 1) < 0.3,
        op_family=ints(rng.integers(0, n_families, size=total + 1)),
        interruptible=rng.random(total + 1) < 0.5,
        machine_group=ints(rng.integers(0, n_groups, size=n_machines)),
        machine_calendar=ints(rng.integers(0, 3, size=n_machines)),
        machine_family=ints(rng.integers(-1, n_families, size=n_machines)),
        group_name=tuple("ab"[:n_groups]),
        family_name=tuple("xyz"[:n_families]),
        setup_s=setup_s.astype(np.int64),
        setup_interruptible=rng.random(n_groups) < 0.5,
        calendars=_calendars(rng, unit_s),
    )
    return _with_fixed_work(replace(base, pair_duration_s=base.pair_duration_s // H * unit_s), rng)


def _route(rng: np.random.Generator, n_machines: int) -> list[dict[int, int]]:
    """Return operations of 0 to 3 units; the same machine may come again."""
    route = []
    for _ in range(int(rng.integers(1, 5))):
        count = min(n_machines, int(rng.choice([1, 1, 2, 3])))
        machines = rng.choice(n_machines, size=count, replace=False)
        route.append(
            {int(m): int(rng.integers(0 if rng.random() < 0.3 else 1, 4)) for m in machines}
        )
    return route


def _calendars(rng: np.random.Generator, unit_s: int) -> Calendars:
    """Return three calendars; a last window is long enough for everything."""
    opens, closes, extra = [], [], []
    window, overtime = [0], [0]
    for number in range(3):
        at = int(rng.integers(-6, 4))
        for _ in range(int(rng.integers(0, 30))):
            length = int(rng.integers(1, 8))
            opens.append(at)
            closes.append(at + length)
            if number and rng.random() < 0.3 and length > 1:
                extra.append((at + 1, at + int(rng.integers(2, length + 1))))
            at += length + int(rng.integers(1, 5))
        opens.append(at)
        closes.append(at + 100_000)
        window.append(len(opens))
        overtime.append(len(extra))
    return Calendars(
        name=("one", "two", "three"),
        window=ints(window),
        open_s=longs(opens) * unit_s,
        close_s=longs(closes) * unit_s,
        overtime=ints(overtime),
        overtime_open_s=longs([a for a, _ in extra]) * unit_s,
        overtime_close_s=longs([b for _, b in extra]) * unit_s,
    )


def _with_fixed_work(s: Scenario, rng: np.random.Generator) -> Scenario:
    """Fix the first operations of some jobs, one after the other, in open time or not.

    The last job always stays free, so that something is left to decide.
    """
    machine_of, start, end = (
        np.array(each) for each in (s.fixed_machine,) + (s.fixed_start_s,) * 2
    )
    unit_s = max(1, int(s.pair_duration_s.max()) // 3)
    busy_until = rng.integers(-5, 10, size=s.n_machines) * unit_s
    for job in range(s.n_jobs - 1):
        job_until = int(s.release_s[job])
        first, last = int(s.job_op[job]), int(s.job_op[job + 1])
        for op in range(first, first + int(rng.choice([0, 0, 1, last - first]))):
            pair = int(rng.integers(s.op_pair[op], s.op_pair[op + 1]))
            machine = int(s.pair_machine[pair])
            start[op] = max(job_until, busy_until[machine]) + int(rng.integers(0, 4)) * unit_s
            job_until = end[op] = start[op] + int(rng.integers(0, 5)) * unit_s
            busy_until[machine] = end[op]
            machine_of[op] = machine
    return replace(s, fixed_machine=machine_of, fixed_start_s=start, fixed_end_s=end)
