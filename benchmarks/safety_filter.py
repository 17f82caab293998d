# SPDX-License-Identifier: MIT
"""What a decision of the safety filter costs and how exact it is, beside DAQP and OSQP.

Random programs with an answer (`filtering.problems`), the same for all. Single: one decision from
Python, what calling takes included, wall clock. Batched: 1024 states in one call, per state, of the
core's own time. Ratios are of decisions per second of one core's time, measured in turn (ours,
theirs, theirs, ours). Violations are of the true rows in float64; the distance is to the answer of
quadprog, which is exact. Rivals come through qpsolvers with their usual settings and work in
.venv-peers-safety (`make peers`); without it the figures say so. ``--quick`` measures for a moment.
To keep the figures: ``python tools/evidence.py record safety_filter --rooms safety/projection
safety/filtering --seeds 0 -- benchmarks/safety_filter.py``.
"""

import argparse
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from filtering import ours
from filtering.problems import ADMISSIBLE, SIZES, Doubles, Problems, random_problems, violation
from filtering.rival import NAMES, PEERS, Rival, rival, store
from measuring import Figure, abba, absolute, against, one_core, yardstick

BATCH = 1024
BATCHED_US = {(3, 1): 2.0, (6, 8): 10.0}
SERVED_US = {(3, 1): 20.0}
VIOLATION = 1e-9
EXACT = "quadprog"


@dataclass(frozen=True)
class Effort:
    """How much is measured."""

    rounds: int
    decisions: int  # of ours in a round; of a rival's, a tenth
    note: str


def batched(size: str, problems: Problems, target: float | None, effort: Effort) -> Figure:
    """Measure the batch, us per state."""
    decide, took = ours.together(problems), []
    for _ in range(effort.rounds):
        began, calls = time.process_time(), 0
        while calls == 0 or time.process_time() - began < effort.decisions * 1e-5:
            decide()
            calls += 1
        took.append((time.process_time() - began) * 1e6 / (calls * len(problems.proposed)))
    note = f"{len(problems.proposed)} states a call; {effort.note}"
    metric = f"filter {size} batched, us a state"
    return absolute(metric, took, better="less", target=target, note=note)


def single(
    size: str, decide: Callable[[int], Doubles], target: float | None, effort: Effort
) -> Iterator[Figure]:
    """Measure decisions one by one: the median and the 99th percentile, us."""
    took = [np.percentile(decide(effort.decisions), (50, 99)) for _ in range(effort.rounds)]
    for k, (name, bound) in enumerate((("median", None), ("p99", target))):
        yield absolute(
            f"filter {size} single {name}, us",
            [float(each[k]) for each in took],
            better="less",
            target=bound,
            note=f"{effort.decisions} decisions a round; {effort.note}",
        )


def our_rate(problems: Problems, decisions: int) -> float:
    """Return decisions per second of the core's time, one by one."""
    decide, began = ours.one_by_one(problems), time.process_time()
    decide(decisions)
    return decisions / (time.process_time() - began)


