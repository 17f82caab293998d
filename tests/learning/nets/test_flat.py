# SPDX-License-Identifier: MIT
import copy

import pytest
import torch
from torch import nn

from flyball.learning.a2c import A2C, A2CConfig
from flyball.learning.dqn import DQN, DQNConfig
from flyball.learning.nets.flat import Adam, Flat, RMSprop
from flyball.learning.nets.net import Net, NetConfig
from flyball.learning.ppo import PPO, PPOConfig
from flyball.learning.sac import SAC, SACConfig
from flyball.learning.td3 import TD3, TD3Config
from tests.learning.steady import VALVE, Steady, arms


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


def values(module):
    return [p.detach().clone() for p in module.parameters()]


def moves(before, after):
    return [(new - old).abs().max() for old, new in zip(before, after, strict=True)]


@pytest.mark.parametrize("kind", [Adam, RMSprop])
def test_two_optimisers_of_the_same_parameters_each_take_them_as_they_are_then(kind):
    module, apart = net(), net()
    first, second = kind([module], 1e-2), kind([module], 1e-2)
    start = values(module)

    first.descend(loss_of(module, 0))
    after_first = values(module)
    second.descend(loss_of(module, 1))
    after_second = values(module)
    first.descend(loss_of(module, 2))

    alone = kind([apart], 1e-2)
    alone.descend(loss_of(apart, 0))
    assert min(moves(start, after_first)) > 0
    assert max(moves(after_first, values(apart))) == 0  # as if the second did not exist
    assert min(moves(after_first, after_second)) > 0
    assert max(moves(after_first, after_second)) < 0.2  # one step, not a return to the start
    assert min(moves(after_second, values(module))) > 0


def test_slopes_that_are_written_and_not_derived_come_to_whoever_cleared_last():
    module = net()
    first, _ = Adam([module], 1e-2), Adam([module], 1e-2)
    start = values(module)

    first.flat.clear()
    for p in module.parameters():
        p.grad.fill_(1.0)
    first.step()

    assert all(torch.allclose(move, torch.tensor(1e-2)) for move in moves(start, values(module)))


LEARNERS = {
    "ppo": lambda env, own: PPO(env, own, PPOConfig(n_steps=8)),
    "ppo by torch": lambda env, own: PPO(env, own, PPOConfig(n_steps=8, compiled=False)),
    "a2c": lambda env, own: A2C(env, own, A2CConfig()),
    "dqn": lambda env, own: DQN(env, own, DQNConfig(learning_starts=0)),
    "sac": lambda env, own: SAC(env, own, SACConfig(learning_starts=0)),
    "td3": lambda env, own: TD3(env, own, TD3Config(learning_starts=0)),
}


@pytest.mark.parametrize("name", LEARNERS)
def test_of_two_algorithms_over_one_network_the_one_built_first_moves_it_too(name):
    values_alone = name in ("sac", "td3")
    made = [Steady(4, (VALVE,) if values_alone else (arms(3),), n_steps=5, legal=() if values_alone
                   else (True,) * 3) for _ in range(2)]  # fmt: skip
    own = Net(made[0].spec, NetConfig(hidden=(8,), critic_hidden=(8,)), 0)
    first, _ = (LEARNERS[name](env, own) for env in made)
    start = values(own.actor)

    for k in range(4):
        first.iterate(k, 0.0)

    assert max(moves(start, values(own.actor))) > 1e-6


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
