# SPDX-License-Identifier: MIT
"""A whole generated plant: 152 machines of 30 types, 500 jobs, shifts, closings, set-ups.

No public data set has calendars, machine types, set-ups and due dates at this size; this one
follows the published statistics of those that have some: 1 to 12 machines a type and loads that
differ as in Mockel's shops, routes of products that return to a type, log-normal times, Poisson
releases, due times by total work content, weights 1, 2 and 4.
"""

from dataclasses import dataclass, replace
from datetime import timedelta

import numpy as np

from flyball.core.batch import Doubles, Ints, Longs
from flyball.worlds.jobshop import additions, draws
from flyball.worlds.jobshop.calendar import DAY_S, WEEK_S, Span, laid_out, packed
from flyball.worlds.jobshop.draws import LONGEST_PIECE_S, PATTERNS, Routing
from flyball.worlds.jobshop.scenario import Calendars, Scenario

MINUTE_S = 60
MEDIAN_S = 60 * MINUTE_S
SHORTEST_S = 5 * MINUTE_S
LONGEST_S = 12 * 3600


@dataclass(frozen=True, kw_only=True)
class Size:
    """How large the plant is."""

    machines: int = 152
    types: int = 30
    """At most as many as machines, at least a twelfth of them."""
    jobs: int = 500
    products: int = 60
    families: int = 10
    weeks: int = 16
    """Laid out calendars; afterwards everything stays open."""


def plant(seed: int, size: Size | None = None) -> Scenario:
    """Return the plant of a seed; about 6,000 operations at full size, in about a second."""
    size = size or Size()
    rng = draws.draw("evaluate", 3, seed)
    first = _types(rng, size)
    routing, step_s = _routes(rng, size, first)
    op_pair, pair_machine = draws.all_pairs(routing.station, routing.first)
    speed = rng.uniform(0.8, 1.25, size.machines)
    work_s = np.repeat(step_s, np.diff(op_pair)) / speed[pair_machine]
    duration_s = (np.ceil(work_s / MINUTE_S) * MINUTE_S).astype(np.int64)
    s = draws.bare(f"plant {seed}", routing, op_pair, pair_machine, duration_s)
    s = additions.with_setups(rng, s, 0.25, size.families)
    s = _with_shifts(rng, size, s)
    s = _with_orders(rng, s)
    return additions.with_work_in_progress(rng, s, 0.7)


def _types(rng: np.random.Generator, size: Size) -> Longs:
    """Return where the machines of each type begin, 1 to 12 a type; and their number at the end."""
    counts = np.ones(size.types, dtype=np.int64)
    taste = rng.lognormal(0, 0.8, size.types)
    for _ in range(size.machines - size.types):
        share = taste * (counts < 12)
        counts[rng.choice(size.types, p=share / share.sum())] += 1
    return np.concatenate([[0], np.cumsum(counts)])


def _routes(rng: np.random.Generator, size: Size, first: Longs) -> tuple[Routing, Doubles]:
    """Return the routing of the jobs, and the working time of each operation at speed 1, s.

    A product has 4 to 20 steps; a job is a lot of a product and takes its times by lot size.
    """
    steps = rng.integers(4, 21, size.products)
    load = np.diff(first) * rng.lognormal(0, 0.4, size.types)
    station = rng.choice(size.types, size=(size.products, 20), p=load / load.sum())
    step_s = np.clip(MEDIAN_S * rng.lognormal(0, 0.8, station.shape), SHORTEST_S, LONGEST_S)
    product = rng.integers(0, size.products, size.jobs)
    lot = np.clip(rng.lognormal(0, 0.3, size.jobs), 0.4, 2.5)
    has = np.arange(20) < steps[product][:, None]
    lot_s = step_s[product] * lot[:, None]
    return Routing(station[product][has].astype(np.int32), steps[product], first), lot_s[has]


def _with_shifts(rng: np.random.Generator, size: Size, s: Scenario) -> Scenario:
    """Return the plant with a calendar a machine: its type's shifts, closings, maintenance."""
    names = list(PATTERNS)
    of_type = rng.choice(len(names), size=len(s.group_name), p=[0.2, 0.45, 0.3, 0.05])
    pattern: Ints = of_type[s.machine_group].astype(np.int32)
    longest_s = np.maximum.reduceat(s.pair_duration_s, s.op_pair[:-1])
    setup_s = s.setup_s.max(axis=(1, 2))
    return replace(
        s,
        start=draws.MONDAY,
        machine_calendar=np.arange(s.n_machines, dtype=np.int32),
        interruptible=(rng.random(s.n_ops) < 0.6) | (longest_s > LONGEST_PIECE_S),
        setup_interruptible=(rng.random(len(setup_s)) < 0.5) | (setup_s > LONGEST_PIECE_S),
        calendars=_calendars(rng, size, pattern),
    )


def _calendars(rng: np.random.Generator, size: Size, pattern: Ints) -> Calendars:
    """Return one calendar a machine; a closing of the plant falls in every third week."""
    days = rng.integers(0, 21, size.weeks // 3) + 21 * np.arange(size.weeks // 3)
    closings = frozenset(draws.MONDAY.date() + timedelta(days=int(day)) for day in days)
    weeks = [replace(week, holidays=closings) for week in PATTERNS.values()]
    until_s = size.weeks * WEEK_S
    windows = [
        laid_out(weeks[number], draws.MONDAY, until_s, _maintenance(rng, size))
        for number in pattern
    ]
    return packed(
        [draws.opened(each, until_s) for each in windows], draws.numbered("M", len(pattern))
    )


def _maintenance(rng: np.random.Generator, size: Size) -> list[Span]:
    """Return one planned stop of 3 to 8 hours in every four weeks."""
    starts_s = (rng.integers(0, 28, size.weeks // 4) + 28 * np.arange(size.weeks // 4)) * DAY_S
    lengths_s = rng.integers(3, 9, len(starts_s)) * 3600
    return [(int(a), int(a + b)) for a, b in zip(starts_s, lengths_s, strict=True)]


def _with_orders(rng: np.random.Generator, s: Scenario) -> Scenario:
    """Return the plant with its order book: due times by total work content.

    Half of the orders are there, the others come in by a Poisson process over half a makespan.
    """
    span_s = additions.makespan_s(s) / 2
    later = s.n_jobs // 2
    gaps_s = rng.exponential(span_s / max(later, 1), later)
    release_s = np.concatenate([np.zeros(s.n_jobs - later), np.cumsum(gaps_s)])
    allowance = np.maximum(1.2, rng.lognormal(np.log(2.2), 0.5, s.n_jobs))
    due_s = np.ceil((release_s + allowance * additions.flow_s(s)) / 3600) * 3600
    return replace(
        s,
        customer=tuple(f"customer {number}" for number in rng.integers(1, 41, s.n_jobs)),
        release_s=release_s.astype(np.int64),
        due_s=due_s.astype(np.int64),
        weight=rng.choice([1.0, 2.0, 4.0], size=s.n_jobs, p=[0.5, 0.35, 0.15]),
        important=rng.random(s.n_jobs) < 0.1,
    )
