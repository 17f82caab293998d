# SPDX-License-Identifier: MIT
import numpy as np
import torch

from flyball.learning.loss import clipped, standardise


def test_a_ratio_beyond_the_clip_earns_no_more_but_still_costs():
    ratio = torch.tensor([1.5, 0.5, 1.5, 0.5], dtype=torch.float64)
    advantage = torch.tensor([1.0, 1.0, -1.0, -1.0], dtype=torch.float64)
    log_prob = ratio.log().requires_grad_()

    terms = clipped(log_prob, torch.zeros(4), advantage, 0.2)
    terms.loss.backward()

    assert terms.loss.item() == np.mean([-1.2, -0.5, 1.5, 0.8])
    assert (log_prob.grad == 0).tolist() == [True, False, False, True]
    assert terms.clipped == 1.0


def test_without_change_there_is_no_divergence():
    terms = clipped(torch.full((3,), -1.0), torch.full((3,), -1.0), torch.ones(3), 0.2)

    assert terms.kl == 0
    assert terms.clipped == 0
    assert terms.loss == -1


def test_one_advantage_is_left_as_it_is_and_more_are_standardised():
    assert standardise(torch.tensor([7.0])).item() == 7.0
    many = standardise(torch.tensor([1.0, 5.0, 9.0]))
    torch.testing.assert_close(many, torch.tensor([-1.0, 0.0, 1.0]))
