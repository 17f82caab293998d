# SPDX-License-Identifier: MIT
"""One copy of a world as a Gymnasium Env."""

from typing import Any, SupportsInt

import gymnasium
import numpy as np

from flyball.core.batch import Bools
from flyball.core.protocols import Env
from flyball.interop.translation import AdapterConfig, Seen, Translation, require_rows, row_of

SEED_BOUND = 2**31
"""Seeds that the adapters draw themselves lie below this."""


class SingleEnv(gymnasium.Env[Any, Any]):
    """A world with one options head as `gymnasium.Env`.

    Any action is survivable: an empty slot or a number out of range counts in
    ``info["illegal"]`` and the first candidate is taken. ``info["action_mask"]`` (int8) fits
    ``action_space.sample(mask=...)``; `action_masks` (bool) is what sb3-contrib asks for. A reset
    without seed after the end of an episode begins the seed's next one, as the batch does.

    Parameters
    ----------
    env
        A batch of one row.
    config
        Settings of the translation.
    """

    def __init__(self, env: Env, config: AdapterConfig, *, render_mode: str | None = None) -> None:
        require_rows(env, 1)
        self.render_mode = render_mode
        self._env = env
        self._translation = Translation(env.spec, config)
        self.observation_space = self._translation.observation_space
        self.action_space = self._translation.action_space
        self._waiting = False  # an episode ended and the batch has begun the next

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Seen, dict[str, Any]]:
        """Begin an episode; the same seed begins the same ones. `options` is not used."""
        super().reset(seed=seed, options=options)
        if seed is None and not self._waiting:
            seed = int(self.np_random.integers(SEED_BOUND))
        if seed is not None:
            observation = self._env.reset(np.array([seed], dtype=np.int64))
            self._padded = self._translation.pad(observation)
        self._waiting = False
        return self._seen(), {
            "left_out": int(self._padded.left_out[0]),
            "action_mask": self._padded.mask[0].astype(np.int8),
        }

    def step(self, action: SupportsInt) -> tuple[Seen, float, bool, bool, dict[str, Any]]:
        """Choose the candidate in slot `action`; an episode's last observation has no candidate."""
        if self._waiting:
            msg = "the episode has ended; call reset() before step()"
            raise gymnasium.error.ResetNeeded(msg)
        slot = np.array([int(action)])
        result = self._env.step(self._translation.action(self._padded, slot))
        terminated, truncated = bool(result.terminated[0]), bool(result.truncated[0])
        self._padded = self._translation.pad(result.observation)
        shown = self._padded
        if terminated or truncated:
            shown = self._translation.pad(result.final)
            self._waiting = True
        info = {
            key: value[0].copy() if value.ndim > 1 else value[0].item()
            for key, value in self._translation.facts(result, shown).items()
        }
        if self._waiting:
            info["outcome"] = {
                name: float(value[0]) for name, value in self._translation.outcome(result).items()
            }
        reward = float(self._translation.reward(result)[0])
        return row_of(self._translation.seen(shown), 0), reward, terminated, truncated, info

    def action_masks(self) -> Bools:
        """Return which slots may be chosen now, shape (cap,)."""
        mask: Bools = self._padded.mask[0].copy()
        return mask

    def _seen(self) -> Seen:
        return row_of(self._translation.seen(self._padded), 0)
