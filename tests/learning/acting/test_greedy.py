# SPDX-License-Identifier: MIT
import numpy as np
import pytest
import torch

from flyball.core.spec import AgentKind, Categorical, Feature, Objective, Spec
from flyball.learning.acting.greedy import EpsilonGreedy, own_rows, pick, scores, spec_seen
from flyball.learning.nets.net import Net, NetConfig
from flyball.learning.nets.rows import inputs_of
from flyball.policies import sizes_of
from tests.learning.squad import N_ACTIONS, N_AGENTS, N_FEATURES, Squad
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
        q = scores(net.actor, own_rows(net, obs))
        alike = scores(net.actor, own_rows(net, obs[:, :1].expand(-1, 3, -1)))

    agent = torch.arange(15) % 3
    index = torch.nn.functional.one_hot(agent, 3).float()
    rows = torch.cat((net.obs_norm(obs.flatten(0, 1)), index), -1)
    none = rows.new_zeros(0)
    expected = net.actor(rows, none, none).scores.detach()
    np.testing.assert_array_equal(q, expected)
    assert bool((alike.view(5, 3, 4)[:, 0] != alike.view(5, 3, 4)[:, 1]).any())


def policy_of(env, *, last_action=True, cell="lstm"):
    net = Net(spec_seen(env.spec, last_action=last_action), NetConfig(cell=cell, cell_size=8), 0)
    with torch.no_grad():  # values that differ by more than an initial 0.01
        net.actor.last.weight.mul_(100.0)
    return EpsilonGreedy(net, last_action=last_action)


def play(policy, env, n_steps, key=None):
    """Yield observation, memory, action and next memory of each step."""
    observation, memory = env.reset(np.arange(env.n_envs)), policy.initial(env.n_envs)
    for t in range(n_steps):
        name = None if key is None else (key, t)
        action, log_prob, following = policy.act(observation, memory, name)
        yield observation, memory, action, log_prob, following
        memory, observation = following, env.step(action).observation


def test_greedy_actions_of_a_team_are_the_best_legal_ones():
    policy = policy_of(Squad(5))

    for observation, memory, action, log_prob, _ in play(policy, Squad(5), 12):
        q, _ = policy.values(observation, memory)
        q = np.where(observation.mask, q.reshape(5, N_AGENTS, -1), -np.inf)
        legal = observation.mask.any(-1)
        assert np.array_equal(action.choice[..., 0][legal], q.argmax(-1)[legal])
        assert not action.choice[..., 0][~legal].any()
        assert not log_prob.any()


def test_exploring_is_legal_and_as_frequent_as_epsilon_says():
    policy = policy_of(Squad(50))
    policy.epsilon = 0.3
    strayed = total = 0.0

    for observation, memory, action, _, _ in play(policy, Squad(50), 60, key=1):
        taken = np.take_along_axis(observation.mask, action.choice.astype(np.int64), -1)[..., 0]
        assert taken[observation.mask.any(-1)].all()
        greedy, _, _ = policy.act(observation, memory, None)
        n_legal = observation.mask.sum(-1)
        strayed += (action.choice != greedy.choice).sum()
        total += (0.3 * (1 - 1 / np.maximum(1, n_legal)))[n_legal > 0].sum()

    assert strayed == pytest.approx(total, rel=0.06)


def test_an_agent_remembers_its_last_action_until_its_episode_ends():
    policy = policy_of(Squad(4), cell="none")
    before = None

    for observation, memory, action, _, following in play(policy, Squad(4), 25, key=0):
        seen = memory.reshape(4, N_AGENTS, N_ACTIONS)
        if before is not None:
            assert np.array_equal(seen.argmax(-1), before[..., 0])
            assert (seen.sum(-1) == 1).all()
        fresh, _ = policy.values(observation, np.zeros_like(memory))
        used, _ = policy.values(observation, memory)
        same = (fresh == used).reshape(4, -1).all(1)
        assert np.array_equal(same, observation.start)
        before = action.choice.copy()
        assert following.shape == memory.shape


def test_what_a_row_does_does_not_depend_on_how_many_rows_there_are():
    few, many = policy_of(Squad(2)), policy_of(Squad(9))
    few.epsilon = many.epsilon = 0.5

    played = zip(play(few, Squad(2), 15, key=3), play(many, Squad(9), 15, key=3), strict=True)

    for own, other in played:
        assert np.array_equal(own[2].choice, other[2].choice[:2])


def test_the_last_action_stands_behind_the_features_of_the_widest_kind():
    spec = Squad(1).spec

    sizes = sizes_of(spec_seen(spec, last_action=True))

    assert sizes.n_obs == N_FEATURES + N_ACTIONS
    assert spec_seen(spec, last_action=False) is spec
