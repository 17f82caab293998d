# SPDX-License-Identifier: MIT
from dataclasses import replace

import numpy as np
import pytest
import torch

from flyball.core.errors import ConfigError
from flyball.core.spec import Cost
from flyball.learning import checkpoint
from flyball.learning.lagrangian import Controller, PPOLagrangian, PPOLagrangianConfig
from flyball.learning.nets.net import Net, NetConfig
from flyball.learning.ppo import PPO
from tests.learning.squad import Squad
from tests.learning.steady import PUMP, VALVE, Steady
from tests.learning.tolls import Tolls, chances, optimum, sums
from tests.learning.toys import Queue

SMALL = NetConfig(hidden=(8,), critic_hidden=(8,), norm="standard")
TABLE = NetConfig(hidden=(), critic_hidden=(8,), norm="none")
QUICK = PPOLagrangianConfig(n_steps=8, epochs=2, minibatch=32, episodes=4)


class Toll(Squad):
    """A squad of two kinds of agents that pays for every first choice."""

    def __init__(self, n_envs, n_values=0):
        super().__init__(n_envs, n_values=n_values)
        self.spec = replace(self.spec, costs=(Cost("toll", "EUR", 1.5),))

    def step(self, action):
        step = super().step(action)
        return replace(step, cost=(action.choice[:, :, 0] == 0).sum(1, keepdims=True) * 1.0)


class Leaking(Steady):
    """Opening the valve spills."""

    def __init__(self, n_envs):
        super().__init__(n_envs, (VALVE, PUMP), lambda a: a.value[:, 0, 0], n_steps=5)
        self.spec = replace(self.spec, costs=(Cost("spill", "m3", 60.0),))

    def step(self, action):
        step = super().step(action)
        return replace(step, cost=action.value[:, 0, :1] ** 2)


class Queueing(Queue):
    """Picking the first candidate is charged."""

    def __init__(self, n_envs):
        super().__init__(n_envs, n_steps=6)
        self.spec = replace(self.spec, costs=(Cost("first", "-", 0.5),))

    def step(self, action):
        step = super().step(action)
        return replace(step, cost=(action.choice[:, 0] == 0).astype(np.float64))


def made(env, config=QUICK, net=SMALL, seed=0):
    return PPOLagrangian(env, Net(env.spec, net, seed), config)


def learned(n_envs, n_iterations, **settings):
    """Return the exact gain and cost of the mean policy of the last half, and the figures."""
    usual = {"gamma": 1.0, "lam": 1.0, "cost_lam": 1.0, "rate": 2e-2, "cost_rate": 3e-2}
    usual |= {"epochs": 2, "minibatch": 4096, "target_kl": None, "rate_end": 0.05}
    run = made(Tolls(n_envs, (3.0,)), PPOLagrangianConfig(n_steps=64, **usual | settings), TABLE)
    for k in range(n_iterations):
        figures = run.iterate(k, k / n_iterations)
    gain, costs = sums(chances(run.net))
    return gain, costs[0], figures


def test_a_problem_with_one_limit_is_solved_to_its_linear_program():
    gain, cost, _ = learned(128, 60)

    assert gain > 0.93 * optimum((3.0,))
    assert cost < 1.05 * 3.0


@pytest.mark.slow
def test_with_more_experience_it_is_solved_to_two_per_cent_below_its_limit():
    gain, cost, figures = learned(1024, 70, minibatch=8192, epochs=2)

    price = (optimum((3.01,)) - optimum((2.99,))) / 0.02
    assert 0.98 * optimum((3.0,)) < gain < optimum((3.0,))
    assert cost <= 3.0
    assert figures["multiplier.toll_0"] == pytest.approx(price, rel=0.25)


GAINS = {"proportional": 0.5, "integral": 0.1, "derivative": 2.0, "price_most": 3.0}


def followed(excess, **settings):
    controller = Controller(1, PPOLagrangianConfig(**GAINS | settings))
    return controller, [float(controller.update(np.array([each]))[0]) for each in excess]


def test_a_price_is_proportion_integral_and_rise_of_the_excess():
    _, prices = followed([1.0, 1.5, 0.5])

    expected = [
        0.5 * 1.0 + 0.1 * 1.0,  # no rise is known yet
        0.5 * 1.5 + 0.1 * 2.5 + 2.0 * 0.5,
        0.5 * 0.5 + 0.1 * 3.0,  # a fall is no negative price
    ]
    assert prices == pytest.approx(expected)


