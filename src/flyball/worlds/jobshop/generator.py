# SPDX-License-Identifier: MIT
"""Shops to train on: seven kinds of routing, each with what a plant adds to it.

A policy trained on uniform random routes alone fails on structured ones: a published one doubles
its gap on routes through two machine sets [1]_. Scenario `number` of a seed is always the same.

References
----------
.. [1] Corsini et al., *Self-labeling the job shop scheduling problem*, NeurIPS 2024; the set is
   DMU41-80 of Demirkol, Mehta, Uzsoy, *Benchmarks for shop scheduling problems*, 1998.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Literal, get_args

import numpy as np

from flyball.core.batch import Bools, Ints, Longs
from flyball.core.errors import ConfigError, Problem, nearest
from flyball.worlds.jobshop import additions, draws
from flyball.worlds.jobshop.draws import Pressure, Routing, Stream
from flyball.worlds.jobshop.scenario import Scenario, open_ended

Kind = Literal[
    "uniform", "two_set", "flow_like", "re_entrant", "skewed", "flexible", "flexible_flow"
]
KINDS: tuple[Kind, ...] = get_args(Kind)


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Size and additions of a generated shop."""

    jobs: int = 20
    """At least 1."""
    machines: int = 10
    """At least 2."""
    steps: int | None = None
    """Operations of a job, of the kinds that let jobs differ their mean; None: one a station."""
    unit_s: int = 60
    """Working times are drawn in this unit: 1 to 99 of them."""
    lognormal: bool = False
    """Many short and few long operations, as in real order books, instead of equally likely."""
    calendars: bool = False
    """Shifts, breaks and weekends; operations and set-ups some of which may not pause."""
    setup: float = 0.0
    """Mean set-up over mean working time; 0 for none."""
    families: int = 4
    """Set-up families, when there are set-ups."""
    in_progress: float = 0.0
    """Share of machines that are busy with fixed work at t = 0."""
    pressure: Pressure = field(default_factory=Pressure)
    """Due dates, weights and releases."""


def generate(
    kind: Kind, seed: int, number: int, recipe: Recipe | None = None, stream: Stream = "train"
) -> Scenario:
    """Return scenario `number` of a seed: the same one whenever it is asked for.

    Raises
    ------
    ConfigError
        When the kind is unknown or the recipe has no job, or fewer than two machines.
    """
    recipe = recipe or Recipe()
    _require(kind, recipe)
    rng = draws.draw(stream, 1, seed, number, KINDS.index(kind))
    routing = ROUTES[kind](rng, recipe)
    op_pair, pair_machine = draws.all_pairs(routing.station, routing.first)
    duration_s = _durations(rng, recipe, kind, op_pair, pair_machine)
    scenario = draws.bare(f"{kind} {seed}-{number}", routing, op_pair, pair_machine, duration_s)
    if recipe.setup > 0:
        scenario = additions.with_setups(rng, scenario, recipe.setup, recipe.families)
    if recipe.calendars:
        scenario = additions.with_calendars(rng, scenario)
    if recipe.pressure.dated:
        scenario = additions.with_book(rng, scenario, recipe.pressure)
    if recipe.in_progress > 0:
        scenario = additions.with_work_in_progress(rng, scenario, recipe.in_progress)
    return replace(scenario, calendars=open_ended(scenario.calendars))


def mixture(seed: int, number: int, stream: Stream = "train") -> Scenario:
    """Return a shop of any kind, size and flags, as training should meet them.

    Sizes are log-uniform in 60 to 700 operations, which train fast; a policy sees ratios only.
    """
    rng = draws.draw(stream, 2, seed, number)
    kind = KINDS[rng.integers(len(KINDS))]
    machines = int(rng.integers(4, 25))
    ops = np.exp(rng.uniform(np.log(60), np.log(700)))
    steps = int(np.clip(rng.integers(3, 13), 2, machines)) if rng.random() < 0.6 else None
    jobs = int(np.clip(ops / (steps or machines), 4, 120))
    calendars = bool(rng.random() < 0.5)
    pressure = Pressure(
        tardiness=float(rng.uniform(0.2, 0.8)),
        due_range=float(rng.uniform(0.3, 1.4)),
        release_spread=float(rng.choice([0.0, 0.3, 0.7])),
        important=float(rng.choice([0.0, 0.1, 0.2])),
        weighted=bool(rng.random() < 0.7),
    )
    recipe = Recipe(
        jobs=jobs,
        machines=machines,
        steps=steps,
        unit_s=int(rng.choice([60, 120, 240])),
        lognormal=bool(rng.random() < 0.5),
        calendars=calendars,
        setup=float(rng.choice([0.0, rng.uniform(0.1, 0.8)])),
        families=int(rng.integers(2, 8)),
        in_progress=float(rng.choice([0.0, 0.5])),
        pressure=pressure,
    )
    return generate(kind, seed, number, recipe, stream)


def random_jobshop(jobs: int, machines: int, seed: int) -> Scenario:
    """Return a classical job shop as Taillard (1993) draws it, without due dates.

    Every job visits every machine once, in random order; 1 to 99 hours each, equally likely.
    """
    recipe = Recipe(jobs=jobs, machines=machines, unit_s=3600, pressure=Pressure(dated=False))
    scenario = generate("uniform", seed, 0, recipe)
    return replace(scenario, name=f"random {jobs}x{machines} of seed {seed}")


