# SPDX-License-Identifier: MIT
"""A Gymnasium VectorEnv as a batch, whichever way it resets itself."""

from collections.abc import Callable
from typing import Any

import gymnasium
import numpy as np
from gymnasium.vector import AsyncVectorEnv, AutoresetMode, SyncVectorEnv, VectorEnv
from numpy.typing import NDArray

from flyball.core.batch import Action, Bools, Longs, Observation, Step
from flyball.core.errors import ConfigError, Problem
from flyball.core.random import bits
from flyball.core.spec import AgentKind, Spec
from flyball.interop.incoming.batch import Batch, describe
from flyball.interop.incoming.frozen import freeze, thaw
from flyball.interop.incoming.masks import flat_mask
from flyball.interop.incoming.moves import Moves
from flyball.interop.incoming.sights import MASK, Sight, mask_of
from flyball.interop.incoming.single import name_of

Foreign = VectorEnv[Any, Any, Any]
Info = dict[str, Any]


def from_vector(env: Foreign) -> "VectorRows":
    """Return a Gymnasium VectorEnv as a batch (see `VectorRows`).

    Raises
    ------
    ConfigError
        When its spaces cannot be features and heads, or it does not say how it resets itself.
    """
    return VectorRows(env)


class VectorRows:
    """The rows of a VectorEnv.

    **Autoreset.** The batch contract is SAME_STEP, with the last observation in `Step.final`.

    - SAME_STEP: the last observation is taken from ``info["final_obs"]``.
    - DISABLED: rows that ended are reset here, with ``options={"reset_mask": ...}``; and so are
      those of Gymnasium's own SyncVectorEnv and AsyncVectorEnv in NEXT_STEP mode.
    - NEXT_STEP of any other: a row that ended takes one more step, in which it is only reset. In
      the observation before that step the row is not `alive`, in the one after it has `start`:
      nothing is chosen, counted or earned, and no transition leads from one episode to the next.

    **Seeds.** One for each row. A VectorEnv that takes a single seed gets one made of all of them.

    **The rest** is as in `SingleRows`; masks come from ``observation["action_mask"]``, else
    `action_masks()` of the VectorEnv or of its environments, else ``info["action_mask"]``. In
    SAME_STEP mode only the first and the last of them tell what was legal in a last observation;
    without them nothing is forbidden there.

    Parameters
    ----------
    env
        Of any autoreset mode.
    """

    def __init__(self, env: Foreign) -> None:
        self.env = env
        self._name = name_of(env)
        self._mode = _mode_of(env, self._name)
        # Both honour the mask of rows to reset in every mode.
        own = isinstance(env, SyncVectorEnv | AsyncVectorEnv)
        self._resets = self._mode is AutoresetMode.DISABLED or (
            own and self._mode is AutoresetMode.NEXT_STEP
        )
        self._ghosts = self._mode is AutoresetMode.NEXT_STEP and not own
        self._sight = Sight(env.single_observation_space, self._name)
        self._moves = Moves(env.single_action_space, self._name)
        kind = AgentKind("agent", 1, self._sight.features, self._moves.heads)
        version = env.spec.version if env.spec is not None else None
        self._batch = Batch(describe(self._name, version or 0, [kind]), env.num_envs)
        discrete = len(self._moves.sizes) > 0
        self._ask = _asker(env) if discrete and not self._sight.has_mask else None
        self._batch.masked = self._sight.has_mask or self._ask is not None
        self._everyone: Bools = np.ones(env.num_envs, dtype=np.bool_)

    @property
    def spec(self) -> Spec:
        """Names, units and ranges of everything."""
        return self._batch.spec

    @property
    def n_envs(self) -> int:
        """B, the number of parallel copies."""
        return self._batch.n_envs

    def reset(self, seeds: Longs) -> Observation:
        """Start every row anew; row b is seeded with `seeds[b]`, at least 0."""
        own = [int(seed) for seed in seeds]
        try:
            seen, info = self.env.reset(seed=own)  # type: ignore[arg-type]
        except (gymnasium.error.Error, TypeError, ValueError):
            # The face of VectorEnv promises one int only.
            seen, info = self.env.reset(seed=int(bits(*own)) >> 33)
        now = self._batch.turn()
        self._see(now, self._everyone, seen, info)
        self._batch.begin()
        return now

    def step(self, action: Action) -> Step:
        """Apply one action to each row."""
        batch = self._batch
        choice, value = batch.legal(action)
        acts = batch.now.alive[:, 0].copy()
        moves = self._moves.batched(choice[:, 0], value[:, 0])
        seen, reward, terminated, truncated, info = self.env.step(moves)
        now = batch.turn()
        batch.reward[:, 0, 0] = np.where(acts, reward, 0.0)
        ended = (terminated | truncated) & acts
        any_ended = bool(ended.any())
        if any_ended:
            batch.terminated[:] = terminated & acts
            batch.truncated[:] = truncated & acts
            seen, info = self._end(ended, seen, info)
        self._see(now, self._everyone, seen, info)
        now.alive[:, 0] = ~ended if self._ghosts else True
        now.start[:] = ~acts if self._ghosts else ended
        return batch.close(ended=any_ended, played=acts)

    def snapshot(self) -> dict[str, NDArray[Any]]:
        """Return a copy of everything that changes, as named arrays (see `SingleRows`)."""
        return self._batch.snapshot() | {"envs": freeze([self.env], self._name)}

    def restore(self, snapshot: dict[str, NDArray[Any]]) -> Observation:
        """Go back to a snapshot, bit for bit, and return its observation."""
        thaw(snapshot["envs"], [self.env])
        return self._batch.restore(snapshot)

    def close(self) -> None:
        """Close the environments."""
        self.env.close()

    def _end(self, ended: Bools, seen: Any, info: Info) -> tuple[Any, Info]:
        """Keep what the rows that ended showed last, and return what is shown now."""
        final = self._batch.final
        final.alive[ended, 0] = True
        final.mask[ended] = True
        if self._mode is AutoresetMode.SAME_STEP:
            self._see_final(ended, info)
            return seen, info
        self._see(final, ended, seen, info)
        if not self._resets:
            return seen, info
        again: tuple[Any, Info] = self.env.reset(options={"reset_mask": ended})
        return again[0], _merged(info, again[1], ended)

    def _see(self, target: Observation, rows: Bools, seen: Any, info: Info) -> None:
        """Write what the given rows show into an observation."""
        if rows is self._everyone:
            self._sight.write(target.obs[:, 0], seen)
        else:
            shown = np.zeros_like(target.obs[:, 0])
            self._sight.write(shown, seen)
            target.obs[rows, 0] = shown[rows]
        mask = self._mask(seen, info)
        if mask is not None:
            target.mask[rows, 0] = mask[rows]

    def _mask(self, seen: Any, info: Info) -> Bools | None:
        """Return the mask (B, A) that stands with an observation; None forbids nothing ever."""
        if self._sight.has_mask:
            return self._told(mask_of(seen), self._everyone)
        if self._ask is not None:
            return self._told(self._ask(), self._everyone)
        if MASK in info:
            self._batch.masked = True
            return self._told(info[MASK], info.get(f"_{MASK}", self._everyone))
        if not self._batch.masked:
            return None
        return np.ones((self.n_envs, self._batch.starts[-1]), dtype=np.bool_)

    def _told(self, given: Any, who: Bools) -> Bools:
        """Return a batch of masks (B, A); the rows that were not told one forbid nothing."""
        width = self._batch.starts[-1]
        rows = _rows_of_mask(given, self.n_envs)
        return np.array(
            [
                flat_mask(own, width, self._name) if told else np.ones(width, dtype=np.bool_)
                for own, told in zip(rows, who, strict=True)
            ]
        )

    def _see_final(self, ended: Bools, info: Info) -> None:
        """Write the last observations of a SAME_STEP environment."""
        if "final_obs" not in info:
            raise ConfigError(
                Problem(
                    where=f"{self._name} info",
                    found="no final_obs, though rows have ended",
                    allowed="the last observation of every row that ended, as SAME_STEP asks for",
                    fix="mend the environment, or state the autoreset mode that it has",
                )
            )
        final, last = self._batch.final, info["final_obs"]
        if isinstance(last, np.ndarray) and last.dtype == object:
            for row in np.flatnonzero(ended).tolist():
                self._sight.write(final.obs[row, 0], last[row])
                if self._sight.has_mask:
                    given = mask_of(last[row])
                    final.mask[row, 0] = flat_mask(given, self._batch.starts[-1], self._name)
        else:  # one batch of all rows
            shown = np.zeros_like(final.obs[:, 0])
            self._sight.write(shown, last)
            final.obs[ended, 0] = shown[ended]
            if self._sight.has_mask:
                final.mask[ended, 0] = self._told(mask_of(last), self._everyone)[ended]
        inside = info.get("final_info", {})
        if MASK in inside and not self._sight.has_mask:
            who = inside.get(f"_{MASK}", ended)
            final.mask[ended, 0] = self._told(inside[MASK], who)[ended]


