# SPDX-License-Identifier: MIT
"""A proof that a plant can be held safe for ever, as text that anybody can check again.

A certificate says what was proved, for which model and within which bounds, and holds the proof
itself. `safety` makes and checks it; a world ships it; reading and writing files is for others.

Two hashes guard it. That of the content finds what was damaged; that of the model's parameters
finds that it is used for another plant. Neither makes a claim true: for that the proof is checked
again with the model itself.
"""

import hashlib
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from flyball.core.errors import Problem, ScenarioError

FORMAT = 1
"""Version of the text that this code writes and the newest that it reads."""

Kind = Literal["polytope", "cells", "finite"]
KINDS: tuple[Kind, ...] = ("polytope", "cells", "finite")


@dataclass(frozen=True, kw_only=True)
class Certificate:
    """What was proved, within which bounds, and the proof."""

    kind: Kind
    """polytope: of a linear plant; cells: of a grid of boxes; finite: of a table of states."""

    plant: str
    """Name of the problem: ``double-integrator``."""

    claim: str
    """What is proved, in words."""

    parameters: Mapping[str, float]
    """Every number that the model of the plant consists of, the bound of its disturbance too."""

    signals: tuple[str, ...] = ()
    """Names of the states, in order."""

    error: tuple[float, ...] = ()
    """Largest error of measurement of each that the proof allows, native units."""

    values: tuple[str, ...] = ()
    """Names of the values, in order."""

    low: tuple[float, ...] = ()
    """Lowest of each value that the backup uses, native units."""

    high: tuple[float, ...] = ()
    """Highest."""

    hold_s: float = 0.0
    """How long the backup holds a value, s; 0 for a plant that steps by choices."""

    proof: Mapping[str, Any]
    """What its kind needs: facets or cells, as lists of numbers."""

    @property
    def model(self) -> str:
        """SHA-256 of the parameters."""
        return model_hash(self.parameters)

    @property
    def hash(self) -> str:
        """SHA-256 of all content."""
        return _hash(_content(self))


def model_hash(parameters: Mapping[str, float]) -> str:
    """Return the SHA-256 of a model's parameters; every bit of every number counts."""
    return _hash({name: float(number).hex() for name, number in parameters.items()})


def to_text(certificate: Certificate) -> str:
    """Return a certificate as JSON, one line a key."""
    content = {"hash": certificate.hash, "model": certificate.model} | _content(certificate)
    lines = (f" {json.dumps(key)}: {_canonical(value)}" for key, value in content.items())
    return "{\n" + ",\n".join(lines) + "\n}\n"


def from_text(text: str, where: str) -> Certificate:
    """Return the certificate that a text holds.

    Parameters
    ----------
    text
        As `to_text` writes it.
    where
        Its path, for messages.

    Raises
    ------
    ScenarioError
        When it is no certificate, of a newer format, or differs from its own hash.
    """
    try:
        values = json.loads(text, parse_constant=_refuse)
        if values["format"] > FORMAT:
            raise _newer(values["format"], where)
        found, model = values["hash"], values["model"]
        certificate = _certificate(values)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise damaged(where, f"no readable certificate ({error!r})") from error
    if certificate.hash != found or certificate.model != model:
        raise damaged(where, "content that differs from its own hash")
    return certificate


def damaged(where: str, found: str) -> ScenarioError:
    """Return the error of a certificate that is not as it was written."""
    return ScenarioError(
        Problem(
            where=where,
            found=found,
            allowed="the file exactly as it was proved and written",
            fix="copy it again from its source, or prove it anew: flyball certify --make PLANT",
        )
    )


def _newer(found: int, where: str) -> ScenarioError:
    return ScenarioError(
        Problem(
            where=where,
            found=f"format {found} of certificates",
            allowed=f"format {FORMAT} or older",
            fix="upgrade flyball, or prove it anew with this version",
        )
    )


def _content(certificate: Certificate) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "kind": certificate.kind,
        "plant": certificate.plant,
        "claim": certificate.claim,
        "parameters": {k: float(v) for k, v in sorted(certificate.parameters.items())},
        "signals": list(certificate.signals),
        "error": list(certificate.error),
        "values": list(certificate.values),
        "low": list(certificate.low),
        "high": list(certificate.high),
        "hold_s": certificate.hold_s,
        "proof": dict(certificate.proof),
    }


def _certificate(values: Mapping[str, Any]) -> Certificate:
    if values["kind"] not in KINDS:
        msg = f"kind {values['kind']!r}"
        raise ValueError(msg)
    keys = {"hash", "model", "format", *Certificate.__dataclass_fields__}
    if set(values) != keys:
        msg = "keys " + ", ".join(sorted(set(values) ^ keys))
        raise ValueError(msg)
    return Certificate(
        kind=values["kind"],
        plant=_texts([values["plant"]])[0],
        claim=_texts([values["claim"]])[0],
        parameters={str(k): _number(v) for k, v in values["parameters"].items()},
        signals=_texts(values["signals"]),
        error=_many(_number, values["error"]),
        values=_texts(values["values"]),
        low=_many(_number, values["low"]),
        high=_many(_number, values["high"]),
        hold_s=_number(values["hold_s"]),
        proof=dict(values["proof"]),
    )


def _many(read: Callable[[Any], float], values: list[Any]) -> tuple[float, ...]:
    return tuple(read(value) for value in values)


def _texts(values: list[Any]) -> tuple[str, ...]:
    for value in values:
        if not isinstance(value, str):
            msg = f"{value!r} instead of a text"
            raise TypeError(msg)
    return tuple(values)


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        msg = f"{value!r} instead of a number"
        raise ValueError(msg)
    return float(value)


def _refuse(word: str) -> float:
    msg = f"{word} instead of a number"
    raise ValueError(msg)


def _canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def _hash(content: Any) -> str:
    return hashlib.sha256(_canonical(content).encode()).hexdigest()
