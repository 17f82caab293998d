# SPDX-License-Identifier: MIT
import numpy as np
import pytest

from flyball.core.errors import ConfigError
from flyball.core.spec import Objective
from flyball.learning.experience.gae import gae, scalarise


def slow_gae(reward, value, next_value, terminated, truncated, gamma, lam):
    """The definition: a weighted sum of the errors until the episode ends, O(T^2)."""
    steps, columns = reward.shape
    advantage = np.zeros_like(reward)
    for column in range(columns):
        for start in range(steps):
            for t in range(start, steps):
                follow = 0.0 if terminated[t, column] else gamma * next_value[t, column]
                error = reward[t, column] + follow - value[t, column]
                advantage[start, column] += (gamma * lam) ** (t - start) * error
                if terminated[t, column] or truncated[t, column]:
                    break
    return advantage


@pytest.fixture
def episodes():
    rng = np.random.default_rng(1)
    arrays = [rng.normal(size=(40, 7)) for _ in range(3)]
    return arrays, rng.random((40, 7)) < 0.1, rng.random((40, 7)) < 0.1


@pytest.mark.parametrize(("gamma", "lam"), [(0.99, 0.95), (1.0, 1.0), (0.9, 0.0), (0.0, 0.5)])
def test_gae_is_the_sum_of_its_definition_for_random_ends(episodes, gamma, lam):
    arrays, terminated, truncated = episodes

    found = gae(*arrays, terminated=terminated, truncated=truncated, gamma=gamma, lam=lam)

    expected = slow_gae(*arrays, terminated, truncated, gamma, lam)
    np.testing.assert_allclose(found, expected, atol=1e-9)


def test_a_truncated_step_bootstraps_and_a_terminated_one_does_not():
    reward, value, following = np.ones((1, 2)), np.zeros((1, 2)), np.full((1, 2), 100.0)
    ends = np.array([[True, False]])

    found = gae(reward, value, following, terminated=ends, truncated=~ends, gamma=0.99, lam=0.95)

    np.testing.assert_allclose(found, [[1.0, 100.0]])


def test_lambda_zero_is_the_one_step_error_and_lambda_one_the_return_minus_the_value():
    rng = np.random.default_rng(2)
    reward, value = rng.normal(size=(30, 3)), rng.normal(size=(30, 3))
    following = np.vstack((value[1:], np.zeros((1, 3))))
    never = np.zeros((30, 3), np.bool_)
    last = never.copy()
    last[-1] = True

    one_step = gae(reward, value, following, terminated=last, truncated=never, gamma=0.9, lam=0.0)
    whole = gae(reward, value, following, terminated=last, truncated=never, gamma=1.0, lam=1.0)

    np.testing.assert_allclose(one_step, reward + 0.9 * following - value)
    np.testing.assert_allclose(whole, np.cumsum(reward[::-1], axis=0)[::-1] - value)


def test_a_cost_counts_against_utility_and_an_unnamed_objective_counts_nothing():
    objectives = (Objective("late_h", "h", "min"), Objective("gain_eur", "EUR", "max"))
    reward = np.array([[[2.0, 5.0]]])

    only_first = scalarise(reward, objectives, {})
    both = scalarise(reward, objectives, {"late_h": 3.0, "gain_eur": 1.0})

    assert only_first.item() == -2.0
    assert both.item() == -1.0


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ({"gain_eurs": 1.0}, r"weights: 'gain_eurs'; .*late_h, gain_eur; .*mean 'gain_eur'"),
        ({"late_h": 0.0, "gain_eur": 0.0}, "weights: 0 for every objective"),
        ({"late_h": np.nan}, r"weights\.late_h: nan; allowed: finite"),
        ({"late_h": np.inf}, r"weights\.late_h: inf; allowed: finite"),
    ],
)
def test_weights_with_which_nothing_or_something_else_would_be_learned_are_refused(
    weights, message
):
    objectives = (Objective("late_h", "h", "min"), Objective("gain_eur", "EUR", "max"))

    with pytest.raises(ConfigError, match=message):
        scalarise(np.zeros((1, 2)), objectives, weights)
