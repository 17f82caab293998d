# SPDX-License-Identifier: MIT
"""Single Gymnasium environments side by side as a batch."""

from collections.abc import Callable, Sequence
from typing import Any

import gymnasium
from numpy.typing import NDArray

from flyball.core.batch import Action, Bools, Floats, Longs, Observation, Step
from flyball.core.errors import ConfigError, Problem
from flyball.core.spec import AgentKind, Spec
from flyball.interop.incoming.batch import Batch, describe
from flyball.interop.incoming.frozen import freeze, thaw
from flyball.interop.incoming.masks import flat_mask
from flyball.interop.incoming.moves import Moves
from flyball.interop.incoming.sights import MASK, Sight, mask_of

Made = gymnasium.Env[Any, Any]


def from_gymnasium(make: Callable[..., Made] | str, n_envs: int, **settings: Any) -> "SingleRows":
    """Return `n_envs` copies of a Gymnasium environment as a batch.

    Parameters
    ----------
    make
        Makes one copy, a new one each time; or an id for `gymnasium.make`.
    n_envs
        B, at least 1.
    settings
        Keywords for `make`.

    Raises
    ------
    ConfigError
        When its spaces cannot be features and heads, or `make` returns one copy twice.
    """
    if isinstance(make, str):
        return SingleRows([gymnasium.make(make, **settings) for _ in range(n_envs)])
    return SingleRows([make(**settings) for _ in range(n_envs)])


