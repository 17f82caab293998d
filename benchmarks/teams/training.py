# SPDX-License-Identifier: MIT
"""Train one side of a cell and judge its greedy policy, or that of chance.

E episodes of judging.
"""

import math
import time
from importlib.metadata import version
from typing import Any

import numpy as np
from measuring.meaning import meaning

from flyball.core.batch import Doubles
from flyball.core.clock import SystemClock
from flyball.core.protocols import Policy
from flyball.learning import ALGORITHMS, Budget, NetConfig, Progress, set_threads, train
from flyball.worlds import classics
from teams.cells import EPISODES, FIRST_EPISODE, FIRST_SEARCH, Setup

POINTS = 20

WORLD, RULES = "flyball.worlds.classics.env", "flyball.worlds.classics.baselines"


def made_by(setup: Setup) -> dict[str, str]:
    """Return versions and what our code says, as far as a run depends on them."""
    own = RULES if setup.algorithm == "none" else ALGORITHMS[setup.algorithm].config.__module__
    packages = {package: version(package) for package in ("torch", "numpy", "numba")}
    return {"acting": meaning([own]), "world": meaning([WORLD]), **packages}


def run(setup: Setup, seed: int, episodes: int = EPISODES) -> dict[str, Any]:
    """Make one run and return what its line says about the result."""
    return ruled(setup, episodes) if setup.algorithm == "none" else learned(setup, seed, episodes)


def ruled(setup: Setup, episodes: int) -> dict[str, Any]:
    """Return what chance gets, and the strongest rule, which sees everything."""
    policies = classics.policies(setup.problem)
    found = {name: returns(setup.problem, each, episodes) for name, each in policies.items()}
    strongest = max(found, key=lambda name: float(found[name].mean()))
    return {
        "score": round(float(found["random"].mean()), 5),
        "rule": round(float(found[strongest].mean()), 5),
        "name": strongest,
    }


def learned(setup: Setup, seed: int, episodes: int) -> dict[str, Any]:
    """Train one policy and return what came of it."""
    set_threads(1)
    env = classics.make(setup.problem, setup.envs)
    recipe = ALGORITHMS[setup.algorithm]
    net = NetConfig(**{key: frozen(value) for key, value in setup.net.items()})
    own = seed + FIRST_SEARCH * setup.searching
    config = recipe.config(seed=own, **setup.settings)
    algorithm = recipe.make(env, net, config, None)
    curve = Curve(setup, setup.envs * config.n_steps)
    budget = Budget(iterations=math.ceil(setup.steps / (setup.envs * config.n_steps)))
    wall, cpu = time.perf_counter(), time.process_time()
    train(algorithm, budget, SystemClock(), on_progress=curve)
    spent = {"wall_s": time.perf_counter() - wall, "cpu_s": time.process_time() - cpu}
    found = returns(setup.problem, algorithm.policy, episodes)
    return {
        "score": round(float(found.mean()), 5),
        "steps": algorithm.loop.steps,
        "curve": curve.points,
        **{key: round(seconds, 2) for key, seconds in spent.items()},
    }


def returns(problem: str, policy: Policy, episodes: int) -> Doubles:
    """Return the return (E,) of the episodes that every policy of a problem gets, greedily."""
    env = classics.make(problem, episodes)
    observation = env.reset(FIRST_EPISODE + np.arange(episodes))
    memory, found = policy.initial(episodes), np.full(episodes, np.nan)
    while np.isnan(found).any():
        action, _, memory = policy.act(observation, memory, None)
        step = env.step(action)
        first = (step.terminated | step.truncated) & np.isnan(found)
        found[first] = step.outcome[first, 0]
        observation = step.observation
    return found


def frozen(value: Any) -> Any:
    """Return a list of the table as the tuple that settings hold."""
    return tuple(value) if isinstance(value, list) else value


class Curve:
    """Notes mean return of the episodes that ended in each of `POINTS` parts of the training."""

    def __init__(self, setup: Setup, steps_each: int) -> None:
        self.points: list[tuple[int, float]] = []
        self._steps, self._every = steps_each, max(1, setup.steps // POINTS)
        self._ended: list[float] = []

    def __call__(self, progress: Progress) -> None:
        """Take in one iteration."""
        if progress.figures.get("episodes", 0):
            self._ended.append(progress.figures["return"])
        spent = progress.iteration * self._steps
        if spent >= self._every * (len(self.points) + 1) and self._ended:
            self.points.append((spent, round(float(np.mean(self._ended)), 4)))
            self._ended.clear()
