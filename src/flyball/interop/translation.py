# SPDX-License-Identifier: MIT
"""From the batch contract to fixed spaces and back, shared by every adapter.

An adapter serves single-objective libraries: the reward is the weighted sum of the objectives,
turned so that more is better; the objectives themselves travel in `info["vector_reward"]`.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flyball.core.batch import Action, Bools, Doubles, Observation, Step
from flyball.core.errors import ConfigError, InvariantError, Problem
from flyball.core.protocols import Env
from flyball.core.spec import Spec
from flyball.interop.kinds import KindView, Seen
from flyball.interop.padding import Padded, pad
from flyball.interop.settings import AdapterConfig, require_known


@dataclass(frozen=True)
class Shown:
    """One observation as one agent kind's rows see it."""

    seen: Seen
    legal: Bools  # (R, A) heads end to end
    slots: Padded | None


class Translation:
    """What an adapter knows about a world.

    Parameters
    ----------
    spec
        Of the world; any number of agents and kinds.
    config
        Settings.

    Raises
    ------
    ConfigError
        When a setting names what the world does not have, or a kind has heads that no space holds.
    """

    def __init__(self, spec: Spec, config: AdapterConfig) -> None:
        self.spec, self.config = spec, config
        starts = spec.choice_starts
        self.views = tuple(
            KindView(spec, number, starts, config) for number in range(len(spec.kinds))
        )
        objectives = [objective.name for objective in spec.objectives]
        weights = dict.fromkeys(objectives, 1.0) if config.weights is None else config.weights
        require_known("weights", weights, objectives)
        sign = np.array([-1.0 if each.sense == "min" else 1.0 for each in spec.objectives])
        self._weight = sign * np.array([weights.get(name, 0.0) for name in objectives])
        self._kpis = tuple(kpi.name for kpi in spec.kpis)
        self._keep_by = self._column_to_keep_by()
        self._n_choices = max(view.heads.n_discrete for view in self.views)
        self._n_values = max(view.heads.n_values for view in self.views)

    def show(self, observation: Observation) -> tuple[Shown, ...]:
        """Return what each kind sees, new arrays each time."""
        padded = None
        if any(view.heads.options is not None for view in self.views):
            padded = pad(observation.options, self.config.cap or 0, self._keep_by)
        shown = []
        for view in self.views:
            slots = view.slots(padded, self.spec.n_agents)
            legal = view.legal(observation, slots)
            shown.append(Shown(view.seen(observation, slots, legal), legal, slots))
        return tuple(shown)

    def action(self, shown: tuple[Shown, ...], taken: tuple[Any, ...], n_envs: int) -> Action:
        """Return the batch's Action for what each kind's rows took, on what they were shown."""
        n_agents = self.spec.n_agents
        if len(self.views) == 1:
            choice, value = self.views[0].heads.read(taken[0], shown[0].slots, n_envs * n_agents)
            return Action(
                choice.reshape(n_envs, n_agents, choice.shape[1]),
                value.reshape(n_envs, n_agents, value.shape[1]),
            )
        choice = np.zeros((n_envs, n_agents, self._n_choices), dtype=np.int32)
        value = np.zeros((n_envs, n_agents, self._n_values))
        for view, own, wish in zip(self.views, shown, taken, strict=True):
            picked, real = view.heads.read(wish, own.slots, n_envs * view.count)
            own_shape = (n_envs, view.count, -1)
            if view.heads.n_discrete:
                choice[:, view.agents, : picked.shape[1]] = picked.reshape(own_shape)
            if view.heads.n_values:
                value[:, view.agents, : real.shape[1]] = real.reshape(own_shape)
        return Action(choice, value)

    def reward(self, step: Step) -> Doubles:
        """Return the weighted sum of the objectives (B, N), more is better."""
        weighted: Doubles = step.reward * self._weight
        if len(self._weight) == 1:
            return weighted[:, :, 0]
        total: Doubles = weighted.sum(axis=-1)
        return total

    def facts(self, step: Step, number: int) -> dict[str, NDArray[Any]]:
        """Return what `info` says about a step to a kind, one array of R rows for each key."""
        view = self.views[number]
        elapsed_s = step.elapsed_s
        return {
            "vector_reward": view.rows(step.reward).copy(),
            "illegal": view.rows(step.illegal).astype(np.int64),
            "elapsed_s": elapsed_s.copy() if view.count == 1 else elapsed_s.repeat(view.count),
        }

    def situation(self, shown: Shown) -> dict[str, NDArray[Any]]:
        """Return what `info` says about what may be done now, one array of R rows for each key."""
        facts: dict[str, NDArray[Any]] = {}
        if shown.slots is not None:
            facts["left_out"] = shown.slots.left_out
        if shown.legal.shape[1]:
            facts["action_mask"] = shown.legal.astype(np.int8)
        return facts

    def outcome(self, step: Step) -> dict[str, Doubles]:
        """Return the KPIs of the episodes that just ended by name, (B,) each; others: 0."""
        return {name: step.outcome[:, q].copy() for q, name in enumerate(self._kpis)}

    def _column_to_keep_by(self) -> int | None:
        """Return the column of the feature that `keep_by` names."""
        for view in self.views:
            if view.heads.options is not None and self.config.keep_by is not None:
                names = [feature.name for feature in view.heads.options.features]
                return names.index(self.config.keep_by)
        return None


def only_agent(spec: Spec, config: AdapterConfig) -> Translation:
    """Return the translation of a world with one agent; refuse others.

    Raises
    ------
    ConfigError
        When there are several agents.
    """
    if spec.n_agents != 1:
        raise ConfigError(
            Problem(
                where=f"world {spec.world}",
                found=f"{spec.n_agents} agents",
                allowed="one agent",
                fix="take flyball.interop.parallel.AgentsEnv (PettingZoo), or "
                "flyball.interop.sb3.BatchVecEnv, where every agent is a row",
            )
        )
    return Translation(spec, config)


def require_rows(env: Env, n_envs: int) -> None:
    """Refuse a batch of another size than the adapter serves."""
    if env.n_envs != n_envs:
        msg = f"the adapter serves {n_envs} rows, the batch has {env.n_envs}"
        raise InvariantError(msg)
