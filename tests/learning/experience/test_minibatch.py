# SPDX-License-Identifier: MIT
from dataclasses import replace

import numpy as np
import torch

from flyball.core.spec import AgentKind, Feature, TanhGaussian
from flyball.learning.experience.minibatch import Reader
from flyball.learning.experience.replay import Batch
from flyball.learning.nets.net import Net, NetConfig
from tests.learning.steady import PUMP, VALVE, Steady

CPU = torch.device("cpu")


def batch(n=3, agents=1, width=2, state=0):
    """Two transitions' worth of numbers that can be told apart."""
    numbers = np.random.default_rng(0)

    def some(*shape):
        return torch.from_numpy(numbers.uniform(-1, 1, shape).astype(np.float32))

    alive = torch.ones(n, agents, dtype=torch.bool)
    none = torch.zeros(n, agents, 0, dtype=torch.bool)
    end = torch.zeros(n, dtype=torch.bool)
    return Batch(
        obs=some(n, agents, 2),
        state=some(n, state),
        mask=none,
        alive=alive,
        choice=none.long(),
        value=some(n, agents, width) + 3,
        reward=some(n, agents),
        discount=some(n, agents),
        next_obs=some(n, agents, 2),
        next_state=some(n, state),
        next_mask=none,
        next_alive=alive,
        terminated=end,
        truncated=end,
    )


def reader_of(spec, **settings):
    net = Net(spec, NetConfig(norm="none", **settings), seed=0)
    return Reader(net, spec, CPU)


def test_actions_go_to_one_unit_and_back():
    reader = reader_of(Steady(1, (VALVE, PUMP)).spec)
    told = batch()
    told.value[0, 0] = torch.tensor([2.0, 3.0])
    told.value[1, 0] = torch.tensor([4.0, 1.0])

    read = reader.read(told)

    np.testing.assert_allclose(read.value[0], [-1.0, 1.0], atol=1e-6)
    np.testing.assert_allclose(read.value[1], [0.0, 0.0], atol=1e-6)
    np.testing.assert_allclose(reader.native(read.value.numpy()), told.value, atol=1e-5)


def test_critics_see_the_state_beside_what_the_actor_sees_and_every_agent_its_index():
    env = Steady(1, (VALVE,))
    kind = replace(env.spec.kinds[0], count=2)
    spec = replace(env.spec, kinds=(kind,), state=(Feature("level", "m", 0, 1),))
    told = batch(agents=2, width=1, state=1)

    own = reader_of(spec, critic="own").read(told)
    central = reader_of(spec, critic="state").read(told)

    np.testing.assert_array_equal(own.seen, own.own)
    np.testing.assert_array_equal(own.own[:, 2:], np.tile(np.eye(2), (3, 1)))
    np.testing.assert_array_equal(central.own, own.own)
    np.testing.assert_array_equal(central.seen[:, -1], told.state[:, 0].repeat_interleave(2))
    assert reader_of(spec, critic="state").width == central.seen.shape[1]


def test_who_did_not_act_has_no_weight_and_the_others_share_it():
    env = Steady(1, (VALVE,))
    spec = replace(env.spec, kinds=(replace(env.spec.kinds[0], count=2),))
    told = batch(agents=2, width=1)
    told.alive[1, 0] = False

    weight = reader_of(spec).read(told).weight

    np.testing.assert_allclose(weight, [0.2, 0.2, 0.0, 0.2, 0.2, 0.2])


def test_a_kind_without_a_dim_has_zeros_there():
    env = Steady(1, (VALVE,))
    first = env.spec.kinds[0]
    other = AgentKind("other", 1, first.features, (TanhGaussian("a", "-", 0, 1), PUMP))
    spec = replace(env.spec, kinds=(first, other))

    read = reader_of(spec).read(batch(agents=2, width=2))

    assert (read.value[0::2, 1] == 0).all()
    assert (read.value[1::2] != 0).all()


def test_what_networks_read_lies_in_memory_of_its_own():
    told = batch()

    read = reader_of(Steady(1, (VALVE, PUMP)).spec).read(told)

    before = read.own.clone()
    told.obs.zero_()
    torch.testing.assert_close(read.own, before)
