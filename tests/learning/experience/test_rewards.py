# SPDX-License-Identifier: MIT
import numpy as np
import pytest

from flyball.learning.experience.rewards import RewardMoments


def test_moments_merged_piece_by_piece_are_those_of_everything_together():
    rewards = np.random.default_rng(0).normal(3.0, 2.0, (10, 40)).astype(np.float32)
    moments = RewardMoments("standardised")

    for piece in rewards:
        moments.learn(piece)

    assert moments.shift == pytest.approx(rewards.mean(), rel=1e-6)
    assert moments.scale == pytest.approx(rewards.std(), rel=1e-6)


@pytest.mark.parametrize(("unit", "shift", "scale"), [("native", 0, 1), ("scaled", 0, 2)])
def test_nothing_is_taken_off_a_reward_unless_asked_for(unit, shift, scale):
    moments = RewardMoments(unit)

    moments.learn(np.array([3.0, 7.0], np.float32))

    assert (moments.shift, moments.scale) == (shift, scale)


def test_a_reward_that_never_varies_is_left_in_its_unit():
    moments = RewardMoments("scaled")

    moments.learn(np.full(50, 0.1, np.float32))

    assert moments.scale == 1.0
