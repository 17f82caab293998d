# SPDX-License-Identifier: MIT
"""A whole batch as a Stable-Baselines3 VecEnv. Importing this module imports torch."""

from collections.abc import Iterable, Sequence
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray
from stable_baselines3.common.vec_env import VecEnv
from stable_baselines3.common.vec_env.base_vec_env import VecEnvIndices, VecEnvStepReturn

from flyball.core.batch import Bools, Observation, Step
from flyball.core.errors import ConfigError, Problem
from flyball.core.protocols import Env
from flyball.core.spec import Spec
from flyball.interop.kinds import Seen, records, row_of
from flyball.interop.settings import AdapterConfig
from flyball.interop.single import SEED_BOUND
from flyball.interop.translation import Shown, Translation


class Row:
    """One row of the batch, as far as Stable-Baselines3 looks at single environments."""

    render_mode: str | None = None

    def __init__(self, batch: "BatchVecEnv", row: int) -> None:
        self._batch = batch
        self._row = row
        self.observation_space = batch.observation_space
        self.action_space = batch.action_space

    def action_masks(self) -> Bools:
        """Return which actions may be taken now, shape (A,)."""
        mask: Bools = self._batch.action_masks()[self._row]
        return mask


class BatchVecEnv(VecEnv):
    """B copies of a world whose N agents are alike, as SB3 `VecEnv` of B * N rows.

    Row b * N + n is agent n of copy b, so that SB3 trains one policy that all agents share; no
    Python loop runs over agents. A row that ends is reset in the same step; its last observation
    is in its info as ``terminal_observation``, with ``TimeLimit.truncated`` and the KPIs of its
    copy as ``outcome``. An agent that leaves before its episode's end stays as a row of zeros
    where everything is legal and every reward is 0, until the episode ends.
    `env_method("action_masks")` is what sb3-contrib's MaskablePPO asks for.

    Parameters
    ----------
    env
        A batch of B copies.
    config
        Settings of the translation.
    seed
        Of the seeds that are drawn for copies without one of their own (see `VecEnv.seed`; the
        seed of a copy is that of its first row).
    facts
        Whether every info tells what the step brought. False leaves the infos of rows that go on
        empty: thousands of rows are then several times faster.

    Raises
    ------
    ConfigError
        When agents differ in kind, or act in a space that SB3 has no policy for.
    """

    def __init__(
        self, env: Env, config: AdapterConfig, *, seed: int = 0, facts: bool = True
    ) -> None:
        self._env = env
        self._translation = Translation(env.spec, config)
        self._view = self._translation.views[0]
        _require_one_policy(env.spec, self._view.action_space)
        self._tells = facts
        self._generator = np.random.default_rng(seed)
        self.observation_space = self._view.observation_space
        self.action_space = self._view.action_space
        n_rows = env.n_envs * env.spec.n_agents
        self._rows = [Row(self, row) for row in range(n_rows)]
        super().__init__(n_rows, self.observation_space, self.action_space)

    def reset(self) -> Any:
        """Begin an episode in every copy, with the seeds given to `seed` or drawn ones."""
        drawn = self._generator.integers(SEED_BOUND, size=self._env.n_envs)
        given = self._seeds[:: self._view.count]
        seeds = [drawn[b] if seed is None else seed for b, seed in enumerate(given)]
        self._show(self._env.reset(np.array(seeds, dtype=np.int64)))
        self._reset_seeds()
        self._reset_options()
        return self._shown[0].seen

    def step_async(self, actions: NDArray[Any]) -> None:
        """Keep the actions (B * N, ...) until `step_wait`."""
        self._actions = np.asarray(actions)

    def step_wait(self) -> VecEnvStepReturn:
        """Take the kept actions; return observations, rewards, ends and infos."""
        action = self._translation.action(self._shown, (self._actions,), self._env.n_envs)
        result = self._env.step(action)
        reward = self._translation.reward(result).astype(np.float32).reshape(-1)
        ended = np.repeat(result.terminated | result.truncated, self._view.count)
        self._show(result.observation)
        seen: Any = self._shown[0].seen
        return seen, reward, ended, self._infos(result, ended)

    def action_masks(self) -> Bools:
        """Return which actions may be taken now, shape (B * N, A), heads end to end."""
        return self._shown[0].legal.copy()

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
        if method_name == "action_masks":  # asked for in every step: one copy for all rows
            return list(self.action_masks()[list(self._get_indices(indices))])
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

    def _show(self, observation: Observation) -> None:
        """Translate an observation; agents that have left see zeros and may do anything."""
        self._shown = self._translation.show(observation)
        gone = ~observation.alive.reshape(-1)
        if gone.any():
            _blank(self._shown[0], gone)

    def _infos(self, result: Step, ended: Bools) -> list[dict[str, Any]]:
        """Return one dictionary for each row."""
        infos: list[dict[str, Any]]
        if self._tells:
            translation = self._translation
            facts = translation.facts(result, 0) | translation.situation(self._shown[0])
            cut = result.truncated & ~result.terminated
            facts["TimeLimit.truncated"] = cut.repeat(self._view.count)
            infos = records(facts)
        else:
            infos = [{} for _ in range(self.num_envs)]
        if ended.any():
            self._close(infos, result, np.flatnonzero(ended))
        return infos

    def _close(self, infos: list[dict[str, Any]], result: Step, ended: NDArray[np.intp]) -> None:
        """Write into the infos of rows that ended how they did."""
        last: Seen = self._translation.show(result.final)[0].seen
        outcome = self._translation.outcome(result)
        cut = result.truncated & ~result.terminated
        for row in ended.tolist():
            copy = row // self._view.count
            infos[row]["TimeLimit.truncated"] = bool(cut[copy])
            infos[row]["terminal_observation"] = row_of(last, row)
            infos[row]["outcome"] = {name: float(value[copy]) for name, value in outcome.items()}


def _blank(shown: Shown, gone: Bools) -> None:
    """Set the rows of agents that have left to zeros with everything legal, in place."""
    parts = shown.seen if isinstance(shown.seen, dict) else {"observations": shown.seen}
    for key, value in parts.items():
        value[gone] = 1 if key == "action_mask" else 0
    shown.legal[gone] = True


def _require_one_policy(spec: Spec, action_space: spaces.Space[Any]) -> None:
    """Refuse worlds that one policy of Stable-Baselines3 cannot act in."""
    if len(spec.kinds) > 1:
        found = "agents of the kinds " + ", ".join(kind.name for kind in spec.kinds)
        allowed = "agents of one kind, which share one policy"
    elif isinstance(action_space, spaces.Tuple):
        found, allowed = "a choice with values beside it", "choices alone or values alone"
    else:
        return
    raise ConfigError(
        Problem(
            where=f"world {spec.world}",
            found=found,
            allowed=allowed,
            fix="take flyball.interop.parallel.AgentsEnv (PettingZoo) or an algorithm of Flyball",
        )
    )
