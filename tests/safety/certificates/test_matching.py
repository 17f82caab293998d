# SPDX-License-Identifier: MIT
from dataclasses import replace

import numpy as np
import pytest

from flyball.core.certificate import Certificate
from flyball.core.envelope import Affine
from flyball.core.limits import Barrier, Box, Clamp, Linear, Rate
from flyball.safety.certificates.matching import differences, repeated, times
from tests.safety.certificates.toys import Carriage, stated, unstable

AFFINE, MODEL, _ = unstable()
PLANT = stated(AFFINE, MODEL, [0.01])
CERTIFICATE = Certificate(
    kind="polytope",
    plant="toy",
    claim="It stays.",
    parameters=PLANT.parameters,
    signals=("x0",),
    error=(0.01,),
    values=("push",),
    low=(-1.0,),
    high=(1.0,),
    hold_s=2.0,
    proof={},
)


def said(certificate, plant=PLANT):
    return [str(problem) for problem in differences(certificate, plant, "toy.json")]


def with_limits(*limits):
    return PLANT._replace(envelope=replace(PLANT.envelope, limits=limits))


def test_the_same_numbers_and_bounds_differ_in_nothing():
    assert said(CERTIFICATE) == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"plant": "other"}, "toy.json plant: other; allowed: toy"),
        ({"parameters": {"value": 1.0, "wind": 0.2}}, "parameter wind: 0.2; allowed: 0.1"),
        ({"parameters": {"value": 1.0}}, "parameter wind: nothing; allowed: 0.1"),
        ({"signals": ("y",)}, "signals: y; allowed: x0"),
        ({"values": ("pull",)}, "values: pull; allowed: push"),
        ({"error": (0.009,)}, "error x0: proved for an error of 0.009; allowed: 0.01 or more"),
        ({"error": (float("nan"),)}, "error x0: proved for an error of nan"),
        ({"error": ()}, "error: 0 numbers; allowed: 1"),
        ({"hold_s": 1.5}, "hold: proved for 1.5 s; allowed: a multiple of the step of 1 s"),
        ({"hold_s": 0.0}, "hold: 0 s; allowed: above 0 s"),
        ({"hold_s": -1.0, "kind": "cells"}, "hold: -1 s; allowed: above 0 s"),
        ({"low": (-1.1,)}, "limit 'range of push': -1.1 to 1; allowed: push stays between"),
        ({"low": (), "high": (1.0, 1.0)}, "low: 0 numbers; allowed: 1"),
    ],
)
def test_whatever_differs_is_named_with_both_numbers_and_the_way_out(changes, words):
    found = said(replace(CERTIFICATE, **changes))

    assert any(words in each for each in found), found
    assert all("fix: prove it" in each for each in found)


def test_more_than_what_is_needed_is_allowed():
    assert said(replace(CERTIFICATE, error=(0.02,), low=(-0.5,))) == []


def test_limits_that_the_backup_does_not_know_are_named():
    rate = Rate(name="speed", unit="-", value="push", fall=0.1, rise=0.1)

    found = said(CERTIFICATE, with_limits(rate))

    assert len(found) == 1
    assert "limit 'speed': a backup that does not know of this kind of limit" in found[0]
    mixed = Linear(name="mixed", unit="-", bound=9.0, values={"push": 1.0}, signals={"x0": 1.0})
    assert "limit 'mixed': a backup that does not know" in said(CERTIFICATE, with_limits(mixed))[0]


def test_what_is_soft_or_judged_elsewhere_is_no_matter():
    soft = Rate(
        name="speed", unit="-", value="push", fall=0.1, rise=0.1, severity="soft", price=1.0
    )
    clamp = Clamp(name="operator", unit="-", value="push", low=-0.1, high=0.1)
    barrier = Barrier(name="wall", unit="-", bound=1.0, signals={"x0": 1.0})
    other = Box(name="other", unit="-", value="another", low=0.0, high=0.1)
    total = Linear(name="sum", unit="-", bound=0.1, values={"push": 1.0})

    assert said(CERTIFICATE, with_limits(soft, clamp, barrier, other, total)) == []


@pytest.mark.parametrize(
    ("step_s", "hold_s", "n"),
    [(0.1, 0.5, 5), (0.02, 0.1, 5), (0.5, 0.1, 0), (0.3, 0.5, 0), (0.0, 0.5, 0), (0.1, 0.1, 1)],
)
def test_a_hold_is_a_whole_number_of_steps(step_s, hold_s, n):
    assert times(step_s, hold_s) == n


def test_a_repeated_step_is_the_long_step_of_the_same_plant():
    carriage = Carriage()

    found, wanted = repeated(carriage.affine(0.1), 0.5), carriage.affine(0.5)

    assert isinstance(found, Affine)
    for one, other in zip(
        (found.a, found.b, found.c, found.spread),
        (wanted.a, wanted.b, wanted.c, wanted.spread),
        strict=True,
    ):
        np.testing.assert_allclose(one, other, atol=1e-14)
    assert found.step_s == 0.5
