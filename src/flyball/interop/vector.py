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
from flyball.interop.kinds import Seen, row_of
from flyball.interop.settings import AdapterConfig
from flyball.interop.single import SEED_BOUND
from flyball.interop.translation import only_agent


class BatchVectorEnv(VectorEnv[Any, Any, Any]):
    """B rows of a world with one agent as `gymnasium.vector.VectorEnv`.

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
        self._translation = only_agent(env.spec, config)
        view = self._translation.views[0]
        self.single_observation_space = view.observation_space
        self.single_action_space = view.action_space
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
        self._shown = self._translation.show(self._env.reset(self._seeds(seed)))
        return self._shown[0].seen, self._situation()

    def step(self, actions: Any) -> tuple[Seen, Doubles, Bools, Bools, dict[str, Any]]:
        """Take one action in each row."""
        result = self._env.step(self._translation.action(self._shown, (actions,), self.num_envs))
        self._shown = self._translation.show(result.observation)
        return (
            self._shown[0].seen,
            self._translation.reward(result)[:, 0],
            result.terminated.copy(),
            result.truncated.copy(),
            self._facts(result),
        )

    def action_masks(self) -> Bools:
        """Return which actions may be taken now, shape (B, A), heads end to end."""
        return self._shown[0].legal.copy()

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

    def _situation(self) -> dict[str, Any]:
        """Return the facts that hold for every row, with Gymnasium's masks of who has them."""
        everyone = np.ones(self.num_envs, dtype=np.bool_)
        return _with_masks(self._translation.situation(self._shown[0]), everyone)

    def _facts(self, result: Step) -> dict[str, Any]:
        """Return `info` of a step: facts of rows that go on apart from those that ended."""
        ended = result.terminated | result.truncated
        info = self._situation()
        facts = self._translation.facts(result, 0)
        if not ended.any():
            return info | _with_masks(facts, ~ended)
        if not ended.all():
            info |= _masked(facts, ~ended)
        return info | self._final(result, facts, ended)

    def _final(self, result: Step, facts: dict[str, NDArray[Any]], ended: Bools) -> dict[str, Any]:
        """Return the last observation and the facts of the rows that ended."""
        shown = self._translation.show(result.final)[0]
        last = np.full(self.num_envs, None, dtype=object)
        for row in np.flatnonzero(ended).tolist():
            last[row] = row_of(shown.seen, row)
        inside = _masked(facts | self._translation.situation(shown), ended) | {
            "outcome": _masked(self._translation.outcome(result), ended),
            "_outcome": ended,
        }
        return {"final_obs": last, "final_info": inside} | {
            "_final_obs": ended,
            "_final_info": ended.copy(),
        }


def _masked(facts: dict[str, NDArray[Any]], who: Bools) -> dict[str, Any]:
    """Return facts of some rows, zeros elsewhere, each with its mask under ``_key``."""
    others = ~who
    shown = {key: value.copy() for key, value in facts.items()}
    for value in shown.values():
        value[others] = 0
    return _with_masks(shown, who)


def _with_masks(facts: dict[str, NDArray[Any]], who: Bools) -> dict[str, Any]:
    """Return facts, each with the mask of who has it under ``_key``."""
    return facts | {f"_{key}": who for key in facts}
