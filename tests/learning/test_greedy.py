# SPDX-License-Identifier: MIT
import numpy as np
import pytest
import torch

from flyball.core.spec import AgentKind, Categorical, Feature, Objective, Spec
from flyball.learning.greedy import EpsilonGreedy, own_rows, pick, scores
from flyball.learning.nets import Net, NetConfig
from flyball.learning.rows import inputs_of
from tests.learning.toys import Chain

HEAD = np.array([0, 3, 5])
Q = np.array([[1.0, 5.0, 2.0, 0.5, 0.1], [-3.0, -1.0, -2.0, 7.0, 7.0]], np.float32)
MASK = np.array([[True, False, True, True, True], [True, True, True, False, False]])


def test_without_exploring_each_head_takes_its_first_best_legal_action():
    choice, log_prob = pick(Q, MASK, HEAD, 0.0, (0, 0))

    assert choice.tolist() == [[2, 0], [1, 0]]
    assert log_prob.tolist() == [0.0, 0.0]


@pytest.mark.parametrize("epsilon", [0.3, 1.0])
def test_exploring_is_uniform_over_what_is_legal_and_its_probability_is_told(epsilon):
    n = 6000
    drawn = [pick(Q, MASK, HEAD, epsilon, (1, step)) for step in range(n)]

    choice = np.stack([one[0] for one in drawn])
    found = [np.bincount(choice[:, r, h], minlength=3) / n for r in (0, 1) for h in (0, 1)]
    e = epsilon
    expected = [
        [e / 2, 0, 1 - e / 2],
        [1 - e / 2, e / 2, 0],
        [e / 3, 1 - 2 * e / 3, e / 3],
        [1, 0, 0],
    ]
    np.testing.assert_allclose(found, expected, atol=0.025)
    for one, log_prob in drawn[:50]:
        joint = [expected[2 * r][one[r, 0]] * expected[2 * r + 1][one[r, 1]] for r in (0, 1)]
        np.testing.assert_allclose(np.exp(log_prob), joint, rtol=1e-5)


def test_heads_and_rows_explore_independently():
    q, mask = np.zeros((2, 4), np.float32), np.ones((2, 4), np.bool_)
    q[:, [0, 2]] = 1.0

    choice = np.stack([pick(q, mask, np.array([0, 2, 4]), 1.0, (0, k))[0] for k in range(4000)])

    correlation = np.corrcoef(choice.reshape(4000, 4).T)
    np.testing.assert_allclose(correlation, np.eye(4), atol=0.07)


def test_only_a_key_makes_the_policy_explore():
    env = Chain(64)
    net = Net(env.spec, NetConfig(hidden=(8,)), 0)
    policy = EpsilonGreedy(net)
    policy.epsilon = 1.0
    observation = env.reset(np.arange(64))

    greedy, certain, memory = policy.act(observation, policy.initial(64), None)
    explored, _, _ = policy.act(observation, memory, (0, 5))

    with torch.inference_mode():
        q = net.outputs(net.normalise(inputs_of(observation))).scores.numpy()
    best = np.where(observation.mask[:, 0], q, -np.inf).argmax(-1)
    np.testing.assert_array_equal(greedy.choice[:, 0, 0], best)
    assert not certain.any()
    assert (explored.choice != greedy.choice).any()


def test_rows_are_those_of_the_network_and_agents_are_told_apart():
    features = (Feature("x", "-", 0, 1), Feature("y", "-", 0, 1))
    kind = AgentKind("agent", 3, features, (Categorical("a", 4),))
    spec = Spec("team", 1, (kind,), (Objective("gain", "-", "max"),), ())
    net = Net(spec, NetConfig(hidden=(8,)), 0)
    obs = torch.rand(5, 3, 2)
    net.obs_norm.learn(obs.flatten(0, 1).numpy())

    with torch.no_grad():
        q = scores(net, own_rows(net, obs))
        alike = scores(net, own_rows(net, obs[:, :1].expand(-1, 3, -1)))

    agent = torch.arange(15) % 3
    index = torch.nn.functional.one_hot(agent, 3).float()
    rows = torch.cat((net.obs_norm(obs.flatten(0, 1)), index), -1)
    none = rows.new_zeros(0)
    expected = net.actor(rows, none, none).scores.detach()
    np.testing.assert_array_equal(q, expected)
    assert bool((alike.view(5, 3, 4)[:, 0] != alike.view(5, 3, 4)[:, 1]).any())
