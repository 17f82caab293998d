# SPDX-License-Identifier: MIT
"""What every figure is made of: rates per second of one core's time, and rivals in processes."""

import os
import statistics
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import gymnasium
from measuring import ROOT, Figure, against
from stable_baselines3.common.vec_env import DummyVecEnv

from flyball.learning.catalogue import ALGORITHMS
from flyball.learning.nets.net import NetConfig
from flyball.learning.ppo import PPOConfig
from flyball.worlds import classics

PEERS = ROOT / ".venv-peers-learning" / "bin" / "python"
RIVALS = ROOT / "benchmarks" / "peers" / "learning"

ALONE = {
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "JAX_PLATFORMS": "cpu",
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1",
    "PYGAME_HIDE_SUPPORT_PROMPT": "1",
}
"""What keeps a rival to one thread, and silent."""

SAME = NetConfig(hidden=(64, 64), critic_hidden=(64, 64), norm="none")
SB3_DEFAULT = PPOConfig(
    minibatch=64,
    epochs=10,
    rate=3e-4,
    rate_end=1.0,
    target_kl=None,
    scale_rewards=False,
    norm_iterations=0,
)
"""The settings that Stable-Baselines3 has by itself; it has no limit on the divergence."""

Rate = Callable[[], float]


def spent_s(work: Callable[[], object]) -> float:
    """Return the processor time that some work takes, s."""
    began = time.process_time()
    work()
    return time.process_time() - began


def our_rate(
    name: str, n_envs: int, net: NetConfig, config: PPOConfig, iterations: int, **settings: Any
) -> Rate:
    """Return what measures steps a second of our PPO on one of the classics."""
    env = classics.make(name, n_envs, **settings)
    run = ALGORITHMS["ppo"].make(env, net, config)
    run.iterate(0, 0.0)
    at = iter(range(1, 1_000_000))

    def work() -> None:
        for _ in range(iterations):
            run.iterate(next(at), 0.0)

    return lambda: iterations * n_envs * config.n_steps / spent_s(work)


def their_rate(model: Any, steps: int) -> Rate:
    """Return what measures steps a second of one of their models."""
    model.learn(model.n_steps * model.n_envs)
    return lambda: steps / spent_s(lambda: model.learn(steps, reset_num_timesteps=False))


def cartpoles(n_envs: int) -> DummyVecEnv:
    """Return copies of Gymnasium's cart-pole in one process, their fastest way for it."""
    return DummyVecEnv([lambda: gymnasium.make("CartPole-v1")] * n_envs)


@contextmanager
def rival(script: str, amount: int, *arguments: str) -> Iterator[Rate]:
    """Give what measures the rate of a rival, which works in a process and an environment apart.

    Parameters
    ----------
    script
        In `peers/learning`; speaks as `answering` does.
    amount
        Of work in one measurement.
    arguments
        Of the script.
    """
    command = [PEERS, "-W", "ignore", RIVALS / script, *arguments]
    piped, env = subprocess.PIPE, os.environ | ALONE  # noqa: TID251
    with subprocess.Popen(command, stdin=piped, stdout=piped, text=True, env=env) as process:  # noqa: S603
        talk: Any = process
        while (said := talk.stdout.readline()) not in ("ready\n", ""):
            pass
        if not said:
            msg = f"{script} ended before it was ready, with {process.wait()}"
            raise RuntimeError(msg)

        def measure() -> float:
            talk.stdin.write(f"{amount}\n")
            talk.stdin.flush()
            count, took_s = talk.stdout.readline().split()
            return int(count) / float(took_s)

        yield measure


def compared(
    metric: str,
    both: tuple[list[float], list[float]],
    *,
    peer: str,
    target: float | None,
    note: str,
) -> Figure:
    """Return a figure of measured pairs; its note says the median of their ratios too."""
    median = statistics.median(our / their for our, their in zip(*both, strict=True))
    figure = against(metric, both, peer_name=peer, target=target, note=note)
    return replace(figure, note=f"{note}; median of the ratios {median:.2f}")


def missing(metric: str, ours: Rate, *, target: float | None, note: str) -> Figure:
    """Return a figure whose rival is not installed: ours alone, and how to install it."""
    why = f"not compared: {PEERS.parent.parent.name} is missing; run: make peers"
    return Figure(metric=metric, ours=ours(), n=1, target=target, note=f"{why}; {note}")
