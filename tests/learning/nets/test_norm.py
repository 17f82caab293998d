# SPDX-License-Identifier: MIT
import numpy as np
import pytest
import torch

from flyball.learning.nets.norm import LEARN_AT_MOST, FeatureNorm, ReturnScale, spread_out


def test_learning_in_parts_gives_the_statistics_of_the_whole():
    x = np.random.default_rng(0).lognormal(2, 2, (1000, 3)).astype(np.float32)
    norm = FeatureNorm(3)

    for part in np.array_split(x, [10, 11, 400]):
        norm.learn(part)

    log = np.log1p(x.astype(np.float64))
    np.testing.assert_allclose(norm.mean, log.mean(0), rtol=1e-12)
    np.testing.assert_allclose(norm.std, log.std(0), rtol=1e-9)
    out = norm(torch.from_numpy(x))
    np.testing.assert_allclose(out.mean(0), 0, atol=1e-5)
    np.testing.assert_allclose(out.std(0, correction=0), 1, atol=1e-5)


def test_sign_is_kept_and_the_rest_is_clipped():
    norm = FeatureNorm(1, clip=2.0)
    norm.learn(np.array([[-1.0], [1.0]], np.float32))

    out = norm(torch.tensor([[-0.5], [0.0], [0.5], [1e30], [-1e30]]))

    assert out[0] == -out[2] < 0
    assert out[1:].flatten().tolist() == [0.0, out[2].item(), 2.0, -2.0]


def test_a_column_that_never_varied_stays_near_zero_and_one_that_hardly_did_is_not_blown_up():
    norm = FeatureNorm(2)
    x = np.full((100, 2), 3.0, np.float32)
    x[0, 1] = 3.02
    norm.learn(x)

    out = norm(torch.tensor([[3.5, 3.5]]))

    assert abs(out[0, 0]) < 0.2
    assert abs(out[0, 1]) < 2.5


def test_empty_batches_and_widths_change_nothing():
    norm, none = FeatureNorm(2), FeatureNorm(0)
    norm.learn(np.zeros((0, 2), np.float32))
    none.learn(np.zeros((5, 0), np.float32))

    assert norm.count == 0
    assert none(torch.zeros(5, 0)).shape == (5, 0)


def test_a_long_batch_is_thinned_evenly():
    x = np.zeros((3 * LEARN_AT_MOST, 1), np.float32)
    x[1::2] = np.expm1(1.0)
    norm = FeatureNorm(1)

    norm.learn(x)

    assert norm.count <= LEARN_AT_MOST
    assert abs(float(norm.mean[0]) - 0.5) < 0.51


def test_the_return_scale_is_the_deviation_of_the_discounted_return():
    reward = np.random.default_rng(1).normal(size=(50, 4))
    ended = np.random.default_rng(2).random((50, 4)) < 0.1
    scale = ReturnScale(4, gamma=0.9)

    scale.learn(reward[:20], ended[:20])
    scale.learn(reward[20:], ended[20:])

    seen, carry = [], np.zeros(4)
    for t in range(50):
        carry = 0.9 * carry + reward[t]
        seen.append(carry.copy())
        carry[ended[t]] = 0
    np.testing.assert_allclose(scale.std, np.std(seen))


def test_rewards_that_never_vary_are_not_scaled():
    scale = ReturnScale(1, gamma=0.0)

    scale.learn(np.full((5, 1), -3.0), np.zeros((5, 1), np.bool_))

    assert scale.std == 1.0


@pytest.mark.parametrize("n_agents", [2, 3, 7])
def test_every_agent_enters_the_statistics_however_many_rows_there_are(n_agents):
    agent = np.arange(n_agents * 40_000) % n_agents
    norm = FeatureNorm(n_agents, kind="standard")

    norm.learn(np.eye(n_agents, dtype=np.float32)[agent])

    np.testing.assert_allclose(norm.mean.numpy(), 1.0 / n_agents, atol=0.01)


def test_rows_that_are_looked_at_are_spread_and_in_order():
    few, many = spread_out(5), spread_out(LEARN_AT_MOST * 3 + 1)

    assert few.tolist() == [0, 1, 2, 3, 4]
    assert len(many) == LEARN_AT_MOST
    assert (np.diff(many) >= 0).all()
    assert 0 <= many[0] < 4
    assert LEARN_AT_MOST * 3 - 4 < many[-1] <= LEARN_AT_MOST * 3
