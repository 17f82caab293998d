# SPDX-License-Identifier: MIT
"""A whole batch as a Stable-Baselines3 VecEnv. Importing this module imports torch."""

from collections.abc import Iterable, Sequence
from typing import Any

import gymnasium
import numpy as np
from numpy.typing import NDArray
from stable_baselines3.common.vec_env import VecEnv
from stable_baselines3.common.vec_env.base_vec_env import VecEnvIndices, VecEnvStepReturn

from flyball.core.batch import Bools, Step
from flyball.core.protocols import Env
from flyball.interop.single import SEED_BOUND
from flyball.interop.translation import AdapterConfig, Seen, Translation, row_of


class Row:
    """One row of the batch, as far as Stable-Baselines3 looks at single environments."""

    render_mode: str | None = None

    def __init__(self, batch: "BatchVecEnv", row: int) -> None:
        self._batch = batch
        self._row = row
        self.observation_space = batch.observation_space
        self.action_space = batch.action_space

    def action_masks(self) -> Bools:
        """Return which slots may be chosen now, shape (cap,)."""
        mask: Bools = self._batch.action_masks()[self._row]
        return mask


class BatchVecEnv(VecEnv):
    """B rows of a world with one options head as SB3 `VecEnv`.

    A row that ends is reset in the same step; its last observation is in its info as
    ``terminal_observation``, with ``TimeLimit.truncated`` and the KPIs as ``outcome``.
    `env_method("action_masks")` is what sb3-contrib's MaskablePPO asks for.

    Parameters
    ----------
    env
        A batch of B rows.
    config
        Settings of the translation.
    seed
        Of the seeds that are drawn for rows without one of their own (see `VecEnv.seed`).
    """

    def __init__(self, env: Env, config: AdapterConfig, *, seed: int = 0) -> None:
        self._env = env
        self._translation = Translation(env.spec, config)
        self._generator = np.random.default_rng(seed)
        self.observation_space = self._translation.observation_space
        self.action_space = self._translation.action_space
        self._rows = [Row(self, row) for row in range(env.n_envs)]
        super().__init__(env.n_envs, self.observation_space, self.action_space)

    def reset(self) -> Any:
        """Begin an episode in every row, with the seeds given to `seed` or drawn ones."""
        drawn = self._generator.integers(SEED_BOUND, size=self.num_envs)
        given = [drawn[row] if seed is None else seed for row, seed in enumerate(self._seeds)]
        self._padded = self._translation.pad(self._env.reset(np.array(given, dtype=np.int64)))
        self._reset_seeds()
        self._reset_options()
        return self._translation.seen(self._padded)

    def step_async(self, actions: NDArray[np.integer[Any]]) -> None:
        """Keep the slots (B,) until `step_wait`."""
        self._actions = np.asarray(actions)

    def step_wait(self) -> VecEnvStepReturn:
        """Choose the kept slots; return observations, rewards, ends and infos."""
        result = self._env.step(self._translation.action(self._padded, self._actions))
        self._padded = self._translation.pad(result.observation)
        reward = self._translation.reward(result).astype(np.float32)
        ended = result.terminated | result.truncated
        seen: Any = self._translation.seen(self._padded)
        return seen, reward, ended, self._infos(result, ended)

    def action_masks(self) -> Bools:
        """Return which slots may be chosen now, shape (B, cap)."""
        return self._padded.mask.copy()

    def close(self) -> None:
        """Do nothing: a batch holds no resources."""

    def get_attr(self, attr_name: str, indices: VecEnvIndices = None) -> list[Any]:
        """Return an attribute of rows."""
        return [getattr(row, attr_name) for row in self._picked(indices)]

    def set_attr(self, attr_name: str, value: Any, indices: VecEnvIndices = None) -> None:
        """Set an attribute of rows."""
        for row in self._picked(indices):
            setattr(row, attr_name, value)

    def env_method(
        self,
        method_name: str,
        *method_args: Any,
        indices: VecEnvIndices = None,
        **method_kwargs: Any,
    ) -> list[Any]:
        """Call a method of rows."""
        return [
            getattr(row, method_name)(*method_args, **method_kwargs)
            for row in self._picked(indices)
        ]

    def env_is_wrapped(
        self,
        wrapper_class: type[gymnasium.Wrapper[Any, Any, Any, Any]],  # noqa: ARG002
        indices: VecEnvIndices = None,
    ) -> list[bool]:
        """Return False for each row: nothing stands between it and the batch."""
        return [False for _ in self._picked(indices)]

    def get_images(self) -> Sequence[None]:
        """Return no picture for any row."""
        return [None] * self.num_envs

    def _picked(self, indices: VecEnvIndices) -> Iterable[Row]:
        return [self._rows[row] for row in self._get_indices(indices)]

    def _infos(self, result: Step, ended: Bools) -> list[dict[str, Any]]:
        """Return one dictionary for each row."""
        facts = self._translation.facts(result, self._padded)
        infos: list[dict[str, Any]] = [
            {key: value[row] for key, value in facts.items()} for row in range(self.num_envs)
        ]
        if ended.any():
            last: Seen = self._translation.seen(self._translation.pad(result.final))
            outcome = self._translation.outcome(result)
        for row, info in enumerate(infos):
            info["TimeLimit.truncated"] = bool(result.truncated[row] & ~result.terminated[row])
            if ended[row]:
                info["terminal_observation"] = row_of(last, row)
                info["outcome"] = {name: float(value[row]) for name, value in outcome.items()}
        return infos
