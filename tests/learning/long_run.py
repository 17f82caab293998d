# SPDX-License-Identifier: MIT
"""A training run in a process of its own: `python -m tests.learning.long_run KIND FOLDER SLOW`."""

import sys
import time
from pathlib import Path

from flyball.core.clock import SystemClock
from flyball.learning import training
from flyball.learning.acting.policy import set_threads
from flyball.learning.es import ES, ESConfig
from flyball.learning.imitate import Imitate, ImitateConfig
from flyball.learning.improve import Improve, ImproveConfig
from flyball.learning.nets.net import Net, NetConfig
from flyball.learning.ppo import PPO, PPOConfig
from flyball.learning.training import Budget, train
from tests.learning.toys import Chain, Cheapest, Queue

ITERATIONS = 8


def algorithm(kind):
    env = Chain(8, n_steps=13) if kind == "ppo-masked" else Queue(8, n_steps=6)
    net = Net(env.spec, NetConfig(hidden=(8, 8), critic_hidden=(8, 8)), seed=3)
    if kind.startswith("ppo"):
        return PPO(env, net, PPOConfig(n_steps=10, minibatch=32, norm_iterations=5))
    if kind == "imitate":
        teachers = {"cheapest": Cheapest()}
        return Imitate(
            env, net, ImitateConfig(minibatch=16), teachers, lambda s: ["cheapest"] * len(s)
        )
    if kind == "improve":
        return Improve(env, net, ImproveConfig(group=4, minibatch=16))
    return ES([env], net, ESConfig(pairs=2))


def main(kind, folder, slow_s):
    set_threads(1)
    training.CHECKPOINT_EVERY_S = 0.0

    def report(progress):
        sys.stdout.write(f"{progress.iteration}\n")
        sys.stdout.flush()
        time.sleep(slow_s)

    train(
        algorithm(kind),
        Budget(iterations=ITERATIONS),
        SystemClock(),
        folder=Path(folder),
        on_progress=report,
    )


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], float(sys.argv[3]))
