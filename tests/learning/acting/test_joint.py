# SPDX-License-Identifier: MIT
import numpy as np
import pytest
import torch

from flyball.learning.acting.joint import Joint, gumbels
from flyball.policies import sizes_of
from tests.learning.squad import N_ACTIONS, N_AGENTS, Squad

SIZES = sizes_of(Squad(1, n_values=1).spec)


def rows(n=50, seed=0):
    """Return logits, means and masks of n transitions; action 1 is illegal for agent 0."""
    draws = torch.Generator().manual_seed(seed)
    logits = torch.randn(n * N_AGENTS, N_ACTIONS, generator=draws)
    mean = torch.randn(n * N_AGENTS, 1, generator=draws)
    mask = torch.ones(n, N_AGENTS, N_ACTIONS, dtype=torch.bool)
    mask[:, 0, 1] = False
    return logits, mean, mask


def test_actions_become_one_hot_choices_and_shares_of_their_ranges():
    choice = torch.tensor([[[2], [0], [1]]])
    value = torch.tensor([[[-2.0], [6.0], [2.0]]])

    taken = Joint(SIZES, 0).taken(choice, value)

    assert taken[0].tolist() == [[0, 0, 1, -1], [1, 0, 0, 1], [0, 1, 0, 0]]


def test_a_sample_is_exactly_one_hot_legal_and_drawn_from_the_softmax():
    logits, mean, mask = rows(1)
    logits, mean = logits.repeat(40_000, 1), mean.repeat(40_000, 1)
    mask = mask.expand(40_000, -1, -1)

    own = Joint(SIZES, 3).sampled(logits, mean, mask, 7)

    choice = own[..., :N_ACTIONS]
    assert ((choice == 0) | (choice == 1)).all()
    assert (choice.sum(-1) == 1).all()
    assert not choice[:, 0, 1].any()
    expected = logits.masked_fill(~mask.flatten(0, 1), -torch.inf).softmax(-1)[:N_AGENTS]
    np.testing.assert_allclose(choice.mean(0), expected, atol=0.01)


def test_the_gradient_of_a_sample_is_that_of_its_softmax_and_zero_where_illegal():
    logits, mean, mask = rows(4)
    logits.requires_grad_()
    weight = torch.randn(4, N_AGENTS, N_ACTIONS + 1)

    (Joint(SIZES, 3).sampled(logits, mean, mask, 7) * weight).sum().backward()

    noise = torch.from_numpy(gumbels(3, 7, *logits.shape))
    again = logits.detach().clone().requires_grad_()
    legal = (again + noise).masked_fill(~mask.flatten(0, 1), -torch.inf)
    (legal.softmax(-1) * weight.flatten(0, 1)[:, :N_ACTIONS]).sum().backward()
    torch.testing.assert_close(logits.grad, again.grad, rtol=1e-4, atol=1e-6)
    assert not logits.grad.view(4, N_AGENTS, -1)[:, 0, 1].any()
    assert logits.grad.abs().sum() > 0.1


def test_greedy_actions_are_the_best_legal_ones():
    logits, mean, mask = rows()

    own = Joint(SIZES, 0).greedy(logits, mean, mask)

    best = logits.masked_fill(~mask.flatten(0, 1), -torch.inf).argmax(-1)
    assert torch.equal(own[..., :N_ACTIONS].argmax(-1).flatten(), best)
    torch.testing.assert_close(own[..., N_ACTIONS:].flatten(), mean.tanh().flatten())


def test_each_critic_sees_its_own_agents_new_action_among_the_others_old_ones():
    old, new = torch.zeros(2, N_AGENTS, 4), torch.ones(2, N_AGENTS, 4)

    seen = Joint(SIZES, 0).seen(old, new).view(2, N_AGENTS, N_AGENTS, 4)

    assert torch.equal(seen[..., 0], torch.eye(N_AGENTS).expand(2, -1, -1))
    assert torch.equal(Joint(SIZES, 0).seen(new), torch.ones(2, N_AGENTS, 4 * N_AGENTS))


def test_an_independent_learner_sees_no_one_elses_action():
    old = torch.ones(2, N_AGENTS, 4)

    seen = Joint(SIZES, 0, alone=True).seen(old).view(2, N_AGENTS, N_AGENTS, 4)

    assert torch.equal(seen[..., 0], torch.eye(N_AGENTS).expand(2, -1, -1))


def test_gumbel_draws_have_their_mean_and_spread_and_no_order():
    draws = gumbels(5, 9, 4000, 5)

    assert draws.mean() == pytest.approx(0.5772, abs=0.03)
    assert draws.std() == pytest.approx(np.pi / 6**0.5, abs=0.03)
    assert np.array_equal(gumbels(5, 9, 10, 5), draws[:10])
