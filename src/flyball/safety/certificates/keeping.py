# SPDX-License-Identifier: MIT
"""Which limits of a site a proved backup keeps, beside those that its model knows.

The margin of a model speaks of the plant's own limits at all times. What a site states on top of
them is about decisions, and is looked at there: a sum of values is kept by every value that the
backup holds; a barrier at the end of every step within the hold, from wherever the proof starts,
whatever the disturbance does. The gate asks the same before every plan: what is not kept here would
leave it without a plan within the safe set.

K starts of the proof, blocks or corners · X states · D values.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from flyball.core.batch import Doubles
from flyball.core.certificate import Certificate
from flyball.core.envelope import Envelope, StepModel
from flyball.core.errors import Problem
from flyball.core.limits import Barrier, Constraint, Linear
from flyball.safety.certificates.matching import times

NEAR = 1e-9
"""Of a bound, as the gate reckons: rounding."""

NEAR_SUM = 1e-12
"""The same for sums of values."""


class Starts(NamedTuple):
    """Where a proof starts, and what it holds there."""

    low: Doubles  # (K, X) boxes, the error of measurement included
    high: Doubles  # (K, X)
    value: Doubles  # (K, D)


def unkept(
    certificate: Certificate, envelope: Envelope, starts: Starts | None, where: str
) -> Iterator[Problem]:
    """Yield every hard sum of values, and every hard barrier, that a proved backup does not keep.

    Parameters
    ----------
    certificate
        Proved.
    envelope
        With the limits of the site, and the step of the Env in `affine`.
    starts
        Of the proof; None for a table of states, which knows of no such limit.
    where
        Path of the certificate, for messages.
    """
    for limit in envelope.limits:
        if limit.severity != "hard" or not isinstance(limit, Linear | Barrier):
            continue
        if starts is None or envelope.model is None:
            found = "a table of states, which does not know of this kind of limit"
        elif isinstance(limit, Linear):
            found = _summed(limit, certificate, starts)
        else:
            found = _passed(limit, certificate, envelope, envelope.model, starts)
        if found:
            yield _unkept(limit, found, where)


def _summed(limit: Linear, certificate: Certificate, starts: Starts) -> str:
    """Return what the backup's values come to, where a sum is above its bound."""
    weight = np.array([limit.values.get(name, 0.0) for name in certificate.values])
    most = float((starts.value @ weight).max())
    kept = most <= limit.bound + NEAR_SUM * (1.0 + abs(limit.bound))
    return "" if kept else f"a backup whose values come to {most:g} {limit.unit}"


def _passed(
    limit: Barrier, certificate: Certificate, envelope: Envelope, model: StepModel, starts: Starts
) -> str:
    """Return how far a barrier can be passed at the end of a step of the backup, if it can."""
    weight = np.array([limit.signals.get(name, 0.0) for name in certificate.signals])
    affine = envelope.affine
    n = times(affine.step_s, certificate.hold_s) if affine is not None else 1
    if n == 0:
        return f"a hold of {certificate.hold_s:g} s that is no whole number of steps"
    most = -np.inf
    for k in range(1, n + 1):
        reach = model.reach(*starts, certificate.hold_s * k / n)
        middle, half = 0.5 * (reach.low + reach.high), 0.5 * (reach.high - reach.low)
        most = max(most, float((middle @ weight + half @ np.abs(weight)).max()))
    kept = most <= limit.bound + NEAR * (1.0 + abs(limit.bound))
    return (
        "" if kept else f"a certified set from where the backup can come to {most:g} {limit.unit}"
    )


def _unkept(limit: Constraint, found: str, where: str) -> Problem:
    return Problem(
        where=f"{where} limit '{limit.name}'",
        found=found,
        allowed=limit.explain(),
        fix="prove the plant within it (flyball certify --make PLANT --limits FILE), make it soft, "
        "or do without a gate and say so",
    )
