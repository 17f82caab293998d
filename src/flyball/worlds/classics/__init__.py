# SPDX-License-Identifier: MIT
"""Small problems with exact answers, on which algorithms are proved.

Control (cart-pole, acrobot, pendulum, mountain car, and their versions without velocities), memory
(T-maze), bandits, grids, two objectives, matrix games, masked actions, and cooperative worlds of
several agents. Each is equal, state by state, to the implementation that papers use, and compiled.

References
----------
`docs/worlds/classics.md` names the source of every problem and its known answer.
"""

from flyball.worlds.classics.baselines import policies
from flyball.worlds.classics.catalogue import NAMES, scenario
from flyball.worlds.classics.env import Classic, make
from flyball.worlds.classics.optimum import (
    Known,
    best_additive,
    front,
    hypervolume,
    known,
)
from flyball.worlds.classics.scenario import Scenario
from flyball.worlds.classics.view import picture

__all__ = [
    "NAMES",
    "Classic",
    "Known",
    "Scenario",
    "best_additive",
    "front",
    "hypervolume",
    "known",
    "make",
    "picture",
    "policies",
    "scenario",
]
