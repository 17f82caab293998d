# SPDX-License-Identifier: MIT
"""The problems again, slow and obvious: plain Python, dictionaries of cells, no shared arrays.

A twin knows `start`, `move` and `see`; `played` runs one row of it with the rules of the batch
loop: illegal choices, returns, time limits, the reset in the same step.
"""

from itertools import pairwise
from typing import NamedTuple

import numpy as np

from flyball.core.random import uniform


def draw(*name):
    return float(uniform(*name))


def below(n, u):
    return min(n - 1, int(u * n))


def normal(seed, episode, entity, event, stream):
    radius = draw(seed, episode, entity, event, 2 * stream)
    turn = draw(seed, episode, entity, event, 2 * stream + 1)
    return np.sqrt(-2 * np.log(radius)) * np.cos(2 * np.pi * turn)


STEPS = {0: (-1, 0), 1: (1, 0), 2: (0, -1), 3: (0, 1)}


class Board:
    """Gridworld or four rooms from a list of lines, # for walls."""

    def __init__(self, lines, *, goal, start=None, slip=0.0, rooms=False, switch=(0, None)):
        self.free = [
            (r, c) for r, line in enumerate(lines) for c, mark in enumerate(line) if mark != "#"
        ]
        self.first_goal, self.switch, self.begin = goal, switch, start
        self.slip, self.rooms = slip, rooms

    def start(self, seed, episode):
        self.seed, self.episode = seed, episode
        after, new = self.switch
        self.goal = new if after and episode >= after else self.first_goal
        self.at = self.begin
        if self.begin is None:
            others = [cell for cell in self.free if cell != self.goal]
            self.at = others[below(len(others), draw(seed, episode, 0, 0, 0))]

    def to(self, cell, action):
        there = (cell[0] + STEPS[action][0], cell[1] + STEPS[action][1])
        return there if there in self.free else cell

    def move(self, choice, t):
        action = choice[0][0]
        slips = draw(self.seed, self.episode, 0, t, 1) < self.slip
        second = draw(self.seed, self.episode, 0, t, 2)
        before = self.at
        if not self.rooms:
            if slips:
                action = (action + 1 + below(3, second)) % 4
            self.at = self.to(before, action)
            return [[-1.0]], self.at == self.goal
        self.at = self.to(before, action)
        if self.at != before and slips:
            ways = [self.to(self.at, way) for way in range(4) if self.to(self.at, way) != self.at]
            self.at = ways[below(len(ways), second)]
        return [[float(self.at == self.goal)]], self.at == self.goal

    def see(self, _):
        obs = np.zeros((1, len(self.free)))
        obs[0, self.free.index(self.at)] = 1
        return obs, np.ones((1, 4), bool), []


class Sea:
    """Deep sea treasure from a dictionary of cells."""

    def __init__(self, treasures):
        depths = (1, 2, 3, 4, 4, 4, 7, 7, 9, 10)
        self.gold = {(row, c): treasures[c] for c, row in enumerate(depths)}
        self.water = {(r, c) for c in range(11) for r in range(11) if c == 10 or r < depths[c]}

    def start(self, *_):
        self.at = (0, 0)

    def move(self, choice, _):
        d = STEPS[choice[0][0]]
        there = (self.at[0] + d[0], self.at[1] + d[1])
        if there in self.water or there in self.gold:
            self.at = there
        return [[self.gold.get(self.at, 0.0), -1.0]], self.at in self.gold

    def see(self, _):
        return np.array([self.at]), np.ones((1, 4), bool), []


class TMaze:
    """Both versions of the T-maze."""

    def __init__(self, corridor, *, walking=False):
        self.corridor, self.walking = corridor, walking

    def start(self, seed, episode):
        self.at, self.south = 0, below(2, draw(seed, episode, 0, 0, 0)) == 1

    def move(self, choice, _):
        action, end = choice[0][0], self.at == self.corridor
        if not self.walking:
            if not end:
                self.at += 1
                return [[0.0]], False
            return [[float((action == 1) == self.south)]], True
        if end and action in (0, 2):
            return [[4.0 if (action == 2) == self.south else -0.1]], True
        to = min(max(self.at + {1: 1, 3: -1}.get(action, 0), 0), self.corridor)
        stood, self.at = to == self.at, to
        return [[-0.1 if stood else 0.0]], False

    def see(self, _):
        bits = "101"
        if self.at == self.corridor:
            bits = "010"
        elif self.at == 0:
            bits = "110" if self.south else "011"
        n_actions = 4 if self.walking else 2
        return np.array([[int(bit) for bit in bits]]), np.ones((1, n_actions), bool), []


class Bandit:
    def __init__(self, means, *, pays="fixed", noise=1.0):
        self.means, self.pays, self.noise = means, pays, noise

    def start(self, seed, episode):
        self.seed, self.episode = seed, episode
        self.context = below(len(self.means), draw(seed, episode, 0, 0, 0))

    def move(self, choice, t):
        mean = self.means[self.context][choice[0][0]]
        if self.pays == "bernoulli":
            mean = float(draw(self.seed, self.episode, 0, t, 1) < mean)
        elif self.pays == "normal":
            mean += self.noise * normal(self.seed, self.episode, 0, t, 1)
        return [[mean]], True

    def see(self, _):
        obs = np.eye(len(self.means))[[self.context]]
        return obs, np.ones((1, len(self.means[0])), bool), []


