# SPDX-License-Identifier: MIT
import numpy as np
import pytest

from flyball.policies.choosing import Said, choose, choose_masked
from flyball.policies.sizes import Sizes

SIZES = (3, 2)


def draws(step, mask):
    logits = np.zeros((len(mask), 5), np.float32)
    return choose_masked(logits, mask, SIZES, (4, step))


def test_heads_are_drawn_independently_of_each_other():
    mask = np.ones((5000, 5), np.bool_)

    choice, log_prob = draws(0, mask)

    table = np.histogram2d(choice[:, 0], choice[:, 1], bins=(3, 2))[0]
    chi_square = ((table - 5000 / 6) ** 2 / (5000 / 6)).sum()
    assert chi_square < 20.5  # 0.999 quantile with five degrees of freedom
    np.testing.assert_allclose(log_prob, -np.log(6), rtol=1e-6)


def test_a_masked_choice_is_legal_in_every_head():
    mask = np.random.default_rng(0).random((2000, 5)) < 0.3
    mask[:, [0, 4]] = True

    for step in range(20):
        choice, _ = draws(step, mask)

        assert mask[np.arange(2000), choice[:, 0]].all()
        assert mask[np.arange(2000), 3 + choice[:, 1]].all()


def test_steps_draw_anew():
    mask = np.ones((100, 5), np.bool_)

    assert not np.array_equal(draws(0, mask)[0], draws(1, mask)[0])


def said(scores, n_values, log_std=-1.0):
    rows = np.random.default_rng(0).normal(size=(len(scores), n_values))
    return Said(scores, rows.astype(np.float32), np.full_like(rows, log_std, np.float32))


HYBRID = Sizes(
    1, 0, 0, (3,), ((-1.0, 0.0),), ((1.0, 9.0),), ((False, True), (True, True), (False, True))
)
NO_OPTIONS = np.zeros(1, np.int64)


def test_the_greedy_answer_is_the_best_legal_choice_and_the_mean():
    logits = np.array([[5.0, 1.0, 2.0], [0.0, 3.0, 1.0]], np.float32)
    mask = np.array([[False, True, True], [True, True, True]])
    own = said(logits, 2)

    chosen = choose(own, mask, NO_OPTIONS, HYBRID, None)

    assert chosen.choice[:, 0].tolist() == [2, 1]
    np.testing.assert_array_equal(chosen.latent, own.mean)


def test_the_log_probability_is_that_of_the_choice_and_of_the_values_that_it_uses():
    n = 2000
    own, mask = said(np.zeros((n, 3), np.float32), 2), np.ones((n, 3), np.bool_)
    alone = Sizes(1, 0, 0, (), HYBRID.low, HYBRID.high)

    chosen = choose(own, mask, NO_OPTIONS, HYBRID, (1, 2))

    both = choose(own, mask[:, :0], NO_OPTIONS, alone, (1, 2))
    second = own._replace(mean=own.mean[:, 1:], log_std=own.log_std[:, 1:])
    used = np.array(HYBRID.active)[chosen.choice[:, 0]]
    np.testing.assert_array_equal(chosen.latent, both.latent)
    everything = used.all(1)
    np.testing.assert_allclose(
        chosen.log_prob[everything], both.log_prob[everything] - np.log(3), atol=1e-5
    )
    z = (chosen.latent[:, 1] - second.mean[:, 0]) * np.exp(1.0)
    u = chosen.latent[:, 1].astype(np.float64)
    slope = 2 * (np.log(2) - u - np.logaddexp(0, -2 * u))
    own_density = -0.5 * z * z + 1.0 - 0.5 * np.log(2 * np.pi) - slope
    np.testing.assert_allclose(
        chosen.log_prob[~everything], own_density[~everything] - np.log(3), atol=1e-4
    )
    assert 0.2 < everything.mean() < 0.5


def test_choices_and_values_of_one_step_share_no_noise():
    n = 100_000
    own, mask = said(np.zeros((n, 2), np.float32), 1), np.ones((n, 2), np.bool_)
    sizes = Sizes(1, 0, 0, (2,), ((-1.0,),), ((1.0,),))

    chosen = choose(own, mask, NO_OPTIONS, sizes, (0, 0))

    z = (chosen.latent - own.mean)[:, 0] * np.exp(1.0)
    side = 2.0 * chosen.choice[:, 0] - 1.0
    for moment in (side * z, side * (z**2 - 1), side * z**3):
        assert abs(moment.mean()) < 4 * moment.std() / np.sqrt(n)


def test_options_are_chosen_by_their_own_rows():
    scores = np.array([1.0, 3.0, 2.0, 0.0, 9.0], np.float32)
    none = np.zeros((3, 0), np.float32)
    sizes = Sizes(0, 0, 4, ())

    chosen = choose(
        Said(scores, none, none), none.astype(np.bool_), np.array([0, 3, 3, 5]), sizes, None
    )

    assert chosen.choice.tolist() == [[1], [0], [1]]
    assert chosen.latent.shape == (3, 0)
    assert chosen.log_prob[1] == 0.0


def test_a_temperature_makes_choices_and_values_stray_alike():
    n = 20_000
    logits = np.tile(np.array([0.0, 2.0], np.float32), (n, 1))
    own, mask = said(logits, 1), np.ones((n, 2), np.bool_)
    sizes = Sizes(1, 0, 0, (2,), ((-1.0,),), ((1.0,),))

    chosen = choose(own, mask, NO_OPTIONS, sizes, (0, 0), temperature=4.0)

    p = 1 / (1 + np.exp(-0.5))
    assert abs(chosen.choice.mean() - p) < 4 * np.sqrt(p * (1 - p) / n)
    assert np.std(chosen.latent - own.mean) == pytest.approx(4 * np.exp(-1), rel=0.03)
