# SPDX-License-Identifier: MIT
import torch

from flyball.learning.nets.net import NetConfig
from flyball.learning.nets.stacks import SeparateActor, Stack
from flyball.policies import sizes_of
from tests.learning.squad import N_AGENTS, Squad


def stack(n, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return Stack(n, (4, 8, 8, 2), "tanh", generator, last_gain=1.0)


def by_hand(layers, k, x):
    for i, (weight, bias) in enumerate(zip(layers.weights, layers.biases, strict=True)):
        x = x @ weight[k] + bias[k]
        x = torch.tanh(x) if i < 2 else x
    return x


def test_each_agents_rows_pass_its_own_network():
    layers, x = stack(3), torch.randn(10, 3, 4)

    out = layers(x)

    for k in range(3):
        torch.testing.assert_close(out[:, k], by_hand(layers, k, x[:, k]))
    assert not torch.equal(layers.weights[0][0], layers.weights[0][1])


def test_a_single_network_serves_all_agents():
    layers, x = stack(1), torch.randn(10, 3, 4)

    out = layers(x)

    torch.testing.assert_close(out, by_hand(layers, 0, x))


def test_separate_actors_stand_in_the_order_of_the_rows():
    sizes = sizes_of(Squad(1, n_values=2).spec)
    actor = SeparateActor(sizes, NetConfig(log_std=-1.0), torch.Generator().manual_seed(0))
    x = torch.randn(7 * N_AGENTS, sizes.n_obs + sizes.n_index)
    with torch.no_grad():
        actor.layers.biases[-1][1] = 100.0

    out = actor(x, x[:0], x[:0])

    assert (out.scores[1::N_AGENTS] > 90).all()
    assert (out.scores[0::N_AGENTS] < 90).all()
    assert out.scores.shape == (7 * N_AGENTS, 3)
    assert out.mean.shape == out.log_std.shape == (7 * N_AGENTS, 2)
    assert (out.log_std == -1.0).all()
