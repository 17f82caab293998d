# SPDX-License-Identifier: MIT
"""Train our algorithms on a cell, set from the same words as their rivals.

Problems that `worlds.classics` has are trained there and judged on Gymnasium's; the others are
trained on Gymnasium through `interop`.
"""

import hashlib
import time
from importlib.metadata import version
from typing import Any

import gymnasium
import numpy as np
from measuring.meaning import meaning
from numpy.typing import NDArray

from flyball.core.batch import Action, Observation, Options
from flyball.core.clock import SystemClock
from flyball.core.protocols import Env, Policy
from flyball.interop.incoming import from_gymnasium
from flyball.learning import Budget, Progress, set_threads
from flyball.learning import train as budgeted
from flyball.learning.catalogue import ALGORITHMS
from flyball.worlds import classics
from parity.cells import EPISODES, Cell
from parity.problems import make
from parity.scoring import Actor, scores
from parity.words import TRANSLATIONS, steps_of, translate

CLASSICS = {
    "CartPole-v1": "cartpole",
    "Acrobot-v1": "acrobot",
    "Pendulum-v1": "pendulum",
    "MountainCarContinuous-v0": "mountain-car-continuous",
    "CartPoleNoVel-v1": "cartpole-no-velocity",
}
"""Problems that we have ourselves, equal to Gymnasium's step by step."""

POINTS = 20


def made_by(cell: Cell) -> dict[str, str]:
    """Return hashes of settings and code, and the versions that a run depends on."""
    classic = cell.problem in CLASSICS
    algorithm = TRANSLATIONS[cell.algorithm][0]
    learner = (f"flyball.learning.{algorithm}", "flyball.learning.training")
    world = "flyball.worlds.classics.env" if classic else "flyball.interop.incoming"
    packages = ("torch", "numpy", "numba") if classic else ("torch", "gymnasium")
    return {
        "asked": hashlib.sha256(repr(translate(cell, 0)).encode()).hexdigest()[:16],
        "learner": meaning(learner),
        "world": meaning([world]),
        **{package: version(package) for package in packages},
    }


def train(cell: Cell, seed: int, episodes: int = EPISODES) -> dict[str, Any]:
    """Train one policy and return what a run's line says about it."""
    set_threads(1)
    env = environment(cell, seed)
    asked = translate(cell, seed)
    algorithm = ALGORITHMS[asked.algorithm].make(env, asked.net, asked.config)
    curve = Curve(cell)
    wall, cpu = time.perf_counter(), time.process_time()
    budgeted(algorithm, Budget(iterations=asked.iterations), SystemClock(), on_progress=curve)
    spent = {"wall_s": time.perf_counter() - wall, "cpu_s": time.process_time() - cpu}
    found = scores(cell, actor(cell, env, algorithm.policy), episodes)
    return {
        "score": float(found.mean()),
        "low": float(found.min()),
        "high": float(found.max()),
        "steps": cell.settings["n_envs"] * asked.iterations * steps_of(cell),
        "curve": curve.points,
        **{key: round(seconds, 2) for key, seconds in spent.items()},
    }


class Curve:
    """Notes mean return of the episodes that ended in each of `POINTS` parts of the training."""

    def __init__(self, cell: Cell) -> None:
        self.points: list[tuple[int, float]] = []
        self._steps = cell.settings["n_envs"] * steps_of(cell)
        self._every = max(1, cell.steps // POINTS)
        self._ended: list[float] = []

    def __call__(self, progress: Progress) -> None:
        """Take in one iteration."""
        figures = progress.figures
        if figures.get("episodes", 0) and "return" in figures:
            self._ended.append(figures["return"])
        spent = progress.iteration * self._steps
        if spent >= self._every * (len(self.points) + 1) and self._ended:
            self.points.append((spent, round(float(np.mean(self._ended)), 4)))
            self._ended.clear()


def environment(cell: Cell, seed: int) -> Env:
    """Return the Env that a cell is trained in."""
    n_envs = cell.settings["n_envs"]
    if cell.problem in CLASSICS:
        return classics.make(CLASSICS[cell.problem], n_envs)
    env = from_gymnasium(lambda: make(cell.problem, cell.arguments), n_envs)
    # sb3-contrib's masked problems draw from NumPy's global stream and from their action space.
    np.random.seed(seed)  # noqa: NPY002, TID251
    for row, own in enumerate(env.envs):
        own.action_space.seed(seed * n_envs + row)
    return env


def actor(cell: Cell, env: Env, policy: Policy) -> Actor:
    """Return the greedy policy as it plays on Gymnasium's own environment."""
    problem = make(cell.problem, cell.arguments)
    seen, acted = problem.observation_space, problem.action_space
    n_actions = sum(getattr(head, "n", 0) for head in env.spec.kinds[0].heads)
    memory: NDArray[np.float32] | None = None

    def act(
        obs: NDArray[Any], mask: NDArray[np.bool_] | None, start: NDArray[np.bool_]
    ) -> NDArray[Any]:
        nonlocal memory
        n = len(obs)
        flat = np.array([gymnasium.spaces.flatten(seen, row) for row in obs], dtype=np.float32)
        if mask is None:
            mask = np.ones((n, n_actions), dtype=np.bool_)
        observation = _observation(flat, mask, start, len(env.spec.state))
        before = policy.initial(n) if memory is None else memory
        action, _, memory = policy.act(observation, before, None)
        return _native(acted, action)

    return act


def _observation(
    obs: NDArray[np.float32], mask: NDArray[np.bool_], start: NDArray[np.bool_], n_state: int
) -> Observation:
    n = len(obs)
    none = Options(np.zeros((0, 0), np.float32), np.zeros(n + 1, np.int64), np.zeros(0, np.int32))
    return Observation(
        obs=obs[:, None],
        state=np.zeros((n, n_state), np.float32),
        mask=mask[:, None],
        options=none,
        alive=np.ones((n, 1), np.bool_),
        start=start,
        signals=np.zeros((n, 0)),
        age_s=np.zeros((n, 0)),
        quality=np.zeros((n, 0), np.bool_),
    )


def _native(space: Any, action: Action) -> NDArray[Any]:
    if isinstance(space, gymnasium.spaces.Discrete):
        return np.asarray(action.choice[:, 0, 0] + space.start)
    if isinstance(space, gymnasium.spaces.Box):
        return np.asarray(action.value[:, 0], dtype=space.dtype).reshape(-1, *space.shape)
    return action.choice[:, 0]
