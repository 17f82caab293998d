# SPDX-License-Identifier: MIT
"""One agent kind as other libraries see it: spaces, observations, masks.

B copies with n agents of the kind stand as R = B * n rows, r = b * n + agent.
"""

from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from flyball.core.batch import Bools, Floats, Observation
from flyball.core.spec import AgentKind, Feature, Spec
from flyball.interop.heads import Heads
from flyball.interop.padding import Padded
from flyball.interop.settings import AdapterConfig, require_known

Seen = Floats | dict[str, NDArray[Any]]
"""An observation of one row or of R rows, as the layout says."""


class KindView:
    """What an adapter knows about one agent kind.

    Parameters
    ----------
    spec
        Of the world.
    number
        Of the kind, in `spec.kinds`.
    starts
        As in `Spec.choice_starts`.
    config
        Settings.
    """

    def __init__(
        self, spec: Spec, number: int, starts: tuple[int, ...], config: AdapterConfig
    ) -> None:
        kind = spec.kinds[number]
        first = sum(other.count for other in spec.kinds[:number])
        self.count = kind.count
        self.agents = slice(first, first + kind.count)
        self.names = agent_names(kind)
        self.heads = Heads(kind, starts, config)
        self.action_space = self.heads.space
        self._config = config
        self._everyone = kind.count == spec.n_agents
        self._n_obs = len(kind.features)
        self._low, self._high = bounds(kind.features)
        self._bounded = bool(np.isfinite(self._low).any() or np.isfinite(self._high).any())
        if self.heads.options is not None:
            features = self.heads.options.features
            # An empty slot is all zeros, so that zero lies in every range.
            low, high = bounds(features)
            self._slot_low = self._scaled(np.minimum(low, 0.0))
            self._slot_high = self._scaled(np.maximum(high, 0.0))
            if config.keep_by is not None:
                require_known("keep_by", [config.keep_by], [each.name for each in features])
        self.observation_space = self._space()

    def rows(self, values: NDArray[Any]) -> NDArray[Any]:
        """Return (B, N, ...) of the world as (R, ...) of this kind; a view where it can be."""
        own = values if self._everyone else values[:, self.agents]
        return own.reshape(len(values) * self.count, *values.shape[2:])

    def slots(self, padded: Padded | None, n_agents: int) -> Padded | None:
        """Return the slots of this kind's rows; None without an options head."""
        if padded is None or self.heads.options is None:
            return None
        if self._everyone:
            return padded
        at = np.arange(len(padded.own)).reshape(-1, n_agents)[:, self.agents].reshape(-1)
        return Padded(padded.features[at], padded.mask[at], padded.own[at], padded.left_out[at])

    def legal(self, observation: Observation, slots: Padded | None) -> Bools:
        """Return which actions (R, A) may be taken, heads end to end."""
        return self.heads.legal(self.rows(observation.mask), slots)

    def seen(self, observation: Observation, slots: Padded | None, legal: Bools) -> Seen:
        """Return what the library sees of R rows, new arrays each time."""
        obs = self.rows(observation.obs)[:, : self._n_obs]
        # np.clip costs three times as much on few rows.
        obs = np.minimum(np.maximum(obs, self._low), self._high) if self._bounded else obs.copy()
        shown = self._candidates(slots) if slots is not None else None
        if self._config.layout == "flat":
            return obs if shown is None else np.hstack((obs, shown.reshape(len(shown), -1)))
        out: dict[str, NDArray[Any]] = {"observations": obs if shown is None else shown}
        if shown is not None and self._n_obs:
            out["agent"] = obs
        if legal.shape[1]:
            out["action_mask"] = legal.astype(np.int8)
        return out

    def _candidates(self, slots: Padded) -> Floats:
        width = len(self._slot_low)
        shown: Floats = np.clip(
            self._scaled(slots.features[:, :, :width]), self._slot_low, self._slot_high
        )
        return shown

    def _scaled(self, features: Floats) -> Floats:
        if not self._config.compress:
            return features
        scaled: Floats = np.sign(features) * np.log1p(np.abs(features))
        return scaled

    def _space(self) -> spaces.Space[Any]:
        low, high = self._low, self._high
        if self.heads.options is not None:
            cap = self.heads.sizes[0]
            slot_low = np.tile(self._slot_low, (cap, 1))
            slot_high = np.tile(self._slot_high, (cap, 1))
        if self._config.layout == "flat":
            if self.heads.options is not None:
                low = np.concatenate((low, slot_low.reshape(-1)))
                high = np.concatenate((high, slot_high.reshape(-1)))
            return spaces.Box(low, high, dtype=np.float32)
        own = spaces.Box(low, high, dtype=np.float32)
        parts: dict[str, spaces.Space[Any]] = {"observations": own}
        if self.heads.options is not None:
            parts["observations"] = spaces.Box(slot_low, slot_high, dtype=np.float32)
            if self._n_obs:
                parts["agent"] = own
        if self.heads.sizes:
            parts["action_mask"] = spaces.Box(0, 1, (sum(self.heads.sizes),), dtype=np.int8)
        return spaces.Dict(parts)


def agent_names(kind: AgentKind) -> list[str]:
    """Return the name of each agent: the kind's, with a number where there are several."""
    if kind.count == 1:
        return [kind.name]
    return [f"{kind.name}_{number}" for number in range(kind.count)]


def bounds(features: tuple[Feature, ...]) -> tuple[Floats, Floats]:
    """Return the lowest and highest value of each feature, float32."""
    low = np.array([feature.low for feature in features], dtype=np.float32)
    high = np.array([feature.high for feature in features], dtype=np.float32)
    return low, high


def row_of(seen: Seen, row: int) -> Seen:
    """Return one row of an observation of R rows, sharing no memory with it."""
    if isinstance(seen, dict):
        return {key: value[row].copy() for key, value in seen.items()}
    one: Floats = seen[row].copy()
    return one


def rows_of(seen: Seen) -> list[Seen]:
    """Return an observation of R rows row by row, as views of it."""
    if not isinstance(seen, dict):
        return list(seen)
    if len(seen) == 1:
        (key,) = seen
        return [{key: row} for row in seen[key]]
    return [dict(zip(seen, parts, strict=True)) for parts in zip(*seen.values(), strict=True)]


def records(facts: dict[str, NDArray[Any]]) -> list[dict[str, Any]]:
    """Return one dictionary a row: Python numbers, and views of arrays."""
    columns = [value.tolist() if value.ndim == 1 else list(value) for value in facts.values()]
    return [dict(zip(facts, row, strict=True)) for row in zip(*columns, strict=True)]
