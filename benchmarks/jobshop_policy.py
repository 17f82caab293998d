# SPDX-License-Identifier: MIT
"""What training is worth on the shipped plant: five runs against the best tuned rule.

Every run starts from the shipped workbook with a seed of its own and the budget of the demo; rules
are tuned within that budget on the run's own training days. All policies meet the same held-out
days. To keep the figures: ``python tools/evidence.py record jobshop_policy --rooms core learning
policies worlds/jobshop experiments --seeds 1 2 3 4 5 -- benchmarks/jobshop_policy.py``.
"""

import argparse
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from measuring import Figure, interval

from flyball import learning
from flyball.core.batch import Doubles
from flyball.core.errors import FlyballError
from flyball.experiments.jobshop import Asked, start_run, train_run, warm_run
from flyball.experiments.jobshop.config import TrainConfig
from flyball.experiments.jobshop.pool import held_out
from flyball.experiments.jobshop.rules import load_rules
from flyball.experiments.runs import BUNDLE, RULES
from flyball.experiments.settings import to_toml
from flyball.policies import load
from flyball.worlds.jobshop import WORLD, outcomes

DAYS_SEED = 2026  # never looked at while anything was developed
THREADS = 2


def trained(workbook: Path, folder: Path, seed: int, seconds: float) -> Path:
    """Train one run and return its folder."""
    settings = folder / f"seed-{seed}.toml"
    settings.write_text(to_toml(replace(TrainConfig(), seed=seed, threads=THREADS)))
    asked = Asked(world="jobshop", plant=workbook, seconds=seconds, iterations=None)
    run = start_run(asked, settings, folder / f"seed-{seed}")
    warm_run(run)
    train_run(run, quiet)
    return run


def quiet(_stage: str, _share: float, _figures: Mapping[str, float | str]) -> None:
    """Watch nothing; figures are printed at the end."""


def differences(run: Path, workbook: Path, days: int) -> tuple[Doubles, Doubles]:
    """Return weighted tardiness of policy and of the best tuned rule on each held-out day, h."""
    scenarios = held_out(WORLD.read(workbook), DAYS_SEED, days)
    policy = load(run / BUNDLE, WORLD.spec)
    rule = load_rules(run / RULES)[0]
    return outcomes(scenarios, policy)[:, 0], outcomes(scenarios, rule)[:, 0]


def figures(policy: Doubles, rule: Doubles, seeds: int, note: str) -> Iterator[Figure]:
    """Yield the mean difference over seeds and days, and each seed's; (seed, day) arrays, h."""
    gain = policy - rule
    low, high = interval(gain.mean(axis=0))
    yield Figure(
        metric="weighted tardiness, policy minus best tuned rule, h a day",
        ours=float(policy.mean()),
        peer=float(rule.mean()),
        peer_name="best tuned rule",
        low=low,
        high=high,
        n=gain.shape[1],
        target=0.0,
        met=high < 0.0,
        note=f"mean over {seeds} training seeds; interval over days; {note}",
    )
    for seed in range(seeds):
        low, high = interval(gain[seed])
        yield Figure(
            metric=f"the same, training seed {seed + 1}",
            ours=float(policy[seed].mean()),
            peer=float(rule[seed].mean()),
            peer_name="best tuned rule",
            low=low,
            high=high,
            n=gain.shape[1],
            target=0.0,
            met=high < 0.0,
            note=note,
        )


def main() -> int:
    """Train, compare and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=90.0, help="budget of a run")
    parser.add_argument("--days", type=int, default=60)
    parser.add_argument("--quick", action="store_true", help="one run of 20 s and 8 days")
    asked = parser.parse_args()
    if asked.quick:
        asked.seeds, asked.seconds, asked.days = 1, 20.0, 8
    learning.set_threads(THREADS)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        workbook = folder / "orders.xlsx"
        WORLD.template(workbook)
        pairs = []
        for seed in range(1, asked.seeds + 1):
            run = trained(workbook, folder, seed, asked.seconds)
            pairs.append(differences(run, workbook, asked.days))
            print(f"seed {seed}: {pairs[-1][0].mean():.0f} h against {pairs[-1][1].mean():.0f} h",
                  file=sys.stderr, flush=True)  # fmt: skip
    policy, rule = (np.stack([pair[k] for pair in pairs]) for k in (0, 1))
    note = f"{asked.seconds:.0f} s of training on {THREADS} threads, tuning of the rules included"
    for figure in figures(policy, rule, asked.seeds, note):
        figure.print()
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except FlyballError as error:
        sys.exit(str(error))
