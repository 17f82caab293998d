# SPDX-License-Identifier: MIT
"""A run of DQN that dies without warning: `python -m tests.learning.killed_run KIND FOLDER N`.

It saves a checkpoint after six iterations, learns for N more, and is killed by SIGKILL.
"""

import os
import signal
import sys
from pathlib import Path

from flyball.learning import checkpoint
from flyball.learning.acting.policy import set_threads
from flyball.learning.dqn import DQN, DQNConfig
from flyball.learning.nets.net import Net, NetConfig
from tests.learning.toys import Chain

SAVED, ITERATIONS = 6, 14

KINDS = {
    "plain": {},
    "prioritised": {"prioritised": True},
    "n-step": {"n_step": 3},
    "normalised": {},
    "everything": {"prioritised": True, "n_step": 3, "double": True, "duelling": True, "tau": 0.1},
    "file": {"file_above_mb": 0.0},
    "file-everything": {"file_above_mb": 0.0, "prioritised": True, "n_step": 3, "double": True},
}


def algorithm(kind, folder):
    """Return a run whose replay of 24 slots is full after five iterations."""
    env = Chain(4, n_steps=7)
    norm = "log" if kind == "normalised" else "none"
    net = Net(env.spec, NetConfig(hidden=(8,), critic_hidden=(8,), norm=norm), 3)
    config = DQNConfig(
        seed=5,
        rate=1e-2,
        minibatch=16,
        capacity=96,
        learning_starts=20,
        train_freq=5,
        gradient_steps=4,
        target_every=12,
        norm_updates=18,
        **KINDS[kind],
    )
    return DQN(env, net, config, folder)


def go_on(run, first, last):
    """Learn from iteration `first` to `last`."""
    for iteration in range(first, last):
        run.iterate(iteration, iteration / ITERATIONS)


def main(kind, folder, more):
    set_threads(1)
    run = algorithm(kind, folder)
    go_on(run, 0, SAVED)
    checkpoint.save(folder, SAVED, run.state(), {})
    go_on(run, SAVED, SAVED + more)
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
