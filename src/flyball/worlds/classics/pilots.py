# SPDX-License-Identifier: MIT
"""What a control engineer would run on the control problems.

A pilot turns observations (B, F) into actions (B,): a choice, or a value in native units. `sighted`
gives one to the versions without velocities, by differences of what was seen one step before.
"""

from collections.abc import Callable
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from flyball.core.batch import Doubles
from flyball.worlds.classics import control

Pilot = Callable[[Doubles], NDArray[np.generic]]

ACROBOT_WEIGHTS = np.array([-1.3, -1.1, -0.6, 1.25])
"""Of sin(second), sin(first + second), spin of the first and of the second link: the mean of the
best eighth in three rounds of a cross-entropy search, 40 candidates a round, 256 episodes each."""

CAR_FORCE = 0.2
"""Smallest force, in steps of 0.05, that brings the continuous car to its goal from every start."""


@lru_cache(maxsize=1)
def cartpole_gain() -> Doubles:
    """Return the gain (4,) of the linear-quadratic regulator around upright, in N per unit."""
    pole_mass, half_length, total_mass, step_s = 0.1, 0.5, 1.1, 0.02
    inertia = half_length * (4.0 / 3.0 - pole_mass / total_mass)
    a, b = np.eye(4), np.zeros((4, 1))
    a[0, 1] = a[2, 3] = step_s
    a[3, 2] = step_s * control.GRAVITY_M_PER_S2 / inertia
    b[3, 0] = -step_s / (total_mass * inertia)
    moment = pole_mass * half_length / total_mass
    a[1, 2] = -moment * a[3, 2]
    b[1, 0] = step_s / total_mass - moment * b[3, 0]
    cost = np.diag([1.0, 0.1, 10.0, 0.1])
    value = cost
    for _ in range(2000):  # the Riccati equation, by going back in time until it stands still
        gain = np.linalg.solve(b.T @ value @ b + 0.01, b.T @ value @ a)
        value = cost + a.T @ value @ (a - b @ gain)
    row: Doubles = gain[0]
    return row


def regulate(obs: Doubles) -> NDArray[np.generic]:
    """Push the cart with the sign of the regulator's force."""
    force_n: Doubles = -obs @ cartpole_gain()
    return (force_n > 0).astype(np.int32)


def pump(obs: Doubles) -> NDArray[np.generic]:
    """Put energy into the acrobot: a sign of a weighted sum, tuned."""
    cos_1, sin_1, cos_2, sin_2 = obs[:, 0], obs[:, 1], obs[:, 2], obs[:, 3]
    both = sin_1 * cos_2 + cos_1 * sin_2
    sums: Doubles = np.stack([sin_2, both, obs[:, 4], obs[:, 5]], axis=1) @ ACROBOT_WEIGHTS
    return (np.sign(sums) + 1).astype(np.int32)


def swing_up(obs: Doubles) -> NDArray[np.generic]:
    """Bring the rod to the energy that it has upright, then hold it with a PD law."""
    angle, spin = np.arctan2(obs[:, 1], obs[:, 0]), obs[:, 2]
    # Inertia m l^2 / 3 and weight m g l / 2 of a rod with m = l = 1 and g = 10, 0 J upright.
    energy_j = spin * spin / 6.0 + 5.0 * (obs[:, 0] - 1.0)
    pumping = -5.0 * energy_j * np.where(spin >= 0, 1.0, -1.0)
    torque = np.where(np.abs(angle) < 0.5, -(12.0 * angle + 3.0 * spin), pumping)
    return np.clip(torque, -control.TORQUE_LIMIT_NM, control.TORQUE_LIMIT_NM)


def bang_bang(obs: Doubles) -> NDArray[np.generic]:
    """Push the car the way it is rolling."""
    return np.where(obs[:, 1] >= 0, 2, 0)


def gentle_bang_bang(obs: Doubles) -> NDArray[np.generic]:
    """Push the way the car is rolling, with no more force than it takes."""
    return np.where(obs[:, 1] >= 0, CAR_FORCE, -CAR_FORCE)


def next_car(position: Doubles, velocity: Doubles, push: int) -> tuple[Doubles, Doubles]:
    """Return position and velocity of the car after one step, any shape."""
    velocity = velocity + (push - 1) * 0.001 - 0.0025 * np.cos(3 * position)
    velocity = np.clip(velocity, -control.CAR_FASTEST, control.CAR_FASTEST)
    position = np.clip(position + velocity, control.CAR_LOW, control.CAR_HIGH)
    return position, np.where((position == control.CAR_LOW) & (velocity < 0), 0.0, velocity)


