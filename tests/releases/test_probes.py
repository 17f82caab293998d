# SPDX-License-Identifier: MIT
"""Made-up observations: whole, legal, and the same everywhere."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from flyball.releases.probes import (
    EXTREME,
    INPUTS,
    Axis,
    extreme,
    fingerprint,
    misfits,
    ordinary,
    strays,
)


def declared(*names, width=3):
    return [
        Axis(name, INPUTS[name][0], ["R", width] if INPUTS[name][1] == 2 else ["R"])
        for name in names
    ]


EVERYTHING = declared(*INPUTS)


@given(n_rows=st.integers(1, 40), seed=st.integers(0, 99), width=st.integers(1, 9))
def test_made_up_inputs_are_whole_and_finite(n_rows, seed, width):
    given_ = ordinary(declared(*INPUTS, width=width), n_rows, seed)

    assert given_.keys() == INPUTS.keys()
    assert given_["mask"].any(1).all()
    assert given_["obs"].shape == (n_rows, width)
    assert np.isfinite(given_["obs"]).all()
    np.testing.assert_array_equal(np.bincount(given_["row"]), given_["count"][:, 0])
    assert len(given_["features"]) == len(given_["row"])


def test_they_are_the_same_on_every_machine():
    given_ = ordinary(EVERYTHING, 16, 20)

    assert fingerprint(given_) == fingerprint(ordinary(EVERYTHING, 16, 20))
    assert fingerprint(given_) != fingerprint(ordinary(EVERYTHING, 16, 21))
    # Recorded: releases hold it, so it may never change.
    assert fingerprint(given_)[:16] == "8665701674e6d028"


def test_extreme_inputs_change_what_sensors_send_and_no_more():
    given_ = ordinary(EVERYTHING, 4, 0)

    sets = dict(extreme(given_))

    assert len(sets) == 4
    for changed in sets.values():
        assert set(np.abs(np.unique(changed["obs"]))) <= {0.0, np.float32(EXTREME)}
        np.testing.assert_array_equal(changed["mask"], given_["mask"])
        assert not changed["memory_in"].any()
    assert np.abs(given_["obs"]).max() < 1001


def test_inputs_and_outputs_that_no_policy_has_are_named():
    wrong = misfits(
        [
            Axis("files", "tensor(string)", ["R"]),
            Axis("obs", "tensor(double)", ["R", 3]),
            Axis("mask", "tensor(bool)", ["R", "A"]),
            Axis("features", "tensor(float)", ["L", 1 << 20]),
        ],
        ["secret"],
    )

    assert [each[0] for each in wrong] == [
        "input 'files'",
        "input 'obs'",
        "input 'mask'",
        "input 'features'",
        "output 'secret'",
    ]
    assert misfits(EVERYTHING, ["logits"]) == []
    assert misfits(EVERYTHING, [])[0][1] == "no output"


def test_only_logits_of_illegal_actions_may_be_infinite():
    mask = np.array([[True, False]])
    fine, nan = np.array([[1.0, -np.inf]]), np.array([[1.0, np.nan]])

    assert strays({"logits": fine}, {"mask": mask}) == []
    assert strays({"logits": nan}, {"mask": mask}) == ["logits"]
    assert strays({"logits": -fine}, {"mask": mask}) == ["logits"]
    assert strays({"logits": fine}, {"mask": ~mask}) == ["logits"]
    assert strays({"mean": fine, "value": mask}, {"mask": mask}) == ["mean"]
