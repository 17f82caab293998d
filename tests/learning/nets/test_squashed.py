# SPDX-License-Identifier: MIT
import pytest
import torch

from flyball.learning.nets.net import Net, NetConfig
from flyball.learning.nets.squashed import Squashed
from tests.learning.steady import PUMP, VALVE, Steady

SETTINGS = [
    {"deviation": "state"},
    {"deviation": "free", "log_std": -0.7},
    {"deviation": "state", "activation": "relu", "hidden": ()},
]


def actor_of(settings):
    config = {"hidden": (8, 6), "norm": "none"} | settings
    actor = Net(Steady(1, (VALVE, PUMP)).spec, NetConfig(**config), seed=0).actor
    with torch.no_grad():
        actor.last.weight.mul_(1000.0)  # so that some deviations lie beyond their bounds
    return actor


def rows(n=40):
    return torch.randn(n, 2, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("settings", SETTINGS)
def test_it_says_what_the_actor_says(settings):
    actor = actor_of(settings)

    mean, log_std = Squashed(actor)(rows())

    out = actor(rows(), None, None)
    torch.testing.assert_close(mean, out.mean.detach())
    torch.testing.assert_close(log_std, out.log_std.detach())


@pytest.mark.parametrize("settings", SETTINGS)
def test_its_slopes_are_those_of_autograd(settings):
    actor = actor_of(settings)
    slopes = torch.randn(2, 40, 2, generator=torch.Generator().manual_seed(1))
    squashed = Squashed(actor)

    squashed(rows())
    squashed.learn(slopes[0], slopes[1])

    found = [parameter.grad.clone() for parameter in actor.parameters()]
    actor.zero_grad()
    out = actor(rows(), None, None)
    (out.mean * slopes[0] + out.log_std * slopes[1]).sum().backward()
    for own, parameter in zip(found, actor.parameters(), strict=True):
        torch.testing.assert_close(own, parameter.grad, rtol=1e-4, atol=1e-4)


def test_a_deviation_beyond_its_bound_has_no_slope():
    actor = actor_of({"deviation": "state"})
    with torch.no_grad():
        actor.last.weight.zero_()
        actor.last.bias[2:] = torch.tensor([3.0, -1.0])
    squashed = Squashed(actor)

    _, log_std = squashed(rows())
    squashed.learn(torch.zeros(40, 2), torch.ones(40, 2))

    assert log_std[0].tolist() == [2.0, -1.0]
    assert actor.last.bias.grad.tolist() == [0.0, 0.0, 0.0, 40.0]
