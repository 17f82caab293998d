# SPDX-License-Identifier: MIT
"""How far each rule is from the best known makespan on Taillard's public job shops.

The files stay outside the project: ``--data`` names the folder with ``jsp/ta`` and
``bounds/jsp_bounds.csv`` in it. Published figures are means over all 80 instances by Corsini et
al., NeurIPS 2024 (`output/Results.xlsx` of their repository); whoever prints far weaker ones for
the same rules has not built them on the event calendar. To keep the figures: ``python
tools/evidence.py record jobshop_rules --rooms core worlds/jobshop --seeds 0 --
benchmarks/jobshop_rules.py``.
"""

import argparse
import csv
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from measuring import ROOT, Figure, interval, one_core
from numpy.typing import NDArray

from flyball.core.batch import Doubles
from flyball.core.errors import FlyballError
from flyball.worlds.jobshop import RULES, SPEC, WORLD, JobShop, Rule, Scenario, outcomes
from flyball.worlds.jobshop.baselines import Chance

DATA = ROOT.parent / "shared" / "data" / "scheduling"
MAKESPAN = [kpi.name for kpi in SPEC.kpis].index("makespan_h")
PUBLISHED = {"SPT": 27.4, "MWR": 19.5, "MOR": 20.1}
DATED = frozenset(("EDD", "slack", "CR", "ATC", "ATCS"))
PUBLISHED_BEST_OF_128 = 14.5
WITHIN = 1.5
SAMPLES = 128
SEED = 0


def best_known(data: Path) -> dict[str, float]:
    """Return the best known makespan of each instance, in the unit of the files."""
    with (data / "bounds" / "jsp_bounds.csv").open(encoding="utf-8", newline="") as stream:
        return {row["instance"]: float(row["ub_best"]) for row in csv.DictReader(stream)}


def gaps(scenarios: Sequence[Scenario], makespan_h: Doubles, best: dict[str, float]) -> Doubles:
    """Return the gaps (S,), in per cent of the best known makespan; one unit is one hour."""
    known = np.array([best[scenario.name.removesuffix(".txt")] for scenario in scenarios])
    gap: Doubles = 100.0 * (makespan_h / known - 1.0)
    return gap


def best_of(scenario: Scenario, rule: Rule, samples: int) -> float:
    """Return the shortest makespan of randomised schedules, h."""
    env = JobShop([scenario], samples)
    observation = env.reset(np.arange(samples, dtype=np.int64))
    memory = rule.initial(samples)
    best = np.full(samples, np.inf)
    number = 0
    while np.isinf(best).any():
        action, _, memory = rule.act(observation, memory, (SEED, number))
        step = env.step(action)
        observation = step.observation
        first = step.terminated & np.isinf(best)
        best[first] = step.outcome[first, MAKESPAN]
        number += 1
    return float(best.min())


def sizes(scenarios: Sequence[Scenario]) -> dict[str, NDArray[np.intp]]:
    """Return which scenarios belong to each size."""
    name = [f"{scenario.n_jobs}x{scenario.n_machines}" for scenario in scenarios]
    return {size: np.flatnonzero([each == size for each in name]) for size in dict.fromkeys(name)}


def figures(
    name: str, scenarios: Sequence[Scenario], gap: Doubles, published: float | None, note: str
) -> Iterator[Figure]:
    """Yield the mean gap over all instances, judged by the published one, and over each size."""
    low, high = interval(gap)
    mean = float(gap.mean())
    yield Figure(
        metric=f"gap of {name} on Taillard's instances, %",
        ours=mean,
        peer=published,
        peer_name=None if published is None else "published, all 80 instances",
        low=low,
        high=high,
        n=len(gap),
        target=None if published is None else published + WITHIN,
        met=None if published is None else abs(mean - published) <= WITHIN,
        note=note if published is None else f"{note}; met within {WITHIN} points of published",
    )
    for size, rows in sizes(scenarios).items():
        low, high = interval(gap[rows])
        yield Figure(
            metric=f"gap of {name} on Taillard's {size}, %",
            ours=float(gap[rows].mean()),
            low=low,
            high=high,
            n=len(rows),
            note=note,
        )


def measure(data: Path, *, quick: bool) -> Iterator[Figure]:
    """Yield the figures of every rule, then of the best of many randomised schedules."""
    best = best_known(data)
    paths = sorted((data / "jsp" / "ta").glob("*.txt"))
    scenarios = [WORLD.read(path) for path in paths]
    rivals = {**RULES, "random": Chance(seed=SEED)}
    for name, policy in rivals.items():
        gap = gaps(scenarios, outcomes(scenarios, policy)[:, MAKESPAN], best)
        note = f"{len(paths)} files, textbook setting"
        if name in DATED:
            note += "; built for due dates, which these files have not"
        yield from figures(name, scenarios, gap, PUBLISHED.get(name), note)
    few = scenarios[:5] if quick else scenarios
    samples = 8 if quick else SAMPLES
    found = np.array([best_of(scenario, RULES["MOR"], samples) for scenario in few])
    published = None if quick else PUBLISHED_BEST_OF_128
    note = f"{len(few)} files, noise {RULES['MOR'].noise}, seed {SEED}"
    name = f"best of {samples} randomised MOR"
    yield from figures(name, few, gaps(few, found, best), published, note)


def main() -> int:
    """Print one line for each figure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few randomised schedules only")
    parser.add_argument("--data", type=Path, default=DATA, help="folder of the public files")
    options = parser.parse_args()
    if not (options.data / "jsp" / "ta").is_dir():
        print(f"jobshop_rules: no jsp/ta in {options.data}; name it with --data", file=sys.stderr)
        return 0
    one_core()
    try:
        for figure in measure(options.data, quick=options.quick):
            figure.print()
    except FlyballError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
