# SPDX-License-Identifier: MIT
"""A plant with its shield and its Keeper, one decision after the other."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from flyball import experiments
from flyball.core.batch import Action, Doubles, Observation, Options
from flyball.core.envelope import Envelope
from flyball.core.journal import MemoryJournal, Record
from flyball.core.limits import Box, Linear, Rate
from flyball.core.spec import AgentKind, Feature, Kpi, Objective, Signal, Spec, TanhGaussian
from flyball.safety import Shield, ShieldConfig
from flyball.safety.actuators import Hold
from flyball.safety.audit import entry_of, record_of
from flyball.safety.keeper import Keeper
from flyball.safety.stop import EmergencyStop, StopConfig
from flyball.worlds import classics

CERTIFIED = ("double-integrator", "two-tanks", "inverted-pendulum")
N_VALUES, STEP_S = 8, 0.1

FEW = tuple(trip for trip in ShieldConfig().trips if trip.event != "intervened")
"""What stops a plant, but for a policy that is changed too often: random ones are."""


class Silent:
    """A journal that keeps nothing, so that what is timed is not the store."""

    def append(self, record: Record) -> str:  # noqa: ARG002
        """Forget a record."""
        return ""

    def records(self) -> Iterator[Record]:
        """Yield nothing."""
        return iter(())


class Site:
    """One plant under one shield."""

    def __init__(self, plant: Any, envelope: Envelope, step_s: float, config: ShieldConfig) -> None:
        """Put the plant under a shield, and the shield under a Keeper that is stopped."""
        self.plant, self.step_s, self.rng = plant, step_s, np.random.default_rng(0)
        self.shield = Shield(plant.spec, envelope, n_envs=1, step_s=step_s, config=config)
        actions = {value.name: Hold() for value in self.shield.values}
        stop = EmergencyStop(
            MemoryJournal, StopConfig(actions=actions), self.shield.values, now_s=0.0
        )
        self.keeper = Keeper(self.shield, stop, Silent(), certificate="c1")
        self.seen: Observation = plant.reset(np.zeros(1, np.int64))
        self.now_s, self.wish = np.zeros(1), np.zeros(len(self.shield.values))
        self.changed = self.decided = 0
        self.low, self.high = (
            np.array([getattr(each, side) for each in self.shield.values])
            for side in ("low", "high")
        )
        self.shield.begin(self.now_s)
        self.action = self._action(self.wish)

    def _action(self, value: Doubles) -> Action:
        return Action(np.zeros((1, 1, 0), np.int32), value[None, None].copy())

    def released(self) -> "Site":
        """Let the emergency stop run."""
        stop = self.keeper.stop
        for k, step in enumerate((stop.clear, stop.release)):
            kept = self.keeper.decide(self.seen, self.wish, float(self.now_s[0]))
            self.go_on(kept)
            step("ann", f"request {k}", float(self.now_s[0]))
        return self

    def propose(self) -> None:
        """Draw what the policy wants, every few decisions."""
        if self.rng.random() < 0.2:
            self.wish = self.rng.uniform(self.low, self.high)
        self.action = self._action(self.wish)

    def go_on(self, found: Any) -> None:
        """Let the plant do what was decided."""
        value = found.value[None] if hasattr(found, "value") else found.decision.applied.copy()
        if self.shield.filter.history.last_s[0] != self.now_s[0]:
            self.shield.filter.note(value, self.now_s)
        self.decided += 1
        self.changed += not np.array_equal(value[0], self.wish)
        step = self.plant.step(Action(np.zeros((1, 1, 0), np.int32), value[None]))
        self.seen, self.now_s = step.observation, self.now_s + self.step_s
        if step.truncated[0] or step.terminated[0]:
            self.shield.begin(self.now_s)

    def recorded(self) -> Callable[[], Record]:
        """Return what makes the record of a usual decision."""
        self.propose()
        judged = self.keeper.judge(self.seen, self.wish, float(self.now_s[0]), policy="p1")
        self.keeper.withdraw(judged)
        entry = entry_of(judged.record)
        return lambda: record_of(entry)


def certified(name: str) -> Site:
    """Return a plant with a shipped proof."""
    envelope = experiments.proofs.safe(name)
    plant = classics.make(name, 1)
    return Site(plant, envelope, plant.scenario.step_s, ShieldConfig(trips=FEW))


class Line:
    """Eight values that do nothing, and one signal that stands."""

    def __init__(self) -> None:
        """See the signal at rest."""
        values = tuple(TanhGaussian(f"v{d}", "-", -1.0, 1.0) for d in range(N_VALUES))
        kind = AgentKind("line", 1, (Feature("x", "-", -1, 1),), values)
        self.spec = Spec(
            world="line",
            version=1,
            kinds=(kind,),
            objectives=(Objective("nothing", "-", "max"),),
            kpis=(Kpi("nothing", "-", "max", "nothing"),),
            signals=(Signal("x", "-", -1, 1),),
        )
        none = Options(np.zeros((0, 0), np.float32), np.zeros(2, np.int64), np.zeros(0, np.int32))
        self.seen = Observation(
            obs=np.zeros((1, 1, 1), np.float32),
            state=np.zeros((1, 0), np.float32),
            mask=np.zeros((1, 1, 0), np.bool_),
            options=none,
            alive=np.ones((1, 1), np.bool_),
            start=np.zeros(1, np.bool_),
            signals=np.zeros((1, 1)),
            age_s=np.zeros((1, 1)),
            quality=np.ones((1, 1), np.bool_),
        )

    def reset(self, _: Any) -> Observation:
        """Return what is seen."""
        return self.seen

    def step(self, _: Any) -> Any:
        """Do nothing."""
        never = np.zeros(1, np.bool_)
        return type("Step", (), {"observation": self.seen, "truncated": never, "terminated": never})


def eight() -> Site:
    """Return eight values with a box and a rate each, and one sum."""
    names = [f"v{d}" for d in range(N_VALUES)]
    limits = (
        *(Box(name=f"box {x}", unit="-", value=x, low=-0.8, high=0.8) for x in names),
        *(Rate(name=f"rate {x}", unit="-", value=x, fall=0.3, rise=0.3) for x in names),
        Linear(name="sum", unit="-", values=dict.fromkeys(names, 1.0), bound=1.5),
    )
    return Site(Line(), Envelope(limits=limits), STEP_S, ShieldConfig(gate=False, trips=FEW))
