# SPDX-License-Identifier: MIT
import numpy as np

from flyball.core.random import bits, uniform
from flyball.policies.kernels import choose_option, gumbel, rows_and_counts, step_bits


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
