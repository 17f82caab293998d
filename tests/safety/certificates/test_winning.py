# SPDX-License-Identifier: MIT
"""Winning regions that can be worked out by hand."""

from dataclasses import replace

import numpy as np
import pytest

from flyball.safety.certificates.winning import LOST, FiniteBackup, allowed, refuted, won
from tests.safety.certificates.toys import corridor


def test_the_corridor_is_won_where_slipping_ends_before_the_pits():
    finite = corridor()

    found = won(finite)

    # Cells 1 to 4 can stay, so all of them win; by the pits only staying or one way is allowed.
    assert found.winning.tolist() == [False, True, True, True, True, False]
    assert allowed(finite, found.winning)[1:5].tolist() == [
        [False, True, True],
        [False, True, True],
        [True, False, True],
        [True, False, True],
    ]
    assert found.choice.tolist() == [LOST, 2, 2, 2, 2, LOST]
    assert refuted(found, finite) == ""


def test_without_staying_the_region_is_eaten_from_its_ends():
    finite = corridor()
    legal = finite.legal.copy()
    legal[:, 2] = False
    restless = replace(finite, legal=legal)

    found = won(restless)

    # From 1 one can only go to 2 or 3, from 2 to 3 or 4, from 3 to 1 or 2, from 4 to 2 or 3.
    assert found.winning.tolist() == [False, True, True, True, True, False]
    assert found.choice.tolist() == [LOST, 1, 1, 0, 0, LOST]


def test_one_more_pit_in_the_middle_loses_everything_without_staying():
    finite = corridor()
    legal = finite.legal.copy()
    legal[:, 2] = False
    forbidden = finite.forbidden.copy()
    forbidden[3] = True

    found = won(replace(finite, legal=legal, forbidden=forbidden))

    assert not found.winning.any()
    assert refuted(found, finite) == "no state is won"


def test_the_region_is_the_union_of_all_sets_that_keep_themselves():
    rng = np.random.default_rng(0)
    n = 7
    for _ in range(40):
        finite = replace(
            corridor(),
            following=rng.integers(0, n, (n, 2, 2)),
            legal=rng.random((n, 2)) < 0.8,
            forbidden=rng.random(n) < 0.3,
        )

        found = won(finite)

        union = np.zeros(n, np.bool_)
        for bits in range(1, 1 << n):
            own = np.array([bool(bits >> s & 1) for s in range(n)])
            keeps = all(
                not finite.forbidden[s]
                and any(finite.legal[s, a] and own[finite.following[s, a]].all() for a in range(2))
                for s in np.flatnonzero(own)
            )
            union |= own & keeps
        np.testing.assert_array_equal(found.winning, union)


@pytest.mark.parametrize(
    ("state", "choice", "words"),
    [(0, 2, "state 0 is forbidden"), (1, 0, "lead out"), (2, 9, "no choice"), (3, -7, "no choice")],
)
def test_a_false_claim_is_found(state, choice, words):
    finite = corridor()
    found = won(finite)
    found.choice[state], found.winning[state] = choice, True

    assert words in refuted(found, finite)


def test_a_region_that_is_too_small_is_found():
    finite = corridor()
    found = won(finite)
    found.winning[2], found.choice[2] = False, LOST

    assert refuted(found, finite) == "state 2 is won too"


def test_a_region_of_another_plant_is_found():
    finite = corridor()
    found = won(finite)

    assert "5 states instead of 6" in refuted(found._replace(winning=found.winning[:5]), finite)


def test_the_backup_answers_by_signals_and_knows_nothing_elsewhere():
    finite = corridor()
    backup = FiniteBackup(won(finite), finite)
    signals = np.array([[1.0], [3.0], [0.0], [17.0]])

    allows, choice = backup.choices(signals)

    assert allows.tolist() == [[False, True, True], [True, False, True], [False] * 3, [False] * 3]
    assert choice.tolist() == [2, 2, LOST, LOST]
    assert (backup.margin(signals, signals) >= 0.0).tolist() == [True, True, False, False]
    assert (backup.margin(signals, signals + 1.0) >= 0.0).tolist() == [False] * 4
