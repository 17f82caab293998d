# SPDX-License-Identifier: MIT
"""The policy server in a process: observe, validate, propose, filter, gate, write, record.

Champion, challengers and fallback propose in every decision, so that whoever takes over is warm;
one of them is in control of the block; what it says goes through the shield; the decision is
durable in the log before it is returned; a repeated decision id returns what was answered.

Every stage is total. A pilot that fails, says no number or is late loses the decision to the
fallback, and after too many of them the field (`guards`). A log that cannot keep a decision leaves
the fallback in control until it can. A decision that itself fails stops the plant (`resort`).
"""

import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol

import numpy as np

from flyball import safety
from flyball.core.batch import Doubles
from flyball.core.clock import Clock, SystemClock
from flyball.core.decision import Arm, Outcome, Reply, Request
from flyball.core.errors import Problem, RunError
from flyball.core.journal import Journal, Record, number
from flyball.serving.counting import Counts
from flyball.serving.guards import GuardConfig, Guards
from flyball.serving.lineup import Lineup
from flyball.serving.pilot import Baseline, Pilot, Proposal
from flyball.serving.reply import digest_of, hash_of, packed, reply_of
from flyball.serving.resort import last_resort
from flyball.serving.site import Site
from flyball.serving.unit import Unit, faults, in_force, misnamed


class UsedError(RunError):
    """An id that was used for something else."""


class Kept(Protocol):
    """What became of a record."""

    @property
    def fresh(self) -> bool:
        """Whether it was not there before."""
        ...


class Log(Journal, Protocol):
    """The decision log, as the server needs it."""

    def keep(self, record: Record) -> Kept:
        """Keep a record, and say whether it is new."""
        ...

    def find(self, decision_id: str) -> Record | None:
        """Return the record of a decision."""
        ...

    def latest(self, unit: str) -> Record | None:
        """Return the last decision of a unit."""
        ...

    def of_kind(self, kind: str) -> Iterator[Record]:
        """Yield the records of a kind, oldest first."""
        ...


@dataclass(frozen=True, kw_only=True)
class ServerConfig:
    """Settings of a `Server`."""

    deadline_s: float = 0.05
    """Longest that a pilot may think, s; whoever is later loses the decision."""

    guards: GuardConfig = field(default_factory=GuardConfig)
    max_units: int = 10_000
    """Units that are remembered; one more is refused."""


NEAR = 0.01
"""Share of a value's range within which two proposals count as the same."""

Notice = Callable[[str, Mapping[str, Any]], None]
"""Told of what people should know: its kind, and facts."""


def _silent(kind: str, facts: Mapping[str, Any]) -> None:
    del kind, facts


