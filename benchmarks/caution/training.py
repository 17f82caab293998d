# SPDX-License-Identifier: MIT
"""Train one policy, note how return and breaches went on the way, and judge what came of it."""

import math
import time
from functools import cache
from importlib.metadata import version
from typing import Any

import numpy as np
from measuring.meaning import meaning
from numpy.typing import NDArray

from caution.judging import behind_shield, judged
from caution.setups import ENVS, EPISODES, WAYS, Setup
from flyball.core.batch import Action, Longs, Observation, Step
from flyball.core.clock import SystemClock
from flyball.core.protocols import Policy
from flyball.core.spec import Spec
from flyball.learning import ALGORITHMS, Budget, Progress, set_threads, train
from flyball.safety import Shielded
from flyball.worlds.classics import guarded

POINTS = 10

WORLD = "flyball.worlds.classics.guarded.env"
SHIELD = ("flyball.safety.shielded", "flyball.experiments.proofs")


def made_by(setup: Setup) -> dict[str, str]:
    """Return versions and what our code says, as far as a run depends on them."""
    rules = "flyball.worlds.classics.guarded.baselines"
    own = ALGORITHMS[WAYS[setup.way]].config.__module__ if setup.learned else rules
    packages = {package: version(package) for package in ("torch", "numpy", "numba")}
    code = {"acting": _said((own,)), "world": _said((WORLD,)), "shield": _said(SHIELD)}
    return code | packages


_said = cache(meaning)
"""Reading so many modules takes seconds, and a process asks again for each way."""


def run(setup: Setup, seed: int, episodes: int = EPISODES) -> dict[str, Any]:
    """Make one run and return what its line says about the result."""
    if setup.learned:
        policy, told = learned(setup, seed)
    else:
        rules = guarded.policies(setup.plant)
        name = "greedy" if setup.way == "greedy" else list(rules)[-1]
        policy = rules[name]
        told = {"rule": name}
    sides = {"off": False, "on": True}
    return told | {
        side: judged(setup.plant, policy, shielded=shielded, episodes=episodes)
        for side, shielded in sides.items()
    }


def learned(setup: Setup, seed: int) -> tuple[Policy, dict[str, Any]]:
    """Train one policy; return it, and what is told of its training."""
    set_threads(1)
    recipe = ALGORITHMS[WAYS[setup.way]]
    env = Watched(
        behind_shield(setup.plant, ENVS) if setup.shielded else guarded.make(setup.plant, ENVS)
    )
    config = recipe.config(seed=seed, **setup.settings)
    algorithm = recipe.make(env, recipe.net, config)
    iterations = math.ceil(setup.steps / (ENVS * config.n_steps))
    curve = Curve(env, iterations)
    cpu = time.process_time()
    train(algorithm, Budget(iterations=iterations), SystemClock(), on_progress=curve)
    return algorithm.policy, {
        "steps": env.steps,
        "breach_steps": env.breaches,
        "curve": curve.points,
        "cpu_s": round(time.process_time() - cpu, 2),
    }


class Watched:
    """An Env that counts steps, those with a broken limit, and what a Shield changed."""

    def __init__(self, env: Any) -> None:
        self.env = env
        self.steps = self.breaches = self.changed = 0

    @property
    def spec(self) -> Spec:
        """Of the Env."""
        return self.env.spec  # type: ignore[no-any-return]

    @property
    def n_envs(self) -> int:
        """B."""
        return self.env.n_envs  # type: ignore[no-any-return]

    def reset(self, seeds: Longs) -> Observation:
        """Start every row anew."""
        return self.env.reset(seeds)  # type: ignore[no-any-return]

    def step(self, action: Action) -> Step:
        """Apply one action to each row, and count."""
        step: Step = self.env.step(action)
        self.steps += self.n_envs
        self.breaches += int((step.cost > 0.0).any(1).sum())
        if isinstance(self.env, Shielded) and self.env.noted is not None:
            self.changed += int(self.env.noted.changed.any(1).sum())
        return step

    def snapshot(self) -> dict[str, NDArray[Any]]:
        """Return a copy of everything that changes."""
        return self.env.snapshot()  # type: ignore[no-any-return]

    def restore(self, snapshot: dict[str, NDArray[Any]]) -> Observation:
        """Go back to a snapshot, bit for bit."""
        return self.env.restore(snapshot)  # type: ignore[no-any-return]


class Curve:
    """Notes what happened in each of `POINTS` parts of a training.

    `return`, `breach_s` and each `episode_cost.<name>` are means over the episodes that ended;
    `breached` and `changed` are shares of the steps.
    """

    def __init__(self, env: Watched, iterations: int) -> None:
        self.points: list[dict[str, float]] = []
        self._env, self._iterations = env, iterations
        self._ended: list[tuple[float, dict[str, float]]] = []
        self._before = (0, 0, 0)

    def __call__(self, progress: Progress) -> None:
        """Take in one iteration."""
        figures = progress.figures
        if figures["episodes"]:
            kept = {name: value for name, value in figures.items() if _drawn(name)}
            self._ended.append((figures["episodes"], kept))
        due = progress.iteration * POINTS // self._iterations > len(self.points)
        if due and self._ended:
            self.points.append(self._point())

    def _point(self) -> dict[str, float]:
        now = (self._env.steps, self._env.breaches, self._env.changed)
        steps, breaches, changed = (new - old for new, old in zip(now, self._before, strict=True))
        weights, figures = zip(*self._ended, strict=True)
        names = sorted(set().union(*figures))
        means = {
            name: float(np.average([each[name] for each in figures], weights=weights))
            for name in names
        }
        self._before = now
        self._ended.clear()
        shares = {"breached": breaches / steps, "changed": changed / steps}
        return {"steps": now[0]} | {
            name: round(value, 5) for name, value in (means | shares).items()
        }


def _drawn(name: str) -> bool:
    return name in ("return", "breach_s") or name.startswith("episode_cost.")
