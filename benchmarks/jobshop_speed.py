# SPDX-License-Identifier: MIT
"""How fast the job shop is: decisions a second on one core, and one whole large schedule.

Rates are per second of one core's time, so that other programs take nothing from them; the schedule
is timed by the wall clock. Rivals: job_shop_lib's Gymnasium environment (`make peers` installs it
apart; its lightest setting counts), and our own twin in plain Python. ``--quick`` measures for a
moment only. To keep the figures: ``python tools/evidence.py record jobshop_speed --rooms core
policies worlds/jobshop --seeds 0 -- benchmarks/jobshop_speed.py --policy runs/<id>/bundle``;
without a bundle the schedule of a learned policy is not measured.
"""

import argparse
import importlib.util
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
from measuring import ROOT, Figure, abba, absolute, against, one_core, yardstick

from flyball.core.batch import Action
from flyball.core.errors import FlyballError
from flyball.core.protocols import Policy
from flyball.policies import load
from flyball.worlds.jobshop import RULES, SPEC, JobShop, Scenario, plan
from flyball.worlds.jobshop.factory import plant
from flyball.worlds.jobshop.generator import random_jobshop

PEERS = ROOT / ".venv-peers" / "bin" / "python"
PEER = ROOT / "benchmarks" / "peers" / "job_shop_lib_env.py"
TWIN = ROOT / "tests" / "worlds" / "jobshop" / "reference.py"
UNIT_S = 3600
SEED = 0


@dataclass(frozen=True)
class Effort:
    """How long and how often things are measured."""

    window_s: float
    rounds: int
    schedules: int
    pinned: str


def random_decisions(
    scenario: Scenario, n_envs: int, window_s: float, *, waits: bool = True
) -> Callable[[], float]:
    """Return what measures decisions a second of the batch, the random choice included.

    Without `waits` only operations that were assigned count, for rivals that know no waiting.
    """
    env = JobShop([scenario], n_envs)
    observation = env.reset(np.arange(n_envs, dtype=np.int64))
    rng = np.random.default_rng(SEED)
    value = np.zeros((n_envs, 1, 0))

    def step() -> int:
        nonlocal observation
        options = observation.options
        choice = (rng.random(n_envs) * np.diff(options.offset)).astype(np.int32)
        chosen = options.id[options.offset[:-1] + choice]
        count = n_envs if waits else int(np.count_nonzero(chosen >= 0))
        observation = env.step(Action(choice[:, None, None], value)).observation
        return count

    def measure() -> float:
        decisions, began = 0, time.process_time()
        while time.process_time() - began < window_s:
            decisions += step()
        return decisions / (time.process_time() - began)

    step()
    return measure


def twin_decisions(scenario: Scenario, window_s: float) -> Callable[[], float]:
    """Return what measures decisions a second of the twin in plain Python."""
    found = importlib.util.spec_from_file_location("reference", TWIN)
    if found is None or found.loader is None:
        raise FileNotFoundError(TWIN)
    module = importlib.util.module_from_spec(found)
    sys.modules["reference"] = module
    found.loader.exec_module(module)
    draw = Random(SEED)  # noqa: S311
    shop = module.Shop(scenario)

    def measure() -> float:
        nonlocal shop
        decisions, began = 0, time.process_time()
        while time.process_time() - began < window_s:
            shop.assign(draw.randrange(len(shop.candidates())))
            decisions += 1
            if shop.finished:
                shop = module.Shop(scenario)
        return decisions / (time.process_time() - began)

    return measure


