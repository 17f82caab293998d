# SPDX-License-Identifier: MIT
"""How long learning takes until cart-pole is solved: a mean of 475 over a hundred episodes.

Each library has its best settings: ours stand below, theirs are those that rl-baselines3-zoo
publishes and `parity/cells.toml` keeps. Both are judged by one and the same evaluation, greedily,
after every `EVERY` steps of experience, on Gymnasium's own batch of cart-poles; what it takes
counts for neither. A run that never gets there counts with all of its budget.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import gymnasium
import numpy as np
import stable_baselines3 as sb3
from measuring import Figure
from numpy.typing import NDArray
from parity.cells import Cell, load
from parity.ours import actor
from parity.scoring import Actor
from peers.learning.stable_baselines import arguments
from stable_baselines3.common.callbacks import BaseCallback

from flyball.learning.catalogue import ALGORITHMS
from flyball.learning.nets.net import NetConfig
from flyball.learning.ppo import PPOConfig
from flyball.worlds import classics
from speed.rates import cartpoles, compared

CELL = "ppo-cartpole"
SOLVED, EPISODES, EVERY = 475.0, 100, 2048
EVALUATION_SEED = 10_000
FIRST_SEED = 101
"""Of the runs that are measured; our settings were found on others."""

N_ENVS = 32
NET = NetConfig(hidden=(64, 64), critic_hidden=(64, 64), norm="none")
SETTINGS = PPOConfig(
    n_steps=64,
    epochs=5,
    minibatch=128,
    gamma=0.98,
    lam=0.9,
    rate=3e-3,
    rate_end=0.0,
    clip_end=0.0,
    target_kl=None,
    scale_rewards=False,
    norm_iterations=0,
)

Choose = Callable[[NDArray[np.float32]], NDArray[Any]]


def mean_return(choose: Choose) -> float:
    """Return the mean return of a hundred episodes, which begin alike every time."""
    env = gymnasium.make_vec("CartPole-v1", EPISODES, vectorization_mode="vector_entry_point")
    obs, _ = env.reset(seed=EVALUATION_SEED)
    total, alive = np.zeros(EPISODES), np.ones(EPISODES, bool)
    while alive.any():
        obs, reward, terminated, truncated, _ = env.step(choose(obs))
        total[alive] += reward[alive]
        alive &= ~(terminated | truncated)
    env.close()
    return float(total.mean())


def greedy(act: Actor) -> Choose:
    """Return what `act` does where nothing is masked and no episode is at its start."""
    return lambda obs: act(obs, None, np.zeros(len(obs), bool))


def our_time_s(cell: Cell, seed: int, config: PPOConfig = SETTINGS, n_envs: int = N_ENVS) -> float:
    """Return the processor time that our PPO learns until it has solved the task, s."""
    env = classics.make("cartpole", n_envs)
    run: Any = ALGORITHMS["ppo"].make(env, NET, replace(config, seed=seed))
    every = n_envs * config.n_steps
    spent = 0.0
    for iteration in range(cell.steps // every):
        began = time.process_time()
        run.iterate(iteration, iteration * every / cell.steps)
        spent += time.process_time() - began
        due = (iteration + 1) * every % EVERY < every
        if due and mean_return(greedy(actor(cell, env, run.policy))) >= SOLVED:
            break
    return spent


class UntilSolved(BaseCallback):
    """Stops once the task is solved, and does not count what it takes to see it."""

    def __init__(self) -> None:
        super().__init__()
        self.judging_s, self.solved = 0.0, False

    def _on_rollout_start(self) -> None:
        if self.num_timesteps and self.num_timesteps % EVERY == 0:
            began = time.process_time()
            found = mean_return(lambda obs: self.model.predict(obs, deterministic=True)[0])
            self.solved = found >= SOLVED
            self.judging_s += time.process_time() - began

    def _on_step(self) -> bool:
        return not self.solved


def their_time_s(cell: Cell, seed: int) -> float:
    """Return the processor time that theirs learns until it has solved the task, s."""
    envs = cartpoles(cell.settings["n_envs"])
    model = sb3.PPO("MlpPolicy", envs, seed=seed, device="cpu", **arguments(cell))
    until = UntilSolved()
    began = time.process_time()
    model.learn(cell.steps, callback=until)
    return time.process_time() - began - until.judging_s


def reach(pairs: int, scale: int) -> list[Figure]:
    """Time to a mean of 475, each library with its best settings, one pair a seed."""
    cell = load()[CELL]
    our_time_s(cell, 0)  # compile
    seeds: Sequence[int] = range(FIRST_SEED, FIRST_SEED + (2 * pairs if scale > 1 else 1))
    both: tuple[list[float], list[float]] = ([], [])
    for seed in seeds:
        both[0].append(our_time_s(cell, seed))
        both[1].append(their_time_s(cell, seed))
    inverse = ([1.0 / took for took in both[0]], [1.0 / took for took in both[1]])
    return [
        compared(
            "ppo_cartpole_times_solved_per_s",
            inverse,
            peer="stable-baselines3 2.9 PPO, settings of rl-baselines3-zoo",
            target=4.0,
            note=f"to a mean of {SOLVED:.0f} over {EPISODES} episodes, judged every {EVERY:,} "
            f"steps, evaluation not counted; medians {np.median(both[0]):.2f} and "
            f"{np.median(both[1]):.2f} s; ours {N_ENVS} copies, {SETTINGS.n_steps} steps, "
            f"{SETTINGS.epochs} epochs, blocks of {SETTINGS.minibatch}",
        )
    ]
