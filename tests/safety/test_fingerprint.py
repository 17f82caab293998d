# SPDX-License-Identifier: MIT
"""Equal content, equal hash; anything else, another one."""

from dataclasses import dataclass, replace
from hashlib import sha256
from itertools import combinations
from typing import NamedTuple

import numpy as np
import pytest

from flyball.core.errors import InvariantError
from flyball.core.journal import canonical
from flyball.core.limits import Box
from flyball.safety.fingerprint import _bits, fingerprint
from tests.safety.plant import LIMITS


@dataclass(frozen=True)
class Settings:
    x: float
    name: str = ""


class Pair(NamedTuple):
    x: float
    name: str = ""


DIFFERENT = [
    None, True, False, 0, 1, 1.5, -0.0, np.nan, np.inf, -np.inf, "", "1", "nan", "inf", [], [[]],
    [1], [1, 2], [2, 1], ["1"], {}, {"a": 1}, {"a": 2}, {"b": 1}, {1, 2}, {1}, Settings(1.0),
    Settings(2.0), Settings(1.0, "b"), Pair(1.0), np.array([1.0]), np.array([[1.0]]),
    np.array([1.0], np.float32), np.array([-0.0]), np.array([0.0]), np.array([1]), np.float32(1.0),
]  # fmt: skip


def test_things_that_differ_have_different_fingerprints():
    for one, other in combinations(DIFFERENT, 2):
        assert fingerprint(one) != fingerprint(other), (one, other)
    assert fingerprint() != fingerprint([]) != fingerprint([], [])


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (5, 5.0),
        ((1, 2), [1, 2]),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
        ({"b", "a"}, frozenset({"a", "b"})),
        (np.arange(4.0)[::2], np.array([0.0, 2.0])),
        (np.array([1.0, 2.0], ">f8"), np.array([1.0, 2.0], "<f8")),
        (np.arange(6.0).reshape(2, 3).T, np.array([[0.0, 3.0], [1.0, 4.0], [2.0, 5.0]])),
        (np.float64(1.5), 1.5),
    ],
)
def test_things_that_hold_the_same_have_the_same_fingerprint(one, other):
    assert fingerprint(one) == fingerprint(other)


@pytest.mark.parametrize(
    "arrays",
    [
        (np.zeros((1, 1, 0), np.float32), np.array([[1.5, np.nan]])),
        (np.array([True, False]), np.array(3.0), np.arange(4, dtype=">i4")),
        (np.arange(6.0).reshape(2, 3).T, np.array([], np.int64)),
    ],
)
def test_arrays_alone_have_the_fingerprint_that_they_have_among_others(arrays):
    kept = [["array", *_bits(array)] for array in arrays]

    assert fingerprint(*arrays) == sha256(canonical(kept).encode()).hexdigest()
    assert kept[0][3] == sha256(np.ascontiguousarray(arrays[0]).tobytes()).hexdigest()


def test_a_limit_that_is_tightened_or_renamed_has_another_fingerprint():
    box = Box(name="hot", unit="K", value="fuel", low=0.0, high=5.0)

    found = {fingerprint(x) for x in (box, replace(box, high=4.0), replace(box, name="cold"))}

    assert len(found) == 3
    assert fingerprint(LIMITS) != fingerprint(LIMITS[1:])


def test_the_fingerprint_of_settings_is_the_same_for_ever():
    assert (
        fingerprint(Settings(0.5, "ä"), np.array([1.0, np.nan]))
        == "35165bde53058fd28bd3857310e4c80b5d175eaa53a1b2cc8fe1c744ea2fe053"
    )


@pytest.mark.parametrize("thing", [len, object(), b"bytes", np.array([None]), Settings])
def test_what_has_no_content_has_no_fingerprint(thing):
    with pytest.raises(InvariantError, match="no fingerprint of a"):
        fingerprint(thing)
