# SPDX-License-Identifier: MIT
"""A small plant to serve: one push between -3 and 3, which may change by 1 a decision."""

from collections.abc import Iterator
from itertools import repeat
from types import SimpleNamespace

import numpy as np

from flyball.core.batch import Action
from flyball.core.clock import ManualClock
from flyball.core.decision import Request
from flyball.core.envelope import Envelope
from flyball.core.errors import Problem, RunError
from flyball.core.journal import MemoryJournal
from flyball.core.limits import Box, Rate
from flyball.core.spec import AgentKind, Feature, Kpi, Objective, Signal, Spec, TanhGaussian
from flyball.serving.pilot import Proposal
from flyball.serving.server import Server
from flyball.serving.site import Site

PUSH = TanhGaussian("push", "m/s2", -3.0, 3.0)
SPEC = Spec(
    world="stand",
    version=1,
    kinds=(AgentKind("agent", 1, (Feature("place", "m", -9.0, 9.0),), (PUSH,)),),
    objectives=(Objective("return", "m", "max"),),
    kpis=(Kpi("lost", "m", "min", "metres lost"),),
    signals=(Signal("place", "m", -9.0, 9.0),),
)
LIMITS = (
    Box(name="push range", unit="m/s2", value="push", low=-2.0, high=2.0),
    Rate(name="push rate", unit="m/s2", value="push", fall=1.0, rise=1.0, each="decision"),
)


class Steady:
    """A baseline that always wants the same."""

    def __init__(self, push=0.0):
        self.push = push

    def initial(self, n_envs):
        return np.zeros((n_envs, 0), np.float32)

    def act(self, observation, memory, key):
        del key
        n = len(observation.start)
        action = Action(np.zeros((n, 1, 0), np.int32), np.full((n, 1, 1), self.push))
        return action, np.zeros((n, 1), np.float32), memory


class Counting:
    """A pilot that remembers how often it was asked; it pushes the same, or one after another."""

    def __init__(self, name, push=0.5):
        self.name, self.asked = name, []
        self.pushes = repeat(push) if isinstance(push, float) else push

    def initial(self):
        return np.zeros((1, 1), np.float32)

    def propose(self, observation, memory):
        after = np.where(observation.start[:, None], 0.0, memory) + np.float32(1.0)
        self.asked.append(int(after[0, 0]))
        value = float(next(self.pushes))
        fault = "" if np.isfinite(value) else f"{self.name} said no number"
        return Proposal(np.array([value]), after.astype(np.float32), fault)


class MemoryLog(MemoryJournal):
    """A decision log that ends with the process and can be told to fail."""

    def __init__(self):
        super().__init__()
        self.fails = ""
        self._by_id, self._by_unit, self._told = {}, {}, set()

    def keep(self, record):
        own = (record.get("kind"), record.get("outcome_id"))
        fresh = own not in self._told
        if fresh:
            self.append(record)
        self._told.add(own)
        return SimpleNamespace(fresh=fresh)

    def append(self, record):
        self._check()
        kept = super().append(record)
        if record["kind"] == "decision":
            self._by_id[record["decision_id"]] = self._by_unit[record["unit"]] = record
        return kept

    def find(self, decision_id):
        self._check()
        return self._by_id.get(decision_id)

    def latest(self, unit):
        self._check()
        return self._by_unit.get(unit)

    def of_kind(self, kind) -> Iterator:
        return (record for record in self.records() if record["kind"] == kind)

    def _check(self):
        if self.fails:
            raise RunError(Problem(where="log", found=self.fails, allowed="room", fix="make room"))


class Stand:
    """A server of the small plant, and the plant's time."""

    def __init__(self, log=None, fallback=0.0, **site):
        self.log, self.clock, self.told = log or MemoryLog(), ManualClock(), []
        own = {"shield": None} | site
        if own["shield"] is None:
            del own["shield"]
        self.site = Site(
            name="stand",
            spec=SPEC,
            envelope=Envelope(limits=LIMITS),
            step_s=1.0,
            fallback=Steady(fallback),
            fallback_name="steady",
            **own,
        )
        self.server = Server(
            self.site, self.log, clock=self.clock, notice=lambda *told: self.told.append(told)
        )
        self.n, self.at_s = 0, 0.0

    def request(self, unit="u1", **parts):
        self.n += 1
        self.at_s += 1.0
        given = {"decision_id": f"d{self.n}", "unit": unit, "at_s": self.at_s}
        return Request(**{**given, "obs": [0.5], "signals": [0.5], **parts})

    def decide(self, unit="u1", **parts):
        return self.server.decide(self.request(unit, **parts))

    def release(self):
        """Let it run, in the two steps that it takes."""
        self.decide(unit="first")
        self.server.stop.clear("ann", f"a{self.n}", self.at_s)
        self.decide(unit="first")
        self.server.stop.release("bob", f"b{self.n}", self.at_s)
        return self
