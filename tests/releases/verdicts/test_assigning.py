# SPDX-License-Identifier: MIT
from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flyball.core.errors import ConfigError
from flyball.releases.verdicts.assigning import CHAMPION, assign, switchback, uniform

TWO = {"challenger": 0.3, "challenger_b": 0.2}


def test_the_lot_of_a_key_stays_what_it_is():
    # By hand: sha256 of "4:saltline 3, early shift", its first 53 bits. No version may differ.
    assert uniform("line 3, early shift", "salt") == 0.6142945227175203
    assert uniform("line 3, early shift", "other salt") != uniform("line 3, early shift", "salt")
    assert uniform("bc", "a") != uniform("c", "ab")


def test_arms_come_as_often_as_their_shares_say():
    drawn = Counter(assign(f"episode {n}", "salt", TWO).arm for n in range(20_000))

    assert drawn["challenger"] / 20_000 == pytest.approx(0.3, abs=0.01)
    assert drawn["challenger_b"] / 20_000 == pytest.approx(0.2, abs=0.01)


@given(key=st.text(), salt=st.text(), share=st.floats(0.0, 0.5), more=st.floats(0.0, 0.5))
def test_who_is_drawn_stays_with_the_challenger_when_its_share_grows(key, salt, share, more):
    before = assign(key, salt, {"challenger": share, "challenger_b": 0.5 * share})
    after = assign(key, salt, {"challenger": min(share + more, 0.6), "challenger_b": 0.5 * share})

    if before.arm != CHAMPION:
        assert after.arm == before.arm


def test_neighbouring_keys_are_drawn_independently():
    arms = [assign(f"block {n}", "salt", {"challenger": 0.5}).arm for n in range(20_001)]

    same = sum(one == other for one, other in pairwise(arms))

    assert same / 20_000 == pytest.approx(0.5, abs=0.015)


def test_the_odds_are_recorded_and_sum_to_one():
    assigned = switchback(7, "salt", TWO)

    assert assigned.key == "block 7"
    assert assigned.shares == {CHAMPION: pytest.approx(0.5), **TWO}


def test_of_a_balanced_pair_one_block_goes_to_either_arm_and_the_order_is_drawn():
    shares = {"new": 0.5}
    blocks = [switchback(n, "salt", shares, balanced=True) for n in range(1998)]
    pairs = list(zip(blocks[::2], blocks[1::2], strict=True))

    assert all({first.arm, second.arm} == {CHAMPION, "new"} for first, second in pairs)
    assert all(first.pair == second.pair for first, second in pairs)
    assert len({first.pair for first, _ in pairs}) == 999
    assert sum(first.arm == "new" for first, _ in pairs) / 999 == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize(
    "shares",
    [
        {},
        {"challenger": 1.1},
        {"challenger": -0.1},
        {"challenger": float("nan")},
        {"challenger": 0.6, "challenger_b": 0.6},
        {"a": 0.1, "b": 0.1, "c": 0.1},
        {CHAMPION: 0.5},
    ],
)
def test_shares_that_are_no_probabilities_are_refused(shares):
    with pytest.raises(ConfigError, match="at most 1"):
        assign("key", "salt", shares)


@pytest.mark.parametrize("shares", [{"new": 0.4}, TWO, {"a": 0.5, "b": 0.5}])
def test_a_balanced_switchback_is_half_and_half(shares):
    with pytest.raises(ConfigError, match=r"one challenger with 0\.5"):
        switchback(0, "salt", shares, balanced=True)
