# SPDX-License-Identifier: MIT
import numpy as np
import pytest
import torch

from flyball.learning.nets import Net, NetConfig
from flyball.learning.qpolicy import QPolicy, spec_seen
from flyball.policies import sizes_of
from tests.learning.squad import N_ACTIONS, N_AGENTS, N_FEATURES, Squad


def policy_of(env, *, last_action=True, cell="lstm"):
    net = Net(spec_seen(env.spec, last_action=last_action), NetConfig(cell=cell, cell_size=8), 0)
    with torch.no_grad():  # values that differ by more than an initial 0.01
        net.actor.last.weight.mul_(100.0)
    return QPolicy(net, last_action=last_action)


def play(policy, env, n_steps, key=None):
    """Yield observation, memory, action and next memory of each step."""
    observation, memory = env.reset(np.arange(env.n_envs)), policy.initial(env.n_envs)
    for t in range(n_steps):
        name = None if key is None else (key, t)
        action, log_prob, following = policy.act(observation, memory, name)
        yield observation, memory, action, log_prob, following
        memory, observation = following, env.step(action).observation


def test_greedy_actions_are_the_best_legal_ones():
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
