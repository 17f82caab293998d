# SPDX-License-Identifier: MIT
from dataclasses import replace

import numpy as np
import pytest
import torch

from flyball.core.errors import ConfigError
from flyball.core.spec import Cost
from flyball.learning.experience.costs import CostPlan, Costs, limits_of, require_costs
from flyball.learning.experience.metered import Metered
from flyball.learning.experience.onpolicy import Experience, Plan
from flyball.learning.nets.net import Net, NetConfig
from flyball.learning.nets.norm import ReturnScale
from tests.learning.squad import Squad
from tests.learning.tolls import COSTS, GOES_ON, MOVES, Tolls, chances

SMALL = NetConfig(hidden=(8,), critic_hidden=(8,), norm="none")


class Toll(Squad):
    """A squad that pays for every agent's first choice, alive or not; half is its second cost."""

    def __init__(self, n_envs):
        super().__init__(n_envs, end=0.05)
        costs = (Cost("toll", "EUR", 2.0), Cost("half", "EUR", 1.0))
        self.spec = replace(self.spec, costs=costs)

    def step(self, action):
        step = super().step(action)
        toll = (action.choice[:, :, 0] == 0).sum(1) + 0.25 * self.time
        return replace(step, cost=np.stack((toll, 0.5 * toll), 1).astype(np.float64))


def made(env, lam=0.9, n_steps=12):
    metered = Metered(env, 8)
    net = Net(env.spec, SMALL, 0)
    plan = Plan(seed=0, n_steps=n_steps, gamma=0.9, lam=0.9, scale_rewards=False)
    experience = Experience(metered, net, plan)
    costs = Costs(metered, net, CostPlan(seed=1, lam=lam, rate=1e-2, gradient_clip=0.5))
    return experience, costs


def test_with_a_trace_of_one_an_advantage_is_what_the_episode_still_cost_less_what_was_expected():
    experience, costs = made(Toll(6), lam=1.0)
    experience.collect(0)
    value, latest = costs.values(experience)

    costs.estimate(experience)

    cost, ended = np.stack(costs.metered.cost), np.stack(costs.metered.ended)
    arena, advantage = experience.arena, costs.advantage.reshape(12, 6, 3, 2)
    assert arena.truncated[:12].any()
    assert (~arena.counted[:12]).any()
    for b in range(6):
        for k in range(2):
            scale, ahead = costs.scale[k], latest[b, k]
            for t in range(11, -1, -1):
                ahead = cost[t, b, k] / scale + (0.0 if ended[t, b] else ahead)
                expected = scale * (ahead - value[t, b, k])
                np.testing.assert_allclose(advantage[t, b, :, k], expected, atol=1e-9)


def test_a_row_is_valued_by_the_agents_that_act_and_by_all_where_none_does():
    experience, costs = made(Toll(6))
    experience.collect(0)
    arena, net = experience.arena, experience.net

    value, _ = costs.values(experience)

    with torch.inference_mode():
        each = costs.critics(net.normalise(arena.inputs(np.arange(12 * 18)))).numpy()
    each = each.reshape(12, 6, 3, 2)
    for t in range(12):
        for b in range(6):
            who = arena.counted[t, b] if arena.counted[t, b].any() else np.ones(3, bool)
            np.testing.assert_allclose(value[t, b], each[t, b][who].mean(0), atol=1e-6)


def test_what_critics_learn_is_divided_by_the_deviation_of_the_sum_and_advantages_are_not():
    experience, costs = made(Toll(6), lam=0.8)
    experience.collect(0)
    value, _ = costs.values(experience)

    costs.estimate(experience)

    own = [ReturnScale(6, 1.0) for _ in range(2)]
    for k, scale in enumerate(own):
        scale.learn(np.stack(costs.metered.cost)[..., k], np.stack(costs.metered.ended))
    np.testing.assert_allclose(costs.scale, [scale.std for scale in own])
    assert (costs.scale > 1.5).all()
    advantage = costs.advantage.reshape(12, 6, 3, 2)[:, :, 0]
    target = costs.target.reshape(12, 6, 3, 2)[:, :, 0]
    np.testing.assert_allclose(target, advantage / costs.scale + value, atol=1e-5)
    np.testing.assert_allclose(costs.scale[0], 2 * costs.scale[1])


def test_critics_share_nothing_with_the_policy_and_find_what_is_still_to_be_paid():
    experience, costs = made(Tolls(64), lam=0.9, n_steps=20)
    before = [part.detach().clone() for part in experience.net.parameters()]

    for iteration in range(40):
        costs.optimiser.rate = 1e-2 * (1 - iteration / 40)
        costs.metered.begin()
        experience.collect(iteration)
        costs.estimate(experience)
        for epoch in range(4):
            costs.learn(experience, experience.arena.decisions(), 256, 0, iteration, epoch)

    for part, old in zip(experience.net.parameters(), before, strict=True):
        assert torch.equal(part, old)
    chance = chances(experience.net)
    paid = (COSTS[0] * chance).sum(1)
    moves = np.einsum("sa,sat->st", chance, MOVES)
    to_come = np.linalg.solve(np.eye(3) - GOES_ON * moves, paid)
    value, _ = costs.values(experience)
    place = experience.arena.obs[:20, :, 0].argmax(-1)
    found = [value[place == k].mean() * costs.scale[0] for k in range(3)]
    np.testing.assert_allclose(found, to_come, rtol=0.08)


@pytest.mark.parametrize(
    ("costs", "cell", "message"),
    [
        ((), "none", r"world tolls: 0 costs; allowed: 1 to 8 costs .*for cpo; fix: .*take ppo"),
        ((Cost("c", "t", 1.0),) * 9, "none", r"world tolls: 9 costs"),
        ((Cost("c", "t", 1.0),), "lstm", r"net\.cell: 'lstm'; allowed: 'none' for cpo"),
    ],
)
def test_what_cannot_be_limited_is_refused_with_what_to_do(costs, cell, message):
    spec = replace(Tolls(1).spec, costs=costs)
    net = Net(spec, replace(SMALL, cell=cell, cell_size=4), 0)

    with pytest.raises(ConfigError, match=message):
        require_costs(spec, net, "cpo")


def test_limits_are_those_asked_for_and_the_worlds_for_other_costs():
    costs = Tolls(1, (3.0, 2.0)).spec.costs

    np.testing.assert_array_equal(limits_of(costs, {"toll_1": 0.5}, "cpo.limits"), [3.0, 0.5])


@pytest.mark.parametrize(
    ("asked", "limit", "message"),
    [
        ({"tol_0": 1.0}, 3.0, r"cpo\.limits: 'tol_0'; allowed: toll_0; fix: did you mean 'toll_0'"),
        ({"toll_0": np.inf}, 3.0, r"cpo\.limits\.toll_0: inf EUR; allowed: a finite number"),
        (
            {},
            np.nan,
            r"cpo\.limits\.toll_0: nan EUR; allowed: a finite number; fix: write how much",
        ),
    ],
)
def test_a_limit_that_cannot_be_kept_is_refused_with_what_to_do(asked, limit, message):
    with pytest.raises(ConfigError, match=message):
        limits_of(Tolls(1, (limit,)).spec.costs, asked, "cpo.limits")