class TwoStep:
    tables = (((7, 7), (7, 7)), ((0, 1), (1, 8)))

    def start(self, *_):
        self.place = 0

    def move(self, choice, _):
        (first,), (second,) = choice
        if self.place == 0:
            self.place = 1 + first
            return [[0.0]] * 2, False
        return [[float(self.tables[self.place - 1][first][second])]] * 2, True

    def see(self, _):
        place = np.eye(3)[self.place]
        obs = [[*place, 1, 0], [*place, 0, 1]]
        return np.array(obs), np.ones((2, 2), bool), place


class Matrix:
    def __init__(self, table, *, one_shot):
        self.table, self.one_shot = table, one_shot

    def start(self, *_):
        pass

    def move(self, choice, _):
        return [[float(self.table[choice[0][0]][choice[1][0]])]] * 2, self.one_shot

    def see(self, _):
        sizes = len(self.table), len(self.table[0])
        mask = [[k < size for k in range(max(sizes))] for size in sizes]
        return np.array([[1, 1, 0], [1, 0, 1]]), np.array(mask), [1.0]


class Masked:
    def __init__(self, actions, forbidden):
        self.actions, self.forbidden = actions, forbidden

    def start(self, seed, episode):
        self.seed, self.episode = seed, episode
        self.renew(0)

    def renew(self, event):
        name = (self.seed, self.episode)
        n = len(self.actions)
        self.target = [below(k, draw(*name, h, event, 0)) for h, k in enumerate(self.actions)]
        self.mask, others, wanted = [], sum(self.actions) - n, self.forbidden
        for h, size in enumerate(self.actions):
            for action in range(size):
                legal = True
                if action != self.target[h]:
                    u = draw(*name, 0, event, 1 + n + len(self.mask))
                    legal = not u * others < wanted
                    wanted -= not legal
                    others -= 1
                self.mask.append(legal)

    def move(self, choice, t):
        hit = list(choice[0]) == self.target
        self.renew(t + 1)
        return [[float(hit)]], False

    def see(self, _):
        parts = [np.eye(k)[target] for k, target in zip(self.actions, self.target, strict=True)]
        return np.concatenate(parts)[None], np.array([self.mask]), []


class Counter:
    def __init__(self, mean):
        self.mean = mean

    def start(self, seed, episode):
        self.name = (seed, episode, 0)
        self.length = 1 + below(2 * self.mean - 1, draw(*self.name, 0, 0))

    def move(self, _, t):
        return [[1.0]], t + 1 == self.length

    def see(self, t):
        return np.array([[t, 5 + 3 * normal(*self.name, t, 1), 7]]), np.ones((1, 2), bool), []


class Constant:
    def start(self, *_):
        pass

    def move(self, *_):
        return [[1.0]], False

    def see(self, _):
        return np.ones((1, 1)), np.ones((1, 2), bool), []


class Moment(NamedTuple):
    """What one row of a step shows."""

    obs: np.ndarray
    mask: np.ndarray
    state: np.ndarray
    final: np.ndarray
    reward: np.ndarray
    terminated: bool
    truncated: bool
    outcome: tuple
    illegal: list
    applied: list


def corrected(wish, mask, widths):
    """Return what one agent does instead of its wish, and how many of its heads strayed."""
    did, strayed = [], 0
    for head, (a, b) in enumerate(pairwise(np.cumsum([0, *widths]).tolist())):
        legal = [k for k in range(b - a) if mask[a + k]]
        fine = wish[head] in legal
        strayed += bool(legal) and not fine
        did.append(wish[head] if fine else (legal or [0])[0])
    return did, strayed


def played(twin, seed, limit, widths, wishes):
    """Yield the moments of one row: `wishes` holds (N, H) choices, step after step."""
    episode, t, total = 0, 0, 0.0
    twin.start(seed, episode)
    obs, mask, state = twin.see(t)
    for wish in wishes:
        pairs = [corrected(list(own), mask[n], widths) for n, own in enumerate(wish.tolist())]
        applied = [did for did, _ in pairs]
        reward, terminated = twin.move(applied, t)
        t += 1
        total += float(np.mean([own[0] for own in reward]))
        truncated = t >= limit and not terminated
        final, outcome = np.zeros(obs.shape), (0.0, 0.0)
        if terminated or truncated:
            final, outcome = twin.see(t)[0], (total, t)
            episode, t, total = episode + 1, 0, 0.0
            twin.start(seed, episode)
        obs, mask, state = twin.see(t)
        illegal = [count for _, count in pairs]
        yield Moment(
            obs, mask, np.array(state), final, np.array(reward), terminated, truncated, outcome,
            illegal, applied,
        )  # fmt: skip
