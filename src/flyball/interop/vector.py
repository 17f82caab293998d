# SPDX-License-Identifier: MIT
"""A whole batch as a Gymnasium VectorEnv, with no environment in between."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space
from numpy.typing import NDArray

from flyball.core.batch import Bools, Doubles, Longs, Step
from flyball.core.errors import ConfigError, Problem
from flyball.core.protocols import Env
from flyball.interop.single import SEED_BOUND
from flyball.interop.translation import AdapterConfig, Seen, Translation, row_of

STEP_FACTS = ("vector_reward", "illegal", "elapsed_s")
"""What `info` says about a step; a row that ended has it in ``final_info``."""


class BatchVectorEnv(VectorEnv[Any, Any, Any]):
    """B rows of a world with one options head as `gymnasium.vector.VectorEnv`.

    Autoreset is SAME_STEP: a row that ends shows the next episode at once, its last observation is
    in ``info["final_obs"]`` and what its step brought, with the KPIs as ``outcome``, in
    ``info["final_info"]``, exactly as Gymnasium's own SyncVectorEnv does in that mode. For
    NEXT_STEP make the environment with ``vectorization_mode="sync"``.

    Parameters
    ----------
    env
        A batch of B rows.
    config
        Settings of the translation.
    """

    def __init__(self, env: Env, config: AdapterConfig, *, render_mode: str | None = None) -> None:
        self.metadata = {"render_modes": [], "autoreset_mode": AutoresetMode.SAME_STEP}
        self.render_mode = render_mode
        self.num_envs = env.n_envs
        self._env = env
        self._translation = Translation(env.spec, config)
        self.single_observation_space = self._translation.observation_space
        self.single_action_space = self._translation.action_space
        self.observation_space = batch_space(self.single_observation_space, self.num_envs)
        self.action_space = batch_space(self.single_action_space, self.num_envs)

    def reset(
        self,
        *,
        seed: int | Sequence[int | None] | None = None,
        options: dict[str, Any] | None = None,
    ) -> tuple[Seen, dict[str, Any]]:
        """Begin an episode in every row; an int seeds row i with `seed` + i.

        Raises
        ------
        ConfigError
            When single rows are to be reset: that belongs to another autoreset mode.
        """
        if options and "reset_mask" in options:
            raise ConfigError(
                Problem(
                    where="reset options",
                    found="reset_mask",
                    allowed="none: rows that end are reset in the same step",
                    fix="leave it out, or make the environment with vectorization_mode='sync'",
                )
            )
        super().reset(seed=seed if isinstance(seed, int) else None)
        self._padded = self._translation.pad(self._env.reset(self._seeds(seed)))
        return self._translation.seen(self._padded), self._state_facts()

    def step(
        self, actions: NDArray[np.integer[Any]]
    ) -> tuple[Seen, Doubles, Bools, Bools, dict[str, Any]]:
        """Choose the candidate in slot `actions[b]` in each row b."""
        result = self._env.step(self._translation.action(self._padded, np.asarray(actions)))
        self._padded = self._translation.pad(result.observation)
        return (
            self._translation.seen(self._padded),
            self._translation.reward(result),
            result.terminated.copy(),
            result.truncated.copy(),
            self._facts(result),
        )

    def action_masks(self) -> Bools:
        """Return which slots may be chosen now, shape (B, cap)."""
        mask: Bools = self._padded.mask.copy()
        return mask

    def _seeds(self, seed: int | Sequence[int | None] | None) -> Longs:
        """Return a seed for each row; those left open are drawn."""
        if isinstance(seed, int):
            return np.arange(seed, seed + self.num_envs, dtype=np.int64)
        given = [None] * self.num_envs if seed is None else list(seed)
        if len(given) != self.num_envs:
            raise ConfigError(
                Problem(
                    where="seed",
                    found=f"{len(given)} seeds",
                    allowed=f"{self.num_envs}, one for each row",
                    fix="give one seed for each row, or one int",
                )
            )
        drawn = self.np_random.integers(SEED_BOUND, size=self.num_envs)
        return np.array(
            [drawn[row] if each is None else each for row, each in enumerate(given)], dtype=np.int64
        )

    def _state_facts(self) -> dict[str, Any]:
        """Return the facts that hold for every row, with Gymnasium's masks of who has them."""
        everyone = np.ones(self.num_envs, dtype=np.bool_)
        return {
            "left_out": self._padded.left_out,
            "_left_out": everyone,
            "action_mask": self._padded.mask.astype(np.int8),
            "_action_mask": everyone.copy(),
        }

    def _facts(self, result: Step) -> dict[str, Any]:
        """Return `info` of a step: facts of rows that go on apart from those that ended."""
        ended = result.terminated | result.truncated
        facts = self._translation.facts(result, self._padded)
        info = self._state_facts()
        if not ended.all():
            info |= _masked({key: facts[key] for key in STEP_FACTS}, ~ended)
        if ended.any():
            info |= self._final(result, facts, ended)
        return info

    def _final(self, result: Step, facts: dict[str, NDArray[Any]], ended: Bools) -> dict[str, Any]:
        """Return the last observation and the facts of the rows that ended."""
        padded = self._translation.pad(result.final)
        seen = self._translation.seen(padded)
        last = np.full(self.num_envs, None, dtype=object)
        for row in np.flatnonzero(ended):
            last[row] = row_of(seen, int(row))
        closing = {
            **facts,
            "left_out": padded.left_out,
            "action_mask": padded.mask.astype(np.int8),
        }
        inside = _masked(closing, ended) | {
            "outcome": _masked(self._translation.outcome(result), ended),
            "_outcome": ended.copy(),
        }
        return {
            "final_obs": last,
            "_final_obs": ended.copy(),
            "final_info": inside,
            "_final_info": ended.copy(),
        }


def _masked(facts: dict[str, NDArray[Any]], who: Bools) -> dict[str, Any]:
    """Return facts of some rows, zeros elsewhere, each with its mask under ``_key``."""
    info: dict[str, Any] = {}
    for key, value in facts.items():
        shown = np.zeros_like(value)
        shown[who] = value[who]
        info |= {key: shown, f"_{key}": who.copy()}
    return info
