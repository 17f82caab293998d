# SPDX-License-Identifier: MIT
"""What a good engineer would run on the worlds of several agents: central rules without memory.

A rule turns an observation and a memory, which it hands on, into what all agents of all rows want:
choices (B, N, 1), or values (B, N, 5) where actions are continuous. It sees what all agents see.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import permutations

import numpy as np
from numpy.typing import NDArray

from flyball.core.batch import Action, Doubles, Longs, Observation
from flyball.worlds.classics import particles
from flyball.worlds.classics.env import Classic
from flyball.worlds.classics.foragers import forage
from flyball.worlds.classics.scenario import Scenario

Wish = NDArray[np.generic]
Decide = Callable[[Observation, Doubles], tuple[Wish, Doubles]]

PUSHES = particles.PUSH * np.array([[0.0, 0.0], [-1, 0], [1, 0], [0, -1], [0, 1]])
"""Force of each move, in the order of the choices."""

MOST_AGENTS = 5
"""Up to so many agents, every way to share landmarks out is looked at."""

LOOK_AHEAD = 12
"""Steps that the planner simulates; 25 was no better."""


def _next(offset: Doubles, velocity: Doubles) -> tuple[Doubles, Doubles]:
    """Return the way left to a target after one step, and the velocity if nothing is pushed."""
    return offset - particles.STEP_S * velocity, (1.0 - particles.DAMPING) * velocity


def approach(offset: Doubles, velocity: Doubles) -> Longs:
    """Return the move after which an agent is nearest to its target two steps from now.

    A push acts on the place one step later, so this is the soonest that a move can be judged. Over
    the listener's episodes it comes within 0.1 % of a beam search over whole episodes.

    Parameters
    ----------
    offset
        From the agent to its target, shape (..., 2).
    velocity
        Of the agent, shape (..., 2), per second.
    """
    way, slower = _next(offset, velocity)
    after = slower[..., None, :] + particles.STEP_S * PUSHES
    left = way[..., None, :] - particles.STEP_S * after
    moves: Longs = np.square(left).sum(-1).argmin(-1)
    return moves


def steer(offset: Doubles, velocity: Doubles) -> Doubles:
    """Return the five pushes (..., 5) in [0, 1] that bring an agent to its target in two steps.

    Where they would have to be stronger, as near as they can.
    """
    way, slower = _next(offset, velocity)
    wanted = (way / particles.STEP_S - slower) / (particles.STEP_S * particles.PUSH)
    x, y = np.moveaxis(np.clip(wanted, -1.0, 1.0), -1, 0)
    parts = np.stack([np.zeros_like(x), -x, x, -y, y], axis=-1)
    pushes: Doubles = np.maximum(parts, 0.0)
    return pushes


def _heading(problem: Scenario, offset: Doubles, velocity: Doubles) -> Wish:
    """Return the wish that brings each agent to its target: choices (..., 1) or values (..., 5)."""
    if problem.params[particles.CONTINUOUS]:
        return steer(offset, velocity)
    return approach(offset, velocity)[..., None]


def guide(problem: Scenario, observation: Observation, memory: Doubles) -> tuple[Wish, Doubles]:
    """Say the goal's number; go where one is told, before that to the middle of all landmarks."""
    obs = observation.obs.astype(np.float64)
    goal = obs[:, particles.SPEAKER, : particles.N_GOALS].argmax(1)
    own = obs[:, particles.LISTENER]
    landmarks = own[:, 2:8].reshape(-1, particles.N_GOALS, 2)
    heard = own[:, 8:11]
    told = landmarks[np.arange(len(own)), heard.argmax(1)]
    target = np.where(heard.sum(1, keepdims=True) > 0, told, landmarks.mean(1))
    move = _heading(problem, target, own[:, 0:2])
    wish = np.zeros((len(own), 2, move.shape[-1]))
    if problem.params[particles.CONTINUOUS]:
        wish[np.arange(len(own)), particles.SPEAKER, goal] = 1.0
    else:
        wish[:, particles.SPEAKER, 0] = goal
    wish[:, particles.LISTENER] = move
    return wish, memory


def landmarks_of(observation: Observation) -> tuple[Doubles, Doubles]:
    """Return the way from each agent to each landmark (B, N, N, 2) and the velocities (B, N, 2)."""
    obs = observation.obs.astype(np.float64)
    n = obs.shape[1]
    return obs[:, :, 4 : 4 + 2 * n].reshape(-1, n, n, 2), obs[:, :, 0:2]


def shares(n: int, squared: Doubles) -> Longs:
    """Return ways to share N landmarks out, (ways, B, N): the landmark of each agent.

    All permutations up to `MOST_AGENTS` agents; with more, one way a row: the nearest pair first,
    then the nearest of those that are left.

    Parameters
    ----------
    n
        Agents and landmarks.
    squared
        Squared distances (B, N, N), agents then landmarks.
    """
    rows = np.arange(len(squared))
    if n <= MOST_AGENTS:
        ways = np.array(list(permutations(range(n))))
        return np.repeat(ways[:, None], len(rows), axis=1)
    left, own = squared.copy(), np.zeros((len(rows), n), np.int64)
    for _ in range(n):
        agent, landmark = np.divmod(left.reshape(len(rows), -1).argmin(1), n)
        own[rows, agent] = landmark
        left[rows, agent] = left[rows, :, landmark] = np.inf
    return own[None]


