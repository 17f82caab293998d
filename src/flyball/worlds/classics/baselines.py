# SPDX-License-Identifier: MIT
"""What a good engineer would run on each problem, and what any policy must beat: random, constant.

Every policy here is a `Policy` of the contract for any number of rows. Those that are not random
ignore the key. A rule's log-probability is 0: it does what it does.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from flyball.core.batch import Action, Bools, Doubles, Floats, Observation
from flyball.core.protocols import Policy
from flyball.core.random import uniform
from flyball.core.spec import Spec
from flyball.worlds.classics import games, grids, teamwork
from flyball.worlds.classics.catalogue import scenario
from flyball.worlds.classics.optimum import board_model, front, step_cost, value_iteration
from flyball.worlds.classics.pilots import PILOTS, Pilot, sighted
from flyball.worlds.classics.plants import BLIND
from flyball.worlds.classics.scenario import Family, Scenario
from flyball.worlds.classics.state import Sizes, bounds_of, sizes

Wish = NDArray[np.generic]
"""What a rule wants: choices (B, N, H), or values (B, N, D) where there is no discrete head."""

Decide = Callable[[Observation, Doubles], tuple[Wish, Doubles]]
"""From observation and memory (B, M) to the wish and the next memory."""


def acted(n: Sizes, wish: Wish) -> Action:
    """Return the Action of what a rule wants."""
    rows, agents = len(wish), n.agents
    choice = np.zeros((rows, agents, n.heads), np.int32)
    value = np.zeros((rows, agents, n.values))
    if n.heads:
        choice[...] = wish
    else:
        value[...] = wish
    return Action(choice, value)


@dataclass(frozen=True)
class Rule:
    """A policy that a function writes down."""

    sizes: Sizes
    decide: Decide
    n_memory: int = 0

    def initial(self, n_envs: int) -> NDArray[np.float32]:
        """Return the empty memory (B, M)."""
        return np.zeros((n_envs, self.n_memory), np.float32)

    def act(
        self, observation: Observation, memory: NDArray[np.float32], key: tuple[int, int] | None
    ) -> tuple[Action, Floats, NDArray[np.float32]]:
        """Return action, log-probability (B, N) and memory (see `flyball.core.protocols`)."""
        del key  # a rule does not draw
        kept = np.where(observation.start[:, None], 0.0, memory)
        wish, after = self.decide(observation, kept)
        log_prob = np.zeros(observation.alive.shape, np.float32)
        return acted(self.sizes, wish), log_prob, after.astype(np.float32)


@dataclass(frozen=True)
class Random:
    """Any legal action, each as likely; values uniform in their range.

    Without a key, the draws are named by the number of calls, which the memory counts.
    """

    spec: Spec

    def initial(self, n_envs: int) -> NDArray[np.float32]:
        """Return the count of calls (B, 1): none yet."""
        return np.zeros((n_envs, 1), np.float32)

    def act(
        self, observation: Observation, memory: NDArray[np.float32], key: tuple[int, int] | None
    ) -> tuple[Action, Floats, NDArray[np.float32]]:
        """Return action, log-probability (B, N) and memory (see `flyball.core.protocols`)."""
        rows, agents = observation.alive.shape
        n = sizes(self.spec, rows, 0, 0)
        seed, call = key or (0, int(memory[0, 0]) if rows else 0)
        who = np.arange(rows)[:, None], np.arange(agents)[None, :]
        action = acted(n, np.zeros((rows, agents, n.heads or n.values)))
        log_prob = np.zeros((rows, agents))
        for head, (start, end) in enumerate(pairwise(self.spec.choice_starts)):
            legal = observation.mask[:, :, start:end]
            draw = uniform(seed, call, *who, head)
            action.choice[:, :, head] = _picked(legal, draw)
            log_prob -= np.log(np.maximum(legal.sum(2), 1))
        low, high = bounds_of(self.spec, n, "low"), bounds_of(self.spec, n, "high")
        for d in range(n.values):
            span = high[:, d] - low[:, d]
            draw = uniform(seed, call, *who, n.heads + d)
            action.value[:, :, d] = low[:, d] + span * draw
            log_prob -= np.log(np.where(span > 0, span, 1.0))
        return action, log_prob.astype(np.float32), memory + 1


def _picked(legal: Bools, draw: Doubles) -> NDArray[np.int64]:
    """Return one of the legal columns (..., A) from a draw in (0, 1); 0 where there is none."""
    which = np.floor(draw * legal.sum(-1))
    picked: NDArray[np.int64] = (np.cumsum(legal, axis=-1) > which[..., None]).argmax(-1)
    return picked


def policies(name: str, **settings: object) -> dict[str, Policy]:
    """Return the baselines of a problem by name: random, constant, then rules, the strongest last.

    Parameters
    ----------
    name, settings
        As for `catalogue.scenario`; a rule may know the settings, as an engineer would.
    """
    problem = scenario(name, **settings)
    n = sizes(problem.spec, 0, problem.n_real, problem.n_whole)
    found: dict[str, Policy] = {
        "random": Random(problem.spec),
        "constant": Rule(n, partial(_first_legal, n, problem.spec)),
    }
    return found | RULES[problem.family](problem, n)


def _first_legal(
    n: Sizes, spec: Spec, observation: Observation, memory: Doubles
) -> tuple[Wish, Doubles]:
    """Take the first action that is legal, and the middle of every range."""
    rows, agents = observation.alive.shape
    if not n.heads:
        middle = (bounds_of(spec, n, "low") + bounds_of(spec, n, "high")) / 2
        return np.broadcast_to(middle, (rows, agents, n.values)), memory
    starts = spec.choice_starts
    parts = [observation.mask[:, :, a:b].argmax(2) for a, b in pairwise(starts)]
    return np.stack(parts, axis=2), memory


def _pilot(pilot: Pilot, observation: Observation, memory: Doubles) -> tuple[Wish, Doubles]:
    """Fly by sight."""
    return pilot(observation.obs[:, 0].astype(np.float64))[:, None, None], memory


def _blind_pilot(
    pilot: Pilot, plant: str, observation: Observation, memory: Doubles
) -> tuple[Wish, Doubles]:
    """Fly by differences; the memory is the last observation."""
    obs = observation.obs[:, 0].astype(np.float64)
    seen = sighted(plant, obs, memory, observation.start)
    return pilot(seen)[:, None, None], obs


def _control(problem: Scenario, n: Sizes) -> dict[str, Policy]:
    plant = problem.name.removesuffix(BLIND)
    if plant == problem.name:
        return {key: Rule(n, partial(_pilot, pilot)) for key, pilot in PILOTS[plant].items()}
    return {
        key: Rule(n, partial(_blind_pilot, pilot, plant), n.features)
        for key, pilot in PILOTS[plant].items()
    }


def _look_up(
    table: NDArray[np.int64], observation: Observation, memory: Doubles
) -> tuple[Wish, Doubles]:
    """Do what a table (F,) says of the one-hot observation."""
    return table[observation.obs.argmax(2)][:, :, None], memory


def _dive(column: int, observation: Observation, memory: Doubles) -> tuple[Wish, Doubles]:
    """Go to a column, then down to its treasure."""
    there = observation.obs[:, :, 1] >= column
    return np.where(there, grids.SOUTH, grids.EAST)[:, :, None], memory


def _remember(walking: bool, observation: Observation, memory: Doubles) -> tuple[Wish, Doubles]:  # noqa: FBT001
    """Keep the cue in mind, and turn that way; memory 1 is south."""
    obs = observation.obs[:, 0]
    cue = np.where(observation.start, obs[:, 0] > 0.5, memory[:, 0] > 0.5)
    turn = np.where(cue, grids.T_SOUTH if walking else 1, 0)
    on_the_way = obs[:, 0] + obs[:, 2] > 0.5
    wish = np.where(walking & on_the_way, grids.T_EAST, turn)
    return wish[:, None, None], cue[:, None].astype(np.float64)


def _grids(problem: Scenario, n: Sizes) -> dict[str, Policy]:
    params, kind = problem.params, int(problem.params[0])
    if kind == grids.T_MAZE:
        return {"memory": Rule(n, partial(_remember, bool(params[grids.WALKING])), 1)}
    if kind == grids.SEA:
        board = params[grids.BOARD :].reshape(11, 11)
        columns = [int(np.argwhere(board == gain)[0, 1]) for gain, _ in front(problem)]
        return {f"column {column}": Rule(n, partial(_dive, column)) for column in columns}
    goals = {"shortest path": int(params[grids.GOAL])}
    if params[grids.SWITCH_AFTER] > 0:
        goals = {"shortest path to the new goal": int(params[grids.NEW_GOAL]), **goals}
    free = params[grids.BOARD :] != grids.WALL
    found: dict[str, Policy] = {}
    for key, goal in goals.items():
        _, best = value_iteration(board_model(problem, goal), step_cost, 1.0, 10_000)
        found[key] = Rule(n, partial(_look_up, best[free]))
    return found


def _always(wish: Wish, observation: Observation, memory: Doubles) -> tuple[Wish, Doubles]:
    """Do the same whatever is seen."""
    return np.broadcast_to(wish, (len(observation.alive), *wish.shape)), memory


def _repeat(spec: Spec, observation: Observation, memory: Doubles) -> tuple[Wish, Doubles]:
    """Choose the target of each head."""
    starts = spec.choice_starts
    parts = [observation.obs[:, :, a:b].argmax(2) for a, b in pairwise(starts)]
    return np.stack(parts, axis=2), memory


def _games(problem: Scenario, n: Sizes) -> dict[str, Policy]:
    params, kind = problem.params, int(problem.params[0])
    if kind == games.BANDIT:
        means = params[games.MEANS :].reshape(int(params[games.N_CONTEXTS]), -1)
        return {"best arm": Rule(n, partial(_look_up, means.argmax(1)))}
    if kind == games.MASKED:
        return {"repeat": Rule(n, partial(_repeat, problem.spec))}
    if kind == games.MATRIX:
        best = divmod(int(params[3:].argmax()), int(params[1]))
        return {"best cell": Rule(n, partial(_always, np.array(best)[:, None]))}
    if kind == games.TWO_STEP:
        return {"best cells": Rule(n, partial(_play_two_steps, params))}
    return {}  # nothing matters in the traps: constant is as good as any


def _play_two_steps(
    params: Doubles, observation: Observation, memory: Doubles
) -> tuple[Wish, Doubles]:
    """Go to the table with the largest payoff, and take it there."""
    tables = params[1:].reshape(2, 4)
    place = observation.obs[:, 0, :3].argmax(1)
    best = tables[np.maximum(place - 1, 0)].argmax(1)
    first, second = np.where(place == 0, tables.max(1).argmax(), best // 2), best % 2
    return np.stack([first, second], axis=1)[:, :, None], memory


def _teams(problem: Scenario, n: Sizes) -> dict[str, Policy]:
    return {key: Rule(n, decide) for key, decide in teamwork.rules(problem).items()}


RULES: dict[Family, Callable[[Scenario, Sizes], dict[str, Policy]]] = {
    "control": _control,
    "grids": _grids,
    "games": _games,
    "particles": _teams,
    "foraging": _teams,
}
"""The rules of each family."""
