# SPDX-License-Identifier: MIT
"""One plant in operation: shield, emergency stop and audit around every decision.

In this order: validate, filter, gate; the monitor counts; the emergency stop asks for causes, its
tag included. While it is not running, no policy's action goes on: what each actuator should do
instead is put to filter and gate in its place, so that a plant which falls over when it is left
alone is held by its backup. Where nothing is certified, or no action keeps all limits, it is
written as it is. Then the decision is recorded, with all that it takes to make it again bit for
bit.

D values · M signals.
"""

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np

from flyball.core.batch import Action, Doubles, Observation, Options
from flyball.core.errors import ConfigError, Problem
from flyball.core.journal import Journal, Record
from flyball.safety import filtering, gate
from flyball.safety.audit import Entry, Inputs, Replayed, latest, record_of, replay
from flyball.safety.fingerprint import fingerprint
from flyball.safety.gate import LOST
from flyball.safety.latch import Mode
from flyball.safety.projection import BENT
from flyball.safety.shield import Corrected, Shield
from flyball.safety.stop import EmergencyStop, Situation
from flyball.safety.telling import NO_GATE


class Kept(NamedTuple):
    """What is written to the plant, and why."""

    value: Doubles  # (D,) native units
    mode: Mode
    reasons: tuple[str, ...]  # why it is stopped; none while it runs
    filtered: str  # the filter's code in words
    gated: str  # the gate's; "none" where there is none
    binding: dict[str, float]  # limits that bent the action, and their multipliers
    record: str  # hash of the record; empty: it was not kept
    lost: bool = False  # it is outside of everything that is certified


class Judged(NamedTuple):
    """A decision that is made and not written down yet."""

    kept: Kept  # without the hash of its record
    record: Record
    held: dict[str, Any]  # what the gate remembered before it
    now_s: float
    stopped: bool  # no policy's action could go on


