# SPDX-License-Identifier: MIT
"""One copy of a world as a Gymnasium Env."""

from typing import Any

import gymnasium
import numpy as np
from numpy.typing import NDArray

from flyball.core.batch import Bools
from flyball.core.protocols import Env
from flyball.interop.kinds import Seen, row_of
from flyball.interop.settings import AdapterConfig
from flyball.interop.translation import only_agent, require_rows

SEED_BOUND = 2**31
"""Seeds that the adapters draw themselves lie below this."""


class SingleEnv(gymnasium.Env[Any, Any]):
    """A world with one agent as `gymnasium.Env`.

    Any action is survivable: one that is illegal or out of range counts in ``info["illegal"]`` and
    another is taken. Where there is a choice, ``info["action_mask"]`` (int8) and `action_masks`
    (bool, what sb3-contrib asks for) say what is legal, heads end to end; `sampling_mask` has it
    in the form that ``action_space.sample(mask=...)`` takes. A reset without seed after the end of
    an episode begins the seed's next one, as the batch does.

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
        self._translation = only_agent(env.spec, config)
        self._view = self._translation.views[0]
        self.observation_space = self._view.observation_space
        self.action_space = self._view.action_space
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
            self._shown = self._translation.show(observation)
        self._waiting = False
        self._last = self._shown[0]
        return row_of(self._last.seen, 0), _first_row(self._translation.situation(self._last))

    def step(self, action: Any) -> tuple[Seen, float, bool, bool, dict[str, Any]]:
        """Act; an episode's last observation is the one before the batch's own reset."""
        if self._waiting:
            msg = "the episode has ended; call reset() before step()"
            raise gymnasium.error.ResetNeeded(msg)
        result = self._env.step(self._translation.action(self._shown, (action,), 1))
        terminated, truncated = bool(result.terminated[0]), bool(result.truncated[0])
        self._shown = self._translation.show(result.observation)
        self._last = self._shown[0]
        if terminated or truncated:
            self._last = self._translation.show(result.final)[0]
            self._waiting = True
        translation = self._translation
        info = _first_row(translation.facts(result, 0) | translation.situation(self._last))
        if self._waiting:
            outcome = translation.outcome(result)
            info["outcome"] = {name: float(value[0]) for name, value in outcome.items()}
        reward = float(translation.reward(result)[0, 0])
        return row_of(self._last.seen, 0), reward, terminated, truncated, info

    def action_masks(self) -> Bools:
        """Return which actions may be taken now, shape (A,), heads end to end."""
        legal: Bools = self._last.legal[0].copy()
        return legal

    def sampling_mask(self) -> Any:
        """Return the same as ``action_space.sample(mask=...)`` takes it."""
        return self._view.heads.sampling(self._last.legal[0])


def _first_row(facts: dict[str, NDArray[Any]]) -> dict[str, Any]:
    """Return the facts of row 0 as Python numbers and copies of arrays."""
    return {
        key: value[0].copy() if value.ndim > 1 else value[0].item() for key, value in facts.items()
    }
