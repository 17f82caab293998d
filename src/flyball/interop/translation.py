# SPDX-License-Identifier: MIT
"""From the batch contract to fixed spaces and back, shared by every adapter.

An adapter serves single-objective libraries: the reward is the weighted sum of the objectives,
turned so that more is better; the objectives themselves travel in `info["vector_reward"]`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from flyball.core.batch import Action, Doubles, Floats, Observation, Step
from flyball.core.errors import ConfigError, InvariantError, Problem, nearest
from flyball.core.protocols import Env
from flyball.core.spec import OptionsHead, Spec
from flyball.interop.padding import Padded, pad

Layout = Literal["flat", "dict"]
Seen = Floats | dict[str, NDArray[Any]]
"""An observation of one row or of B rows, as the layout says."""


@dataclass(frozen=True, kw_only=True)
class AdapterConfig:
    """Settings of every adapter."""

    cap: int
    """Slots for candidates, at least 2."""

    weights: Mapping[str, float]
    """Weight of each objective in the reward, by name; those not named weigh 0."""

    keep_by: str | None = None
    """Feature whose largest values stay where there are more candidates than slots."""

    layout: Layout = "flat"
    """``flat``: one vector of cap times G numbers. ``dict``: ``observations`` (cap, G) and
    ``action_mask`` (cap,)."""

    compress: bool = True
    """Take the signed log1p of every feature, because slack and queues span four decades."""

    def __post_init__(self) -> None:
        if self.cap < 2:
            raise ConfigError(
                _problem("cap", f"{self.cap}", "at least 2", "take 2 or more slots, or none at all")
            )
        if self.layout not in ("flat", "dict"):
            raise ConfigError(
                _problem(
                    "layout",
                    f"'{self.layout}'",
                    "'flat' or 'dict'",
                    nearest(str(self.layout), ("flat", "dict")),
                )
            )


class Translation:
    """What an adapter knows about a world: spaces, and how to fill and read them.

    Parameters
    ----------
    spec
        Of a world with one agent and one options head.
    config
        Settings.

    Raises
    ------
    ConfigError
        When the world has another shape, or a setting names what the world does not have.
    """

    def __init__(self, spec: Spec, config: AdapterConfig) -> None:
        self.config = config
        features = _options_head(spec).features
        names = [feature.name for feature in features]
        self._keep_by = None
        if config.keep_by is not None:
            require_known("keep_by", [config.keep_by], names)
            self._keep_by = names.index(config.keep_by)
        objectives = [objective.name for objective in spec.objectives]
        require_known("weights", config.weights, objectives)
        sign = np.array([-1.0 if each.sense == "min" else 1.0 for each in spec.objectives])
        self._weight = sign * np.array([config.weights.get(name, 0.0) for name in objectives])
        self._kpis = tuple(kpi.name for kpi in spec.kpis)
        # An empty slot is all zeros, so that zero lies in every range.
        low = np.array([min(feature.low, 0.0) for feature in features], dtype=np.float32)
        high = np.array([max(feature.high, 0.0) for feature in features], dtype=np.float32)
        self._low, self._high = self._scaled(low), self._scaled(high)
        self.observation_space = self._space()
        self.action_space: spaces.Discrete = spaces.Discrete(config.cap)

    def pad(self, observation: Observation) -> Padded:
        """Put the candidates of an observation into slots."""
        return pad(observation.options, self.config.cap, self._keep_by)

    def seen(self, padded: Padded) -> Seen:
        """Return what the library sees of B rows, new arrays each time."""
        features = np.clip(self._scaled(padded.features), self._low, self._high)
        if self.config.layout == "flat":
            return features.reshape(len(features), -1)
        return {"observations": features, "action_mask": padded.mask.astype(np.int8)}

    def action(self, padded: Padded, slot: NDArray[np.integer[Any]]) -> Action:
        """Return the batch's Action for slots (B,); an empty or unknown slot is illegal there."""
        slot = np.asarray(slot, dtype=np.int64).reshape(-1)
        known = (slot >= 0) & (slot < self.config.cap)
        own = padded.own[np.arange(len(slot)), np.where(known, slot, 0)]
        choice = np.where(known, own, -1).astype(np.int32)
        return Action(choice[:, None, None], np.zeros((len(slot), 1, 0)))

    def reward(self, step: Step) -> Doubles:
        """Return the weighted sum of the objectives (B,), more is better."""
        total: Doubles = (step.reward[:, 0, :] * self._weight).sum(axis=1)
        return total

    def facts(self, step: Step, padded: Padded) -> dict[str, NDArray[Any]]:
        """Return what `info` says about a step, one array of B rows for each key."""
        return {
            "vector_reward": step.reward[:, 0, :].copy(),
            "illegal": step.illegal[:, 0].astype(np.int64),
            "elapsed_s": step.elapsed_s.copy(),
            "left_out": padded.left_out,
            "action_mask": padded.mask.astype(np.int8),
        }

    def outcome(self, step: Step) -> dict[str, Doubles]:
        """Return the KPIs of the episodes that just ended by name, (B,) each; others: 0."""
        return {name: step.outcome[:, q].copy() for q, name in enumerate(self._kpis)}

    def _scaled(self, features: Floats) -> Floats:
        if not self.config.compress:
            return features
        scaled: Floats = np.sign(features) * np.log1p(np.abs(features))
        return scaled

    def _space(self) -> spaces.Space[Any]:
        cap = self.config.cap
        low, high = np.tile(self._low, (cap, 1)), np.tile(self._high, (cap, 1))
        if self.config.layout == "flat":
            return spaces.Box(low.reshape(-1), high.reshape(-1), dtype=np.float32)
        return spaces.Dict(
            {
                "observations": spaces.Box(low, high, dtype=np.float32),
                "action_mask": spaces.Box(0, 1, (cap,), dtype=np.int8),
            }
        )


def row_of(seen: Seen, row: int) -> Seen:
    """Return one row of an observation of B rows, sharing no memory with it."""
    if isinstance(seen, dict):
        return {key: value[row].copy() for key, value in seen.items()}
    one: Floats = seen[row].copy()
    return one


def require_rows(env: Env, n_envs: int) -> None:
    """Refuse a batch of another size than the adapter serves."""
    if env.n_envs != n_envs:
        msg = f"the adapter serves {n_envs} rows, the batch has {env.n_envs}"
        raise InvariantError(msg)


def _options_head(spec: Spec) -> OptionsHead:
    """Return the one options head of the one agent."""
    heads = [head for kind in spec.kinds for head in kind.heads]
    if spec.n_agents == 1 and len(heads) == 1 and isinstance(heads[0], OptionsHead):
        return heads[0]
    raise ConfigError(
        _problem(
            f"world {spec.world}",
            f"{spec.n_agents} agents with heads {', '.join(head.name for head in heads)}",
            "one agent with one options head",
            "use the batch contract itself",
        )
    )


def require_known(where: str, names: Iterable[str], known: list[str]) -> None:
    """Refuse names that are not among the known ones, all at once."""
    unknown = [name for name in names if name not in known]
    if unknown:
        raise ConfigError(
            [
                _problem(where, f"'{name}'", ", ".join(known), nearest(name, known))
                for name in unknown
            ]
        )


def _problem(where: str, found: str, allowed: str, fix: str) -> Problem:
    return Problem(where=f"adapter setting {where}", found=found, allowed=allowed, fix=fix)
