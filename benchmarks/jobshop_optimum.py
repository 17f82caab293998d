# SPDX-License-Identifier: MIT
"""How far rules, CP-SAT and the lower bound are from optima that are proved by a theorem.

`flyball.worlds.jobshop.optimum` draws shops whose best answer needs no solver. Where the theorem
speaks of a dispatching rule, the simulator has to reach that answer by it: earliest due date
first, and ATC, which is shortest weighted processing time first where every job is late. Where no
dispatching rule is proved best, the best of all is told. CP-SAT knows none of the theorems and has
to prove the same answer. To keep the figures: ``python
tools/evidence.py record jobshop_optimum --rooms core worlds/jobshop optimize --seeds 0 --
benchmarks/jobshop_optimum.py``.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence

import numpy as np
from measuring import Figure, interval, one_core

from flyball.core.errors import FlyballError
from flyball.worlds.jobshop import RULES, Rule, plan
from flyball.worlds.jobshop.bounds import makespan_bound_h
from flyball.worlds.jobshop.optimum import KNOWN, Known, exact, max_lateness_h
from flyball.worlds.jobshop.validator import kpis

SHOPS = 30
QUICK = 4
SOLVED = 5
SOLVE_S = 5.0
CLOSE = 1e-6

FITTING = {"weighted_tardiness_h": "ATC", "max_lateness_h": "EDD"}
"""The dispatching rule that is proved best for a figure on one machine."""

SOLVABLE = {"weighted_tardiness_h", "makespan_h"}
"""Figures that CP-SAT can be asked for."""


def reached(known: Known, rule: Rule) -> float:
    """Return the figure of the schedule that the simulator makes by a rule."""
    schedule = plan(known.scenario, rule).schedule
    return (kpis(schedule) | {"max_lateness_h": max_lateness_h(schedule)})[known.figure]


def distance(name: str, gap: Sequence[float], *, judged: bool, note: str) -> Figure:
    """Return the mean distance from the optimum; judged: 0 in every shop is the target."""
    low, high = interval(gap)
    return Figure(
        metric=name,
        ours=float(np.mean(gap)),
        low=low,
        high=high,
        n=len(gap),
        target=0.0 if judged else None,
        met=max(map(abs, gap)) <= CLOSE if judged else None,
        note=note,
    )


def measure(*, quick: bool) -> Iterator[Figure]:
    """Yield the figures of each family: the fitting rule's, CP-SAT's, the bound's."""
    for name, family in KNOWN.items():
        shops = [family(seed) for seed in range(QUICK if quick else SHOPS)]
        figure = shops[0].figure
        unit = "h" if figure.endswith("_h") else "jobs"
        note = f"{shops[0].scenario.n_jobs} jobs, optimum by {shops[0].proof}"
        rivals = [FITTING[figure]] if figure in FITTING else list(RULES)
        gaps = {
            rule: [reached(shop, RULES[rule]) - shop.value for shop in shops] for rule in rivals
        }
        best = min(gaps, key=lambda rule: sum(gaps[rule]))
        metric = f"{best} above the optimum, {unit}: {name}"
        yield distance(metric, gaps[best], judged=figure in FITTING, note=note)
        if figure in SOLVABLE:
            few = shops[:SOLVED]
            gap = [exact(shop.scenario, {figure: 1.0}, SOLVE_S).value - shop.value for shop in few]
            yield distance(f"CP-SAT above the optimum, h: {name}", gap, judged=True, note=note)
        if figure == "makespan_h":
            gap = [shop.value - makespan_bound_h(shop.scenario) for shop in shops]
            yield distance(
                f"optimum above the lower bound, h: {name}", gap, judged=False, note=note
            )


def main() -> int:
    """Print one line for each figure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few shops of each family")
    options = parser.parse_args()
    one_core()
    try:
        for figure in measure(quick=options.quick):
            figure.print()
    except FlyballError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
