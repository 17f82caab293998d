# SPDX-License-Identifier: MIT
"""PettingZoo ParallelEnvs side by side as a batch with an agent axis."""

from collections.abc import Callable, Hashable, Sequence
from itertools import pairwise, takewhile
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from flyball.core.batch import Action, Bools, Longs, Observation, Step
from flyball.core.errors import ConfigError, Problem
from flyball.core.spec import AgentKind, Spec
from flyball.interop.incoming.batch import Batch, describe
from flyball.interop.incoming.frozen import freeze, thaw
from flyball.interop.incoming.masks import flat_mask
from flyball.interop.incoming.moves import Moves
from flyball.interop.incoming.sights import MASK, Sight, mask_of

if TYPE_CHECKING:
    from gymnasium import spaces

Made = Any  # pettingzoo.ParallelEnv, which ships no types and need not be installed to be passed in
Each = dict[Hashable, Any]
"""Something for each agent, by its name."""


class Group:
    """The agents that have equal spaces: one agent kind."""

    def __init__(self, name: str, env: Made, agents: list[Hashable], where: str) -> None:
        self.agents = agents
        self.sight = Sight(env.observation_space(agents[0]), where)
        self.moves = Moves(env.action_space(agents[0]), where)
        self.kind = AgentKind(name, len(agents), self.sight.features, self.moves.heads)


def from_parallel(make: Callable[..., Made], n_envs: int, **settings: Any) -> "ParallelRows":
    """Return `n_envs` copies of a PettingZoo ParallelEnv as a batch.

    Parameters
    ----------
    make
        Makes one copy, a new one each time; of an AEC environment by
        `pettingzoo.utils.aec_to_parallel`.
    n_envs
        B, at least 1.
    settings
        Keywords for `make`.

    Raises
    ------
    ConfigError
        When its spaces cannot be features and heads, `make` returns one copy twice, or its agents
        are not known beforehand.
    """
    return ParallelRows([make(**settings) for _ in range(n_envs)])


class ParallelRows:
    """B ParallelEnvs, one row each, with all agents that are possible.

    **Agents.** Those with equal spaces are one kind, named after what their names have in common;
    kinds stand in the order in which `possible_agents` first names one of theirs.

    **Leaving.** An agent is alive while `agents` names it. In the step in which it leaves it still
    earns its reward; afterwards its reward is 0, it sees zeros, and nothing is legal.

    **End.** When no agent is left, the row is reset in the same step. It is truncated if any of
    its last agents was, and terminated if all of them were. Where some of them terminated and
    others were cut short, it is truncated, and `final.alive` holds the latter.

    **State.** `state()`, where the environment has one.

    **The rest** is as in `SingleRows`; masks come from ``observation["action_mask"]``, else
    ``info["action_mask"]``.

    Parameters
    ----------
    envs
        Different objects of the same make.
    """

    def __init__(self, envs: Sequence[Made]) -> None:
        self._name = _name(envs[0]) if envs else "pettingzoo"
        _require_rows(envs, self._name)
        self.envs = tuple(envs)
        self._groups = _grouped(envs[0], self._name)
        self.agents = tuple(agent for group in self._groups for agent in group.agents)
        """Names of the agents in the order of the agent axis."""

        self._place = {agent: n for n, agent in enumerate(self.agents)}
        self._group_of = [group for group in self._groups for _ in group.agents]
        kinds = [group.kind for group in self._groups]
        self._batch = Batch(describe(self._name, 0, kinds, _state_width(envs[0])), len(envs))
        self._batch.masked = any(group.sight.has_mask for group in self._groups)
        self._own = self._batch.own_columns()

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
            self._begin(now, row, *env.reset(seed=seed))
        self._batch.begin()
        return now

    def step(self, action: Action) -> Step:
        """Apply one action of each living agent to each row."""
        batch = self._batch
        moves = self._chosen(*batch.legal(action))
        before = batch.now.alive
        now = batch.turn()
        batch.reward[...] = 0.0
        any_ended = False
        for row, env in enumerate(self.envs):
            acting = np.flatnonzero(before[row]).tolist()
            seen, reward, over, cut, infos = env.step(
                {self.agents[n]: moves[row][n] for n in acting}
            )
            for n in acting:
                batch.reward[row, n, 0] = reward.get(self.agents[n], 0.0)
            alive = self._alive(env, over, cut)
            if alive.any():
                self._see(now, row, alive, seen, infos)
                continue
            any_ended = True
            self._end(row, acting, over, cut)
            self._see(batch.final, row, batch.final.alive[row], seen, infos)
            self._begin(now, row, *env.reset())
            now.start[row] = True
        return batch.close(ended=any_ended)

    def snapshot(self) -> dict[str, NDArray[Any]]:
        """Return a copy of everything that changes, as named arrays (see `SingleRows`)."""
        return self._batch.snapshot() | {"envs": freeze(self.envs, self._name)}

    def restore(self, snapshot: dict[str, NDArray[Any]]) -> Observation:
        """Go back to a snapshot, bit for bit, and return its observation."""
        thaw(snapshot["envs"], self.envs)
        return self._batch.restore(snapshot)

    def close(self) -> None:
        """Close every environment."""
        for env in self.envs:
            env.close()

    def _chosen(self, choice: NDArray[Any], value: NDArray[Any]) -> list[list[Any]]:
        """Return the action of each agent of each row, in the spaces' own form."""
        n_envs = self.n_envs
        chosen: list[list[Any]] = [[] for _ in range(n_envs)]
        bounds = np.cumsum([0, *(group.kind.count for group in self._groups)]).tolist()
        for group, (first, stop) in zip(self._groups, pairwise(bounds), strict=True):
            count = stop - first
            own = group.moves.rows(
                choice[:, first:stop].reshape(n_envs * count, choice.shape[2]),
                value[:, first:stop].reshape(n_envs * count, value.shape[2]),
            )
            for row in range(n_envs):
                chosen[row] += own[row * count : (row + 1) * count]
        return chosen

    def _alive(self, env: Made, over: Each, cut: Each) -> Bools:
        """Return who acts next (N,): whom the environment names and has not just ended."""
        alive = np.zeros(len(self.agents), dtype=np.bool_)
        for agent in env.agents:
            if not (over.get(agent, False) or cut.get(agent, False)):
                alive[self._place[agent]] = True
        return alive

    def _begin(self, now: Observation, row: int, seen: Each, infos: Each) -> None:
        """Show the first observation of an episode."""
        self._see(now, row, self._alive(self.envs[row], {}, {}), seen, infos)

    def _end(self, row: int, acting: list[int], over: Each, cut: Each) -> None:
        """Write down how a row ended."""
        batch = self._batch
        last = [self.agents[n] for n in acting]
        shortened = [bool(cut.get(agent, False)) for agent in last]
        ended = [bool(over.get(agent, False)) for agent in last]
        batch.truncated[row] = any(shortened)
        batch.terminated[row] = all(ended) or not any(shortened)
        batch.final.alive[row, acting] = np.array(shortened) & ~np.array(ended)
        if batch.terminated[row]:
            batch.final.alive[row, acting] = True

    def _see(self, target: Observation, row: int, alive: Bools, seen: Each, infos: Each) -> None:
        """Write what the agents of a row are shown into an observation."""
        target.alive[row] = alive
        obs, mask = target.obs[row], target.mask[row]
        if len(seen) < len(self.agents):
            obs[...] = 0.0
        mask[...] = self._own & alive[:, None]
        for agent, own in seen.items():
            n = self._place.get(agent)
            if n is None:  # such as "common", which PettingZoo allows
                continue
            group = self._group_of[n]
            group.sight.write(obs[n], own)
            given = mask_of(own) if group.sight.has_mask else infos.get(agent, {}).get(MASK)
            if given is not None and alive[n]:
                columns = self._own[n]
                mask[n, columns] = flat_mask(given, int(columns.sum()), f"{self._name} {agent}")
                self._batch.masked = True
        if self.spec.state:
            target.state[row] = np.reshape(self.envs[row].state(), -1)


