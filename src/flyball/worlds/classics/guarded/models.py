# SPDX-License-Identifier: MIT
"""The one-step models of the guarded plants, as `safety` asks for them.

Each says where a plant can be after a step, whatever its bounded disturbance does and however often
it changes, and how near to a limit it can come at any time within the step.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from flyball.core.batch import Doubles
from flyball.core.envelope import Affine, Inner, Reach
from flyball.worlds.classics.guarded.rail import Rail
from flyball.worlds.classics.guarded.rod import Rod
from flyball.worlds.classics.guarded.tanks import Tanks

Reaching = Callable[..., tuple[Doubles, Doubles, Doubles]]


@dataclass(frozen=True)
class Model:
    """A `StepModel` of one plant."""

    name: str
    """Of the problem."""
    plant: Rail | Rod | Tanks
    reaching: Reaching
    """Compiled."""

    @property
    def parameters(self) -> Mapping[str, float]:
        """What the model is made of, for whoever certifies it: equal numbers, equal model."""
        return {key: float(number) for key, number in self.plant._asdict().items()}

    @property
    def inner_reach(self) -> Inner:
        """The same as `reach` for compiled code."""
        return Inner(self.reaching, self.plant)

    def reach(self, low: Doubles, high: Doubles, value: Doubles, step_s: float) -> Reach:
        """Return where plants within boxes (n, X) can come while a value (n, D) is held.

        A value beyond its range counts as the nearest bound, as it does for the plant.
        """
        boxes = [np.ascontiguousarray(array, np.float64) for array in (low, high, value)]
        return Reach(*self.reaching(self.plant, *boxes, float(step_s)))


def affine_rail(rail: Rail, step_s: float) -> Affine:
    """Return the exact step of the carriage."""
    push = np.array([0.5 * step_s * step_s, step_s])
    return Affine(
        step_s=step_s,
        a=np.array([[1.0, step_s], [0.0, 1.0]]),
        b=push[:, None],
        c=np.zeros(2),
        spread=push * rail.disturbance,
        exact=True,
    )


def affine_rod(rod: Rod, step_s: float) -> Affine:
    """Return a linear step of the rod that holds while it keeps its largest angle.

    sin(angle) lies within `bend` of slope angle for |angle| <= limit; `bend` adds to what the
    disturbance does.
    """
    slope = np.sin(rod.angle) / rod.angle
    turn = np.arccos(slope)
    bend = np.sin(turn) - slope * turn
    motion = np.array([[0.0, 1.0], [rod.pull * slope, -rod.damping]])
    push = np.array([[0.0], [1.0 / rod.inertia]])
    most = np.array([0.0, rod.disturbance / rod.inertia + rod.pull * bend])
    return _held(motion, push, np.zeros(2), most, step_s)


def affine_tanks(tanks: Tanks, step_s: float) -> Affine:
    """Return a linear step of the tanks that holds while they keep their levels.

    The root lies above its chord from the lowest to the highest level, by at most `bend`; half of
    that is added to the chord, and as much to what the disturbance does.
    """
    low, high = tanks.low, tanks.high
    slope = 1.0 / (low**0.5 + high**0.5)
    bend = 0.25 / slope + slope * low - low**0.5
    start = low**0.5 - slope * low + 0.5 * bend
    first, second = tanks.first, tanks.second
    motion = slope * np.array([[-first, 0.0], [first, -second]])
    drift = start * np.array([-first, first - second])
    most = tanks.fill * tanks.disturbance + 0.5 * bend * np.array([first, first + second])
    return _held(motion, tanks.fill * np.eye(2), drift, most, step_s)


def _held(motion: Doubles, push: Doubles, drift: Doubles, most: Doubles, step_s: float) -> Affine:
    """Return the step of x' = motion x + push u + drift + w while u stands still and |w| <= most.

    Nothing off the diagonal of `motion` is below 0, so nothing in exp(t motion) is, and no
    disturbance does more than a constant one of full size.
    """
    n = len(motion)
    whole, held, term = np.eye(n), np.zeros((n, n)), np.eye(n)
    for k in range(1, 40):  # exp(t motion) and its integral, as series; |t motion| < 10
        held = held + term * (step_s / k)
        term = term @ motion * (step_s / k)
        whole = whole + term
    spread = held @ most * (1.0 + 1e-9)
    return Affine(step_s=step_s, a=whole, b=held @ push, c=held @ drift, spread=spread)
