# SPDX-License-Identifier: MIT
"""A small plant with an emergency stop, and a journal whose process can be killed in it."""

import numpy as np

from flyball.core.spec import Signal, TanhGaussian
from flyball.safety.actuators import GoTo, Hold
from flyball.safety.stop import EmergencyStop, Situation, StopConfig

VALUES = [TanhGaussian("valve", "%", 0.0, 100.0), TanhGaussian("fuel", "%", 0.0, 100.0)]
SIGNALS = [Signal("level", "m", 0.0, 10.0), Signal("button", "-", 0.0, 1.0)]
CONFIG = StopConfig(actions={"valve": Hold(), "fuel": GoTo(0.0)})
LAST, WANTED = np.array([40.0, 30.0]), np.array([41.0, 31.0])
SAFE = [40.0, 0.0]
FREE = np.full(2, np.inf)


class Crash(BaseException):
    """The process is killed."""


class Store:
    """A journal whose content is one immutable tuple, and whose process can be killed in it."""

    def __init__(self):
        self.kept, self.crash, self.error = (), "", None

    def append(self, record):
        if self.error is not None:
            raise self.error
        if self.crash in ("", "after"):
            self.kept += (record,)
        if self.crash:
            # Who is dead writes no more.
            self.crash = "dead"
            raise Crash
        return ""

    def records(self):
        return iter(self.kept)


def situation(*causes, now_s=1.0, tag=1.0, trusted=True):
    signal_now, sound = np.array([5.0, tag]), np.array([True, trusted])
    return Situation(now_s, causes, signal_now, sound, LAST, now_s - 1.0, -FREE, FREE)


def opened(journal, config=CONFIG):
    return EmergencyStop(lambda: journal, config, VALUES, SIGNALS, now_s=0.0)


def running(journal, config=CONFIG):
    """Return a stop that was released."""
    stop = opened(journal, config)
    stop.decide(WANTED, situation())
    stop.clear("Ann", "r1", 1.0)
    stop.release("Bob", "r2", 1.0)
    return stop


def writes_policy(stop, *causes, **parts):
    """Return whether the policy's action comes out; what else comes out is safe."""
    found = stop.decide(WANTED, situation(*causes, **parts))
    assert found is WANTED or found.tolist() == SAFE
    return found is WANTED
