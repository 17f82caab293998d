# SPDX-License-Identifier: MIT
"""Certificates: made from what a world states, checked against it, and put to use.

A certificate is believed by nobody: whoever uses one proves it again, which takes a fraction of a
second, against the model that stands in the envelope now.
"""

from dataclasses import replace
from typing import Any, NamedTuple, NoReturn

import numpy as np

from flyball.core.certificate import Certificate, damaged
from flyball.core.envelope import Affine, Envelope, Finite, StepModel
from flyball.core.errors import ConfigError, Problem, ScenarioError, SolverError
from flyball.safety.certificates import (
    bisecting,
    cells,
    encoding,
    keeping,
    narrowing,
    polytopes,
    winning,
)
from flyball.safety.certificates.bisecting import Raster, Watch
from flyball.safety.certificates.keeping import Starts
from flyball.safety.certificates.matching import Stated, differences, repeated
from flyball.safety.certificates.mixing import PolytopeBackup
from flyball.safety.certificates.narrowing import Search
from flyball.safety.certificates.polytopes import Plant


def prove_polytope(stated: Stated, search: Search) -> Certificate:
    """Return a proof that a linear plant can be kept in a polytope.

    Parameters
    ----------
    stated
        With `affine`, of a step that divides the hold.
    search
        What to look for; its error is that of the envelope.

    Raises
    ------
    ConfigError
        Where the envelope states no linear plant.
    SolverError
        Where no polytope is found.
    """
    affine = repeated(_linear(stated.envelope), search.within[-1].step_s)
    model = _model(stated.envelope)
    error = np.array(stated.envelope.error)
    plant = Plant(affine, model, error, search.low, search.high)
    found = narrowing.proved(search._replace(error=error), plant)
    claim = (
        f"From every state of a polytope of {len(found.bounds)} facets some value, held for "
        f"{affine.step_s:g} s, keeps every hard limit at all times and ends in the polytope, "
        "whatever the disturbance does within its bound."
    )
    proof = encoding.polytope_data(found)
    return _certificate(stated, "polytope", claim, (search.low, search.high), affine.step_s, proof)


def prove_cells(stated: Stated, raster: Raster, watch: Watch) -> Certificate:
    """Return a proof that a plant can be kept in a union of cells.

    Parameters
    ----------
    stated
        With `model`.
    raster
        Where to look, and how finely; its error is that of the envelope.
    watch
        Told how far it is.

    Raises
    ------
    ConfigError
        Where the envelope states no model of the step.
    SolverError
        Where no cell is left.
    """
    error = np.array(stated.envelope.error)
    found = bisecting.bisected(raster._replace(error=error), _model(stated.envelope), watch)
    claim = (
        f"From every state of {len(found.size)} cells some value, held for {raster.hold_s:g} s, "
        "keeps every hard limit at all times and ends in the cells, whatever the disturbance does "
        "within its bound."
    )
    span = found.values.min(0), found.values.max(0)
    proof = encoding.cells_data(found)
    return _certificate(stated, "cells", claim, span, raster.hold_s, proof)


def prove_finite(stated: Stated) -> Certificate:
    """Return the winning region of a finite plant, and a proof of it.

    Raises
    ------
    ConfigError
        Where the envelope states no finite plant.
    SolverError
        Where no state is won.
    """
    finite = _finite(stated.envelope)
    found = winning.won(finite)
    why = winning.refuted(found, finite)
    if why:
        raise SolverError(
            Problem(
                where=f"{stated.plant} winning region",
                found=why,
                allowed="a state from where some choice always avoids the forbidden ones",
                fix="forbid fewer states, or give choices with surer outcomes",
            )
        )
    n_won, n_states = int(found.winning.sum()), len(found.winning)
    claim = (
        f"From every one of {n_won} of {n_states} states the backup's choice avoids the forbidden "
        "ones and leads to one of these again, whatever its outcome; no other state has such a "
        "choice."
    )
    empty = np.zeros(0)
    proof = encoding.winning_data(found)
    return _certificate(stated, "finite", claim, (empty, empty), 0.0, proof)


