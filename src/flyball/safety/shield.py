# SPDX-License-Identifier: MIT
"""The Shield: validate, filter, gate, stop, in this order, for one plant or for many copies.

(Others call it a safety layer, a run-time assurance monitor, a safety orchestrator.) Every stage is
total: whatever a policy says, NaN included, something finite comes out that keeps every hard limit
that can still be kept, and a code that says why it is what it is.

B copies · N agents · R = B * N rows, row r = b * N + n · D values · M signals.

Three kinds of gate: for one plant a copy with a model, a backup and a safe set; for bodies that
must keep apart, where each agent is a row; for plants with finitely many states, whose agents
choose. A learned critic may only tighten: what it vetoes goes to the backup.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from flyball.core.batch import Action, Bools, Doubles, Ints, Observation
from flyball.core.envelope import Envelope
from flyball.core.errors import ConfigError, InvariantError, Problem
from flyball.core.limits import Barrier, Clamp, Constraint
from flyball.core.spec import Categorical, Signal, Spec, TanhGaussian
from flyball.safety.certificates.winning import FiniteBackup
from flyball.safety.choosing import ChoiceGate
from flyball.safety.compiling import Plant
from flyball.safety.filtering import Filter
from flyball.safety.gate import Gate, Gated, Region
from flyball.safety.nearing import Nearing
from flyball.safety.projection import BENT
from flyball.safety.reading import Read, Reader, Senses, wish_of
from flyball.safety.separation import SeparationGate
from flyball.safety.tally import Decision
from flyball.safety.telling import Teller
from flyball.safety.trips import TRIPS, Trip
from flyball.safety.unpacking import Filtered


@dataclass(frozen=True, kw_only=True)
class ShieldConfig:
    """Settings of a `Shield`."""

    filter: bool = True
    """Whether limits bend actions; without, only the gate acts."""

    gate: bool = True
    """Whether a certified backup is kept; without, hard barriers are only bent to, not proved."""

    max_age_s: float = 0.0
    """Oldest signal that counts as seen, s; an older one is as good as none."""

    trips: tuple[Trip, ...] = TRIPS
    """When so much goes wrong that the plant must stop."""


class Corrected(NamedTuple):
    """What came of a decision; valid until the next one."""

    action: Action  # what may be applied
    filtered: Ints  # (R,) the filter's code; 0 where there is none
    gated: Ints  # (R,) the gate's code; NO_GATE where there is none
    changed: Bools  # (R,) something else is applied than was proposed
    margin: Doubles  # (R,) smallest distance to a hard limit of the state; NaN: nobody asked
    decision: Decision  # what the monitor is told
    stop: Bools  # (R, T) which trip conditions hold


class Shield:
    """What stands between a Policy and B copies of a plant."""

    def __init__(
        self,
        spec: Spec,
        envelope: Envelope,
        *,
        n_envs: int,
        step_s: float,
        limits: Sequence[Constraint] | None = None,
        config: ShieldConfig | None = None,
    ) -> None:
        """Compile limits, and commit to nothing yet.

        Parameters
        ----------
        spec
            Of the plant.
        envelope
            What the world states, armed with a proof where there is one.
        n_envs
            B.
        step_s
            From one decision to the next, s; without a gate, the longest such time.
        limits
            Those of the site; None: those of the envelope.
        config
            Settings.

        Raises
        ------
        ConfigError
            For limits that cannot be, hard ones that no proof knows, a plant without a proof while
            a gate is wanted, or a step that no proof covers.
        """
        self.spec, self.config, self.step_s = spec, config or ShieldConfig(), step_s
        self.n_envs, self.n_rows = n_envs, n_envs * spec.n_agents
        self.limits = tuple(envelope.limits if limits is None else limits)
        self.envelope = replace(envelope, limits=self.limits)
        self.values = values_of(spec)
        self._shape = (n_envs, spec.n_agents, len(self.values))
        self._place = {signal.name: m for m, signal in enumerate(spec.signals)}
        self._state = np.array([self._place[name] for name in envelope.signals], np.int64)
        self.error = error_of(spec, envelope)
        self._plan(envelope, step_s)
        used = self._signals()
        self._used = np.array([self._place[each.name] for each in used], np.int64)
        plant = Plant(envelope.affine, envelope.signals) if envelope.affine else None
        self.filter = Filter(
            self.limits if self.config.filter else (),
            self.values,
            used,
            n_rows=self.n_rows,
            decision_s=step_s,
            plant=plant,
        )
        self.reader = Reader(
            Senses(self._used, self._state, self.error, self.config.max_age_s),
            n_envs=n_envs,
            n_agents=spec.n_agents,
            n_values=len(self.values),
        )
        self._unasked = np.full(self.n_rows, np.nan)
        self._no_stop = np.zeros((self.n_rows, 0), np.bool_)
        names = [each.name for each in used]
        self.teller = Teller(self.filter.made, names, proved=isinstance(self.gate, Gate))
        self.monitor = self.teller.monitor(self.values, self.n_rows, self.config.trips)

    def _plan(self, envelope: Envelope, step_s: float) -> None:
        """Make the gate that the plant needs, if one is wanted."""
        self.gate: Gate | SeparationGate | None = None
        self.choices: ChoiceGate | None = None
        self.near: Nearing | None = None
        if envelope.bodies is not None and self.config.filter:
            self.near = Nearing(envelope.bodies, n_envs=self.n_envs)
        if not self.config.gate:
            return
        if envelope.bodies is not None:
            self.gate = SeparationGate(envelope.bodies, n_envs=self.n_envs, step_s=step_s)
        elif isinstance(envelope.safe, FiniteBackup) and envelope.finite is not None:
            if self.spec.n_agents != 1:
                raise ConfigError(_one_agent(self.spec))
            own = envelope.safe
            self.choices = ChoiceGate(envelope.finite, own.allowed, own.choice, n_rows=self.n_rows)
        elif envelope.backup is not None:
            if self.spec.n_agents != 1:
                raise ConfigError(_one_agent(self.spec))
            self.gate = Gate(self.envelope, self.values, n_rows=self.n_rows, step_s=step_s)
        elif envelope.model is not None or envelope.finite is not None:
            raise ConfigError(_unarmed(self.spec))
        proved = isinstance(self.gate, Gate)
        known = envelope.limits if self.gate is not None else ()
        unproved = [
            limit
            for limit in self.limits
            if limit.severity == "hard" and limit not in known and not isinstance(limit, Clamp)
            if proved or isinstance(limit, Barrier)
        ]
        if unproved:
            raise ConfigError([_unproved(limit) for limit in unproved])

    def _signals(self) -> list[Signal]:
        """Return the signals that limits name, and those of the state for a linear model."""
        named = set(self.envelope.signals) if self.envelope.affine is not None else set()
        for limit in self.limits:
            named |= {*getattr(limit, "signals", ()), getattr(limit, "signal", "")}
        return [signal for signal in self.spec.signals if signal.name in named]

    def begin(
        self, now_s: Doubles, rows: Bools | None = None, applied: Doubles | None = None
    ) -> None:
        """Start copies anew: nothing is committed.

        Parameters
        ----------
        now_s
            (B,).
        rows
            (B,) which of them; None: all.
        applied
            (R, D) what is in force; None, or NaN: the nearest to 0 that ranges allow.
        """
        envs = np.arange(self.n_envs) if rows is None else np.flatnonzero(rows)
        own = (envs[:, None] * self.spec.n_agents + np.arange(self.spec.n_agents)).ravel()
        frame = self.filter.frame
        start = np.tile(np.clip(0.0, frame.low, frame.high), (len(own), 1))
        if applied is not None:
            known = np.isfinite(applied[own])
            start = np.where(known, np.clip(applied[own], frame.low, frame.high), start)
        self.filter.begin(own, start, np.repeat(now_s[envs], self.spec.n_agents))
        self.monitor.begin(own)
        for gate in (self.gate, self.choices):
            if gate is not None:
                gate.begin(own)

    def correct(
        self,
        observation: Observation,
        action: Action,
        now_s: Doubles,
        vetoed: Bools | None = None,
    ) -> Corrected:
        """Return what may be applied instead of an action; count it and remember it as applied.

        Parameters
        ----------
        observation
            Signals, their age and quality, of B copies.
        action
            Proposed.
        now_s
            (B,) not before the last time.
        vetoed
            (B, N) what a learned critic does not want; it goes to the backup, or is held.
        """
        found = self.judge(observation, action, now_s, vetoed)
        self.filter.note(found.decision.applied, found.decision.now_s)
        return found._replace(stop=self.monitor.note(found.decision))

    def judge(
        self,
        observation: Observation,
        action: Action,
        now_s: Doubles,
        vetoed: Bools | None = None,
    ) -> Corrected:
        """Return the same as `correct`, not counted and not remembered as applied.

        The gate has committed to it all the same: who applies something else makes it forget.
        """
        read = self.reader(observation, action.value, now_s, vetoed)
        found = self.filter(read.asked, self.near(read.state) if self.near is not None else None)
        if self.choices is not None:
            return self._choose(read, action, vetoed, found)
        gated = self._gate(read, found)
        decision = self.teller.decision(read.asked, read.proposed, found, gated)
        return Corrected(
            Action(action.choice, decision.applied.reshape(self._shape).copy()),
            found.code,
            decision.gated,
            self.teller.changed(self.n_rows).copy(),
            self._unasked if gated is None else gated.margin,
            decision,
            self._no_stop,
        )

    def sized(self, observation: Observation) -> Observation:
        """Return an observation whose signals, where they are none of this plant, say nothing."""
        if self.reader.sized(observation):
            return observation
        shape = (self.n_envs, len(self.spec.signals))
        nothing = np.full(shape, np.nan)
        return replace(
            observation, signals=nothing, age_s=nothing, quality=np.zeros(shape, np.bool_)
        )

    def trusted(self, observation: Observation) -> Bools:
        """Return (B, M) which signals are finite, fresh and of good quality."""
        return self.reader.believed(observation).copy()

    def binding(self, row: int) -> dict[str, float]:
        """Return the limits that bent the last action of a row, and what each costs.

        The cost is the multiplier of the program: squared spans of the values' ranges per unit.
        """
        return self.filter.binding(row)

    def _gate(self, read: Read, found: Filtered) -> Gated | None:
        """Return what the gate makes of what the filter left; a veto goes to the backup."""
        if self.gate is None:
            return None
        history = self.filter.history
        answer = (found.applied, found.code, history.last_s)
        late = wish_of(self.reader.pool, answer, self.step_s, BENT)
        measured = Region(read.low, read.high)
        if isinstance(self.gate, Gate):
            return self.gate.decide(measured, read.wish, history.last, read.late)
        if late:
            self.gate.begin(np.flatnonzero(read.late))  # what was predicted was for another time
        return self.gate.decide(measured, read.wish, history.last)

    def _choose(
        self, read: Read, action: Action, vetoed: Bools | None, found: Filtered
    ) -> Corrected:
        """Return what a plant with finitely many states may do."""
        if self.choices is None:
            msg = "a plant without choices got this far"
            raise InvariantError(msg)
        wish = _shaped(action.choice, (self.n_rows,))
        whole = (np.abs(wish) < 2.0**31) & (wish == np.floor(wish))
        if vetoed is not None:
            whole &= ~vetoed.ravel()
        proposed = np.where(whole, wish, -1.0).astype(np.int32)
        error = self.error[self._state]
        chosen = self.choices.decide(Region(read.state - error, read.state + error), proposed)
        decision = self.teller.decision(read.asked, found.applied, found, None)
        decision = decision._replace(gated=chosen.code, doubted=chosen.doubted)
        return Corrected(
            Action(chosen.choice.reshape(*self._shape[:2], 1), action.value),
            found.code,
            chosen.code,
            chosen.choice != proposed,
            self._unasked,
            decision,
            self._no_stop,
        )

    def snapshot(self) -> dict[str, Any]:
        """Return a copy of everything that is remembered."""
        found = self.filter.snapshot() | self.monitor.snapshot()
        for gate in (self.gate, self.choices):
            found |= gate.snapshot() if gate is not None else {}
        return {f"shield.{name}": array for name, array in found.items()}

    def restore(self, snapshot: dict[str, Any]) -> None:
        """Go back to a snapshot."""
        own = {name.removeprefix("shield."): array for name, array in snapshot.items()}
        for part in (self.filter, self.monitor, self.gate, self.choices):
            if part is not None:
                part.restore(own)


def _shaped(array: NDArray[Any], shape: tuple[int, ...]) -> Doubles:
    """Return an array in another shape; one that does not fit says nothing."""
    found = np.ascontiguousarray(array, np.float64)
    return found.reshape(shape) if found.size == np.prod(shape) else np.full(shape, np.nan)


def values_of(spec: Spec) -> tuple[TanhGaussian, ...]:
    """Return the continuous heads; all agents have the same.

    Raises
    ------
    ConfigError
        Where kinds of agents differ, or heads are of a sort that no limit can name.
    """
    kinds = {kind.heads for kind in spec.kinds}
    heads = spec.kinds[0].heads
    known = all(isinstance(head, TanhGaussian | Categorical) for head in heads)
    if len(kinds) != 1 or not known:
        raise ConfigError(
            Problem(
                where=f"{spec.world} agents",
                found=f"{len(kinds)} kinds, heads {', '.join(type(h).__name__ for h in heads)}",
                allowed="one kind of agent, with TanhGaussian or Categorical heads",
                fix="give each kind a shield of its own",
            )
        )
    return tuple(head for head in heads if isinstance(head, TanhGaussian))


def error_of(spec: Spec, envelope: Envelope) -> Doubles:
    """Return (M,) the largest error of each signal; 0 where nothing is stated."""
    stated = dict(zip(envelope.signals, envelope.error, strict=False))
    return np.array([stated.get(signal.name, 0.0) for signal in spec.signals])


def _one_agent(spec: Spec) -> Problem:
    return Problem(
        where=f"{spec.world} agents",
        found=f"{spec.n_agents} agents over one model of the plant",
        allowed="one agent a plant, or bodies that keep apart",
        fix="state core.envelope.Bodies, or leave the gate off and say so",
    )


def _unarmed(spec: Spec) -> Problem:
    return Problem(
        where=f"{spec.world} envelope",
        found="a model, but no backup and no safe set that were proved",
        allowed="an envelope armed with a certificate",
        fix="arm it (flyball certify), or switch the gate off and say so",
    )


def _unproved(limit: Constraint) -> Problem:
    return Problem(
        where=f"limit '{limit.name}'",
        found="a hard limit without a backup that is proved to keep it",
        allowed="limits that the plant's own envelope states, with a proof; clamps; soft limits",
        fix="prove it with flyball certify, make it soft, or switch the gate off and say so",
    )
