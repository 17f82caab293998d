# SPDX-License-Identifier: MIT
"""Certificates from end to end: proved, written, read, put to use, and refused when falsified."""

import copy
from dataclasses import replace

import numpy as np
import pytest

from flyball.core.certificate import from_text, to_text
from flyball.core.envelope import Envelope
from flyball.core.errors import ConfigError, ScenarioError, SolverError
from flyball.safety.certificates import (
    Raster,
    Stated,
    armed,
    prove_cells,
    prove_finite,
    prove_polytope,
)
from tests.safety.certificates.toys import Carriage, carriage_search, corridor, stated

ERROR = (0.004, 0.006)
CARRIAGE = Carriage()
RAIL = stated(CARRIAGE.affine(0.1), CARRIAGE, ERROR)
MAZE = Stated(
    "maze", {"cells": 6.0}, (), Envelope(signals=("cell",), error=(0.0,), finite=corridor())
)


def raster(hold_s=0.2):
    ones = np.ones(2)
    values = np.linspace(-1.0, 1.0, 5)[:, None]
    return Raster(-ones, ones, np.array([8, 8]), 4, values, np.zeros(2), hold_s)


@pytest.fixture(scope="module")
def polytope():
    return prove_polytope(RAIL, carriage_search(CARRIAGE, 0.2, contraction=0.98))


@pytest.fixture(scope="module")
def cells():
    return prove_cells(RAIL, raster(), lambda *_: None)


@pytest.fixture(scope="module")
def finite():
    return prove_finite(MAZE)


def falsified(certificate, **changes):
    """Return a certificate with a changed proof and hashes that agree with it."""
    proof = copy.deepcopy(dict(certificate.proof)) | changes
    return from_text(to_text(replace(certificate, proof=proof)), "a.json")


@pytest.mark.parametrize("kind", ["polytope", "cells"])
def test_a_certificate_read_again_gives_an_envelope_with_safe_set_and_backup(kind, request):
    own = request.getfixturevalue(kind)

    envelope = armed(from_text(to_text(own), "a.json"), RAIL, "a.json")

    middle = np.zeros((1, 2))
    assert own.kind == kind
    assert (envelope.hold_s, envelope.horizon) == (0.2, 1)
    assert envelope.safe.margin(middle, middle)[0] >= 0.0
    assert np.abs(envelope.backup.value(middle, middle)) <= 1.0
    assert envelope.limits == RAIL.envelope.limits
    assert own.error == ERROR


def test_a_finite_plant_gets_its_table(finite):
    envelope = armed(from_text(to_text(finite), "a.json"), MAZE, "a.json")

    assert envelope.safe.allowed.sum() == 8
    assert "4 of 6 states" in finite.claim


def test_a_facet_moved_outwards_is_refused(polytope):
    bounds = list(polytope.proof["bounds"])
    for facet in range(len(bounds)):
        own = falsified(polytope, bounds=[b + 0.05 * (i == facet) for i, b in enumerate(bounds)])
        with pytest.raises(ScenarioError, match=r"a\.json: .* fix: do not use it; prove the plant"):
            armed(own, RAIL, "a.json")


def test_a_corner_less_is_refused(polytope):
    own = falsified(
        polytope, meets=polytope.proof["meets"][1:], values=polytope.proof["values"][1:]
    )

    with pytest.raises(ScenarioError, match=r"corner .* is missing"):
        armed(own, RAIL, "a.json")


def test_one_cell_more_is_refused_wherever_it_lies(cells):
    n, kept = cells.proof["n_cells"], set()
    for i, j, size, _ in cells.proof["blocks"]:
        kept |= {(a, b) for a in range(i, i + size) for b in range(j, j + size)}
    missing = sorted({(a, b) for a in range(n[0]) for b in range(n[1])} - kept)
    choices = range(len(cells.proof["values"]))
    for place in np.random.default_rng(0).permutation(len(missing))[:20]:
        for choice in choices:
            more = [*cells.proof["blocks"], [*missing[place], 1, choice]]
            with pytest.raises(ScenarioError, match=r"the plant can leave|a hard limit can break"):
                armed(falsified(cells, blocks=more), RAIL, "a.json")


def test_a_cell_that_others_lead_to_cannot_be_left_out(cells):
    refused = 0
    for k in range(0, len(cells.proof["blocks"]), 40):
        left = [row for i, row in enumerate(cells.proof["blocks"]) if i != k]
        try:
            armed(falsified(cells, blocks=left), RAIL, "a.json")
        except ScenarioError:
            refused += 1
    assert refused >= 3


def test_another_choice_in_the_maze_is_refused(finite):
    own = falsified(finite, choice=[-1, 0, 2, 2, 2, -1])

    with pytest.raises(ScenarioError, match="can lead out of what is won from state 1"):
        armed(own, MAZE, "a.json")


@pytest.mark.parametrize("kind", ["polytope", "cells"])
def test_a_plant_with_twice_the_disturbance_is_refused_even_if_it_says_nothing(kind, request):
    worse = Carriage(wind=0.2)
    silent = stated(worse.affine(0.1), worse, ERROR)

    with pytest.raises(ScenarioError, match="a proof that holds for this model"):
        armed(request.getfixturevalue(kind), silent, "a.json")


@pytest.mark.parametrize("kind", ["polytope", "cells"])
def test_other_parameters_and_bounds_are_all_named_at_once(kind, request):
    other = RAIL._replace(
        parameters={"value": 1.0, "wind": 0.2}, envelope=replace(RAIL.envelope, error=(0.1, 0.1))
    )

    with pytest.raises(ScenarioError) as caught:
        armed(request.getfixturevalue(kind), other, "a.json")

    assert len(caught.value.problems) == 3


@pytest.mark.parametrize("kind", ["polytope", "cells", "finite"])
def test_a_proof_of_another_kind_is_refused(kind, request):
    own = request.getfixturevalue(kind)
    plant = MAZE if kind == "finite" else RAIL
    for proof in ({}, {"choice": "no"}, {"low": 3}):
        with pytest.raises(ScenarioError, match="no readable proof"):
            armed(replace(own, proof=proof), plant, "a.json")


def test_what_a_world_does_not_state_is_asked_for(polytope):
    bare = RAIL._replace(envelope=Envelope(signals=("x0", "x1"), error=ERROR))

    with pytest.raises(ConfigError, match="no linear step"):
        armed(polytope, bare, "a.json")
    with pytest.raises(ConfigError, match="no model of the step"):
        prove_cells(bare, raster(), lambda *_: None)
    with pytest.raises(ConfigError, match="no table of states"):
        prove_finite(bare)


def test_a_maze_without_a_way_out_is_no_certificate():
    lost = replace(MAZE.envelope.finite, legal=np.zeros((6, 3), np.bool_))

    with pytest.raises(SolverError, match="winning region: no state is won"):
        prove_finite(MAZE._replace(envelope=replace(MAZE.envelope, finite=lost)))
