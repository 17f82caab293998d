# SPDX-License-Identifier: MIT
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch

from flyball.core.clock import ManualClock
from flyball.core.errors import ConfigError, RunError
from flyball.core.spec import Cost
from flyball.learning import checkpoint
from flyball.learning.cpo import CPO, CPOConfig
from flyball.learning.nets.net import Net, NetConfig
from flyball.learning.quadratic import Case
from flyball.learning.training import Budget, train
from tests.learning.squad import Squad
from tests.learning.steady import PUMP, VALVE, Steady
from tests.learning.tolls import Tolls, chances, optimum, sums
from tests.learning.toys import Queue

SMALL = NetConfig(hidden=(8,), critic_hidden=(8,), norm="standard")
TABLE = NetConfig(hidden=(), critic_hidden=(8,), norm="none")
QUICK = CPOConfig(n_steps=8, epochs=2, minibatch=32, episodes=4)
EXACT = {"gamma": 1.0, "lam": 1.0, "cost_lam": 1.0, "damping": 1e-4, "target_kl": 0.02}
EXACT |= {"minibatch": 8192, "epochs": 2, "rate": 3e-2}


class Toll(Squad):
    """A squad of two kinds of agents that pays for every first choice and for what it opens."""

    def __init__(self, n_envs, n_values=1):
        super().__init__(n_envs, n_values=n_values)
        costs = (Cost("toll", "EUR", 1.5), Cost("opened", "m", 9.0))
        self.spec = replace(self.spec, costs=costs)

    def step(self, action):
        step = super().step(action)
        opened = np.abs(action.value).sum((1, 2))
        return replace(step, cost=np.stack(((action.choice == 0).sum((1, 2)), opened), 1) * 1.0)


class Leaking(Steady):
    """Opening the valve earns what it lets through, and spills the square of it."""

    def __init__(self, n_envs, limit, spills=1.0):
        super().__init__(n_envs, (VALVE, PUMP), lambda a: a.value[:, 0, 0], n_steps=5)
        self.spec = replace(self.spec, costs=(Cost("spill", "m3", limit),))
        self.spills = spills

    def step(self, action):
        step = super().step(action)
        return replace(step, cost=self.spills * action.value[:, 0, :1] ** 2)


def made(env, config=QUICK, net=SMALL, seed=0):
    return CPO(env, Net(env.spec, net, seed), config)


def learned(n_envs, n_iterations, limits, **settings):
    env = Tolls(n_envs, limits)
    run = made(env, CPOConfig(n_steps=64, **EXACT | settings), TABLE)
    for k in range(n_iterations):
        figures = run.iterate(k, k / n_iterations)
    gain, costs = sums(chances(run.net))
    return gain, costs[: len(limits)], figures


def test_a_problem_with_one_limit_is_solved_to_its_linear_program():
    gain, costs, _ = learned(256, 10, (3.0,))

    assert gain > 0.93 * optimum((3.0,))
    assert costs[0] < 1.03 * 3.0


@pytest.mark.slow
def test_with_more_experience_it_is_solved_to_two_per_cent_below_its_limit():
    gain, costs, figures = learned(2048, 24, (3.0,), caution=3.0)

    price = (optimum((3.01,)) - optimum((2.99,))) / 0.02
    assert 0.98 * optimum((3.0,)) < gain < optimum((3.0,))
    assert costs[0] <= 3.0
    assert figures["multiplier.toll_0"] == pytest.approx(price, rel=0.15)


@pytest.mark.slow
def test_two_limits_that_both_bind_are_kept_together():
    limits = (3.0, 1.1)
    gain, costs, _ = learned(2048, 24, limits, caution=3.0)

    assert optimum(limits) < 0.97 * min(optimum((3.0, 9.0)), optimum((99.0, 1.1)))
    assert gain > 0.97 * optimum(limits)
    assert (costs <= limits).all()


def test_without_a_limit_in_the_way_it_is_a_plain_trust_region():
    gain, _, figures = learned(128, 12, (99.0,), target_kl=0.1)

    assert gain > 0.85 * optimum((99.0,))
    assert figures["case"] == Case.INSIDE


def test_from_beyond_its_limit_the_mean_cost_falls_first_and_then_the_reward_rises():
    run = made(Tolls(256, (1.0,)), CPOConfig(n_steps=64, **EXACT), TABLE)
    before, _ = sums(chances(run.net))
    seen = []

    for k in range(12):
        seen.append((run.iterate(k, k / 12)["case"], *sums(chances(run.net))))

    cases = [case for case, _, _ in seen]
    assert cases[0] == Case.RETREAT
    assert Case.RETREAT not in cases[-3:]
    costs = [cost[0] for _, _, cost in seen]
    assert all(b < a for a, b in pairwise(costs[:4]))
    assert costs[-1] < 1.1
    assert min(gain for _, gain, _ in seen) < before


def test_values_are_learned_up_to_the_limit_in_their_own_unit():
    env = Leaking(64, limit=45.0)
    run = made(env, CPOConfig(n_steps=20, caution=0.0, target_kl=0.05, gamma=0.9, epochs=3), SMALL)

    for k in range(25):
        figures = run.iterate(k, k / 25)

    assert figures["episode_cost.spill"] == pytest.approx(45.0, rel=0.08)
    action, _, _ = run.policy.act(env.reset(np.arange(64)), run.policy.initial(64), None)
    assert 2.3 < action.value[0, 0, 0] < 3.0  # five steps at 3 m3/h would spill 45 m3