class Server:
    """Decides for all units of one plant; calls may come from any thread, one goes at a time."""

    def __init__(
        self,
        site: Site,
        log: Log,
        *,
        clock: Clock | None = None,
        config: ServerConfig | None = None,
        notice: Notice = _silent,
    ) -> None:
        """Begin with the fallback in control; a new log means that the plant is stopped.

        Parameters
        ----------
        site
            The plant.
        log
            Where decisions are kept.
        clock
            For deadlines and windows; requests bring the plant's own time.
        config
            Settings.
        notice
            Told of strikes, of a lost log, of a pilot that left the field.
        """
        self.site, self.log = site, log
        self.clock, self.config, self.notice = (
            clock or SystemClock(),
            config or ServerConfig(),
            notice,
        )
        self.spec_hash = hash_of(site.spec)
        self.fallback: Pilot = Baseline(site.fallback_name, site.fallback, site.spec)
        self.lineup = Lineup(fallback=self.fallback, champion=self.fallback)
        limits = site.envelope.limits if site.limits is None else site.limits
        self.stop = safety.EmergencyStop(
            lambda: _Stops(log),
            site.stopping(),
            site.values,
            site.spec.signals,
            limits,
            now_s=self.clock.now().timestamp(),
        )
        self.lost = ""
        """Why the log does not keep decisions; empty: it does."""
        self.struck: dict[str, str] = {}
        """Pilots that lost the field, and why; deleting a name forgives it at the next swap."""
        self.counts = Counts()
        self._units: dict[str, Unit] = {}
        span = np.array([each.high - each.low for each in site.values])
        self._guards, self._near = Guards(self.config.guards, span), NEAR * span
        self._lock = threading.RLock()

    def install(self, lineup: Lineup) -> None:
        """Swap the field, between two decisions; who was struck off stays off until forgiven."""
        with self._lock:
            for arm, pilot in lineup.pilots.items():
                if pilot.name in self.struck:
                    lineup = lineup.without(arm)
            self.lineup = lineup
            self._guards.forget({pilot.name for pilot in lineup.pilots.values()})

    def decide(self, request: Request) -> Reply:
        """Return what is written to the plant, recorded before it is returned.

        Raises
        ------
        RunError
            For a request that cannot be one: wrong lengths, no names, a time before the last one,
            or the id of another decision. Nothing is changed then.
        """
        began_s = self.clock.elapsed_s()
        with self._lock:
            known = self._repeated(request)
            reply = self._answered(request) if known is None else known
        self.counts.took(self.clock.elapsed_s() - began_s)
        return reply

    def warm(self) -> None:
        """Compile and load all that a decision needs, before the first one is asked for."""
        unit = Unit("", self.site, self._keeper())
        unit.keeper.begin(0.0, np.zeros(len(self.site.values)))
        for pilot in self.lineup.pilots.values():
            unit.propose(pilot)
        judged = unit.keeper.judge(unit.observation, np.zeros(len(self.site.values)), 0.0)
        unit.keeper.withdraw(judged)

    def units(self) -> int:
        """Return how many units were decided for."""
        return len(self._units)

    def _answered(self, request: Request) -> Reply:
        """Answer a request that can be one; whatever fails in that, the plant gets an answer."""
        unit = self._unit(request)
        try:
            return self._answer(unit, request)
        except Exception as error:  # noqa: BLE001 - a plant that waits for an answer is worse
            return self._fail(unit, request, f"it failed ({type(error).__name__}: {error})")

    def _fail(self, unit: Unit, request: Request, why: str) -> Reply:
        """Stop the plant and answer each actuator's safe action."""
        self.stop.trip(f"decision {request.decision_id}: {why}", request.at_s)
        self.notice("decision failed", {"decision": request.decision_id, "why": why})
        record = last_resort(unit, request, self.lineup, self.stop, why)
        self.counts.fallbacks["failed"] += 1
        self.counts.decisions[self.fallback.name, str(Arm.FALLBACK), "stopped"] += 1
        unit.tally = unit.tally._replace(
            decisions=unit.tally.decisions + 1, lost=unit.tally.lost + 1
        )
        try:
            kept = self.log.append(record)
        except Exception as error:  # noqa: BLE001 - the log may be what failed
            self._lose(str(error))
            kept = ""
        return reply_of(record, kept)

    def _answer(self, unit: Unit, request: Request) -> Reply:
        anew = request.start or not unit.block
        if anew:
            self._start(unit, request)
        unit.see(request)
        lineup = self.lineup
        if anew:
            self._finish(unit)
            unit.begin(request, lineup)
        unit.settle(lineup)
        said: dict[Arm, Proposal] = {}
        for arm, pilot in lineup.pilots.items():
            same = pilot is self.fallback and arm != Arm.FALLBACK
            said[arm] = said[Arm.FALLBACK] if same else self._ask(unit, arm, pilot)
        return self._decide(unit, request, lineup, said)

    def _decide(
        self, unit: Unit, request: Request, lineup: Lineup, said: Mapping[Arm, Proposal]
    ) -> Reply:
        arm, why = unit.arm, said[unit.arm].fault
        if self.lost and not why:
            why = "the decision log keeps nothing"
        if why:
            arm = Arm.FALLBACK
            self.counts.fallbacks["log" if self.lost else "fault"] += 1
        facts: dict[str, Any] = {
            "decision_id": request.decision_id,
            "unit": unit.name,
            "block": unit.block,
            "at_s": request.at_s,
            "request": digest_of(request),
            "obs": packed(unit.observation.obs[0, 0]),
            "arm": str(arm),
            "stage": lineup.stage,
            "propensity": unit.drawn.shares.get(str(unit.drawn.arm), 1.0),
            "generation": lineup.generation,
            "switched": unit.tally.switched,
            "why": why,
            "proposals": {
                str(own): [number(x) for x in proposal.value] for own, proposal in said.items()
            },
            "faults": {str(own): p.fault for own, p in said.items() if p.fault},
        }
        names = {own: pilot.name for own, pilot in lineup.pilots.items()}
        return self._keep(
            unit, request, {own: (names[own], said[own].value) for own in said}, facts
        )

    def _keep(
        self,
        unit: Unit,
        request: Request,
        wishes: Mapping[Arm, tuple[str, Doubles]],
        facts: Mapping[str, Any],
    ) -> Reply:
        """Put a proposal through shield and stop, and the decision into the log."""
        arm, keeper = Arm(facts["arm"]), unit.keeper
        name, value = wishes[arm]
        judged = keeper.judge(unit.observation, value, request.at_s, policy=name)
        record = {**judged.record, **facts}
        try:
            kept = self.log.append(record)
        except RunError as error:
            self._lose(str(error))
            if arm != Arm.FALLBACK:
                keeper.withdraw(judged)
                why = "the decision log keeps nothing"
                facts = {**facts, "arm": str(Arm.FALLBACK), "why": why}
                return self._keep(unit, request, wishes, facts)
            kept = ""
        else:
            self._find()
        keeper.commit(judged)
        change = np.abs(judged.kept.value - value)
        noticed, tally = self._guards.notices(change), unit.tally
        unit.tally = tally._replace(
            decisions=tally.decisions + 1,
            changed=tally.changed + noticed,
            lost=tally.lost + (arm != unit.arm),
            breaches=tally.breaches + judged.kept.lost,
        )
        became = "changed" if noticed else "as proposed"
        self.counts.decisions[name, str(arm), "stopped" if judged.stopped else became] += 1
        self.counts.bent.update(judged.kept.binding.keys())
        self.counts.compare(arm, wishes, self._near)
        if not judged.stopped:
            self._dismiss(arm, name, self._guards.lean(name, noticed=noticed))
        return reply_of(record, kept)

    def _finish(self, unit: Unit) -> None:
        """Write down what happened in a block that ended: what judges of it need."""
        if not unit.tally.decisions:
            return
        record = {
            "kind": "block",
            "unit": unit.name,
            "block": unit.block,
            "key": unit.drawn.key,
            "arm": str(unit.drawn.arm),
            "shares": dict(unit.drawn.shares),
            "stage": self.lineup.stage,
            "number": unit.number,
            "policy": "" if unit.pilot is None else unit.pilot.name,
            "at_s": number(unit.at_s),
            "ended_s": self.clock.now().timestamp(),
            **unit.tally._asdict(),
        }
        try:
            self.log.append(record)
        except RunError as error:
            self._lose(str(error))

    def learn(self, outcome: Outcome) -> bool:
        """Keep what came of a block; return whether it was new.

        Raises
        ------
        RunError
            For figures that are none of the plant's, or an id that said something else.
        """
        known = {kpi.name for kpi in self.site.spec.kpis}
        wrong = [name for name in (*outcome.metrics, *outcome.twin) if name not in known]
        problems = [_unknown(f"metrics {name}", name, sorted(known)) for name in wrong]
        for name in ("outcome_id", "unit", "block"):
            problems += misnamed(f"outcome {name}", getattr(outcome, name))
        if problems:
            raise RunError(problems)
        record = {"kind": "outcome", **asdict(outcome)}
        for name in ("metrics", "twin"):
            record[name] = {key: number(x) for key, x in record[name].items()}
        return self.log.keep(record).fresh

    def _lose(self, why: str) -> None:
        """Leave the fallback in control: what it does is not written down."""
        if not self.lost:
            self.notice("log lost", {"why": why})
        self.lost = why

    def _find(self) -> None:
        if self.lost:
            self.notice("log found", {})
        self.lost = ""

    def _ask(self, unit: Unit, arm: Arm, pilot: Pilot) -> Proposal:
        """Return what a pilot would do; late is as bad as nothing."""
        began_s = self.clock.elapsed_s()
        said = unit.propose(pilot)
        spent_s = self.clock.elapsed_s() - began_s
        if not said.fault and spent_s > self.config.deadline_s and arm != Arm.FALLBACK:
            nothing = np.full(len(said.value), np.nan)
            said = said._replace(
                value=nothing, fault=f"{pilot.name[:12]} took {1e3 * spent_s:.0f} ms"
            )
        if said.fault and arm != Arm.FALLBACK:
            now_s = self.clock.elapsed_s()
            self._dismiss(arm, pilot.name, self._guards.strike(pilot.name, said.fault, now_s))
        return said

    def _dismiss(self, arm: Arm, name: str, why: str) -> None:
        """For a reason, take a pilot off the field, here and now; whoever listens is told."""
        own = self.lineup.pilots.get(arm)
        if why and own is not None and own.name == name and own is not self.fallback:
            self.lineup, self.struck[name] = self.lineup.without(arm), why
            self.notice("off the field", {"arm": str(arm), "policy": name, "why": why})

    def _unit(self, request: Request) -> Unit:
        """Return the unit of a request that was checked."""
        problems = faults(request, self.site, self.spec_hash)
        unit = self._units.get(request.unit)
        if unit is None and len(self._units) >= self.config.max_units:
            problems.append(_many(request.unit, self.config.max_units))
        if unit is not None and request.at_s < unit.at_s:
            problems.append(_backwards(request.at_s, unit.at_s))
        if problems:
            raise RunError(problems)
        if unit is None:
            unit = self._units[request.unit] = Unit(request.unit, self.site, self._keeper())
        unit.at_s = request.at_s
        return unit

    def _keeper(self) -> safety.Keeper:
        site = self.site
        shield = safety.Shield(
            site.spec,
            site.envelope,
            n_envs=1,
            step_s=site.step_s,
            limits=site.limits,
            config=site.shield,
        )
        return safety.Keeper(shield, self.stop, self.log, certificate=site.certificate)

    def _start(self, unit: Unit, request: Request) -> None:
        """Commit to nothing; what is in force is what the plant or else the log says."""
        told = [np.nan if x is None else x for x in request.applied]
        applied = np.array(told) if told else self._in_force(unit)
        nothing = np.full(len(self.site.values), np.nan)
        unit.keeper.begin(request.at_s, nothing if applied is None else applied)

    def _in_force(self, unit: Unit) -> Doubles | None:
        """Return what was applied last, as far as anybody knows."""
        try:
            return in_force(self.log.latest(unit.name))
        except RunError as error:
            self._lose(str(error))
            return None

    def _repeated(self, request: Request) -> Reply | None:
        """Return what was answered to this id before; refuse another request of that name."""
        try:
            found = self.log.find(request.decision_id)
        except RunError as error:
            self._lose(str(error))
            found = None
        if found is None:
            return None
        if found.get("request") != digest_of(request):
            raise UsedError(
                Problem(
                    where=f"request {request.decision_id}",
                    found="another decision of this id",
                    allowed="an id of its own for each decision, or the same request again",
                    fix="give every decision a new id",
                )
            )
        return reply_of(found, "", repeated=True)


class _Stops:
    """The decision log as the emergency stop reads it: its own events alone."""

    def __init__(self, log: Log) -> None:
        self._log = log

    def append(self, record: Record) -> str:
        return self._log.append(record)

    def records(self) -> Iterator[Record]:
        return self._log.of_kind("stop")


def _unknown(where: str, found: str, allowed: list[str]) -> Problem:
    fix = "name the figures of the plant's spec, as /v1/spec lists them"
    return Problem(where=f"outcome {where}", found=found, allowed=", ".join(allowed), fix=fix)


def _many(name: str, most: int) -> Problem:
    return Problem(
        where=f"request unit {name}",
        found=f"one unit more than {most}",
        allowed=f"{most} units a server",
        fix="raise max_units, or serve them by more servers",
    )


def _backwards(found_s: float, last_s: float) -> Problem:
    return Problem(
        where="request at_s",
        found=f"{found_s} s",
        allowed=f"{last_s} s or later, the time of the last decision",
        fix="send decisions of a unit in the order of the plant's time",
    )
