# SPDX-License-Identifier: MIT
"""Who gets which block."""

from flyball.core.decision import Arm
from flyball.serving.lineup import Lineup
from tests.serving.stand import Counting


def lineup(*shares, **parts):
    challengers = tuple(Counting(f"p{k}") for k in range(len(shares)))
    return Lineup(
        fallback=Counting("rule"), champion=Counting("p"), challengers=challengers, shares=shares,
        **parts,
    )  # fmt: skip


def drawn(own, n=4000):
    return [own.draw(f"u{k}", "b").arm for k in range(n)]


def test_each_challenger_gets_its_share_and_the_champion_the_rest():
    arms = drawn(lineup(0.2, 0.3, salt="s"))

    assert abs(arms.count(Arm.CHALLENGER) / 4000 - 0.2) < 0.03
    assert abs(arms.count(Arm.SECOND) / 4000 - 0.3) < 0.03
    assert abs(arms.count(Arm.CHAMPION) / 4000 - 0.5) < 0.03


def test_in_shadow_every_block_is_the_champions_with_certainty():
    own = lineup(0.0).draw("u", "b")

    assert (own.arm, own.shares) == (Arm.CHAMPION, {"champion": 1.0})


def test_a_share_that_grows_keeps_the_blocks_that_it_had():
    small, large = drawn(lineup(0.1, salt="s")), drawn(lineup(0.5, salt="s"))

    assert all(b == Arm.CHALLENGER for a, b in zip(small, large, strict=True) if a == "challenger")


def test_a_plant_that_cannot_be_split_goes_to_one_arm_a_block():
    own = lineup(0.5, whole=True, salt="s")

    for block in range(50):
        assert len({own.draw(f"u{k}", f"b{block}").arm for k in range(10)}) == 1
    assert len({own.draw("u", f"b{block}").arm for block in range(50)}) == 2


def test_whoever_leaves_the_field_leaves_its_share_to_the_champion():
    own = lineup(0.2, 0.3).without(Arm.CHALLENGER)

    assert [pilot.name for pilot in own.challengers] == ["p1"]
    assert own.shares == (0.3,)
    assert own.without(Arm.CHAMPION).champion is own.fallback
