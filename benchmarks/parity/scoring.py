# SPDX-License-Identifier: MIT
"""Give a policy the hundred episodes that every policy of its cell gets.

E episodes, all alive from the first step; A actions, heads concatenated.
"""

from collections.abc import Callable
from typing import Any, Protocol

import gymnasium
import numpy as np
from numpy.typing import NDArray

from parity.cells import EPISODES, FIRST_SEED, Cell
from parity.problems import MASKED, make


class Actor(Protocol):
    """What is judged: deterministic, with a memory of its own where it needs one."""

    def __call__(
        self, obs: NDArray[Any], mask: NDArray[np.bool_] | None, start: NDArray[np.bool_]
    ) -> Any:
        """Return one action an episode.

        Parameters
        ----------
        obs
            (E, ...) observations; rows of episodes that are over repeat their last one.
        mask
            (E, A) what is allowed, or None where everything is.
        start
            (E,) True at the first step.
        """


def scores(cell: Cell, actor: Actor, episodes: int = EPISODES) -> NDArray[np.float64]:
    """Return the undiscounted return (E,) of each episode; episode k has seed FIRST_SEED + k."""
    envs = [make(cell.problem, cell.arguments) for _ in range(episodes)]
    masked = cell.problem in MASKED
    # sb3-contrib's masked problems draw their masks from NumPy's global stream.
    np.random.seed(FIRST_SEED)  # noqa: NPY002, TID251
    for k, env in enumerate(envs):
        env.action_space.seed(FIRST_SEED + k)
    obs = np.stack([env.reset(seed=FIRST_SEED + k)[0] for k, env in enumerate(envs)])
    total = np.zeros(episodes)
    alive = np.ones(episodes, dtype=np.bool_)
    start = alive.copy()
    while alive.any():
        actions = actor(obs, _masks(envs) if masked else None, start)
        for k in np.flatnonzero(alive).tolist():
            obs[k], reward, terminated, truncated, _ = envs[k].step(actions[k])
            total[k] += float(reward)
            alive[k] = not (terminated or truncated)
        start[:] = False
    for env in envs:
        env.close()
    return total


def _masks(envs: list[gymnasium.Env[Any, Any]]) -> NDArray[np.bool_]:
    return np.array([env.unwrapped.action_masks() for env in envs])  # type: ignore[attr-defined]


def chance(cell: Cell) -> Actor:
    """Return the policy that draws uniformly among what is allowed."""
    space = make(cell.problem, cell.arguments).action_space
    space.seed(FIRST_SEED)
    draw: Callable[[NDArray[np.bool_] | None], Any] = _drawing(space)

    def act(
        obs: NDArray[Any], mask: NDArray[np.bool_] | None, start: NDArray[np.bool_]
    ) -> list[Any]:
        del start
        return [draw(None if mask is None else mask[k]) for k in range(len(obs))]

    return act


def _drawing(space: Any) -> Callable[[NDArray[np.bool_] | None], Any]:
    """Return what draws one action, in the spelling of masks that each space has."""
    if isinstance(space, gymnasium.spaces.Discrete):
        return lambda mask: space.sample(None if mask is None else mask.astype(np.int8))
    if isinstance(space, gymnasium.spaces.MultiDiscrete):
        ends = np.cumsum(space.nvec)[:-1]

        def several(mask: NDArray[np.bool_] | None) -> Any:
            parts = None if mask is None else tuple(np.split(mask.astype(np.int8), ends))
            return space.sample(parts)

        return several
    if isinstance(space, gymnasium.spaces.MultiBinary):

        def bits(mask: NDArray[np.bool_] | None) -> Any:
            if mask is None:
                return space.sample()
            pairs = mask.reshape(-1, 2)
            # Gymnasium: 0 and 1 force the bit, 2 leaves it free.
            return space.sample(np.where(pairs.all(axis=1), 2, pairs[:, 1]).astype(np.int8))

        return bits
    return lambda _: space.sample()