def _name(env: Made) -> str:
    """Return how an environment is called."""
    metadata = getattr(env, "metadata", {})
    return f"pettingzoo/{metadata.get('name', type(env.unwrapped).__name__)}"


def _grouped(env: Made, where: str) -> list[Group]:
    """Return the agents by kind: those with equal spaces."""
    members: list[tuple[spaces.Space[Any], spaces.Space[Any], list[Hashable]]] = []
    for agent in env.possible_agents:
        sees, does = env.observation_space(agent), env.action_space(agent)
        own = next((who for o, a, who in members if o == sees and a == does), None)
        if own is None:
            members.append((sees, does, [agent]))
        else:
            own.append(agent)
    names: list[str] = []
    for _, _, agents in members:
        name = _in_common([str(agent) for agent in agents])
        names.append(name if name not in names else f"{name}_{len(names)}")
    return [
        Group(name, env, agents, where) for name, (_, _, agents) in zip(names, members, strict=True)
    ]


def _in_common(names: list[str]) -> str:
    """Return what names have in common, without the number behind it."""
    same = list(takewhile(lambda letters: len(set(letters)) == 1, zip(*names, strict=False)))
    prefix = "".join(letters[0] for letters in same)
    return prefix.rstrip("0123456789").rstrip("_- ") or names[0]


def _state_width(env: Made) -> int:
    """Return the length of an environment's state, 0 where it has none."""
    env.reset(seed=0)  # a state is told only within an episode
    try:
        return int(np.size(env.state()))
    except (NotImplementedError, AttributeError):
        return 0


def _require_rows(envs: Sequence[Made], name: str) -> None:
    """Refuse no environment, one that stands in two rows, and agents that nobody knows yet."""
    found = ""
    if not envs:
        found = "no environment"
    elif len({id(env.unwrapped) for env in envs}) < len(envs):
        found = "the same environment in several rows"
    elif not getattr(envs[0], "possible_agents", None):
        found = "no possible_agents"
    if found:
        raise ConfigError(
            Problem(
                where=name,
                found=found,
                allowed="at least one environment, a new one for each row, that names all of its "
                "possible_agents",
                fix="hand over a function that makes one copy each time it is called",
            )
        )
