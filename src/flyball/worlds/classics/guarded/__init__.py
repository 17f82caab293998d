# SPDX-License-Identifier: MIT
"""Plants on which safety is proved: each can be broken, and says exactly how.

Every plant has a disturbance that is bounded but otherwise free, limits that are checked at all
times and not only at samples, and a one-step model that contains it.
"""

from flyball.worlds.classics.guarded.baselines import policies
from flyball.worlds.classics.guarded.catalogue import NAMES, PROBLEMS, scenario
from flyball.worlds.classics.guarded.env import Guarded, make
from flyball.worlds.classics.guarded.limits import envelope
from flyball.worlds.classics.guarded.optimum import known
from flyball.worlds.classics.guarded.scenario import Scenario
from flyball.worlds.classics.guarded.view import picture

__all__ = [
    "NAMES",
    "PROBLEMS",
    "Guarded",
    "Scenario",
    "envelope",
    "known",
    "make",
    "picture",
    "policies",
    "scenario",
]
