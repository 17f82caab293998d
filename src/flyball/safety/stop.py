# SPDX-License-Identifier: MIT
"""The emergency stop: a latch that outlives the process, and what each actuator does meanwhile.

A policy's action goes out while it is RUNNING and at no other time: `decide` answers with it then
and never else, and `keeper.Keeper` asks it at every decision. Going back takes two steps by named
persons in two requests, each when the last decision saw no cause any more. Every transition is a
record of the journal before it counts (a trip counts at once and is written behind), and starting
means replaying the journal: what was killed while tripped is tripped. A journal that is new, lost
or damaged means tripped too.
"""

import math
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from flyball.core.batch import Bools, Doubles
from flyball.core.errors import ConfigError, Problem, RunError, nearest
from flyball.core.journal import Journal, Record, number
from flyball.core.limits import Constraint
from flyball.core.spec import Signal, TanhGaussian
from flyball.safety.actuators import Actuators, SafeAction
from flyball.safety.latch import Latch, Mode, following, replayed

UNSEEN = "no decision was made since"


@dataclass(frozen=True, kw_only=True)
class StopConfig:
    """Settings of `EmergencyStop`."""

    actions: Mapping[str, SafeAction]
    """What each value does while the plant is stopped, by its name."""

    tag: str = ""
    """A boolean signal of the plant that trips, as a button or a relay gives; none if empty."""

    healthy: bool = True
    """What the tag is while all is well: normally 1, so that a cut wire trips."""

    two_people: bool = False
    """Whether the second step back takes another person than the first."""


class Situation(NamedTuple):
    """What the emergency stop looks at in a decision, one plant."""

    now_s: float
    causes: tuple[str, ...]  # why the plant must stop, in words; none: it may run
    signal: Doubles  # (M,) native units
    trusted: Bools  # (M,) fresh and of good quality
    last: Doubles  # (D,) applied last; NaN: nobody knows
    last_s: float  # when
    low: Doubles  # (D,) what hard limits allow now, as in `Now`; infinite: nobody knows
    high: Doubles  # (D,)


