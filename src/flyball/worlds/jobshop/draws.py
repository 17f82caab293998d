# SPDX-License-Identifier: MIT
"""What every generator draws from: named streams, shift calendars, set-up tables, due times.

Streams for training and for evaluation differ in the first word of their name, so that no seed can
make a policy meet in training what it is judged on.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Literal, NamedTuple

import numpy as np

from flyball.core.batch import Bools, Doubles, Ints, Longs
from flyball.core.random import generator
from flyball.worlds.jobshop.calendar import WEEK_S, Pattern, Shift, Windows, laid_out, packed
from flyball.worlds.jobshop.scenario import FOREVER_S, NO_DUE_S, Calendars, Scenario, always_open

Stream = Literal["train", "evaluate"]

WORDS: dict[Stream, int] = {"train": 0x7472_6169, "evaluate": 0x6576_616C}
"""First word of the name of every draw."""

MONDAY = datetime(2025, 1, 6, 6)  # noqa: DTZ001  the plant's wall clock has no zone
"""Start of a generated plant on weekday 0: six in the morning, when the early shift begins."""


def draw(stream: Stream, *path: int) -> np.random.Generator:
    """Return the random generator of one named draw of a stream; see `core.random`."""
    return generator(WORDS[stream], *path)


WEEKDAYS = frozenset(range(5))
EARLY = Shift(WEEKDAYS, 6 * 60, 14 * 60, "work")
LATE = Shift(WEEKDAYS, 14 * 60, 22 * 60, "work")
NIGHT = Shift(WEEKDAYS, 22 * 60, 6 * 60, "work")
EARLY_BREAK = Shift(WEEKDAYS, 10 * 60, 10 * 60 + 30, "break")
LATE_BREAK = Shift(WEEKDAYS, 18 * 60, 18 * 60 + 30, "break")
SATURDAY = Shift(frozenset({5}), 6 * 60, 12 * 60, "overtime")

PATTERNS: dict[str, Pattern] = {
    "one shift": Pattern((EARLY, EARLY_BREAK)),
    "two shifts": Pattern((EARLY, LATE, EARLY_BREAK, LATE_BREAK, SATURDAY)),
    "three shifts": Pattern((EARLY, LATE, NIGHT)),
    "always": Pattern((), always=True),
}
"""Weeks of generated plants; the longest piece of work that fits every window is 3.5 h."""

LONGEST_PIECE_S = 3 * 3600
"""Work longer than this may always pause, so that it fits any shift."""


@lru_cache(maxsize=64)
def shift_calendars(weekday: int, weeks: int) -> Calendars:
    """Return the calendars of PATTERNS from six o'clock of a weekday on.

    After `weeks` all stay open, so that no policy, however bad, runs out of calendar.
    """
    start = MONDAY + timedelta(days=weekday)
    windows = [laid_out(pattern, start, weeks * WEEK_S) for pattern in PATTERNS.values()]
    return packed([opened(each, weeks * WEEK_S) for each in windows], tuple(PATTERNS))


def opened(windows: Windows, from_s: int) -> Windows:
    """Return the windows with a last one without end."""
    if windows.open[-1][1] >= FOREVER_S:
        return windows
    open_ = list(windows.open)
    start_s = open_.pop()[0] if open_[-1][1] == from_s else from_s
    return Windows((*open_, (start_s, FOREVER_S)), windows.overtime)


def whole_weeks(time_s: float) -> int:
    """Return weeks that hold `time_s`, rounded up to a power of two so that few are laid out."""
    return int(2 ** np.ceil(np.log2(max(4.0, time_s / WEEK_S + 1))))


def setup_table(
    rng: np.random.Generator, n_groups: int, n_families: int, mean_s: float, step_s: int
) -> Longs:
    """Return set-ups (R, U + 1, U), whole multiples of `step_s`: 0 within a family.

    Families lie on a line, and a change takes longer the farther it goes: a set-up through a third
    family never is shorter. Groups differ in scale; a third of them needs none.
    """
    place = rng.permuted(np.tile(np.arange(n_families), (n_groups, 1)), axis=1)
    far = np.abs(place[:, :, None] - place[:, None, :]) / max(1.0, (n_families + 1) / 3)
    scale = rng.uniform(0.5, 1.5, n_groups) * (rng.random(n_groups) > 1 / 3)
    table = np.zeros((n_groups, n_families + 1, n_families))
    table[:, :-1] = (0.5 + 0.5 * far) * (far > 0)
    table[:, -1] = 1.0
    steps = np.ceil(table * scale[:, None, None] * mean_s / step_s)
    return (steps * step_s).astype(np.int64)


@dataclass(frozen=True, kw_only=True)
class Book:
    """Release, due time and cost of every job."""

    release_s: Longs  # (J,)
    due_s: Longs  # (J,)
    weight: Doubles  # (J,)
    important: Bools  # (J,)


@dataclass(frozen=True, kw_only=True)
class Pressure:
    """How hard the due dates of a generated order book are."""

    tardiness: float = 0.5
    """Share of jobs that would be late in a schedule without sense: 0 loose, 1 hopeless."""
    due_range: float = 0.8
    """Width of the due times, in makespans."""
    release_spread: float = 0.0
    """Time in which orders come in, in makespans; 0 when all are there."""
    important: float = 0.15
    """Share of important jobs."""
    weighted: bool = True
    """Weights 1, 2 and 4 instead of 1 only."""
    dated: bool = True
    """Whether jobs have due times at all."""


def order_book(
    rng: np.random.Generator, pressure: Pressure, length_s: Doubles, makespan_s: float
) -> Book:
    """Return due times as in the experiments of Lee, Bhaskaran and Pinedo (ATCS, 1997).

    Parameters
    ----------
    length_s
        Shortest flow time of each job, closed time included, shape (J,); no due time is nearer.
    makespan_s
        Estimate for a good schedule, closed time included.
    """
    n_jobs = len(length_s)
    release_s = np.floor(rng.uniform(0, 1, n_jobs) * pressure.release_spread * makespan_s)
    middle = 1.0 - pressure.tardiness
    allowance = makespan_s * (middle + pressure.due_range * (rng.random(n_jobs) - 0.5))
    due_s = release_s + np.maximum(allowance, 1.1 * length_s)
    weight = rng.choice([1.0, 2.0, 4.0], size=n_jobs, p=[0.5, 0.35, 0.15])
    important = rng.random(n_jobs) < pressure.important
    return Book(
        release_s=release_s.astype(np.int64),
        due_s=due_s.astype(np.int64) if pressure.dated else np.full(n_jobs, NO_DUE_S),
        weight=weight if pressure.weighted else np.ones(n_jobs),
        important=important,
    )


def all_pairs(station: Ints, first: Longs) -> tuple[Ints, Ints]:
    """Return `op_pair` (O + 1,) and `pair_machine` (P,) of work that any machine of a station does.

    Parameters
    ----------
    station
        Station of each operation, shape (O,).
    first
        Station g owns machines first[g]..first[g + 1].
    """
    sizes = np.diff(first)[station]
    op_pair = np.concatenate([[0], np.cumsum(sizes)])
    shift = np.repeat(first[station] - op_pair[:-1], sizes)
    pair_machine = np.arange(op_pair[-1]) + shift
    return op_pair.astype(np.int32), pair_machine.astype(np.int32)


def numbered(letter: str, count: int) -> tuple[str, ...]:
    """Return names such as J1, J2, J3."""
    return tuple(f"{letter}{number + 1}" for number in range(count))


class Routing(NamedTuple):
    """Where the jobs of a kind go: stations are machines, or groups of machines alike."""

    station: Ints  # (O,)
    steps: Longs  # (J,) operations of each job
    first: Longs  # (G + 1,) station g owns machines first[g]..first[g + 1]


def bare(
    name: str, routing: Routing, op_pair: Ints, pair_machine: Ints, duration_s: Longs
) -> Scenario:
    """Return the shop without due dates, set-ups, calendars and work in progress."""
    n_ops, n_jobs, n_machines = len(routing.station), len(routing.steps), int(routing.first[-1])
    n_groups = len(routing.first) - 1
    group = np.repeat(np.arange(n_groups), np.diff(routing.first)).astype(np.int32)
    if n_groups == n_machines:
        n_groups, group = 1, np.zeros(n_machines, dtype=np.int32)
    job_op = np.concatenate([[0], np.cumsum(routing.steps)]).astype(np.int32)
    step = np.arange(n_ops) - np.repeat(job_op[:-1], routing.steps)
    return Scenario(
        name=name,
        start=None,
        job_name=numbered("J", n_jobs),
        customer=("",) * n_jobs,
        job_op=job_op,
        release_s=np.zeros(n_jobs, dtype=np.int64),
        due_s=np.full(n_jobs, NO_DUE_S),
        weight=np.ones(n_jobs),
        important=np.zeros(n_jobs, dtype=np.bool_),
        op_name=tuple(map(str, (step + 1).tolist())),
        op_family=np.zeros(n_ops, dtype=np.int32),
        interruptible=np.zeros(n_ops, dtype=np.bool_),
        op_pair=op_pair,
        pair_machine=pair_machine,
        pair_duration_s=duration_s,
        fixed_machine=np.full(n_ops, -1, dtype=np.int32),
        fixed_start_s=np.zeros(n_ops, dtype=np.int64),
        fixed_end_s=np.zeros(n_ops, dtype=np.int64),
        machine_name=numbered("M", n_machines),
        machine_group=group,
        machine_calendar=np.zeros(n_machines, dtype=np.int32),
        machine_family=np.full(n_machines, -1, dtype=np.int32),
        group_name=numbered("group ", n_groups),
        family_name=("all",),
        setup_s=np.zeros((n_groups, 2, 1), dtype=np.int64),
        setup_interruptible=np.ones(n_groups, dtype=np.bool_),
        calendars=always_open(),
    )