def test_below_its_limit_a_cost_winds_nothing_up_and_costs_nothing():
    controller, prices = followed([-5.0] * 50 + [0.4])

    assert prices[:50] == [0.0] * 50
    assert prices[50] == pytest.approx(0.5 * 0.4 + 0.1 * 0.4 + 2.0 * 5.4, abs=8.1)
    assert controller.sum[0] <= 0.4


def test_at_the_largest_price_the_integral_stands_still_and_comes_down_at_once():
    controller, prices = followed([4.0] * 200, derivative=0.0)

    assert prices[-1] == 3.0
    assert controller.sum[0] <= 3.0 / 0.1
    assert controller.update(np.array([-1.0]))[0] < 3.0


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_an_excess_that_is_no_number_leaves_price_and_integral_alone(value):
    controller, prices = followed([1.0])
    sum_before = controller.sum.copy()

    again = controller.update(np.array([value]))

    assert again[0] == prices[-1]
    np.testing.assert_array_equal(controller.sum, sum_before)
    assert controller.last[0] == 1.0


def test_a_price_at_the_start_is_there_and_goes_on_from_there():
    controller = Controller(2, PPOLagrangianConfig(**GAINS, price=0.7))

    np.testing.assert_array_equal(controller.price, [0.7, 0.7])
    np.testing.assert_allclose(controller.update(np.zeros(2)), [0.7, 0.7])


def test_the_advantage_is_reward_less_priced_cost_over_one_plus_the_price(monkeypatch):
    run = made(Toll(6), replace(QUICK, price=0.8, proportional=0.0, integral=0.0, derivative=0.0))
    seen = {}

    def learn(_):
        seen["advantage"] = run.experience.arena.advantage[:8].copy()
        return {}

    monkeypatch.setattr(run.ppo, "learn", learn)
    run.controller.update = lambda _: run.controller.price
    estimate = run.experience.estimate
    monkeypatch.setattr(
        run.experience,
        "estimate",
        lambda: (estimate(), seen.update(own=run.experience.arena.advantage[:8].copy()))[0],
    )

    figures = run.iterate(0, 0.0)

    cost = run.costs.advantage.reshape(8, 6, 3) / run.costs.scale[0]
    expected = (seen["own"] - 0.8 * cost) / 1.8
    np.testing.assert_allclose(seen["advantage"], expected, atol=1e-6)
    native = 0.8 * run.reward_scale / run.costs.scale[0]
    assert figures["multiplier.toll"] == pytest.approx(native)
    assert figures["limit.toll"] == 1.5
    assert figures["episode_cost.toll"] == pytest.approx(run.metered.bill().mean[0])


def test_at_a_price_of_nothing_it_learns_what_ppo_learns():
    free = replace(QUICK, proportional=0.0, integral=0.0, derivative=0.0)
    own = made(Toll(6), free)
    ppo = PPO(Toll(6), Net(Toll(1).spec, SMALL, 0), free)

    for k in range(3):
        own.iterate(k, k / 3)
        ppo.iterate(k, k / 3)

    for part, same in zip(own.net.parameters(), ppo.net.parameters(), strict=True):
        torch.testing.assert_close(part, same, rtol=0, atol=0)


@pytest.mark.parametrize("env", [Toll, lambda n: Toll(n, 1), Leaking, Queueing],
                         ids=["masked team", "team of both", "values", "options"])  # fmt: skip
def test_a_restored_run_goes_on_bit_for_bit(env, tmp_path):
    runs = [made(env(6), net=replace(SMALL, hidden=(8, 8)), seed=seed) for seed in (0, 1)]
    for k in range(3):
        runs[0].iterate(k, 0.0)
    checkpoint.save(tmp_path, 3, runs[0].state(), {})
    runs[1].restore(checkpoint.load(checkpoint.latest(tmp_path))[0])

    figures = [[run.iterate(k, 0.5) for k in range(3, 6)] for run in runs]

    states = [run.state() for run in runs]
    assert figures[0] == figures[1]
    assert runs[0].controller.price.any()
    for name, array in states[0].items():
        np.testing.assert_array_equal(array, states[1][name], err_msg=name)


def test_a_world_without_costs_is_refused():
    with pytest.raises(ConfigError, match=r"squad: 0 costs; .*for ppo_lagrangian; fix: .*take ppo"):
        made(Squad(2))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"clip": 2}, r"ppo_lagrangian\.clip: 2; allowed: in \(0, 1\)"),
        ({"integral": -1.0}, r"ppo_lagrangian\.integral: -1\.0; allowed: at least 0"),
        ({"proportional": np.nan}, r"ppo_lagrangian\.proportional: nan"),
    ],
)
def test_a_setting_out_of_range_is_refused_under_its_own_name(settings, message):
    with pytest.raises(ConfigError, match=message):
        PPOLagrangianConfig(**settings)
