# SPDX-License-Identifier: MIT
"""Small problems with exact answers, on which algorithms are proved, and plants for safety.

Control (cart-pole, acrobot, pendulum, mountain car, and their versions without velocities), memory
(T-maze), bandits, grids, two objectives, matrix games, masked actions, and cooperative worlds of
several agents. Each is equal, state by state, to the implementation that papers use, and compiled.
Guarded plants (double integrator, two tanks, inverted pendulum, a grid with forbidden cells, robots
that cross) can be broken, and say in an `Envelope` what safety must know.

References
----------
`docs/worlds/classics.md` names the source of every problem and its known answer,
`docs/worlds/guarded.md` the equations, limits and disturbances of the guarded plants.
"""

from flyball.worlds.classics.env import Classic
from flyball.worlds.classics.guarded import Guarded
from flyball.worlds.classics.optimum import Known, front
from flyball.worlds.classics.problems import (
    NAMES,
    envelope,
    known,
    make,
    picture,
    policies,
    scenario,
)
from flyball.worlds.classics.scenario import Scenario

__all__ = [
    "NAMES",
    "Classic",
    "Guarded",
    "Known",
    "Scenario",
    "envelope",
    "front",
    "known",
    "make",
    "picture",
    "policies",
    "scenario",
]
