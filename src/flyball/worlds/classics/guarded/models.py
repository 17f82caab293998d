# SPDX-License-Identifier: MIT
"""The one-step models of the guarded plants, as `safety` asks for them.

Each says where a plant can be after a step, whatever its bounded disturbance does and however often
it changes, and how near to a limit it can come at any time within the step.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from flyball.core.batch import Doubles
from flyball.core.envelope import Affine, Reach
from flyball.worlds.classics.guarded.rail import Rail
from flyball.worlds.classics.guarded.rod import Rod

Reaching = Callable[..., tuple[Doubles, Doubles, Doubles]]


@dataclass(frozen=True)
class Model:
    """A `StepModel` of one plant."""

    name: str
    """Of the problem."""
    plant: Rail | Rod
    reaching: Reaching
    """Compiled."""

    @property
    def parameters(self) -> Mapping[str, float]:
        """What the model is made of, for whoever certifies it: equal numbers, equal model."""
        return {key: float(number) for key, number in self.plant._asdict().items()}

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
    )


def affine_rod(rod: Rod, step_s: float) -> Affine:
    """Return a linear step of the rod that holds while it keeps its largest angle.

    sin(angle) lies within `bend` of slope angle for |angle| <= limit; `bend` adds to what the
    disturbance does. All numbers of exp(t J) are at least 0, so the spread is what a constant
    disturbance of full size does.
    """
    slope = np.sin(rod.angle) / rod.angle
    turn = np.arccos(slope)
    bend = np.sin(turn) - slope * turn
    motion = np.array([[0.0, 1.0], [rod.pull * slope, -rod.damping]])
    whole, held, term = np.eye(2), np.zeros((2, 2)), np.eye(2)
    for k in range(1, 40):  # exp(t J) and its integral, as series; |t J| < 10
        held = held + term * (step_s / k)
        term = term @ motion * (step_s / k)
        whole = whole + term
    push = held[:, 1]
    most = rod.disturbance / rod.inertia + rod.pull * bend
    return Affine(
        step_s=step_s,
        a=whole,
        b=(push / rod.inertia)[:, None],
        c=np.zeros(2),
        spread=push * most * (1.0 + 1e-9),
    )
