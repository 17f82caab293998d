# SPDX-License-Identifier: MIT
import os

import numpy as np
import pytest
import torch

from flyball.learning.acting.policy import NetPolicy, set_threads
from flyball.learning.nets.net import Net, NetConfig
from flyball.learning.nets.rows import Taken, inputs_of
from tests.learning.toys import Chain, Queue


@pytest.mark.parametrize("env", [Queue(40), Chain(40)], ids=["options", "masked"])
def test_one_key_names_one_action_and_another_key_another(env):
    observation = env.reset(np.arange(40))
    policy = NetPolicy(Net(env.spec, NetConfig(), 0))
    memory = policy.initial(40)

    first, again, other = (policy.act(observation, memory, (0, k))[0].choice for k in (1, 1, 2))

    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_a_stated_log_probability_is_that_of_the_network():
    env = Queue(40)
    observation = env.reset(np.arange(40))
    net = Net(env.spec, NetConfig(), 0)

    action, log_prob, _ = NetPolicy(net).act(observation, np.zeros((40, 0), np.float32), (0, 1))

    from_net, _ = net.terms(
        net.normalise(inputs_of(observation)),
        Taken(torch.from_numpy(action.choice[:, 0].astype(np.int64)), torch.zeros(40, 0)),
    )
    np.testing.assert_allclose(log_prob[:, 0], from_net.detach(), atol=1e-6)


def test_threads_are_two_at_most_unless_somebody_says_otherwise():
    before = torch.get_num_threads()

    chosen = set_threads()
    one = set_threads(1)

    assert chosen == min(2, len(os.sched_getaffinity(0)))
    assert one == torch.get_num_threads() == 1
    set_threads(before)
