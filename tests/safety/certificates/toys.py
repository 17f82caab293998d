# SPDX-License-Identifier: MIT
"""Toy plants whose largest safe set is known, and attackers that look for what a proof denies."""

from typing import NamedTuple

import numpy as np

from flyball.core.envelope import Affine, Envelope, Finite, Reach
from flyball.core.limits import Box
from flyball.safety.certificates import Search, Stated


class Stepped:
    """A linear plant that exists at samples only, with a box that it must not leave."""

    def __init__(self, affine, low, high):
        self.affine, self.low, self.high = affine, np.array(low, float), np.array(high, float)

    def reach(self, low, high, value, step_s):
        assert step_s == self.affine.step_s
        a, b, c, spread = self.affine.a, self.affine.b, self.affine.c, self.affine.spread
        mid, half = (low + high) / 2, (high - low) / 2
        after = mid @ a.T + value @ b.T + c
        room = half @ np.abs(a).T + spread
        pad = 1e-13 * (1.0 + np.abs(after) + room)
        lower, upper = after - room - pad, after + room + pad
        ends = np.concatenate((low, lower, -high, -upper), axis=1)
        bounds = np.concatenate((self.low, self.low, -self.high, -self.high))
        return Reach(lower, upper, (ends - bounds).min(1))


class Carriage(NamedTuple):
    """position' = speed, speed' = u + w on a rail between walls; a parabola while u + w stands."""

    push: float = 1.0
    wind: float = 0.1
    wall: float = 1.0
    speed: float = 1.0

    def affine(self, step_s):
        by = np.array([0.5 * step_s**2, step_s])
        a = np.array([[1.0, step_s], [0.0, 1.0]])
        return Affine(step_s, a, by[:, None], np.zeros(2), by * self.wind, exact=True)

    def reach(self, low, high, value, step_s):
        u = value[:, 0]
        up, down = self._ahead(high, u, step_s), self._ahead(-low, -u, step_s)
        pad = 1e-12
        margin = np.minimum(self._room(high, u, step_s), self._room(-low, -u, step_s)) - pad
        return Reach(-down - pad, up + pad, margin)

    def _ahead(self, corner, u, step_s):
        p, v, push = corner[:, 0], corner[:, 1], u + self.wind
        return np.column_stack((p + step_s * v + 0.5 * push * step_s**2, v + push * step_s))

    def _room(self, corner, u, step_s):
        p, v, push = corner[:, 0], corner[:, 1], u + self.wind
        end = self._ahead(corner, u, step_s)
        turns = (v > 0) & (end[:, 1] < 0)
        top = p + np.where(turns, v**2 / (2 * np.where(turns, -push, 1.0)), 0.0)
        highest = np.maximum(np.maximum(p, end[:, 0]), top)
        return np.minimum(self.wall - highest, self.speed - np.maximum(v, end[:, 1]))

    def can_stop(self, state):
        """Return whether states (n, 2) lie within the parabolas of braking against the wind."""
        p, v = state[:, 0], state[:, 1]
        brake = 2 * (self.push - self.wind)
        right = np.maximum(v, 0) ** 2 <= brake * (self.wall - p)
        left = np.maximum(-v, 0) ** 2 <= brake * (self.wall + p)
        return right & left & (np.abs(v) <= self.speed)


def box_of(low, high):
    """Return facets and bounds of a box."""
    n = len(low)
    return np.concatenate((np.eye(n), -np.eye(n))), np.concatenate((high, -np.array(low)))


def unstable(a=1.5, value=1.0, wind=0.2):
    """Return x' = a x + u + w; it can be kept where |x| <= (value - wind) / (a - 1)."""
    one = np.ones((1, 1))
    affine = Affine(1.0, a * one, one, np.zeros(1), np.array([wind]), exact=True)
    return affine, Stepped(affine, [-10.0], [10.0]), (value - wind) / (a - 1)


def stated(affine, model, error, value=1.0, names=("push",)):
    """Return what a world would state of a toy."""
    limits = tuple(
        Box(name=f"range of {name}", unit="-", value=name, low=-value, high=value) for name in names
    )
    signals = tuple(f"x{k}" for k in range(len(error)))
    own = Envelope(limits=limits, signals=signals, error=tuple(error), model=model, affine=affine)
    return Stated("toy", {"value": value, "wind": 0.1}, tuple(names), own)


def carriage_search(carriage, step_s, parts=3, **settings):
    """Return the search for a carriage's polytope."""
    within = tuple(carriage.affine(step_s * (k / parts)) for k in range(1, parts + 1))
    facets, bounds = box_of([-carriage.wall, -carriage.speed], [carriage.wall, carriage.speed])
    push = np.array([carriage.push])
    return Search(within, facets, bounds, -push, push, np.zeros(2), **settings)


def corridor():
    """Return a row of six cells with pits at both ends; the goer may slip one cell further.

    Choices: left, right, stay. Cell 1 can only stay or go right, cell 4 only stay or go left.
    """
    n = 6
    following = np.zeros((n, 3, 2), np.int64)
    for cell in range(n):
        for choice, way in enumerate((-1, 1, 0)):
            ends = (cell + way, cell + 2 * way)
            following[cell, choice] = np.clip(ends, 0, n - 1)
    forbidden = np.zeros(n, np.bool_)
    forbidden[[0, n - 1]] = True

    def state_of(signals):
        cell = np.round(signals[:, 0]).astype(np.int64)
        return np.where((cell >= 0) & (cell < n), cell, -1)

    return Finite(state_of, following, np.ones((n, 3), np.bool_), forbidden)


def attacked(carriage, backup, start, error, step_s, n_steps, rng):
    """Return the largest breach of carriages that follow a backup, whoever measures and pushes.

    A third of them are pushed at random; the others always to one side, while they are measured
    as far as possible on the other.
    """
    x, worst = start.copy(), -np.inf
    side = np.arange(len(x)) % 3 - 1.0
    for _ in range(n_steps):
        chance = rng.choice([-1.0, 1.0], x.shape)
        seen = x + error * np.where(side[:, None] == 0.0, chance, -side[:, None])
        u = backup.value(seen - error, seen + error)[:, 0]
        for _ in range(4):
            w = carriage.wind * np.where(side == 0.0, rng.choice([-1.0, 1.0], len(x)), side)
            push = np.where(np.isfinite(u), u, 0.0) + w
            x[:, 0] += x[:, 1] * step_s / 4 + 0.5 * push * (step_s / 4) ** 2
            x[:, 1] += push * step_s / 4
            over = np.maximum(np.abs(x[:, 0]) - carriage.wall, np.abs(x[:, 1]) - carriage.speed)
            worst = max(worst, over.max())
    return worst