class HillMap:
    """Steps that the car needs to its goal, on a grid of positions and velocities.

    Dynamic programming: the fewest steps are 1 and those of the best next state, which lies between
    four points of the grid.
    """

    def __init__(self, n_positions: int, n_velocities: int) -> None:
        self._shape = (n_positions, n_velocities)
        position, velocity = np.meshgrid(
            np.linspace(control.CAR_LOW, control.CAR_HIGH, n_positions),
            np.linspace(-control.CAR_FASTEST, control.CAR_FASTEST, n_velocities),
            indexing="ij",
        )
        nexts = [next_car(position.ravel(), velocity.ravel(), push) for push in range(3)]
        corners = [self._corners(*pair) for pair in nexts]
        self.steps: Doubles = np.zeros(n_positions * n_velocities)
        for _ in range(1000):
            best = np.min(
                [self._left(*pair, *own) for pair, own in zip(nexts, corners, strict=True)], 0
            )
            change = np.abs(best + 1.0 - self.steps).max()
            self.steps = best + 1.0
            if change < 1e-3:
                break

    def _corners(self, position: Doubles, velocity: Doubles) -> tuple[NDArray[np.int64], Doubles]:
        """Return the four points around each state (4, B) and their weights (4, B)."""
        n, m = self._shape
        x = (position - control.CAR_LOW) / (control.CAR_HIGH - control.CAR_LOW) * (n - 1)
        y = (velocity + control.CAR_FASTEST) / (2 * control.CAR_FASTEST) * (m - 1)
        i, j = np.minimum(x.astype(np.int64), n - 2), np.minimum(y.astype(np.int64), m - 2)
        x, y, at = x - i, y - j, i * m + j
        return (
            np.stack([at, at + 1, at + m, at + m + 1]),
            np.stack([(1 - x) * (1 - y), (1 - x) * y, x * (1 - y), x * y]),
        )

    def _left(
        self, position: Doubles, velocity: Doubles, at: NDArray[np.int64], weight: Doubles
    ) -> Doubles:
        """Return the steps left from each state (B,), 0 at the goal."""
        there = (position >= control.CAR_GOAL) & (velocity >= 0)
        left: Doubles = np.where(there, 0.0, (weight * self.steps[at]).sum(0))
        return left

    def choose(self, obs: Doubles) -> NDArray[np.generic]:
        """Return the push (B,) that leaves the fewest steps."""
        nexts = [next_car(obs[:, 0], obs[:, 1], push) for push in range(3)]
        pushes: NDArray[np.int64] = np.argmin(
            [self._left(*pair, *self._corners(*pair)) for pair in nexts], axis=0
        )
        return pushes


@lru_cache(maxsize=1)
def hill_map() -> HillMap:
    """Return the map that the mountain car's pilot follows, made once; about a second."""
    return HillMap(241, 141)


def plan_ahead(obs: Doubles) -> NDArray[np.generic]:
    """Follow the map of fewest steps."""
    return hill_map().choose(obs)


PILOTS: dict[str, dict[str, Pilot]] = {
    "cartpole": {"regulator": regulate},
    "acrobot": {"energy": pump},
    "pendulum": {"swing-up": swing_up},
    "mountain-car": {"bang-bang": bang_bang, "dynamic programming": plan_ahead},
    "mountain-car-continuous": {"bang-bang": gentle_bang_bang},
}
"""Pilots of each control problem, the strongest last."""


def sighted(name: str, obs: Doubles, before: Doubles, first: NDArray[np.bool_]) -> Doubles:
    """Return what would be seen with velocities, shape (B, F).

    Parameters
    ----------
    name
        Of the problem with velocities.
    obs, before
        What is seen now and what was seen one step ago, (B, F).
    first
        (B,) where there is no step before; the velocity is then taken as 0.
    """
    seen = obs.copy()
    moving = ~first
    if name == "cartpole":
        seen[:, [1, 3]] = (obs[:, [0, 2]] - before[:, [0, 2]]) / 0.02 * moving[:, None]
    elif name == "acrobot":
        seen[:, 4] = _turned(obs[:, 0:2], before[:, 0:2]) / 0.2 * moving
        seen[:, 5] = _turned(obs[:, 2:4], before[:, 2:4]) / 0.2 * moving
    elif name == "pendulum":
        seen[:, 2] = _turned(obs[:, 0:2], before[:, 0:2]) / 0.05 * moving
    else:
        seen[:, 1] = (obs[:, 0] - before[:, 0]) * moving
    return seen


def _turned(now: Doubles, before: Doubles) -> Doubles:
    """Return the angle (B,) in rad between two directions, each (cos, sin)."""
    sin = now[:, 1] * before[:, 0] - now[:, 0] * before[:, 1]
    cos = now[:, 0] * before[:, 0] + now[:, 1] * before[:, 1]
    angle: Doubles = np.arctan2(sin, cos)
    return angle
