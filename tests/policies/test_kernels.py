# SPDX-License-Identifier: MIT
import math
from decimal import Decimal, localcontext

import numpy as np
import pytest

from flyball.core.random import bits, uniform
from flyball.policies.kernels import (
    choose_latent,
    choose_option,
    gumbel,
    normal,
    pack_legal,
    rows_and_counts,
    step_bits,
)


def test_compiled_draws_are_those_of_core():
    names = np.random.default_rng(0).integers(0, 2**40, (50, 4))
    for name in names.tolist():
        word = np.uint64(0)
        for part in name:
            word = np.uint64(step_bits(word, part))

        assert word == bits(*name)
        assert abs(gumbel(word) + np.log(-np.log(uniform(*name)))) < 1e-9


def test_a_choice_among_76000_options_is_always_legal_and_finite():
    score = np.random.default_rng(1).normal(size=76_000).astype(np.float32) * 30
    offset = np.array([0, 76_000, 76_000], np.int64)

    for step in range(200):
        choice, log_prob = choose_option(score, offset, 1.0, True, 0, step)

        assert 0 <= choice[0] < 76_000
        assert -200 < log_prob[0] <= 0
        assert choice[1] == 0


def test_a_score_that_is_no_number_is_never_preferred():
    score = np.array([np.nan, -5.0, np.nan, -3.0, np.nan], np.float32)
    offset = np.array([0, 4, 5], np.int64)

    for sampled in (False, True):
        for step in range(50):
            choice, log_prob = choose_option(score, offset, 1.0, sampled, 0, step)

            assert choice[0] in (1, 3)
            assert choice[1] == 0
            assert np.all(np.isfinite(log_prob))


def test_candidates_beyond_the_last_row_belong_to_a_row_that_is_none():
    row, count = rows_and_counts(np.array([0, 2, 2, 5], np.int64), 16)

    assert row.tolist() == [0, 0, 2, 2, 2] + [3] * 11
    assert count[:, 0].tolist() == [2, 1, 3] + [1] * 13


@pytest.mark.parametrize("width", [1, 2, 7, 127, 128, 129, 300, 513])
@pytest.mark.parametrize("share", [0.0, 0.003, 0.5, 1.0])
def test_packed_columns_are_those_that_a_plain_loop_finds(width, share):
    rng = np.random.default_rng(width)
    mask = rng.random((40, width + 5)) < share
    logits = rng.normal(size=mask.shape).astype(np.float32)

    score, offset, column = pack_legal(logits, mask.view(np.uint8), 3, 3 + width)

    for row in range(40):
        legal = [k for k in range(width) if mask[row, 3 + k]]
        own = slice(offset[row], offset[row + 1])
        assert column[own].tolist() == legal
        assert score[own].tolist() == [logits[row, 3 + k] for k in legal]
    assert len(score) == len(column) == offset[-1]


def oracle(mean, log_std, u):
    """Return the log density of tanh(u), written the naive way in 120 digits."""
    with localcontext() as context:
        context.prec = 120
        m, s, x = Decimal(float(mean)), Decimal(float(log_std)).exp(), Decimal(float(u))
        normal = -(((x - m) / s) ** 2) / 2 - s.ln() - (2 * Decimal(math.pi)).ln() / 2
        tanh = 1 - 2 / ((2 * x).exp() + 1)
        return float(normal - (1 - tanh**2).ln())


def latent_rows(mean, log_std, *, active=None, temperature=1.0, key=(0, 0)):
    mean, log_std = (np.asarray(x, np.float32) for x in (mean, log_std))
    used = np.ones(mean.shape, np.bool_) if active is None else active
    seed, step = key or (0, 0)
    return choose_latent(mean, log_std, used, temperature, key is not None, seed, step)


@pytest.mark.parametrize("mean", [-20.0, -8.0, -1.5, 0.0, 0.3, 8.0, 20.0])
@pytest.mark.parametrize("log_std", [-20.0, -2.0, 0.0, 2.0])
def test_the_density_of_a_value_is_exact_however_saturated_it_is(mean, log_std):
    latent, log_prob = latent_rows(np.full((20, 1), mean), np.full((20, 1), log_std))

    expected = [oracle(np.float32(mean), np.float32(log_std), u) for u in latent[:, 0]]
    assert np.abs(latent).max() <= np.abs(mean) + 8 * np.exp(log_std)
    np.testing.assert_allclose(log_prob, expected, rtol=3e-7, atol=1e-5)


