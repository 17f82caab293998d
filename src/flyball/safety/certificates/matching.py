# SPDX-License-Identifier: MIT
"""Whether a certificate is about this plant: the same numbers, and bounds that are no wider."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from flyball.core.certificate import Certificate
from flyball.core.envelope import Affine, Envelope
from flyball.core.errors import Problem
from flyball.core.limits import Barrier, Box, Clamp, Linear

NEAR = 1e-9
"""Share by which a hold may differ from a number of steps: 0.1 is not 1/10."""


class Stated(NamedTuple):
    """What a world states of a plant."""

    plant: str
    """Name of the problem."""

    parameters: Mapping[str, float]
    """Every number of its model."""

    values: tuple[str, ...]
    """Names of the values, in the order of the heads."""

    envelope: Envelope


def times(step_s: float, hold_s: float) -> int:
    """Return how many steps a hold has; 0 where that is no whole number."""
    n = hold_s / step_s if step_s > 0.0 else 0.0
    return round(n) if n >= 0.5 and abs(n - round(n)) <= NEAR * n else 0


def repeated(affine: Affine, hold_s: float) -> Affine:
    """Return the linear plant over a whole hold, while the value stands still.

    Its numbers are rounded by far less than the slack that a proof must have.
    """
    a, b, c = np.eye(len(affine.c)), np.zeros_like(affine.b), np.zeros_like(affine.c)
    spread = np.zeros_like(affine.spread)
    for _ in range(times(affine.step_s, hold_s)):
        a, b, c = affine.a @ a, affine.a @ b + affine.b, affine.a @ c + affine.c
        spread = np.abs(affine.a) @ spread + affine.spread
    return Affine(hold_s, a, b, c, spread, affine.delay, affine.exact)


def differences(certificate: Certificate, stated: Stated, where: str) -> Iterator[Problem]:
    """Yield every bound within which a certificate was proved that is not the plant's."""
    again = "prove it for this plant: flyball certify --make " + stated.plant
    for name, found, allowed in (
        ("plant", certificate.plant, stated.plant),
        ("signals", certificate.signals, stated.envelope.signals),
        ("values", certificate.values, stated.values),
        *_parameters(certificate.parameters, stated.parameters),
    ):
        if found != allowed:
            yield Problem(
                where=f"{where} {name}", found=_say(found), allowed=_say(allowed), fix=again
            )
    for name, numbers, n in (
        ("error", certificate.error, len(stated.envelope.error)),
        ("error", certificate.error, len(certificate.signals)),
        ("low", certificate.low, len(certificate.values)),
        ("high", certificate.high, len(certificate.values)),
    ):
        if len(numbers) != n:
            yield Problem(
                where=f"{where} {name}", found=f"{len(numbers)} numbers", allowed=str(n), fix=again
            )
    own = stated.envelope.error
    for name, proved, needed in zip(certificate.signals, certificate.error, own, strict=False):
        if not proved >= needed:
            found, allowed = f"proved for an error of {proved:g}", f"{needed:g} or more"
            yield Problem(where=f"{where} error {name}", found=found, allowed=allowed, fix=again)
    if certificate.kind != "finite" and not certificate.hold_s > 0.0:
        found = f"{certificate.hold_s:g} s"
        yield Problem(where=f"{where} hold", found=found, allowed="above 0 s", fix=again)
    affine = stated.envelope.affine
    if certificate.kind == "polytope" and affine is not None:
        step_s, hold_s = affine.step_s, certificate.hold_s
        if not times(step_s, hold_s):
            found, allowed = f"proved for {hold_s:g} s", f"a multiple of the step of {step_s:g} s"
            yield Problem(where=f"{where} hold", found=found, allowed=allowed, fix=again)
    yield from _limits(certificate, stated.envelope, where)


def _parameters(
    own: Mapping[str, float], other: Mapping[str, float]
) -> Iterator[tuple[str, float | None, float | None]]:
    for name in sorted({*own, *other}):
        yield f"parameter {name}", own.get(name), other.get(name)


def _say(value: Any) -> str:
    if value is None:
        return "nothing"
    return ", ".join(value) if isinstance(value, tuple) else str(value)


def _limits(certificate: Certificate, envelope: Envelope, where: str) -> Iterator[Problem]:
    """Yield every hard limit on values that no backup of this kind keeps; `keeping` asks more."""
    span = dict(
        zip(certificate.values, zip(certificate.low, certificate.high, strict=False), strict=False)
    )
    for limit in envelope.limits:
        if limit.severity != "hard" or isinstance(limit, Clamp | Barrier):
            continue
        if isinstance(limit, Linear) and not any(limit.signals.values()):
            continue
        if isinstance(limit, Box):
            low, high = span.get(limit.value, (limit.low, limit.high))
            kept, found = limit.low <= low and high <= limit.high, f"{low:g} to {high:g}"
        else:
            kept, found = False, "a backup that does not know of this kind of limit"
        if not kept:
            yield Problem(
                where=f"{where} limit '{limit.name}'",
                found=found,
                allowed=limit.explain(),
                fix="prove it with values within the limit, or make what the limit remembers a "
                "state of the model",
            )