def beside(size: str, problems: Problems, them: Rival, effort: Effort) -> Iterator[Figure]:
    """Compare speed and exactness with a rival's."""
    few = max(effort.decisions // 10, 10)
    timed = them.decide(few)
    yield against(
        f"filter {size} single decisions/s over {them.name}'s",
        abba(
            lambda: our_rate(problems, effort.decisions),
            lambda: them.decide(few).rate,
            effort.rounds,
        ),
        peer_name=f"{them.name} through qpsolvers",
        target=None,
        note=f"theirs: median {timed.median_us:.1f} us, p99 {timed.late_us:.1f} us; {effort.note}",
    )
    found = ours.together(problems)()
    yield Figure(
        metric=f"filter {size} worst violation beside {them.name}'s",
        ours=violation(problems, found),
        peer=violation(problems, them.answers),
        peer_name=f"{them.name}, usual tolerance",
        n=len(problems.proposed),
        note="of a hard row or the box, unit-scaled",
    )


def distance(found: Doubles, exact: Doubles) -> float:
    """Return the largest difference of any value; NaN is infinitely far."""
    return float(np.nan_to_num(np.abs(found - exact), nan=np.inf).max())


def exactness(size: str, problems: Problems) -> Figure:
    """Judge our worst violation."""
    worst = violation(problems, ours.together(problems)())
    return Figure(
        metric=f"filter {size} worst violation",
        ours=worst,
        n=len(problems.proposed),
        target=VIOLATION,
        met=worst <= VIOLATION,
        note="of a hard row or the box, unit-scaled",
    )


def rivals(size: str, problems: Problems, effort: Effort) -> Iterator[Figure]:
    """Compare with every solver."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        path = store(problems, Path(folder))
        solvers = {name: stack.enter_context(rival(name, path)) for name in NAMES}
        exact = solvers.pop(EXACT).answers
        for them in solvers.values():
            yield from beside(size, problems, them, effort)
            yield Figure(
                metric=f"filter {size} distance to the optimum beside {them.name}'s",
                ours=distance(ours.together(problems)(), exact),
                peer=distance(them.answers, exact),
                peer_name=f"{them.name}, usual tolerance",
                n=len(problems.proposed),
                note=f"largest difference of a value from {NAMES[EXACT]}'s, unit-scaled",
            )


def soft(size: str, problems: Problems, effort: Effort) -> Iterator[Figure]:
    """Measure programs of which half of the rows are soft."""
    yield batched(f"{size}, half of the rows soft,", problems, None, effort)
    worst = violation(problems, ours.together(problems)())
    yield Figure(
        metric=f"filter {size}, half of the rows soft, worst violation of a hard row",
        ours=worst,
        n=len(problems.proposed),
        target=VIOLATION,
        met=worst <= VIOLATION,
        note="unit-scaled",
    )
    yield Figure(
        metric=f"filter {size}, half of the rows soft, cost above the proved optimum",
        ours=ours.worst_gap(problems),
        n=len(problems.proposed),
        note="largest duality gap of the filter's own multipliers; costs are of size 1",
    )


def measure(effort: Effort) -> Iterator[Figure]:
    """Yield every figure."""
    for n_dims, n_rows in SIZES:
        size, problems = f"{n_dims}x{n_rows}", random_problems(BATCH, n_dims, n_rows)
        yield batched(size, problems, BATCHED_US.get((n_dims, n_rows)), effort)
        target = SERVED_US.get((n_dims, n_rows))
        yield from single(size, ours.one_by_one(problems), target, effort)
        yield exactness(size, problems)
        if PEERS.exists():
            yield from rivals(size, problems, effort)
        else:
            yield missing(size, problems, effort)
    yield from single("3x1, limits and memory too,", ours.whole(random_problems(BATCH, 3, 1)), None,
                      effort)  # fmt: skip
    n_dims, n_rows = SIZES[1]
    yield from soft(f"{n_dims}x{n_rows}", random_problems(BATCH, n_dims, n_rows, 0.5), effort)


def missing(size: str, problems: Problems, effort: Effort) -> Figure:
    """Return our rate alone where rivals are not installed, and how to install them."""
    return Figure(
        metric=f"filter {size} single decisions/s",
        ours=our_rate(problems, effort.decisions),
        n=1,
        note=f"not compared: {PEERS.parents[1].name} is missing; run: make peers",
    )


def main() -> None:
    """Print one line for each figure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a moment for each figure")
    options = parser.parse_args()
    note = f"{one_core()}1 thread, {ADMISSIBLE:.0%} of the proposals admissible"
    effort = Effort(2, 200, note) if options.quick else Effort(8, 5_000, note)
    load, speeds = f"load average {os.getloadavg()[0]:.1f} before", [yardstick()]
    for figure in measure(effort):
        figure.print()
    speeds.append(yardstick())
    note = f"million steps/s of a fixed loop, before and after; {load}; absolute figures lean on it"
    absolute("yardstick", speeds, better="more", target=None, note=note).print()


if __name__ == "__main__":
    main()