@pytest.mark.parametrize("u", [-8.0, 8.0])
def test_at_8_deviations_of_the_tanh_the_popular_formula_is_wrong_and_this_one_is_not(u):
    _, log_prob = latent_rows([[u]], [[0.0]], key=None)

    popular = -0.5 * np.log(2 * np.pi) - np.log(1 - np.tanh(u) ** 2 + 1e-6)
    assert abs(log_prob[0] - oracle(u, 0.0, u)) < 1e-5
    assert abs(popular - oracle(u, 0.0, u)) > 1.0


@pytest.mark.parametrize(("mean", "log_std"), [(0.0, 0.0), (0.3, -0.3), (-0.5, 0.5)])
def test_the_stated_density_is_that_of_the_draws(mean, log_std):
    n, reach = 200_000, 0.8
    latent, log_prob = latent_rows(np.full((n, 1), mean), np.full((n, 1), log_std))

    # Where a draw has density p, the mean of 1 / p is the length of the interval.
    share = np.where(np.abs(np.tanh(latent[:, 0])) < reach, np.exp(-log_prob), 0.0)

    error = 4.0 * share.std() / np.sqrt(n)
    assert error < 0.05
    assert share.mean() == pytest.approx(2 * reach, abs=error)


def test_draws_have_the_moments_of_their_normal_and_no_correlation():
    n = 200_000
    mean, log_std = np.tile([1.0, -2.0], (n, 1)), np.tile([-1.0, 0.5], (n, 1))

    latent, _ = latent_rows(mean, log_std)

    z = (latent - mean) / np.exp(log_std)
    error = 4.0 / np.sqrt(n)  # four standard errors of a mean of unit variance
    assert np.abs(z.mean(0)).max() < error
    assert np.abs((z**2).mean(0) - 1).max() < error * np.sqrt(2)
    assert np.abs((z**3).mean(0)).max() < error * np.sqrt(15)
    assert np.abs((z**4).mean(0) - 3).max() < error * np.sqrt(96)
    assert abs((z[:, 0] * z[:, 1]).mean()) < error
    assert abs((z[:-1, 0] * z[1:, 0]).mean()) < error


def test_temperature_multiplies_the_deviation_and_enters_the_density():
    latent, log_prob = latent_rows(np.zeros((5, 1)), np.zeros((5, 1)), temperature=0.5)
    wide, _ = latent_rows(np.zeros((5, 1)), np.zeros((5, 1)))

    np.testing.assert_allclose(latent, 0.5 * wide, rtol=1e-6)
    expected = [oracle(0.0, np.log(0.5), u) for u in latent[:, 0]]
    np.testing.assert_allclose(log_prob, expected, atol=1e-5)


def test_a_dim_that_is_not_used_has_no_density():
    mean, log_std = np.full((9, 2), 0.3), np.zeros((9, 2))
    used = np.tile([True, False], (9, 1))

    _, one = latent_rows(mean[:, :1], log_std[:, :1])
    latent, log_prob = latent_rows(mean, log_std, active=used)
    _, none = latent_rows(mean, log_std, active=~used & False)

    np.testing.assert_array_equal(log_prob, one)
    assert latent.shape == (9, 2)
    assert none.tolist() == [0.0] * 9


def test_values_of_a_row_are_the_same_in_every_batch_and_differ_between_steps():
    rng = np.random.default_rng(0)
    mean, log_std = rng.normal(size=(64, 3)), rng.normal(size=(64, 3))
    latent, log_prob = latent_rows(mean, log_std, key=(4, 7))

    for n in (1, 2, 33, 63):
        own, own_log_prob = latent_rows(mean[:n], log_std[:n], key=(4, 7))

        np.testing.assert_array_equal(own, latent[:n])
        np.testing.assert_array_equal(own_log_prob, log_prob[:n])
    other, _ = latent_rows(mean, log_std, key=(4, 8))
    assert not (other == latent).any()


def test_normal_draws_are_finite_at_the_ends_of_the_bits():
    words = [0, 1, 2**12 - 1, 2**12, 2**63, 2**64 - 1]

    draws = [normal(np.uint64(word)) for word in words]

    assert np.isfinite(draws).all()
    assert np.abs(draws).max() < 8.6  # sqrt(-2 log(2^-53))
