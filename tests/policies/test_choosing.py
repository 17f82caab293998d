# SPDX-License-Identifier: MIT
import numpy as np

from flyball.policies.choosing import action_of, choose_masked

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


def test_flat_choices_take_the_shape_of_the_contract():
    action = action_of(np.arange(6), 3, 2)

    assert action.choice.shape == (3, 2, 1)
    assert action.choice.dtype == np.int32
    assert action.value.shape == (3, 2, 0)