@contextmanager
def rival_decisions(
    scenario: Scenario, observes: str, window_s: float
) -> Iterator[Callable[[], float]]:
    """Give what measures decisions a second of job_shop_lib, in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "shop.txt"
        path.write_text(standard(scenario), encoding="utf-8")
        process = subprocess.Popen(  # noqa: S603
            [PEERS, PEER, path, observes], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        talk: Any = process
        talk.stdout.readline()

        def measure() -> float:
            talk.stdin.write(f"measure {window_s}\n")
            talk.stdin.flush()
            decisions, took_s = talk.stdout.readline().split()
            return int(decisions) / float(took_s)

        try:
            yield measure
        finally:
            talk.stdin.close()
            process.wait()


def standard(scenario: Scenario) -> str:
    """Return a classical shop in the standard format."""
    hours = scenario.pair_duration_s // UNIT_S
    lines = [f"{scenario.n_jobs} {scenario.n_machines}"]
    for job in range(scenario.n_jobs):
        ops = range(scenario.job_op[job], scenario.job_op[job + 1])
        lines.append(" ".join(f"{scenario.pair_machine[op]} {hours[op]}" for op in ops))
    return "\n".join(lines) + "\n"


def small_shop(effort: Effort) -> Iterator[Figure]:
    """Measure 10 jobs on 10 machines."""
    scenario = random_jobshop(10, 10, SEED)
    measure = random_decisions(scenario, 1024, effort.window_s)
    note = f"random policy, 1024 rows, {effort.pinned}1 thread"
    yield absolute(
        "jobshop 10x10 decisions/s",
        [measure() for _ in range(effort.rounds)],
        better="more",
        target=300_000.0,
        note=note,
    )
    yield against(
        "jobshop 10x10 decisions/s over the twin's",
        abba(measure, twin_decisions(scenario, effort.window_s), effort.rounds),
        peer_name="plain-Python twin",
        target=None,
        note=note,
    )
    assigned = random_decisions(scenario, 1024, effort.window_s, waits=False)
    for observes, target in (("light", 100.0), ("full", None)):
        metric = f"jobshop 10x10 operations/s over job_shop_lib's ({observes} observation)"
        if not PEERS.exists():
            yield missing(metric, assigned(), target)
            continue
        with rival_decisions(scenario, observes, effort.window_s) as rival:
            yield against(
                metric,
                abba(assigned, rival, effort.rounds),
                peer_name="job_shop_lib 1.7.2 SingleJobShopGraphEnv",
                target=target,
                note=f"{note}; our waits not counted",
            )


def missing(metric: str, ours: float, target: float | None) -> Figure:
    """Return a figure whose rival is not there."""
    note = "not compared: .venv-peers is missing; run: make peers"
    return Figure(metric=metric, ours=ours, n=1, target=target, note=note)


def large_shop(effort: Effort, bundle: Path | None) -> Iterator[Figure]:
    """Measure the plant of 152 machines and 500 jobs."""
    scenario = plant(SEED)
    size = f"{scenario.n_machines} machines x {scenario.n_jobs} jobs"
    note = f"{scenario.n_ops} operations, shifts, set-ups; 32 rows, {effort.pinned}1 thread"
    note += "; the twin's episode is measured at its beginning only"
    measure = random_decisions(scenario, 32, effort.window_s)
    yield against(
        f"jobshop {size} decisions/s over the twin's",
        abba(measure, twin_decisions(scenario, effort.window_s), effort.rounds),
        peer_name="plain-Python twin",
        target=None,
        note=note,
    )
    for name, policy in policies(bundle):
        plan(scenario, policy)
        began = time.process_time()
        took = [plan(scenario, policy).elapsed_s for _ in range(effort.schedules)]
        core_s = (time.process_time() - began) / effort.schedules
        yield absolute(
            f"jobshop {size} one greedy schedule by {name}, s",
            took,
            better="less",
            target=1.0,
            note=f"{scenario.n_ops} operations, validator included, {effort.pinned}1 thread; "
            f"of it the core's own time {core_s:.2f} s",
        )


def policies(bundle: Path | None) -> Iterator[tuple[str, Policy]]:
    """Yield the rule ATCS, and a learned policy where a bundle is given."""
    yield "ATCS", RULES["ATCS"]
    if bundle is not None:
        yield "a learned policy", load(bundle, SPEC)


def main() -> int:
    """Print one line for each figure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a moment for each figure")
    parser.add_argument("--policy", type=Path, help="bundle of a learned policy")
    options = parser.parse_args()
    pinned = one_core()
    effort = Effort(0.2, 3, 3, pinned) if options.quick else Effort(1.0, 8, 5, pinned)
    load = f"load average {os.getloadavg()[0]:.1f} before"
    speeds = [yardstick()]
    try:
        for figure in chain(small_shop(effort), large_shop(effort, options.policy)):
            figure.print()
    except FlyballError as error:
        print(error, file=sys.stderr)
        return 2
    speeds.append(yardstick())
    note = f"million steps/s of a fixed loop, before and after; {load}; absolute figures lean on it"
    absolute("yardstick", speeds, better="more", target=None, note=note).print()
    return 0


if __name__ == "__main__":
    sys.exit(main())