class Keeper:
    """What stands between one policy and one plant."""

    def __init__(
        self, shield: Shield, stop: EmergencyStop, journal: Journal, *, certificate: str = ""
    ) -> None:
        """Put them together.

        Parameters
        ----------
        shield
            For one copy with one agent and continuous values.
        stop
            Its journal may be the same.
        journal
            Where decisions are recorded.
        certificate
            Hash of the proof that the gate relies on.

        Raises
        ------
        ConfigError
            For a shield of many rows, or of choices.
        """
        if shield.n_rows != 1 or shield.choices is not None:
            raise ConfigError(
                Problem(
                    where="keeper shield",
                    found=f"{shield.n_rows} rows" + (", choices" if shield.choices else ""),
                    allowed="one plant with one agent and continuous values",
                    fix="make one keeper a plant; Shield itself serves many copies",
                )
            )
        self.shield, self.stop, self.journal = shield, stop, journal
        self.certificate, self.sequence, self.first = certificate, 0, True
        self.fingerprint = fingerprint(shield.limits, shield.config, shield.envelope.error)

    def begin(self, now_s: float, applied: Doubles | None = None) -> None:
        """Start anew: nothing is committed.

        Parameters
        ----------
        now_s
            The time.
        applied
            (D,) what is in force, as it was read back; None: as the journal says, where it does.
        """
        if applied is None:
            before = latest(self.journal.records())
            applied = before.applied if before is not None else None
        own = None if applied is None else np.asarray(applied, np.float64)[None]
        self.shield.begin(np.array([now_s]), applied=own)
        self.first = True

    def decide(
        self,
        observation: Observation,
        proposed: Doubles,
        now_s: float,
        *,
        policy: str = "",
        operator: str = "",
    ) -> Kept:
        """Return what is written to the plant (D,), recorded before it is returned.

        Parameters
        ----------
        observation
            Of one copy.
        proposed
            (D,) by the policy, native units.
        now_s
            The time.
        policy, operator
            Version of the policy, and who is in charge.

        Raises
        ------
        RunError
            Where the record could not be kept: the plant is stopped, and nothing may be written.
        """
        judged = self.judge(observation, proposed, now_s, policy=policy, operator=operator)
        try:
            record = self.journal.append(judged.record)
        except BaseException as error:
            if self.shield.gate is not None:
                self.shield.gate.begin(np.array([0]))  # the plant goes on without it
            self.stop.trip(f"a decision could not be recorded: {error}", now_s)
            raise
        if not judged.stopped and self.stop.mode != Mode.RUNNING:
            # Somebody stopped it while the record was written: nothing of it has gone out yet.
            self.sequence, self.first = self.sequence + 1, False
            self.withdraw(judged)
            return self.decide(observation, proposed, now_s, policy=policy, operator=operator)
        self.commit(judged)
        return judged.kept._replace(record=record)

    def judge(
        self,
        observation: Observation,
        proposed: Doubles,
        now_s: float,
        *,
        policy: str = "",
        operator: str = "",
    ) -> Judged:
        """Return what would be written to the plant, for who writes it down himself.

        Either `commit` or `withdraw` must follow. Parameters are those of `decide`.
        """
        shield, history = self.shield, self.shield.filter.history
        observation = shield.sized(observation)
        last, last_s = history.last[0].copy(), float(history.last_s[0])
        signal = observation.signals[0]
        held = shield.gate.snapshot() if shield.gate is not None else {}
        # What the tag says is known beforehand: then the policy's action need not be judged.
        tagged = self.stop.tagged and self.stop.of_tag(signal, shield.trusted(observation)[0])
        stopped = self.stop.mode != Mode.RUNNING or bool(tagged)
        safe = self._safe(last, now_s - last_s) if stopped else last
        found = self._judge(observation, safe if stopped else proposed, now_s)
        trusted = shield.reader.read.trusted[0].copy()
        conditions = shield.monitor.note(found.decision)[0]
        causes = shield.monitor.causes(0) if any(conditions.tolist()) else ()
        answer = shield.filter.answer
        situation = Situation(
            now_s,
            causes,
            signal,
            trusted,
            last,
            last_s,
            answer.low[0].copy(),
            answer.high[0].copy(),
        )
        self.stop.watch(found.decision.applied[0], situation)
        if not stopped and self.stop.mode != Mode.RUNNING:
            stopped, safe = True, self._safe(last, now_s - last_s)
            if safe.tobytes() != np.asarray(proposed, np.float64).tobytes():
                if shield.gate is not None:
                    shield.gate.restore(held)
                found = self._judge(observation, safe, now_s)
        value = self._settled(found, safe, stopped=stopped)
        inputs = Inputs(
            now_s=now_s,
            first=self.first,
            stopped=stopped,
            proposed=proposed,
            signal=signal,
            error=shield.error,
            trusted=trusted,
            last=last,
            last_s=last_s,
        )
        return Judged(
            *self._told(observation, inputs, found, value, (policy, operator)), held, now_s, stopped
        )

    def commit(self, judged: Judged) -> None:
        """Remember what was judged last as applied, once it is written down."""
        self.sequence, self.first = self.sequence + 1, False
        self.shield.filter.note(judged.kept.value[None], np.array([judged.now_s]))

    def withdraw(self, judged: Judged) -> None:
        """Forget what was judged last, as if it had not been asked for; counters keep it."""
        if self.shield.gate is not None:
            self.shield.gate.restore(judged.held)

    def _safe(self, last: Doubles, passed_s: float) -> Doubles:
        """Return (D,) what each actuator should do while the plant is stopped."""
        nothing = np.full(len(last), np.inf)
        return self.stop.actuators.safe(last, passed_s, -nothing, nothing)

    def _settled(self, found: Corrected, safe: Doubles, *, stopped: bool) -> Doubles:
        """Return (D,) what is written, and let a gate forget what it did not decide.

        `safe` counts only where it is stopped.
        """
        own = self.shield.gate
        value: Doubles = found.decision.applied[0].copy()
        if own is not None and found.gated[0] != LOST:
            return value
        if own is not None:
            own.begin(np.array([0]))
        answered = found.filtered[0] <= BENT and own is None
        if stopped and not answered and np.isfinite(safe).all():
            return safe  # nothing is proved, or no action keeps all limits: what was stated counts
        return value

    def again(self, records: Iterable[Record]) -> Replayed:
        """Make recorded decisions again, without a monitor, a latch or a plant.

        Use a keeper of its own for it, made as the first one was: it remembers as that one did.

        Parameters
        ----------
        records
            Of the journal, from a decision that begins.
        """
        return replay(records, self._redo, shield=self.fingerprint)

    def _redo(self, inputs: Inputs) -> Doubles:
        shield = self.shield
        observation = _observed(inputs)
        if inputs.first:
            shield.begin(np.array([inputs.last_s]), applied=inputs.last[None])
        safe = self._safe(inputs.last, inputs.now_s - inputs.last_s)
        wish = safe if inputs.stopped else inputs.proposed
        found = self._judge(observation, wish, inputs.now_s)
        value = self._settled(found, safe, stopped=inputs.stopped)
        shield.filter.note(value[None], np.array([inputs.now_s]))
        return value

    def _judge(self, observation: Observation, value: Doubles, now_s: float) -> Corrected:
        action = Action(np.zeros((1, 1, 0), np.int32), np.asarray(value, float)[None, None])
        return self.shield.judge(observation, action, np.array([now_s]))

    def _told(
        self,
        observation: Observation,
        inputs: Inputs,
        found: Corrected,
        value: Doubles,
        names: tuple[str, str],
    ) -> tuple[Kept, Record]:
        """Return a decision for whoever asked, and for the record."""
        said = (
            filtering.WORDS[int(found.filtered[0])],
            "none" if found.gated[0] == NO_GATE else gate.WORDS[int(found.gated[0])],
        )
        binding = self.shield.binding(0)
        entry = Entry(
            sequence=self.sequence,
            inputs=inputs,
            applied=value,
            codes={"filter": said[0], "gate": said[1], "stop": str(self.stop.mode)},
            binding=tuple(binding),
            multipliers=binding,
            observation=fingerprint(observation.obs, observation.signals),
            policy=names[0],
            shield=self.fingerprint,
            certificate=self.certificate,
            operator=names[1],
        )
        lost = bool(found.gated[0] == LOST)
        kept = Kept(value, self.stop.mode, self.stop.reasons, *said, binding, "", lost)
        return kept, record_of(entry)


def _observed(inputs: Inputs) -> Observation:
    """Return what the shield reads of an observation that was recorded."""
    n_signals = len(inputs.signal)
    nothing = Options(np.zeros((0, 0), np.float32), np.zeros(2, np.int64), np.zeros(0, np.int32))
    return Observation(
        obs=np.zeros((1, 1, 0), np.float32),
        state=np.zeros((1, 0), np.float32),
        mask=np.zeros((1, 1, 0), np.bool_),
        options=nothing,
        alive=np.ones((1, 1), np.bool_),
        start=np.array([inputs.first]),
        signals=inputs.signal[None].copy(),
        age_s=np.zeros((1, n_signals)),
        quality=inputs.trusted[None].copy(),
    )