class SingleRows:
    """B single environments, one row each.

    **Observations.** The space's numbers as features (see `sights.Sight`), float32.

    **Actions.** The space's heads (see `moves.Moves`). What is illegal or out of range is
    replaced and counted before the environment sees it.

    **Masks.** From ``observation["action_mask"]``, else `action_masks()`, else
    ``info["action_mask"]``; several heads end to end. A step without a mask in its info forbids
    nothing.

    **Reward.** As the environment gives it, float64.

    **Episodes.** `reset(seeds)` seeds each row's environment once, as Gymnasium means it; the
    episodes that follow draw on from there. The k-th episode after a reset is therefore the same
    for the same seed, given the same actions before it. A row that ends is reset in the same step;
    its last observation stands in `Step.final`.

    **Snapshots.** By pickling what hangs on the environments (see `frozen`); they belong into a
    run's own folder. An environment that holds what cannot be pickled, or that draws from global
    randomness, cannot be continued.

    **Time.** Gymnasium states none: a step counts as 1 s.

    Parameters
    ----------
    envs
        Different objects with equal spaces.
    """

    def __init__(self, envs: Sequence[Made]) -> None:
        _require_different(envs)
        first = envs[0]
        self.envs = tuple(envs)
        self._name = name_of(first)
        self._sight = Sight(first.observation_space, self._name)
        self._moves = Moves(first.action_space, self._name)
        kind = AgentKind("agent", 1, self._sight.features, self._moves.heads)
        version = first.spec.version if first.spec is not None else None
        self._batch = Batch(describe(self._name, version or 0, [kind]), len(envs))
        self._steps = [env.step for env in envs]
        self._asks = _askers(envs) if not self._sight.has_mask and len(self._moves.sizes) else None
        self._always_masked = self._sight.has_mask or self._asks is not None
        self._batch.masked = self._always_masked
        # Views of each row, by the observation they belong to: indexing anew costs as much as the
        # copy itself.
        batch = self._batch
        self._rows = {id(each): list(each.obs[:, 0]) for each in (*batch.sets, batch.final)}
        self._reward = batch.reward[:, 0, 0]

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
        now = self._batch.turn()
        for row, (env, seed) in enumerate(zip(self.envs, seeds.tolist(), strict=True)):
            seen, info = env.reset(seed=seed)
            self._see(now, row, seen, info)
        self._batch.begin()
        return now

    def step(self, action: Action) -> Step:
        """Apply one action to each row."""
        batch = self._batch
        choice, value = batch.legal(action)
        moves = self._moves.rows(choice[:, 0], value[:, 0])
        now = batch.turn()
        targets, plain = self._rows[id(now)], self._sight.plain and not batch.masked
        rewards, ended = [], False
        for row, step in enumerate(self._steps):
            seen, reward, terminated, truncated, info = step(moves[row])
            rewards.append(reward)
            if terminated or truncated:
                ended = True
                batch.terminated[row], batch.truncated[row] = terminated, truncated
                seen, info = self._again(now, row, seen, info)
            if plain and MASK not in info:
                targets[row][...] = seen
            else:
                self._see(now, row, seen, info)
        self._reward[:] = rewards
        return batch.close(ended=ended)

    def _again(
        self, now: Observation, row: int, seen: Any, info: dict[str, Any]
    ) -> tuple[Any, dict[str, Any]]:
        """Keep what a row showed last, and return what its next episode shows first."""
        final = self._batch.final
        final.mask[row] = True
        self._see(final, row, seen, info)
        final.alive[row] = True
        now.start[row] = True
        again: tuple[Any, dict[str, Any]] = self.envs[row].reset()
        return again

    def snapshot(self) -> dict[str, NDArray[Any]]:
        """Return a copy of everything that changes, as named arrays.

        Raises
        ------
        ConfigError
            When an environment holds what cannot be copied.
        """
        return self._batch.snapshot() | {"envs": freeze(self.envs, self._name)}

    def restore(self, snapshot: dict[str, NDArray[Any]]) -> Observation:
        """Go back to a snapshot, bit for bit, and return its observation."""
        thaw(snapshot["envs"], self.envs)
        return self._batch.restore(snapshot)

    def close(self) -> None:
        """Close every environment."""
        for env in self.envs:
            env.close()

    def _see(self, target: Observation, row: int, seen: Any, info: dict[str, Any]) -> None:
        """Write what a row shows into an observation."""
        self._sight.write(self._rows[id(target)][row], seen)
        if self._always_masked:
            given = mask_of(seen) if self._asks is None else self._asks[row]()
            self._mask(target, row, given)
        elif MASK in info or self._batch.masked:
            self._mask(target, row, info.get(MASK))

    def _mask(self, target: Observation, row: int, given: Any) -> None:
        """Write a row's mask; None forbids nothing."""
        mask: Floats | Bools = target.mask[row, 0]
        mask[...] = True if given is None else flat_mask(given, len(mask), self._name)
        self._batch.masked = True


def name_of(env: Any) -> str:
    """Return how an environment is called: its id, or its class."""
    inner = getattr(env.unwrapped, "envs", None) or [env]
    spec = env.spec or inner[0].spec
    return f"gymnasium/{spec.id if spec is not None else type(inner[0].unwrapped).__name__}"


def _askers(envs: Sequence[Made]) -> list[Callable[[], Any]] | None:
    """Return the method of each environment that tells its mask, or None if it has none."""
    if not all(env.has_wrapper_attr("action_masks") for env in envs):
        return None
    return [env.get_wrapper_attr("action_masks") for env in envs]


def _require_different(envs: Sequence[Made]) -> None:
    """Refuse no environment, one that stands in two rows, and spaces that differ."""
    name = name_of(envs[0]) if envs else "gymnasium"
    found = ""
    if not envs:
        found = "no environment"
    elif len({id(env.unwrapped) for env in envs}) < len(envs):
        found = "the same environment in several rows"
    elif any(
        env.observation_space != envs[0].observation_space
        or env.action_space != envs[0].action_space
        for env in envs
    ):
        found = "rows with different spaces"
    if found:
        raise ConfigError(
            Problem(
                where=name,
                found=found,
                allowed="at least one environment, a new one for each row, with equal spaces",
                fix="hand over a function that makes one copy each time it is called",
            )
        )
