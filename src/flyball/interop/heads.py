# SPDX-License-Identifier: MIT
"""The heads of one agent kind as one action space, and the way back.

An options head is a Discrete space of slots. Categorical heads are one Discrete space, or one
MultiDiscrete; continuous heads one Box in native units; both kinds of heads together the Tuple of
the two. Masks of several discrete heads lie end to end, as sb3-contrib wants them.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from flyball.core.batch import Bools, Doubles, Floats, Ints
from flyball.core.errors import ConfigError
from flyball.core.spec import AgentKind, Categorical, Head, Hybrid, OptionsHead, TanhGaussian
from flyball.interop.padding import Padded
from flyball.interop.settings import AdapterConfig, problem

LARGEST = 2**31 - 1


class Heads:
    """What agents of one kind may do.

    Parameters
    ----------
    kind
        Of a world; an options head stands alone.
    starts
        First mask column of each discrete head of the world (see `Spec.choice_starts`).
    config
        Settings; `cap` is needed for an options head.

    Raises
    ------
    ConfigError
        When an options head has another beside it, or no slots.
    """

    def __init__(self, kind: AgentKind, starts: Sequence[int], config: AdapterConfig) -> None:
        discrete = discrete_heads(kind.heads)
        ranges = continuous_heads(kind.heads)
        self.options = _options_head(kind)
        self.n_discrete, self.n_values = len(discrete), len(ranges)
        self.sizes = tuple(head.n for head in discrete)
        if self.options is not None:
            self.n_discrete, self.sizes = 1, (_slots(kind, config),)
        self._columns = _columns(starts, self.sizes if self.options is None else ())
        self.space = _space(self.sizes, ranges)

    def legal(self, mask: Bools, padded: Padded | None) -> Bools:
        """Return the own columns of a mask (R, A), or the slots that hold a candidate; a copy."""
        if self.options is not None and padded is not None:
            return padded.mask.copy()
        own: Bools = mask[:, self._columns]
        return own.copy() if isinstance(self._columns, slice) else own

    def sampling(self, legal: Bools) -> Any:
        """Return the mask (A,) of one agent as `space.sample(mask=...)` of Gymnasium takes it."""
        parts = np.split(legal.astype(np.int8), np.cumsum(self.sizes)[:-1]) if self.sizes else []
        discrete = parts[0] if len(parts) == 1 else tuple(parts)
        if isinstance(self.space, spaces.Tuple):
            return (discrete, None)
        return discrete if parts else None

    def read(self, taken: Any, padded: Padded | None, n_rows: int) -> tuple[Ints, Doubles]:
        """Return choice (R, H) and value (R, D) for actions of R rows.

        A number that is no action at all becomes one that the world counts as illegal.
        """
        discrete, real = taken if isinstance(self.space, spaces.Tuple) else (taken, taken)
        choice = np.zeros((n_rows, 0), dtype=np.int32)
        if self.n_discrete:
            wish = np.asarray(discrete).reshape(n_rows, self.n_discrete)
            choice = np.minimum(np.maximum(wish, -1), LARGEST).astype(np.int32)
        if self.options is not None and padded is not None:
            choice = _own(choice[:, 0], padded)
        value = np.zeros((n_rows, 0))
        if self.n_values:
            value = np.asarray(real, dtype=np.float64).reshape(n_rows, self.n_values)
        return choice, value

    @property
    def idle(self) -> Any:
        """What stands for an agent that does not act: the first choice, the lowest values."""
        parts: list[Any] = []
        if self.n_discrete:
            parts.append(0 if self.n_discrete == 1 else np.zeros(self.n_discrete, dtype=np.int64))
        if self.n_values:
            box = self.space.spaces[-1] if isinstance(self.space, spaces.Tuple) else self.space
            parts.append(box.low if isinstance(box, spaces.Box) else 0.0)
        return parts[0] if len(parts) == 1 else tuple(parts)

    def collate(self, actions: list[Any]) -> Any:
        """Return the actions of single agents as one of many rows."""
        if isinstance(self.space, spaces.Tuple):
            return tuple(np.array(part) for part in zip(*actions, strict=True))
        return np.array(actions)


def discrete_heads(heads: Sequence[Head]) -> list[Categorical | Hybrid]:
    """Return the heads that are a choice among fixed actions, in their order."""
    return [head for head in heads if isinstance(head, Categorical | Hybrid)]


def continuous_heads(heads: Sequence[Head]) -> list[TanhGaussian]:
    """Return the heads that are a value, in their order."""
    return [head for head in heads if isinstance(head, TanhGaussian)]


def _columns(starts: Sequence[int], sizes: tuple[int, ...]) -> slice | NDArray[np.int64]:
    """Return the mask columns of heads of these sizes: a slice where nothing lies between them."""
    at = [np.arange(start, start + n) for start, n in zip(starts, sizes, strict=False)]
    columns = np.concatenate([np.zeros(0, dtype=np.int64), *at])
    if np.array_equal(columns, np.arange(len(columns))):
        return slice(len(columns))
    return columns


def _options_head(kind: AgentKind) -> OptionsHead | None:
    """Return the options head of a kind that has one and no other."""
    options = [head for head in kind.heads if isinstance(head, OptionsHead)]
    if not options:
        return None
    if len(kind.heads) > 1:
        beside = ", ".join(head.name for head in kind.heads if head != options[0])
        raise ConfigError(
            problem(
                f"kind {kind.name}",
                f"an options head beside {beside}",
                "an options head alone, or any number of other heads",
                "use the batch contract itself",
            )
        )
    return options[0]


def _slots(kind: AgentKind, config: AdapterConfig) -> int:
    if config.cap is None:
        raise ConfigError(
            problem(
                "cap",
                f"none, and kind {kind.name} chooses among a varying number of candidates",
                "at least 2",
                "state how many candidates are to be shown",
            )
        )
    return config.cap


def _space(sizes: tuple[int, ...], ranges: list[TanhGaussian]) -> spaces.Space[Any]:
    """Return the action space of discrete heads of these sizes and continuous ones."""
    parts: list[spaces.Space[Any]] = []
    if len(sizes) == 1:
        parts.append(spaces.Discrete(sizes[0]))
    elif sizes:
        parts.append(spaces.MultiDiscrete(list(sizes)))
    if ranges:
        low = inward([head.low for head in ranges], np.inf)
        high = inward([head.high for head in ranges], -np.inf)
        parts.append(spaces.Box(low, high, dtype=np.float32))
    return parts[0] if len(parts) == 1 else spaces.Tuple(parts)


def inward(bounds: list[float], towards: float) -> Floats:
    """Return bounds as float32, rounded so that what lies within them lies within `bounds`."""
    exact = np.array(bounds, dtype=np.float64)
    near = exact.astype(np.float32)
    outside = near < exact if towards > 0 else near > exact
    rounded: Floats = np.where(outside, np.nextafter(near, np.float32(towards)), near)
    return rounded


def _own(slot: NDArray[np.int32], padded: Padded) -> Ints:
    """Return the candidate (R, 1) in each slot (R,), -1 for an empty or unknown one."""
    known = (slot >= 0) & (slot < padded.own.shape[1])
    own = padded.own[np.arange(len(slot)), np.where(known, slot, 0)]
    return np.where(known, own, -1).astype(np.int32)[:, None]
