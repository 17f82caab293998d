# SPDX-License-Identifier: MIT
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flyball.releases.verdicts.forecasting import WARM_UP, centred
from tests.releases.verdicts import naive
from tests.releases.verdicts.plants import matrices


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**32), n=st.integers(1, 30), slope=st.sampled_from([-2.0, 0.0, 0.3, 1.0])
)
def test_the_forecast_agrees_with_the_plain_python_twin(seed, n, slope):
    rng = np.random.default_rng(seed)
    share = rng.choice([0.1, 0.5, 0.9], n)
    arm = (rng.random(n) < share).astype(float)
    twin = rng.standard_normal(n)
    outcome = slope * twin + 0.5 * rng.standard_normal(n) + arm

    found = centred(outcome, arm, share, twin)

    rows = naive.centred(outcome.tolist(), arm.tolist(), share.tolist(), twin.tolist())
    np.testing.assert_allclose(found.surprise, [row[0] for row in rows], atol=1e-9)
    assert np.isnan(found.spread[:WARM_UP]).all()
    spreads = [row[1] for row in rows[WARM_UP:]]
    np.testing.assert_allclose(found.spread[WARM_UP:], spreads, atol=1e-9)


def test_what_is_expected_of_a_block_depends_on_nothing_that_comes_with_it_or_after():
    outcome, arm, share = matrices(1, 3, 50)
    other, turned = outcome.copy(), arm.copy()
    other[:, 30:] += 7.0
    turned[:, 30:] = 1.0 - turned[:, 30:]
    nothing = np.zeros_like(outcome)

    one, two = centred(outcome, arm, share, nothing), centred(other, turned, share, nothing)

    np.testing.assert_array_equal(one.surprise[:, :30], two.surprise[:, :30])
    np.testing.assert_allclose(two.surprise[:, 30] - one.surprise[:, 30], 7.0)
    np.testing.assert_array_equal(one.spread[:, :31], two.spread[:, :31])


def test_releases_side_by_side_give_what_each_gives_alone():
    outcome, arm, share = matrices(2, 4, 60)
    twin = np.roll(outcome, 1, axis=0)

    found = centred(outcome, arm, share, twin)

    for row in range(4):
        alone = centred(outcome[row], arm[row], share[row], twin[row])
        np.testing.assert_array_equal(found.surprise[row], alone.surprise)
        np.testing.assert_array_equal(found.difference[row], alone.difference)


@pytest.mark.parametrize("slope", [1.0, 0.4, -1.5])
def test_a_twin_that_knows_something_shrinks_surprises_whatever_its_slope(slope):
    noise, arm, share = matrices(3, 20, 300)
    twin = np.random.default_rng(4).standard_normal(noise.shape)

    found = centred(slope * twin + 0.2 * noise, arm, share, twin)

    assert found.twin_used[:, 30:].mean() > 0.95
    assert found.surprise[:, 100:].std() < 0.25


def test_a_twin_that_knows_nothing_is_not_used_for_long():
    noise, arm, share = matrices(5, 50, 300)
    twin = 3.0 * np.random.default_rng(6).standard_normal(noise.shape)

    found = centred(noise, arm, share, twin)

    assert found.twin_used[:, 100:].mean() < 0.2
    assert found.surprise[:, 100:].std() < 1.1


def test_the_difference_is_right_on_a_ramp_while_the_plant_moves():
    noise, arm, share = matrices(7, 400, 300, effect=0.5)
    moving = noise + np.linspace(0.0, 12.0, 300)
    pooled = np.array(
        [
            row[drawn > 0].mean() - row[drawn == 0].mean()
            for row, drawn in zip(moving, arm, strict=True)
        ]
    )

    found = centred(moving, arm, share, np.zeros_like(noise)).difference[:, -1]

    error = found.std() / 20.0
    assert abs(found.mean() - 0.5) < 4.0 * error
    assert abs(pooled.mean() - 0.5) > 1.0


def test_surprises_follow_a_plant_whose_blocks_resemble_the_one_before():
    outcome, arm, share = matrices(8, 50, 300, correlation=0.95)

    found = centred(outcome, arm, share, np.zeros_like(outcome))

    assert found.surprise[:, 100:].std() < 0.6


@pytest.mark.parametrize("when", [0, 2, 40])
def test_one_wild_measurement_does_not_hide_what_comes_after(when):
    outcome, arm, share = matrices(9, 20, 200)
    outcome[:, when] += 1e6

    found = centred(outcome, arm, share, np.zeros_like(outcome))

    assert np.median(found.spread[:, 80]) < 2.0
    assert np.abs(found.surprise[:, 80:]).mean() < 1.5
