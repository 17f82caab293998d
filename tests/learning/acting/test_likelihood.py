# SPDX-License-Identifier: MIT
from dataclasses import replace

import numpy as np
import pytest
import torch

from flyball.core.batch import Action
from flyball.core.spec import Hybrid
from flyball.learning.acting.likelihood import latent_of, log_probability
from flyball.learning.acting.policy import NetPolicy
from flyball.learning.nets.net import Net, NetConfig
from flyball.policies import sizes_of
from tests.learning.squad import Squad
from tests.learning.steady import PUMP, VALVE, arms
from tests.learning.toys import Chain, Plant, Queue

MODE = Hybrid("mode", 3, ((), ("valve",), ("valve", "pump")))
WORLDS = {
    "options": lambda: Queue(40),
    "masked": lambda: Chain(40),
    "several choices": lambda: Plant(40, (arms(3), arms(4))),
    "values": lambda: Plant(40, (VALVE, PUMP)),
    "both": lambda: Plant(40, (arms(3), VALVE)),
    "team": lambda: Squad(20, n_values=2),
}


def policy_on(env, temperature=1.0, **net):
    made = Net(env.spec, NetConfig(**{"hidden": (8, 8), "norm": "none"} | net), 0)
    with torch.no_grad():  # far from uniform, so that a wrong mask or value would show
        list(made.actor.parameters())[-1].mul_(20.0)
    return NetPolicy(made, temperature)


@pytest.mark.parametrize("temperature", [1.0, 0.4])
@pytest.mark.parametrize("name", WORLDS)
def test_a_sampled_action_is_as_likely_as_the_policy_says(name, temperature):
    env = WORLDS[name]()
    policy = policy_on(env, temperature)
    observation, memory = env.reset(np.arange(env.n_envs)), policy.initial(env.n_envs)

    for step in range(5):
        action, stated, memory = policy.act(observation, memory, (0, step))
        found = log_probability(policy, observation, memory, action)
        np.testing.assert_allclose(found, stated, atol=2e-5)
        observation = env.step(action).observation

    assert np.ptp(found) > 0.1


@pytest.mark.parametrize("kind", ["lstm", "slstm"])
def test_what_is_remembered_counts_and_starts_anew_with_an_episode(kind):
    env = Chain(12, n_steps=4)
    policy = policy_on(env, cell=kind, cell_size=5)
    observation, memory = env.reset(np.arange(12)), policy.initial(12)
    met = set()

    for step in range(9):
        action, stated, following = policy.act(observation, memory, (1, step))
        np.testing.assert_allclose(
            log_probability(policy, observation, memory, action), stated, atol=2e-5
        )
        met |= set(observation.start.tolist())
        observation, memory = env.step(action).observation, following

    assert met == {True, False}


def test_the_chances_of_all_choices_add_up_to_one_and_the_illegal_have_none():
    env = Chain(40)
    policy = policy_on(env)
    observation = env.reset(np.arange(40))

    each = [
        log_probability(
            policy,
            observation,
            policy.initial(40),
            Action(np.full((40, 1, 1), k, np.int32), np.zeros((40, 1, 0))),
        )
        for k in range(-1, 5)
    ]

    total = np.exp(np.stack(each)).sum(0)
    np.testing.assert_allclose(total, 1.0, atol=1e-6)
    assert np.isneginf(each[0]).all()
    assert np.isneginf(each[4]).all()
    np.testing.assert_array_equal(np.isneginf(each[3][:, 0]), ~observation.mask[:, 0, 2])


def test_where_nothing_is_legal_only_the_stand_in_is_possible():
    env = Plant(4, (arms(3),))
    policy = policy_on(env)
    observation = env.reset(np.arange(4))
    assert not observation.mask[0].any()

    for choice, expected in ((0, 0.0), (1, -np.inf)):
        action = Action(np.full((4, 1, 1), choice, np.int32), np.zeros((4, 1, 0)))
        found = log_probability(policy, observation, policy.initial(4), action)
        assert found[0, 0] == expected


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 2.0, 6.0, 1.9, 7.0, 1e308, -1e308])
def test_a_value_outside_its_range_is_impossible_and_never_no_number(value):
    env = Plant(3, (VALVE, PUMP))
    policy = policy_on(env)
    observation = env.reset(np.arange(3))
    action = Action(np.zeros((3, 1, 0), np.int32), np.tile([4.0, 1.0], (3, 1, 1)))
    whole = log_probability(policy, observation, policy.initial(3), action)
    action.value[1, 0, 0] = value

    found = log_probability(policy, observation, policy.initial(3), action)

    assert found[1, 0] == -np.inf
    np.testing.assert_array_equal(found[[0, 2]], whole[[0, 2]])
    assert np.isfinite(found[[0, 2]]).all()


def test_a_value_that_the_choice_does_not_use_may_be_anything():
    env = Plant(3, (MODE, VALVE, PUMP))
    env.width = 3
    policy = policy_on(env)
    observation = replace(env.reset(np.arange(3)), mask=np.ones((3, 1, 3), np.bool_))
    choice = np.array([0, 1, 2], np.int32).reshape(3, 1, 1)
    value = np.tile(np.array([3.0, np.nan]), (3, 1, 1))

    found = log_probability(policy, observation, policy.initial(3), Action(choice, value))

    assert np.isfinite(found[:2]).all()
    assert found[2, 0] == -np.inf


def test_the_density_of_values_adds_up_to_one_over_the_range():
    grid = np.linspace(2.0, 6.0, 4003)[1:-1]
    env = Plant(len(grid), (VALVE,))
    policy = policy_on(env, log_std=-0.5)
    observation = env.reset(np.arange(len(grid)))
    observation.obs[:] = observation.obs[1]
    action = Action(np.zeros((len(grid), 1, 0), np.int32), grid[:, None, None])

    each = log_probability(policy, observation, policy.initial(len(grid)), action)[:, 0]

    # In (-1, 1), which is half as wide as the range of the valve.
    assert np.trapezoid(np.exp(each), grid) / 2.0 == pytest.approx(1.0, abs=2e-3)


def test_native_values_become_the_latent_ones_that_they_came_from():
    sizes = sizes_of(Plant(1, (VALVE, PUMP)).spec)
    latent = np.array([[-7.0, 0.3], [2.0, 8.0]])
    low, high = np.array(sizes.low[0]), np.array(sizes.high[0])
    value = low + 0.5 * (np.tanh(latent) + 1.0) * (high - low)

    found, inside = latent_of(value[:, None], sizes)

    np.testing.assert_allclose(found, latent, atol=1e-7)
    assert inside.all()


def test_weights_that_are_no_numbers_make_everything_impossible():
    env = Plant(3, (arms(3), VALVE))
    policy = policy_on(env)
    with torch.no_grad():
        policy.net.actor.last.bias.fill_(torch.nan)
    action = Action(np.zeros((3, 1, 1), np.int32), np.full((3, 1, 1), 4.0))

    found = log_probability(policy, env.reset(np.arange(3)), policy.initial(3), action)

    assert np.isneginf(found).all()
