# SPDX-License-Identifier: MIT
"""One record a decision, with all that it takes to make the same decision again, bit for bit.

A record is plain data for a `Journal`, which chains it. Finite floats stand as JSON numbers in
their shortest exact form, what is no number as the text nan, inf or -inf (`core.journal.number`).

D values · M signals, native units.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from flyball.core.batch import Bools, Doubles
from flyball.core.errors import Problem, RunError
from flyball.core.journal import Record, number

KIND, VERSION = "decision", 1


class Inputs(NamedTuple):
    """Everything that the shield read, beside what it remembers of earlier decisions."""

    now_s: float
    first: bool  # nothing is remembered: the process has just begun
    stopped: bool  # the emergency stop had tripped
    proposed: Doubles  # (D,)
    signal: Doubles  # (M,)
    error: Doubles  # (M,) largest error of each
    trusted: Bools  # (M,) fresh and of good quality
    last: Doubles  # (D,) applied last; NaN: nobody knows
    last_s: float  # when


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One decision."""

    sequence: int
    """Number of the decision; none is left out, and who begins anew may count from 0 again."""

    inputs: Inputs

    applied: Doubles
    """(D,) what was written to the plant."""

    codes: Mapping[str, str]
    """What each stage said, by its name."""

    binding: tuple[str, ...] = ()
    """Names of the limits that bent the action."""

    multipliers: Mapping[str, float] = field(default_factory=dict)
    """What each binding limit costs, by its name."""

    observation: str = ""
    """`fingerprint` of what the policy saw."""

    policy: str = ""
    """Version of the policy."""

    shield: str = ""
    """`fingerprint` of limits and settings."""

    certificate: str = ""
    """Hash of the certificate that the gate relied on."""

    operator: str = ""
    """Who was in charge."""


def record_of(entry: Entry) -> Record:
    """Return a decision as plain data."""
    inputs = entry.inputs
    return {
        "kind": KIND,
        "version": VERSION,
        "sequence": entry.sequence,
        "now_s": number(inputs.now_s),
        "first": bool(inputs.first),
        "stopped": bool(inputs.stopped),
        "last_s": number(inputs.last_s),
        "proposed": _numbers(inputs.proposed),
        "signal": _numbers(inputs.signal),
        "error": _numbers(inputs.error),
        "last": _numbers(inputs.last),
        "trusted": inputs.trusted.tolist(),
        "applied": _numbers(entry.applied),
        "codes": dict(entry.codes),
        "binding": list(entry.binding),
        "multipliers": {name: number(x) for name, x in entry.multipliers.items()},
        "observation": entry.observation,
        "policy": entry.policy,
        "shield": entry.shield,
        "certificate": entry.certificate,
        "operator": entry.operator,
    }


NUMBERS = ("proposed", "signal", "error", "last")
TEXTS = ("observation", "policy", "shield", "certificate", "operator")


def _numbers(array: Doubles) -> list[float | str]:
    found: list[float] = np.asarray(array, np.float64).tolist()
    return list(found) if all(map(math.isfinite, found)) else [number(x) for x in found]


def _array(numbers: Sequence[float | str]) -> Doubles:
    return np.array([float(x) for x in numbers], np.float64)


def entry_of(record: Record) -> Entry:
    """Return the decision that a record holds; NaNs are one, all else is as it was.

    Raises
    ------
    RunError
        For a record of another kind or version, or without what a decision needs.
    """
    where = f"audit record {record.get('sequence', '?')}"
    if (record.get("kind"), record.get("version")) != (KIND, VERSION):
        found = f"{record.get('kind')}, version {record.get('version')}"
        raise _unreadable(where, found, f"{KIND}, version {VERSION}")
    try:
        return Entry(
            sequence=int(record["sequence"]),
            inputs=Inputs(
                now_s=float(record["now_s"]),
                first=bool(record["first"]),
                stopped=bool(record["stopped"]),
                trusted=np.array(record["trusted"], np.bool_),
                last_s=float(record["last_s"]),
                **{name: _array(record[name]) for name in NUMBERS},
            ),
            applied=_array(record["applied"]),
            codes=dict(record["codes"]),
            binding=tuple(record["binding"]),
            multipliers={name: float(x) for name, x in record["multipliers"].items()},
            **{name: str(record[name]) for name in TEXTS},
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        found = f"{type(error).__name__}: {error}"
        raise _unreadable(where, found, "all parts of a decision") from error


def _unreadable(where: str, found: str, allowed: str) -> RunError:
    fix = "read it with the version of Flyball that wrote it"
    return RunError(Problem(where=where, found=found, allowed=allowed, fix=fix))


def entries(records: Iterable[Record]) -> Iterator[Entry]:
    """Yield the decisions among a journal's records."""
    return (entry_of(record) for record in records if record.get("kind") == KIND)


def latest(records: Iterable[Record]) -> Entry | None:
    """Return the last decision among a journal's records, for who begins where it ended."""
    found = None
    for record in records:
        found = record if record.get("kind") == KIND else found
    return entry_of(found) if found is not None else None


class Difference(NamedTuple):
    """Where a replay is not what was recorded."""

    sequence: int  # of the decision
    part: str
    recorded: str
    found: str

    def __str__(self) -> str:
        return f"decision {self.sequence} {self.part}: recorded {self.recorded}, found {self.found}"


class Replayed(NamedTuple):
    """What came of a replay."""

    n_same: int  # decisions that came out bit for bit, up to the first that did not
    difference: Difference | None


def replay(
    records: Iterable[Record], decide: Callable[[Inputs], Doubles], *, shield: str = ""
) -> Replayed:
    """Make every recorded decision again, in order, up to the first that differs.

    Parameters
    ----------
    records
        Of a journal; other kinds are passed over. The first decision should be one that begins
        (`Inputs.first`), since a shield remembers.
    decide
        Returns (D,) what is applied; it remembers what the shield does, and forgets where a
        decision is the first.
    shield
        Fingerprint that the decisions must have been made under; empty: any.
    """
    n_same, before = 0, -1
    for entry in entries(records):
        difference = _difference(entry, before, decide, shield)
        if difference is not None:
            return Replayed(n_same, difference)
        n_same, before = n_same + 1, entry.sequence
    return Replayed(n_same, None)


def _difference(
    entry: Entry, before: int, decide: Callable[[Inputs], Doubles], shield: str
) -> Difference | None:
    n = entry.sequence
    anew = entry.inputs.first and n == 0
    if before >= 0 and n != before + 1 and not anew:
        return Difference(n, "sequence", str(n), f"{before + 1} would be next")
    if shield and entry.shield != shield:
        return Difference(n, "shield", entry.shield or "none", shield)
    try:
        found = decide(entry.inputs)
    except Exception as error:  # noqa: BLE001 - which decision it was is what has to be known
        return Difference(n, "applied", _hex(entry.applied), f"{type(error).__name__}: {error}")
    if _hex(found) != _hex(entry.applied):
        return Difference(n, "applied", _hex(entry.applied), _hex(found))
    return None


def _hex(values: Doubles) -> str:
    """Return numbers so that two texts are equal where all bits are."""
    return "[" + ", ".join(float(x).hex() for x in np.asarray(values).ravel()) + "]"
