# SPDX-License-Identifier: MIT
"""One copy of a world as a PettingZoo ParallelEnv, with as many agents as it has."""

from itertools import chain
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray
from pettingzoo import ParallelEnv

from flyball.core.batch import Bools, Floats, Observation, Step
from flyball.core.protocols import Env
from flyball.interop.kinds import Seen, bounds, records, rows_of
from flyball.interop.settings import AdapterConfig
from flyball.interop.single import SEED_BOUND
from flyball.interop.translation import Shown, Translation, require_rows

Each = dict[str, Any]
"""Something for each agent, by its name."""


class AgentsEnv(ParallelEnv):  # type: ignore[misc]  # PettingZoo ships no types
    """A world with any number of agents and kinds as `pettingzoo.ParallelEnv`.

    An agent is named after its kind, with a number where there are several of it. It leaves, as
    terminated, in the step in which its `alive` falls. With ``layout="dict"`` the observation
    holds ``action_mask`` beside ``observations``, which is where PettingZoo's own tests and
    learners look; ``infos[agent]["action_mask"]`` has it always, where there is a choice. At the
    end of the episode every info holds the KPIs as ``outcome``.

    The world's step and the translation run on arrays of all agents; building the dictionaries is
    all that is done agent by agent.

    Parameters
    ----------
    env
        A batch of one row.
    config
        Settings of the translation.
    """

    def __init__(self, env: Env, config: AdapterConfig) -> None:
        require_rows(env, 1)
        world = env.spec.world.replace("/", "_")
        self.metadata = {"name": f"flyball_{world}_v0", "render_modes": []}
        self.render_mode = None
        self._env = env
        self._translation = Translation(env.spec, config)
        self._views = self._translation.views
        self.possible_agents = list(chain.from_iterable(view.names for view in self._views))
        self.agents: list[str] = []
        self._view_of = {name: view for view in self._views for name in view.names}
        if env.spec.state:
            low, high = bounds(env.spec.state)
            self.state_space = spaces.Box(low, high, dtype=np.float32)
        self._generator = np.random.default_rng()
        self._waiting = False  # an episode ended and the batch has begun the next

    def observation_space(self, agent: str) -> spaces.Space[Any]:
        """Return what an agent sees: one space for all agents of a kind."""
        return self._view_of[agent].observation_space

    def action_space(self, agent: str) -> spaces.Space[Any]:
        """Return what an agent may do: one space for all agents of a kind."""
        return self._view_of[agent].action_space

    def state(self) -> Floats:
        """Return the privileged state (S,) that critics may know.

        Raises
        ------
        NotImplementedError
            When the world has none, as PettingZoo wants it.
        """
        if not self._env.spec.state:
            msg = f"world {self._env.spec.world} has no state beside what its agents see"
            raise NotImplementedError(msg)
        return self._state

    def reset(
        self,
        seed: int | None = None,
        options: dict[str, Any] | None = None,  # noqa: ARG002
    ) -> tuple[dict[str, Seen], Each]:
        """Begin an episode; the same seed begins the same ones. `options` is not used.

        A reset without seed after the end of an episode begins the seed's next one, as the batch
        does.
        """
        if seed is not None:
            self._generator = np.random.default_rng(seed)
        elif not self._waiting:
            seed = int(self._generator.integers(SEED_BOUND))
        if seed is not None:
            self._show(self._env.reset(np.array([seed], dtype=np.int64)))
        self._waiting = False
        self._state = self._next_state
        self._enter(self._alive)
        infos = self._told([self._translation.situation(shown) for shown in self._shown])
        return self._by_name([rows_of(shown.seen) for shown in self._shown]), infos

    def step(self, actions: Each) -> tuple[Each, Each, Each, Each, Each]:
        """Take every living agent's action; each that ends or leaves is gone afterwards."""
        if not self.agents:
            msg = "every agent has left; call reset() before step()"
            raise gymnasium.error.ResetNeeded(msg)
        result = self._env.step(self._action(actions))
        ended = bool(result.terminated[0] or result.truncated[0])
        self._show(result.observation)
        self._state = result.final.state[0].copy() if ended else self._next_state
        shown = self._translation.show(result.final) if ended else self._shown
        over, cut = self._ends(result) if ended else (~self._alive, np.zeros_like(self._alive))
        out = (
            self._by_name([rows_of(own.seen) for own in shown]),
            self._of_living(self._translation.reward(result)[0]),
            self._of_living(over),
            self._of_living(cut),
            self._infos(result, shown, ended=ended),
        )
        self._waiting = ended
        self._enter(np.zeros_like(self._alive) if ended else self._alive)
        return out

    def _ends(self, result: Step) -> tuple[Bools, Bools]:
        """Return who terminated and who was truncated (N,) where the episode ended.

        In a truncated episode, an agent that is not alive in the last observation terminated.
        """
        alive = result.final.alive[0]
        over = np.full_like(alive, result.terminated[0])
        if result.truncated[0] and alive.any():
            return over | ~alive, alive.copy()
        return over, np.full_like(alive, result.truncated[0])

    def _show(self, observation: Observation) -> None:
        """Translate an observation, and keep what the batch may overwrite."""
        self._shown = self._translation.show(observation)
        self._alive: Bools = observation.alive[0].copy()
        self._next_state: Floats = observation.state[0].copy()

    def _enter(self, alive: Bools) -> None:
        """Take over who lives; `self._living` holds their places."""
        self._living = np.flatnonzero(alive).tolist()
        self._all_live = bool(alive.all())
        everyone = self.possible_agents
        self.agents = list(everyone) if self._all_live else [everyone[n] for n in self._living]

    def _by_name(self, per_kind: list[list[Any]]) -> Each:
        """Return what was made for every agent of every kind for the living ones, by name."""
        if self._all_live:
            return dict(zip(self.possible_agents, chain.from_iterable(per_kind), strict=True))
        every = list(chain.from_iterable(per_kind))
        return {self.possible_agents[n]: every[n] for n in self._living}

    def _of_living(self, values: NDArray[Any]) -> Each:
        """Return one Python number of (N,) for each living agent, by name."""
        own = values if self._all_live else values[self._living]
        return dict(zip(self.agents, own.tolist(), strict=True))

    def _told(self, facts: list[dict[str, NDArray[Any]]]) -> Each:
        """Return the infos of the living, from arrays for each kind."""
        return self._by_name(
            [
                records(own) if own else [{} for _ in view.names]
                for own, view in zip(facts, self._views, strict=True)
            ]
        )

    def _infos(self, result: Step, shown: tuple[Shown, ...], *, ended: bool) -> Each:
        """Return the infos of a step."""
        facts = [
            self._translation.facts(result, k) | self._translation.situation(own)
            for k, own in enumerate(shown)
        ]
        infos = self._told(facts)
        if ended:
            kpis = self._translation.outcome(result)
            outcome = {name: float(value[0]) for name, value in kpis.items()}
            for info in infos.values():
                info["outcome"] = outcome
        return infos

    def _action(self, actions: Each) -> Any:
        """Return the batch's Action; what an agent that has left would do is 0."""
        taken = []
        for view in self._views:
            if self._all_live:
                own = [actions[name] for name in view.names]
            else:
                living = set(self.agents)
                idle = view.heads.idle
                own = [actions[name] if name in living else idle for name in view.names]
            taken.append(view.heads.collate(own))
        return self._translation.action(self._shown, tuple(taken), 1)
