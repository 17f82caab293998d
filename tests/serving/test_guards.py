# SPDX-License-Identifier: MIT
"""Guards: strikes within a window, and leaning on the shield."""

import numpy as np
import pytest

from flyball.serving.guards import GuardConfig, Guards

SPAN = np.array([2.0, 100.0])


def guards(**parts):
    return Guards(GuardConfig(**parts), SPAN)


def test_the_third_strike_within_the_window_is_one_too_many():
    own = guards()

    assert own.strike("p", "late", 0.0) == ""
    assert own.strike("p", "late", 30.0) == ""
    assert own.strike("p", "late", 60.0) == "late, 3 times"


def test_a_strike_leaves_the_window_just_after_its_end():
    own = guards()
    own.strike("p", "late", 0.0)
    own.strike("p", "late", 30.0)

    assert own.strike("p", "late", 60.1) == ""


def test_strikes_of_one_pilot_are_not_those_of_another():
    own = guards(strikes=2)
    own.strike("p", "late", 0.0)

    assert own.strike("q", "late", 0.0) == ""
    assert own.strike("p", "late", 0.0) != ""


@pytest.mark.parametrize(
    ("change", "noticed"),
    [([0.0, 0.0], False), ([0.0019, 0.09], False), ([0.0021, 0.0], True), ([0.0, 0.11], True)],
)
def test_a_change_counts_from_a_thousandth_of_a_values_own_range(change, noticed):
    assert guards().notices(np.array(change)) is noticed


def test_leaning_is_more_than_half_of_a_full_window():
    own = guards(decisions=10)

    said = [own.lean("p", noticed=k < 6) for k in range(10)]

    assert said[:9] == [""] * 9
    assert said[9] == "the shield changed 6 of its last 10 actions"


def test_just_half_is_not_leaning_and_old_decisions_are_forgotten():
    own = guards(decisions=10)

    assert not any(own.lean("p", noticed=k % 2 == 0) for k in range(40))
    assert not any(own.lean("q", noticed=k < 5) for k in range(20))


def test_whoever_left_the_field_comes_back_without_strikes_and_the_others_keep_theirs():
    own = guards(strikes=2, decisions=2)
    for name in ("p", "q"):
        own.strike(name, "late", 0.0)
        own.lean(name, noticed=True)

    own.forget({"q"})

    assert (own.strike("p", "late", 0.0), own.lean("p", noticed=True)) == ("", "")
    assert own.strike("q", "late", 0.0)
    assert own.lean("q", noticed=True)