class EmergencyStop:
    """The latch of one plant."""

    def __init__(
        self,
        journal: Callable[[], Journal],
        config: StopConfig,
        values: Sequence[TanhGaussian],
        signals: Sequence[Signal] = (),
        limits: Sequence[Constraint] = (),
        *,
        now_s: float,
    ) -> None:
        """Replay the journal.

        Parameters
        ----------
        journal
            Opens it; whatever that raises means tripped.
        config
            The settings.
        values, signals
            Of the Spec, in its order.
        limits
            Hard boxes and rates among them bind the safe actions.
        now_s
            The time.

        Raises
        ------
        ConfigError
            For settings that cannot be; never for what the journal holds.
        """
        self.actuators, self._config = Actuators(config.actions, values, limits), config
        self._tag = _place(config.tag, [each.name for each in signals])
        self._lock = threading.RLock()
        self._journal: Journal | None = None
        self._owed: Record | None = None
        self._causes: tuple[str, ...] = (UNSEEN,)
        self.fault = ""
        """What the journal said when it failed last."""
        try:
            opened = journal()
            self._latch = replayed(opened.records())
            opened.append(_event("start", now_s, mode=str(self._latch.mode)))
            self._journal = opened
        except Exception as error:  # noqa: BLE001 - whatever a store does, the plant stands still
            self.fault = str(error)
            self._latch = Latch(reasons=(f"its journal failed: {error}",))

    @property
    def mode(self) -> Mode:
        """Where the latch stands."""
        return self._latch.mode

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why it tripped; none while it is running."""
        return self._latch.reasons

    def decide(self, wanted: Doubles, now: Situation) -> Doubles:
        """Return what is written to the plant: `wanted`, or each actuator's safe action.

        Parameters
        ----------
        wanted
            (D,) what filter and gate let through.
        now
            A cause in it trips before anything is returned.

        Returns
        -------
        (D,)
            `wanted` itself only while it is running; else as `Actuators.safe` says.
        """
        self.watch(wanted, now)
        if self._latch.mode == Mode.RUNNING:
            return wanted
        return self.actuators.safe(now.last, now.now_s - now.last_s, now.low, now.high)

    def watch(self, wanted: Doubles, now: Situation) -> None:
        """Trip where there is a cause, as `decide` does, for who knows what to do then."""
        causes = (*now.causes, *self.of_tag(now.signal, now.trusted))
        if not all(map(math.isfinite, wanted.tolist())):
            causes += ("what should be applied is no number",)
        if causes and self._latch.mode != Mode.TRIPPED:
            self._trip(causes, now.now_s)
        self._causes = causes
        if self._owed is not None:
            self._write()

    @property
    def tagged(self) -> bool:
        """Whether it watches a hardware tag."""
        return self._tag >= 0

    def of_tag(self, signal: Doubles, trusted: Bools) -> tuple[str, ...]:
        """Return why the hardware tag trips; nothing where it does not, or there is none.

        Parameters
        ----------
        signal, trusted
            (M,) as in `Situation`.
        """
        name, m = self._config.tag, self._tag
        if m < 0:
            return ()
        if not trusted[m]:
            return (f"{name} is stale or cannot be trusted",)
        if signal[m] != float(self._config.healthy):
            return (f"{name} is {signal[m]:g}, not {self._config.healthy:d}",)
        return ()

    def trip(self, reason: str, now_s: float) -> None:
        """Stop, now and whatever the journal does; anyone may call it at any time."""
        self._trip((reason,), now_s)

    def _trip(self, reasons: tuple[str, ...], now_s: float) -> None:
        with self._lock:
            event = _event("trip", now_s, reasons=list(reasons))
            self._latch = following(self._latch, event)
            self._causes = (UNSEEN,)
            # One trip that is still to be written stands for all that follow it.
            self._owed = self._owed or event
            self._write()

    def _write(self) -> None:
        """Write down a trip that the journal does not hold yet."""
        with self._lock:
            try:
                if self._owed is not None and self._journal is not None:
                    self._journal.append(self._owed)
                    self._owed = None
            except Exception as error:  # noqa: BLE001 - it stands still, and this is tried again
                self.fault = str(error)

    def clear(self, person: str, request: str, now_s: float) -> None:
        """Take the first step back: say that the cause is gone.

        Parameters
        ----------
        person
            Who says so.
        request
            A name of this request alone; none ever acts twice.
        now_s
            The time.

        Raises
        ------
        RunError
            Where it may not be taken, or could not be written down; it stays stopped.
        """
        self._step("clear", person.strip(), request.strip(), now_s)

    def release(self, person: str, request: str, now_s: float) -> None:
        """Take the second step back, by a request of its own: let the plant run.

        Parameters and errors are those of `clear`.
        """
        self._step("release", person.strip(), request.strip(), now_s)

    def _step(self, step: str, person: str, request: str, now_s: float) -> None:
        with self._lock:
            problems = list(self._against(step, person, request))
            if problems or self._journal is None:
                raise RunError(problems)
            event = _event(step, now_s, person=person, request=request)
            after = following(self._latch, event)
            try:
                self._journal.append(event)
            except BaseException as error:
                # Whether it was kept is unknown, so a trip has to come behind it.
                self._trip((f"its journal failed: {error}",), now_s)
                raise
            self._latch = after

    def _against(self, step: str, person: str, request: str) -> Iterator[Problem]:
        """Yield everything that speaks against a step back."""
        needed = Mode.TRIPPED if step == "clear" else Mode.CLEARED
        if self._latch.mode != needed:
            yield _refused(step, f"it is {self._latch.mode}", f"while it is {needed}", FIRST[step])
        if not person or not request:
            found = f"person '{person}', request '{request}'"
            yield _refused(step, found, "a name and a request", "say who asks, by what request")
        if request in self._latch.requests:
            fix = "send a request of its own for each step"
            yield _refused(step, f"request '{request}' again", "a request that never acted", fix)
        if step == "release" and self._config.two_people and person == self._latch.clearer:
            fix = "let a second person release it"
            yield _refused(step, f"{person} again", "another person than cleared it", fix)
        for cause in self._causes:
            yield _refused(step, cause, "no cause in the last decision", "mend the cause first")
        if self._journal is None or self._owed is not None:
            found = f"its journal fails: {self.fault}"
            yield _refused(step, found, "a journal that keeps it", "mend it and start again")


FIRST = {
    "clear": "nothing: it is not tripped, or was cleared already",
    "release": "clear it first, by a request of its own",
}


def _refused(step: str, found: str, allowed: str, fix: str) -> Problem:
    return Problem(where=f"emergency stop {step}", found=found, allowed=allowed, fix=fix)


def _event(event: str, now_s: float, **parts: Any) -> Record:
    return {"kind": "stop", "event": event, "now_s": number(now_s), **parts}


def _place(tag: str, signals: Sequence[str]) -> int:
    """Return which signal the tag is; -1 for none."""
    if not tag:
        return -1
    if tag not in signals:
        allowed = ", ".join(signals) or "none, there are no signals"
        raise ConfigError(
            Problem(
                where="emergency stop tag",
                found=f"'{tag}'",
                allowed=allowed,
                fix=nearest(tag, signals),
            )
        )
    return list(signals).index(tag)
