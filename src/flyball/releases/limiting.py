# SPDX-License-Identifier: MIT
"""The limits of a release, read and held against the plant that they name."""

from collections.abc import Iterator

from flyball.core.errors import ConfigError, Problem, nearest
from flyball.core.limits import Constraint
from flyball.core.limits_file import limits_of
from flyball.core.spec import Spec, TanhGaussian
from flyball.releases.refusals import problem


def limits_for(text: str, spec: Spec, where: str) -> tuple[Constraint, ...]:
    """Return the limits that a TOML text states.

    Parameters
    ----------
    text
        ``[[limits]]`` tables.
    spec
        Of the plant, whose values and signals they name.
    where
        Name of the text, for messages.

    Raises
    ------
    ConfigError
        With everything that is wrong, and every name that the plant does not have.
    """
    limits = limits_of(text, where)
    wrong = [each for limit in limits for each in _strangers(limit, spec, where)]
    if wrong:
        raise ConfigError(wrong)
    return limits


def _strangers(limit: Constraint, spec: Spec, where: str) -> Iterator[Problem]:
    """Yield the names in a limit that a plant does not have."""
    heads = [head for kind in spec.kinds for head in kind.heads]
    values = [head.name for head in heads if isinstance(head, TanhGaussian)]
    signals = [signal.name for signal in spec.signals]
    for key, known in (("value", values), ("signal", signals)):
        one = (getattr(limit, key),) if hasattr(limit, key) else ()
        for name in (*one, *getattr(limit, f"{key}s", ())):
            if name not in known:
                place = f"{where}: limit '{limit.name}' {key}"
                allowed = ", ".join(known) or "none: the plant has no such thing"
                yield problem(place, f"'{name}'", allowed, _fix(name, known))


def _fix(name: str, known: list[str]) -> str:
    return nearest(name, known) if known else "leave the limit out"
