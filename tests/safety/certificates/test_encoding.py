# SPDX-License-Identifier: MIT
import json

import numpy as np
import pytest

from flyball.safety.certificates import encoding
from flyball.safety.certificates.cells import Cells
from flyball.safety.certificates.polytopes import Polytope
from flyball.safety.certificates.winning import Winning

POLYTOPE = Polytope(
    np.array([[1.0], [-0.1]]),
    np.array([1.5, 1 / 3]),
    np.array([[0], [1]]),
    np.array([[0.1], [-0.2]]),
)
CELLS = Cells(
    np.array([-1.0, 0.1]),
    np.array([1.0, 0.7]),
    np.array([4, 2]),
    np.array([[0, 0], [2, 1]]),
    np.array([2, 1]),
    np.array([1, 0]),
    np.array([[0.1], [0.3]]),
)
WINNING = Winning(np.array([True, False, True]), np.array([2, -1, 0]))

KINDS = [
    (POLYTOPE, encoding.polytope_data, encoding.polytope_of),
    (CELLS, encoding.cells_data, encoding.cells_of),
    (WINNING, encoding.winning_data, encoding.winning_of),
]


@pytest.mark.parametrize(("proof", "data", "back"), KINDS)
def test_a_proof_comes_back_from_json_as_it_was(proof, data, back):
    again = back(json.loads(json.dumps(data(proof))))

    for one, other in zip(proof, again, strict=True):
        np.testing.assert_array_equal(one, other)
        assert one.dtype == other.dtype


@pytest.mark.parametrize(("proof", "data", "back"), KINDS)
def test_what_is_left_out_or_of_another_kind_is_refused(proof, data, back):
    own = data(proof)
    for key in own:
        for wrong in (None, [], "a", [[["a"]]], [[1.5, None]], [1, [2]], 3, [10**400]):
            with pytest.raises((ValueError, TypeError, KeyError)):
                back(own | {key: wrong})
        with pytest.raises(KeyError):
            back({name: part for name, part in own.items() if name != key})


@pytest.mark.parametrize(
    "changes",
    [{"meets": [[0], [2]]}, {"meets": [[0], [-1]]}, {"bounds": [1.0]}, {"meets": [[0.5], [1.0]]}],
)
def test_corners_must_be_of_facets_that_exist(changes):
    with pytest.raises(ValueError, match=r"."):
        encoding.polytope_of(encoding.polytope_data(POLYTOPE) | changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"n_cells": [4, 0]},
        {"n_cells": [10**6, 10**6]},
        {"n_cells": [4]},
        {"low": [1.0, 0.1]},
        {"low": [float("nan"), 0.1]},
        {"blocks": [[0, 0, 10**9, 1]]},
    ],
)
def test_a_grid_must_have_cells_and_not_too_many(changes):
    with pytest.raises(ValueError, match=r"."):
        encoding.cells_of(encoding.cells_data(CELLS) | changes)