def _mode_of(env: Foreign, name: str) -> AutoresetMode:
    """Return how an environment says that it resets itself."""
    stated = env.metadata.get("autoreset_mode")
    try:
        return stated if isinstance(stated, AutoresetMode) else AutoresetMode(stated)
    except ValueError as error:
        raise ConfigError(
            Problem(
                where=f"{name} metadata",
                found=f"autoreset_mode {stated!r}",
                allowed=", ".join(str(mode) for mode in AutoresetMode),
                fix="state metadata['autoreset_mode'], because a wrong guess trains on "
                "transitions that never were",
            )
        ) from error


def _asker(env: Foreign) -> Callable[[], Any] | None:
    """Return what tells the masks of all rows, or None if nothing does."""
    own = getattr(env.unwrapped, "action_masks", None)
    if callable(own):
        asker: Callable[[], Any] = own
        return asker
    inner = getattr(env.unwrapped, "envs", None)
    if inner and all(each.has_wrapper_attr("action_masks") for each in inner):
        return lambda: [each.get_wrapper_attr("action_masks")() for each in inner]
    return None


def _rows_of_mask(given: Any, n_envs: int) -> list[Any]:
    """Return a batch of masks row by row; those of several heads may be a tuple of batches."""
    if isinstance(given, tuple):
        return list(zip(*(_rows_of_mask(part, n_envs) for part in given), strict=True))
    return list(given)


def _merged(info: Info, again: Info, ended: Bools) -> Info:
    """Return the info of a step, with that of rows that were reset in its place."""
    if MASK not in info and MASK not in again:
        return info
    everyone = np.ones_like(ended)
    first = again if MASK in again else info
    given = np.ones_like(first[MASK])
    for source, rows in ((info, ~ended), (again, ended)):
        if MASK in source:
            told = rows & source.get(f"_{MASK}", everyone)
            given[told] = source[MASK][told]
    return {MASK: given}