def _require(kind: str, recipe: Recipe) -> None:
    """Refuse what cannot be generated."""
    if kind not in KINDS:
        raise ConfigError(
            Problem(
                where="kind of generated shop",
                found=f"'{kind}'",
                allowed=", ".join(KINDS),
                fix=nearest(kind, KINDS),
            )
        )
    if recipe.jobs < 1 or recipe.machines < 2:
        raise ConfigError(
            Problem(
                where="size of generated shop",
                found=f"{recipe.jobs} jobs, {recipe.machines} machines",
                allowed="at least 1 job and 2 machines",
                fix="ask for a larger shop",
            )
        )


def _orders(rng: np.random.Generator, recipe: Recipe, stations: int) -> Ints:
    """Return a random order of the stations for each job, shape (J, G)."""
    return rng.permuted(np.tile(np.arange(stations, dtype=np.int32), (recipe.jobs, 1)), axis=1)


def _each(recipe: Recipe, order: Ints) -> Routing:
    """Return the routing of jobs that visit single machines in the order of their row."""
    order = order[:, : recipe.steps]
    steps = np.full(recipe.jobs, order.shape[1])
    return Routing(order.reshape(-1), steps, np.arange(recipe.machines + 1))


def _uniform(rng: np.random.Generator, recipe: Recipe) -> Routing:
    return _each(recipe, _orders(rng, recipe, recipe.machines))


def _two_set(rng: np.random.Generator, recipe: Recipe) -> Routing:
    order = _orders(rng, recipe, recipe.machines)
    chosen = order[:, : recipe.steps]
    # A stable sort by set keeps the random order within each.
    by_set = np.argsort(chosen >= recipe.machines // 2, axis=1, kind="stable")
    return _each(recipe, np.take_along_axis(chosen, by_set, axis=1))


def _flow_like(rng: np.random.Generator, recipe: Recipe) -> Routing:
    chosen = _orders(rng, recipe, recipe.machines)[:, : recipe.steps]
    noise = rng.normal(0, recipe.machines / 8, chosen.shape)
    return _each(recipe, np.take_along_axis(chosen, np.argsort(chosen + noise, axis=1), axis=1))


def _lengths(rng: np.random.Generator, recipe: Recipe, mean: int) -> tuple[Bools, Longs]:
    """Return which of the longest job's steps each job has, and their number."""
    low = max(1, mean // 2)
    steps = rng.integers(low, 2 * mean - low + 1, recipe.jobs)
    return np.arange(steps.max()) < steps[:, None], steps


def _re_entrant(rng: np.random.Generator, recipe: Recipe) -> Routing:
    """Return jobs of three products that go round their product's loop of half the machines."""
    loop = _orders(rng, replace(recipe, jobs=3), recipe.machines)[:, : max(2, recipe.machines // 2)]
    has, steps = _lengths(rng, recipe, recipe.steps or recipe.machines)
    round_ = (np.arange(has.shape[1]) + rng.integers(0, 2, recipe.jobs)[:, None]) % loop.shape[1]
    station = loop[rng.integers(0, 3, recipe.jobs)[:, None], round_]
    return Routing(station[has], steps, np.arange(recipe.machines + 1))


def _groups(rng: np.random.Generator, recipe: Recipe) -> Longs:
    """Return where groups of one to four machines begin, and the number of machines."""
    sizes = rng.choice([1, 2, 3, 4], size=recipe.machines, p=[0.35, 0.35, 0.2, 0.1])
    ends = np.cumsum(sizes)
    return np.concatenate([[0], ends[ends < recipe.machines], [recipe.machines]])


def _flexible(rng: np.random.Generator, recipe: Recipe) -> Routing:
    """Return jobs that step from group to group by chance, and may return."""
    first = _groups(rng, recipe)
    groups = len(first) - 1
    has, steps = _lengths(rng, recipe, recipe.steps or groups)
    # Loads follow the machines of a group, so that no group is a bottleneck by construction only.
    station = rng.choice(groups, size=has.shape, p=np.diff(first) / recipe.machines)
    return Routing(station[has].astype(np.int32), steps, first)


def _flexible_flow(rng: np.random.Generator, recipe: Recipe) -> Routing:
    """Return jobs that pass some of the groups, in the plant's order."""
    first = _groups(rng, recipe)
    groups = len(first) - 1
    steps = max(1, min(recipe.steps or groups, groups))
    order = np.sort(_orders(rng, recipe, groups)[:, :steps], axis=1)
    return Routing(order.reshape(-1), np.full(recipe.jobs, steps), first)


ROUTES: dict[Kind, Callable[[np.random.Generator, Recipe], Routing]] = {
    "uniform": _uniform,
    "two_set": _two_set,
    "flow_like": _flow_like,
    "re_entrant": _re_entrant,
    "skewed": _uniform,
    "flexible": _flexible,
    "flexible_flow": _flexible_flow,
}


def _durations(
    rng: np.random.Generator, recipe: Recipe, kind: Kind, op_pair: Ints, pair_machine: Ints
) -> Longs:
    """Return working times of the pairs, shape (P,), s: 1 to 99 units at speed 1."""
    n_ops = len(op_pair) - 1
    if recipe.lognormal:
        base = np.clip(np.exp(rng.normal(np.log(30), 0.8, n_ops)), 1, 99)
    else:
        base = rng.integers(1, 100, n_ops).astype(np.float64)
    speed = np.ones(recipe.machines)
    if kind in ("flexible", "flexible_flow"):
        speed = rng.uniform(0.7, 1.3, recipe.machines)
    if kind == "skewed":
        speed = 1 / rng.uniform(0.3, 0.8, recipe.machines)
        speed[rng.integers(0, recipe.machines, 1 + recipe.machines // 12)] = 1.0
    work = np.repeat(base, np.diff(op_pair)) / speed[pair_machine]
    return np.maximum(1, np.rint(work)).astype(np.int64) * recipe.unit_s