def cover_nearest(
    problem: Scenario, observation: Observation, memory: Doubles
) -> tuple[Wish, Doubles]:
    """Let every agent go to the landmark that is nearest to it, whoever else does."""
    ways, velocity = landmarks_of(observation)
    own = np.square(ways).sum(-1).argmin(2)
    target = np.take_along_axis(ways, own[:, :, None, None], axis=2)[:, :, 0]
    return _heading(problem, target, velocity), memory


def cover(problem: Scenario, observation: Observation, memory: Doubles) -> tuple[Wish, Doubles]:
    """Share the landmarks out so that the squared distances are least in sum."""
    ways, velocity = landmarks_of(observation)
    squared, n = np.square(ways).sum(-1), ways.shape[1]
    options = shares(n, squared)
    sums = np.take_along_axis(squared[None], options[..., None], axis=3)[..., 0].sum(2)
    own = options[sums.argmin(0), np.arange(len(ways))]
    target = np.take_along_axis(ways, own[:, :, None, None], axis=2)[:, :, 0]
    return _heading(problem, target, velocity), memory


@dataclass(frozen=True)
class Planner:
    """Simulate each way to share the landmarks out, then each other first move of each agent.

    The simulation is the problem itself, so that contacts count for what they cost. Discrete
    actions, and at most `MOST_AGENTS` agents.
    """

    problem: Scenario
    sims: dict[int, Classic] = field(default_factory=dict, repr=False)
    """Copies of the problem by their number of rows, made when first needed."""

    def __call__(self, observation: Observation, memory: Doubles) -> tuple[Wish, Doubles]:
        """Return the best moves found (B, N, 1)."""
        ways, velocity = landmarks_of(observation)
        rows, n = ways.shape[:2]
        place = observation.obs[:, :, 2:4].astype(np.float64)
        goals = place[:, :1] + ways[:, 0]
        options = shares(n, np.square(ways).sum(-1))
        each = np.arange(rows)
        targets = goals[each[:, None], options]  # (ways, B, N, 2)
        firsts = approach(targets - place, velocity)
        value = self._worth(place, velocity, goals, targets, firsts)
        best = value.argmax(0)
        moves, target, worth = firsts[best, each], targets[best, each], value.max(0)
        for agent in range(n):
            tried = np.repeat(moves[None], len(PUSHES), axis=0)
            tried[:, :, agent] = np.arange(len(PUSHES))[:, None]
            value = self._worth(place, velocity, goals, target[None], tried)
            better = value.max(0) > worth
            moves = np.where(better[:, None], tried[value.argmax(0), each], moves)
            worth = np.maximum(worth, value.max(0))
        return moves[:, :, None], memory

    def _worth(
        self, place: Doubles, velocity: Doubles, goals: Doubles, targets: Doubles, firsts: Longs
    ) -> Doubles:
        """Return the team's reward over the steps ahead, (C, B), for C first moves (C, B, N)."""
        count, rows, n = firsts.shape
        sim = self._sim(count * rows)
        snapshot = sim.snapshot()
        snapshot["t"][:] = 0
        start = np.concatenate([place, velocity, np.zeros_like(place), goals], axis=1)
        snapshot["real"][:] = np.tile(start.reshape(rows, -1), (count, 1))
        sim.restore(snapshot)
        there = np.broadcast_to(targets, (count, rows, n, 2)).reshape(-1, n, 2)
        moves, worth = firsts.reshape(-1, n), np.zeros(count * rows)
        nothing = np.zeros((count * rows, n, 0))
        for _ in range(LOOK_AHEAD):
            step = sim.step(Action(moves[:, :, None].astype(np.int32), nothing))
            worth += step.reward[:, :, 0].mean(1)
            obs = step.observation.obs.astype(np.float64)
            moves = approach(there - obs[:, :, 2:4], obs[:, :, 0:2])
        return worth.reshape(count, rows)

    def _sim(self, rows: int) -> Classic:
        if rows not in self.sims:
            self.sims[rows] = Classic(replace(self.problem, time_limit=LOOK_AHEAD + 1), rows)
        return self.sims[rows]


def rules(problem: Scenario) -> dict[str, Decide]:
    """Return the rules of a problem of several agents by name, the strongest last."""
    if problem.family == "foraging":
        return {"together": partial(forage, problem)}
    if problem.params[particles.PROBLEM] == particles.GUIDE:
        return {"guided": partial(guide, problem)}
    found: dict[str, Decide] = {
        "nearest": partial(cover_nearest, problem),
        "shared out": partial(cover, problem),
    }
    few = problem.params[particles.N_AGENTS] <= MOST_AGENTS
    if few and not problem.params[particles.CONTINUOUS]:
        found["planned"] = Planner(problem)
    return found
