# SPDX-License-Identifier: MIT
"""Plants on which safety is proved: each can be broken, and says exactly how.

Every plant has a disturbance that is bounded but otherwise free, limits that are checked at all
times and not only at samples, and a one-step model that contains it.
"""

from flyball.worlds.classics.guarded.catalogue import NAMES, scenario
from flyball.worlds.classics.guarded.env import Guarded, make
from flyball.worlds.classics.guarded.limits import envelope
from flyball.worlds.classics.guarded.scenario import Scenario

__all__ = ["NAMES", "Guarded", "Scenario", "envelope", "make", "scenario"]
