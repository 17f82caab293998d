# SPDX-License-Identifier: MIT
"""Huge masked heads: what fails elsewhere at some thousand actions holds here at 76,000.

152 machines times 500 orders. Other libraries keep mass on illegal actions, lose some of it to
32 bits so that a simplex check fails, or need memory for every action of every draw.
"""

import tracemalloc

import numpy as np
import pytest

from flyball.policies.choosing import choose_masked
from flyball.policies.kernels import pack_legal

N_ACTIONS, N_STATES, AT_ONCE = 76_000, 1000, 50


def states(first, n):
    """Return logits and masks (n, A): illegal actions tempt, legal ones are few, one, or all.

    Every state has its own legal set; the last hundred actions and the first are legal somewhere.
    """
    rng = np.random.default_rng(first)
    logits = np.broadcast_to(rng.normal(size=N_ACTIONS).astype(np.float32) * 30, (n, N_ACTIONS))
    logits = np.ascontiguousarray(logits)
    mask = np.zeros((n, N_ACTIONS), np.bool_)
    for row in range(n):
        count = [1, 2, 10, 40][row % 4]
        mask[row, rng.choice(N_ACTIONS, count, replace=False)] = True
        mask[row, [0, -1]] = row % 8 == 0
    tempting = [1e4, 3e38, np.inf, np.nan]
    for row in range(n):
        logits[row, ~mask[row]] += np.float32(tempting[row % 4])
        logits[row, mask[row]] -= np.float32(1e4 * (row % 3))
    return logits, mask


def illegal_draws(n_draws):
    """Return how many draws of each state were illegal or had no finite log-probability."""
    illegal, rows = 0, np.arange(AT_ONCE)
    for first in range(0, N_STATES, AT_ONCE):
        logits, mask = states(first, AT_ONCE)
        for draw in range(n_draws):
            choice, log_prob = choose_masked(logits, mask, (N_ACTIONS,), (first, draw))
            fine = mask[rows, choice[:, 0]] & np.isfinite(log_prob) & (log_prob <= 1e-6)
            illegal += int((~fine).sum())
    return illegal


def test_no_draw_of_76000_actions_is_illegal():
    assert illegal_draws(20) == 0


@pytest.mark.slow
def test_none_of_ten_million_draws_of_76000_actions_is_illegal():
    assert illegal_draws(10_000) == 0


def test_draws_among_76000_legal_actions_have_the_frequencies_of_the_softmax():
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(1, N_ACTIONS)).astype(np.float32)
    mask = np.ones((1, N_ACTIONS), np.bool_)
    p = np.exp(logits[0].astype(np.float64))
    p /= p.sum()
    group = np.argsort(np.argsort(p)) * 10 // N_ACTIONS  # from the least to the most likely tenth

    found, stated = np.zeros(10), []
    for draw in range(1000):
        choice, log_prob = choose_masked(logits, mask, (N_ACTIONS,), (1, draw))
        found[group[choice[0, 0]]] += 1
        stated.append(log_prob[0] - np.log(p[choice[0, 0]]))

    expected = 1000 * np.bincount(group, weights=p)
    chi_square = ((found - expected) ** 2 / expected).sum()
    assert chi_square < 27.9  # 0.999 quantile with nine degrees of freedom
    np.testing.assert_allclose(stated, 0.0, atol=1e-5)


def test_memory_of_a_draw_is_linear_in_the_legal_actions():
    logits, mask = states(0, 200)
    choose_masked(logits, mask, (N_ACTIONS,), (0, 0))
    n_legal = int(mask.sum())

    tracemalloc.start()  # sees NumPy's arrays; those of the kernel are what it returns
    choose_masked(logits, mask, (N_ACTIONS,), (0, 1))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    score, offset, column = pack_legal(logits, mask.view(np.uint8), 0, N_ACTIONS)

    assert n_legal < 5000
    assert peak < 40 * n_legal  # the head as a whole has 15 million logits here
    assert len(score) == len(column) == offset[-1] == n_legal


def test_several_huge_heads_are_drawn_without_a_copy_of_their_columns():
    sizes = (N_ACTIONS // 2, N_ACTIONS // 4, N_ACTIONS // 4)
    logits, mask = states(0, 50)
    for start in np.cumsum((0, *sizes[:-1])):
        mask[:, start] = True
        logits[:, start] = 0.0

    tracemalloc.start()
    choice, log_prob = choose_masked(logits, mask, sizes, (0, 1))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    column = choice + np.cumsum((0, *sizes[:-1]))
    assert np.take_along_axis(mask, column, 1).all()
    assert np.isfinite(log_prob).all()
    assert peak < 100_000


def test_a_state_with_nothing_legal_is_survived():
    logits = np.full((3, N_ACTIONS), np.nan, np.float32)
    mask = np.zeros((3, N_ACTIONS), np.bool_)

    choice, log_prob = choose_masked(logits, mask, (N_ACTIONS,), (0, 0))

    assert choice.tolist() == [[0]] * 3
    assert log_prob.tolist() == [0.0] * 3
