# SPDX-License-Identifier: MIT
import copy

import pytest
import torch
from torch import nn

from flyball.learning.nets.flat import Adam, Flat, RMSprop


def net(seed=0):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(3, 5), nn.Tanh(), nn.Linear(5, 2))


def loss_of(module, k):
    x = torch.randn(7, 3, generator=torch.Generator().manual_seed(k))
    return (module(x) ** 2).mean() * 30


def test_ten_steps_of_adam_are_those_of_torch_with_its_clip():
    mine, twin = net(), net()
    ours = Adam([mine], 3e-2, eps=1e-5)
    theirs = torch.optim.Adam(twin.parameters(), 3e-2, eps=1e-5)

    for k in range(10):
        ours.descend(loss_of(mine, k), clip=0.5)
        theirs.zero_grad()
        loss_of(twin, k).backward()
        nn.utils.clip_grad_norm_(twin.parameters(), 0.5)
        theirs.step()

    for own, same in zip(mine.parameters(), twin.parameters(), strict=True):
        torch.testing.assert_close(own, same, rtol=1e-5, atol=1e-6)


def test_rmsprop_has_its_epsilon_inside_the_root_and_begins_at_one():
    mine = net()
    before = [p.detach().clone() for p in mine.parameters()]
    ours = RMSprop([mine], 0.1, eps=1e-5, decay=0.9)

    ours.descend(loss_of(mine, 0))

    for own, old in zip(mine.parameters(), before, strict=True):
        slope = own.grad
        expected = old - 0.1 * slope / torch.sqrt(0.9 + 0.1 * slope**2 + 1e-5)
        torch.testing.assert_close(own.detach(), expected, rtol=1e-6, atol=1e-7)


def test_a_second_optimiser_of_the_same_parameters_takes_them_as_they_are_then():
    module = net()
    first, second = Adam([module], 1e-2), Adam([module], 1e-2)

    first.descend(loss_of(module, 0))
    after_first = [p.detach().clone() for p in module.parameters()]
    second.descend(loss_of(module, 1))

    moved = [
        (p.detach() - old).abs().max()
        for p, old in zip(module.parameters(), after_first, strict=True)
    ]
    assert max(moved) <= 1.01e-2  # one step of Adam, not a return to the start
    assert min(moved) > 0


@pytest.mark.parametrize("kind", [Adam, RMSprop])
def test_an_optimiser_goes_on_bit_for_bit_after_its_arrays_are_put_back(kind):
    one, other = net(0), net(1)
    mine, theirs = kind([one], 1e-2), kind([other], 1e-2)
    mine.descend(loss_of(one, 0))
    theirs.load(mine.arrays())
    other.load_state_dict(copy.deepcopy(one.state_dict()))

    for k in range(1, 4):
        mine.descend(loss_of(one, k))
        theirs.descend(loss_of(other, k))

    for own, same in zip(one.parameters(), other.parameters(), strict=True):
        assert torch.equal(own, same)


def test_approaching_moves_every_parameter_by_its_share():
    one, other = net(0), net(1)
    start = [p.detach().clone() for p in one.parameters()]

    Flat([one]).approach(Flat([other]), 0.25)

    for own, old, far in zip(one.parameters(), start, other.parameters(), strict=True):
        torch.testing.assert_close(own.detach(), old + 0.25 * (far.detach() - old))


def test_the_compiled_sweep_of_adam_is_the_formula_of_the_paper():
    module = net().double()
    ours = Adam([module], 3e-2, eps=1e-8, betas=(0.8, 0.95))
    expected, first, second = ours.flat.vector.clone(), 0.0, 0.0

    for k in range(1, 4):
        slope = torch.randn(expected.shape, generator=torch.Generator().manual_seed(k)).double()
        ours.flat.gradient.copy_(slope)
        ours.step()
        first, second = 0.8 * first + 0.2 * slope, 0.95 * second + 0.05 * slope**2
        root = (second / (1 - 0.95**k)).sqrt()
        expected -= 3e-2 * first / (1 - 0.8**k) / (root + 1e-8)

    torch.testing.assert_close(ours.flat.vector, expected, rtol=1e-12, atol=1e-12)
