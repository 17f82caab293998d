# SPDX-License-Identifier: MIT
import math

import numpy as np
import torch

from flyball.learning.nets import dists


def test_an_illegal_logit_has_a_gradient_of_exactly_zero():
    logits = torch.randn(50, 9, generator=torch.Generator().manual_seed(0), requires_grad=True)
    mask = torch.rand(50, 9, generator=torch.Generator().manual_seed(1)) < 0.5
    choice = mask.long().argmax(-1, keepdim=True)
    log_prob, entropy = dists.masked(logits, mask, choice, (9,))

    (log_prob.sum() + entropy.sum()).backward()

    assert torch.all(logits.grad[~mask] == 0)
    assert torch.any(logits.grad[mask] != 0)


def test_one_legal_action_has_probability_one_and_no_entropy():
    mask = torch.zeros(3, 5, dtype=torch.bool)
    mask[:, 2] = True

    log_prob, entropy = dists.masked(torch.randn(3, 5), mask, torch.full((3, 1), 2), (5,))

    assert torch.all(log_prob == 0)
    assert torch.all(entropy == 0)


def test_a_row_with_nothing_legal_is_finite_and_teaches_nothing():
    logits = torch.randn(2, 4, requires_grad=True)
    mask = torch.zeros(2, 4, dtype=torch.bool)
    log_prob, entropy = dists.masked(logits, mask, torch.zeros(2, 1, dtype=torch.long), (4,))

    (log_prob + entropy).sum().backward()

    assert torch.all(log_prob == 0)
    assert torch.all(entropy == 0)
    assert torch.all(logits.grad == 0)


def test_heads_side_by_side_add_their_log_probabilities():
    logits, mask = torch.randn(6, 5), torch.ones(6, 5, dtype=torch.bool)
    choice = torch.tensor([[1, 2]]).repeat(6, 1)

    joint, entropy = dists.masked(logits, mask, choice, (2, 3))

    first, second = (
        torch.log_softmax(logits[:, :2].double(), -1),
        torch.log_softmax(logits[:, 2:].double(), -1),
    )
    torch.testing.assert_close(joint, first[:, 1] + second[:, 2])
    both = -(first.exp() * first).sum(-1) - (second.exp() * second).sum(-1)
    torch.testing.assert_close(entropy, both)


def test_a_uniform_choice_of_76000_actions_keeps_its_mass():
    logits, mask = torch.zeros(1, 76_000), torch.ones(1, 76_000, dtype=torch.bool)

    log_prob, entropy = dists.masked(logits, mask, torch.zeros(1, 1, dtype=torch.long), (76_000,))

    assert abs(log_prob.item() + math.log(76_000)) < 1e-9
    assert abs(entropy.item() - math.log(76_000)) < 1e-9


def test_the_softmax_of_ragged_rows_is_the_dense_softmax():
    generator = torch.Generator().manual_seed(3)
    dense = torch.randn(20, 12, generator=generator, dtype=torch.float64, requires_grad=True)
    count = np.random.default_rng(0).integers(1, 13, 20)
    mask = torch.from_numpy(np.arange(12)[None, :] < count[:, None])
    choice = torch.from_numpy(count - 1)[:, None]
    ragged = dense.detach()[mask].requires_grad_()
    offset = torch.from_numpy(np.concatenate(([0], np.cumsum(count))))

    found = dists.options(ragged, offset, choice)
    expected = dists.masked(dense, mask, choice, (12,))
    weight = torch.linspace(1, 2, 20)
    (weight * (found[0] + 0.3 * found[1])).sum().backward()
    (weight * (expected[0] + 0.3 * expected[1])).sum().backward()

    torch.testing.assert_close(found[0], expected[0])
    torch.testing.assert_close(found[1], expected[1])
    torch.testing.assert_close(ragged.grad, dense.grad[mask])


def test_a_row_without_options_is_finite_and_teaches_nothing():
    score = torch.randn(3, requires_grad=True)
    offset = torch.tensor([0, 0, 3, 3])

    log_prob, entropy = dists.options(score, offset, torch.tensor([0, 1, 0]))
    (log_prob[0] + entropy[2]).backward()

    assert log_prob[0] == 0
    assert entropy[2] == 0
    assert torch.all(score.grad == 0)