@pytest.mark.parametrize("factor", [1e-3, 1e3])
def test_a_cost_in_another_unit_gives_the_same_policy(factor):
    config = replace(QUICK, n_steps=20)
    runs = [made(Leaking(16, 60.0 * size, size), config) for size in (1.0, factor)]

    for k in range(4):
        figures = [run.iterate(k, 0.0) for run in runs]

    names = ("case", "accepted", "kl", "gain")
    for name in names:
        assert figures[1][name] == pytest.approx(figures[0][name], rel=1e-3, abs=1e-6)
    for own, same in zip(runs[0].net.parameters(), runs[1].net.parameters(), strict=True):
        torch.testing.assert_close(own, same, rtol=0, atol=1e-3)


def test_no_step_leaves_the_trust_region_or_breaks_a_limit_that_was_kept():
    run = made(Toll(16), replace(QUICK, caution=0.0))
    moved = 0

    for k in range(12):
        figures = run.iterate(k, 0.0)
        moved += figures["accepted"] > 0
        assert figures["kl"] <= run.config.target_kl
        for cost in run.env.spec.costs:
            paid = figures.get(f"episode_cost.{cost.name}", 0.0)
            change = figures.get(f"cost_change.{cost.name}", 0.0)
            assert paid + change <= max(cost.limit, paid) + 1e-9

    assert moved > 4


def test_where_no_limit_can_be_reached_the_policy_still_moves_and_both_costs_fall():
    limits = {"toll": -9.0, "opened": -99.0}
    run = made(Toll(32), replace(QUICK, n_steps=24, caution=0.0, limits=limits))

    figures = [run.iterate(k, 0.0) for k in range(8)]

    assert {each["case"] for each in figures} == {Case.RETREAT}
    assert sum(each["accepted"] > 0.0 for each in figures) >= 6
    for cost in ("toll", "opened"):
        assert all(each[f"cost_change.{cost}"] <= 0.0 for each in figures)
        paid = [each[f"episode_cost.{cost}"] for each in figures]
        assert np.mean(paid[-3:]) < np.mean(paid[:3])


def test_before_an_episode_has_ended_the_policy_stands_and_the_critics_learn():
    class Endless(Tolls):
        def step(self, action):
            step = super().step(action)
            return replace(step, terminated=np.zeros(self.n_envs, bool))

    run = made(Endless(4))
    actor, critic = (
        [part.detach().clone() for part in own.parameters()]
        for own in (run.net.actor, run.net.critic)
    )

    figures = run.iterate(0, 0.0)

    assert figures["accepted"] == 0.0
    assert all(torch.equal(a, b) for a, b in zip(run.net.actor.parameters(), actor, strict=True))
    assert not torch.equal(next(run.net.critic.parameters()), critic[0])


@pytest.mark.parametrize("where", ["advantage", "cost", "bill"])
def test_a_number_that_is_none_moves_no_weight(where, monkeypatch):
    run = made(Tolls(8), replace(QUICK, n_steps=30))
    run.metered.begin()
    run.experience.collect(0)
    run.experience.estimate()
    run.costs.estimate(run.experience)
    rows = run.experience.arena.decisions()
    before = [part.detach().clone() for part in run.net.actor.parameters()]
    if where == "advantage":
        run.experience.arena.advantage[3] = np.nan
    elif where == "cost":
        run.costs.advantage = np.where(np.arange(len(rows)) == 3, np.nan, 1.0)[:, None]
    else:
        bill = run.metered.bill()
        monkeypatch.setattr(run.metered, "bill", lambda: bill._replace(mean=bill.mean * np.nan))

    figures = run.step(rows)

    assert figures["accepted"] == 0.0
    assert figures["case"] == Case.STILL
    for part, old in zip(run.net.actor.parameters(), before, strict=True):
        assert torch.equal(part, old)


@pytest.mark.parametrize(
    "env", [lambda: Toll(6), lambda: Toll(6, 0), lambda: Leaking(6, 60.0)],
    ids=["team of both", "masked choices", "values"],
)  # fmt: skip
def test_a_restored_run_goes_on_bit_for_bit(env, tmp_path):
    runs = [made(env(), seed=seed) for seed in (0, 1)]
    for k in range(3):
        runs[0].iterate(k, 0.0)
    checkpoint.save(tmp_path, 3, runs[0].state(), {})
    runs[1].restore(checkpoint.load(checkpoint.latest(tmp_path))[0])

    figures = [[run.iterate(k, 0.5) for k in range(3, 6)] for run in runs]

    states = [run.state() for run in runs]
    assert figures[0] == figures[1]
    assert states[0].keys() == states[1].keys()
    for name, array in states[0].items():
        np.testing.assert_array_equal(array, states[1][name], err_msg=name)


def test_a_cost_that_is_no_number_ends_a_run_and_spares_its_last_checkpoint(tmp_path):
    class Broken(Tolls):
        def step(self, action):
            step = super().step(action)
            if self.time[0] > 20:
                step.cost[1] = np.nan
            return step

    with pytest.raises(RunError, match="cost of env row 1: nan"):
        train(made(Broken(4)), Budget(iterations=9), ManualClock(), folder=tmp_path)


def test_a_world_without_costs_is_refused():
    message = r"world squad: 0 costs; allowed: 1 to 8 costs with limits, for cpo; fix: .*take ppo"

    with pytest.raises(ConfigError, match=message):
        made(Squad(2))


def test_a_world_of_options_is_refused():
    env = Queue(2)
    env.spec = replace(env.spec, costs=(Cost("c", "EUR", 1.0),))

    with pytest.raises(ConfigError, match=r"queue: an options head; .*fix: train with ppo_lag"):
        CPO(env, Net(env.spec, NetConfig(hidden=(8, 8)), 0), QUICK)


def test_a_setting_out_of_range_is_refused_with_the_range():
    with pytest.raises(ConfigError, match=r"cpo\.target_kl: 0; allowed: above 0"):
        CPOConfig(target_kl=0)