def armed(certificate: Certificate, stated: Stated, where: str) -> Envelope:
    """Return an envelope with the safe set and the backup of a certificate, proved again now.

    Parameters
    ----------
    certificate
        As it was read.
    stated
        What it has to hold for.
    where
        Its path, for messages.

    Raises
    ------
    ScenarioError
        With every bound that differs, or with what the proof does not show.
    """
    differing = list(differences(certificate, stated, where))
    if differing:
        raise ScenarioError(differing)
    try:
        why, found, starts = _checked(certificate, stated.envelope)
    except (ValueError, TypeError, KeyError, OverflowError) as error:
        raise damaged(where, f"no readable proof ({error})") from error
    if why:
        raise ScenarioError(
            Problem(
                where=where,
                found=why,
                allowed="a proof that holds for this model",
                fix="do not use it; prove the plant anew: flyball certify --make "
                + certificate.plant,
            )
        )
    unkept = list(keeping.unkept(certificate, stated.envelope, starts, where))
    if unkept:
        raise ScenarioError(unkept)
    own = replace(stated.envelope, hold_s=certificate.hold_s, horizon=1)
    if isinstance(found, winning.FiniteBackup):
        return replace(own, safe=found)
    return replace(own, safe=found, backup=found)


Backing = PolytopeBackup | cells.CellsBackup | winning.FiniteBackup | None


class Found(NamedTuple):
    """What became of checking a proof."""

    why: str
    """It does not hold; empty where it does."""

    backing: Backing = None
    starts: Starts | None = None
    """Where the proof starts; a table of states has none."""


def _checked(certificate: Certificate, envelope: Envelope) -> Found:
    """Return why a proof does not hold, or what it proves and where it starts."""
    if certificate.kind == "finite":
        region, finite = encoding.winning_of(certificate.proof), _finite(envelope)
        why = winning.refuted(region, finite)
        return Found(why, None if why else winning.FiniteBackup(region, finite))
    if certificate.kind == "cells":
        return _checked_cells(certificate, envelope)
    return _checked_polytope(certificate, envelope)


def _checked_cells(certificate: Certificate, envelope: Envelope) -> Found:
    error = np.array(certificate.error)
    low, high = np.array(certificate.low), np.array(certificate.high)
    kept = encoding.cells_of(certificate.proof)
    if kept.values.shape[1] != len(low) or len(kept.low) != len(error):
        return Found("states or values of another plant")
    if not ((kept.values >= low) & (kept.values <= high)).all():
        return Found("a value is out of its range")
    why = cells.refuted(kept, _model(envelope), error, certificate.hold_s)
    if why:
        return Found(why)
    starts = Starts(*cells.widened(kept, error), kept.values[kept.choice])
    return Found("", cells.CellsBackup(kept), starts)


def _checked_polytope(certificate: Certificate, envelope: Envelope) -> Found:
    error = np.array(certificate.error)
    low, high = np.array(certificate.low), np.array(certificate.high)
    polytope = encoding.polytope_of(certificate.proof)
    if polytope.facets.shape[1] != len(error) or polytope.values.shape[1] != len(low):
        return Found("states or values of another plant")
    affine = repeated(_linear(envelope), certificate.hold_s)
    plant = Plant(affine, _model(envelope), error, low, high)
    why = polytopes.refuted(polytope, plant)
    if why:
        return Found(why)
    starts = Starts(*polytopes.boxes(polytope, plant), polytope.values)
    return Found("", PolytopeBackup(polytope, low, high), starts)


def _certificate(
    stated: Stated, kind: Any, claim: str, span: tuple[Any, Any], hold_s: float, proof: Any
) -> Certificate:
    return Certificate(
        kind=kind,
        plant=stated.plant,
        claim=claim,
        parameters=stated.parameters,
        signals=stated.envelope.signals,
        error=stated.envelope.error,
        values=stated.values,
        low=tuple(span[0].tolist()),
        high=tuple(span[1].tolist()),
        hold_s=hold_s,
        proof=proof,
    )


def _missing(what: str) -> NoReturn:
    raise ConfigError(
        Problem(
            where="envelope",
            found=f"no {what}",
            allowed=f"a world that states a {what}",
            fix="state it in the limits of the world, or take another kind of certificate",
        )
    )


def _linear(envelope: Envelope) -> Affine:
    if envelope.affine is None:
        return _missing("linear step")
    if not envelope.affine.exact:
        raise ConfigError(
            Problem(
                where="envelope",
                found="a linear step that only encloses the plant",
                allowed="a world that states `Affine.exact`: a plant that is this linear one",
                fix="prove it by cells, or state so where it is true (it is checked)",
            )
        )
    return envelope.affine


def _model(envelope: Envelope) -> StepModel:
    if envelope.model is None:
        return _missing("model of the step")
    return envelope.model


def _finite(envelope: Envelope) -> Finite:
    if envelope.finite is None:
        return _missing("table of states")
    return envelope.finite
