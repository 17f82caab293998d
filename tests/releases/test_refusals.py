# SPDX-License-Identifier: MIT
import pytest

from flyball.core.errors import FlyballError
from flyball.releases.refusals import (
    ConflictError,
    MissingError,
    RefusedError,
    ReleaseError,
    problem,
)


@pytest.mark.parametrize("kind", [ConflictError, MissingError, RefusedError])
def test_every_refusal_is_caught_as_one_and_as_any_error_of_a_user(kind):
    error = kind(problem("here", "this", "that", "do it"))

    assert isinstance(error, ReleaseError)
    assert isinstance(error, FlyballError)
    assert str(error) == "here: this; allowed: that; fix: do it"
