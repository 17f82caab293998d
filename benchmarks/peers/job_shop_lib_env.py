# SPDX-License-Identifier: MIT
"""job_shop_lib's Gymnasium environment under a random policy; runs in .venv-peers (`make peers`).

Reads lines ``measure <seconds>`` and answers ``<decisions> <seconds>``: the caller decides when,
so that ours and theirs alternate on one core. The first argument is a job shop in the standard
format; the second says how much the environment observes: ``light`` (its smallest graph, one
feature, no padding: as fast as it gets) or ``full`` (all its features, as a learner would ask).
"""

import random
import sys
import time
from pathlib import Path

from job_shop_lib import JobShopInstance, Operation
from job_shop_lib.dispatching.feature_observers import FeatureObserverType
from job_shop_lib.graphs import build_resource_task_graph
from job_shop_lib.reinforcement_learning import SingleJobShopGraphEnv


def read(path: Path) -> JobShopInstance:
    """Read a shop in the standard format: a line a job, pairs of machine and duration."""
    lines = path.read_text(encoding="utf-8").splitlines()[1:]
    numbers = [[int(word) for word in line.split()] for line in lines if line.strip()]
    jobs = [[Operation(row[k], row[k + 1]) for k in range(0, len(row), 2)] for row in numbers]
    return JobShopInstance(jobs, name=path.stem)


def decisions(env: SingleJobShopGraphEnv, seconds: float) -> tuple[int, float]:
    """Dispatch at random for `seconds` of the core; return decisions and the core's time, s."""
    draw = random.Random(0)  # noqa: S311
    count = 0
    began = time.process_time()
    _, info = env.reset()
    while time.process_time() - began < seconds:
        _, machine, job = draw.choice(info["available_operations_with_ids"])
        _, _, ended, _, info = env.step((job, machine))
        count += 1
        if ended:
            _, info = env.reset()
    return count, time.process_time() - began


def main() -> None:
    """Answer until the input ends."""
    graph = build_resource_task_graph(read(Path(sys.argv[1])))
    full = sys.argv[2] == "full"
    observers = list(FeatureObserverType) if full else [FeatureObserverType.IS_READY]
    env = SingleJobShopGraphEnv(graph, observers, use_padding=full)
    print("ready", flush=True)
    for line in sys.stdin:
        count, took_s = decisions(env, float(line.split()[1]))
        print(count, took_s, flush=True)


if __name__ == "__main__":
    main()
