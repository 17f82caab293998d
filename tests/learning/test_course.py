# SPDX-License-Identifier: MIT
import numpy as np
import pytest
import torch

from flyball.learning.course import Course, Lesson
from flyball.learning.experience.onpolicy import Experience, Plan
from flyball.learning.nets.net import Net, NetConfig
from flyball.learning.trust import Try
from tests.learning.steady import PUMP, VALVE, arms
from tests.learning.toys import Plant

HEADS = {"choices": (arms(3),), "values": (VALVE, PUMP), "both": (arms(3), VALVE)}


def lesson(heads, n_costs=2, decisions=7.0):
    env = Plant(6, heads)
    net = Net(env.spec, NetConfig(hidden=(5,), norm="none", deviation="state"), 0)
    with torch.no_grad():
        net.actor.last.weight.mul_(40.0)
    plan = Plan(seed=0, n_steps=10, gamma=0.9, lam=0.9, scale_rewards=False)
    experience = Experience(env, net, plan)
    experience.collect(0)
    block = experience.arena.minibatch(experience.arena.decisions())
    draws = np.random.default_rng(0)
    gain, cost = draws.normal(2.0, 1.0, 60), draws.normal(-1.0, 3.0, (60, n_costs))
    return Lesson(net, block, gain, cost, decisions), gain, cost


@pytest.mark.parametrize("heads", HEADS.values(), ids=HEADS)
def test_where_nothing_changed_utility_and_costs_do_not_either(heads):
    own, _, _ = lesson(heads)

    verdict = own.verdict()

    assert abs(verdict.gain) < 1e-12
    np.testing.assert_allclose(verdict.change, 0.0, atol=1e-12)
    assert abs(verdict.kl) < 1e-12


@pytest.mark.parametrize("heads", HEADS.values(), ids=HEADS)
def test_the_slope_of_every_surrogate_is_that_of_finite_differences(heads):
    own, _, _ = lesson(heads)
    region = own.region
    draws = np.random.default_rng(1)
    for _ in range(3):
        towards = torch.from_numpy(draws.normal(size=len(region.origin)))
        towards /= towards.norm()

        torch.nn.utils.vector_to_parameters(region.origin, region.parameters)
        found = [float(region.slope(part) @ towards) for part in own.surrogates()]

        each = []
        for at in (1e-5, -1e-5):
            torch.nn.utils.vector_to_parameters(region.origin + at * towards, region.parameters)
            each.append(own.surrogates().detach().numpy())
        np.testing.assert_allclose(found, (each[0] - each[1]) / 2e-5, rtol=1e-6, atol=1e-7)


def test_a_surrogate_is_the_episodes_decisions_times_ratio_times_centred_advantage():
    own, gain, cost = lesson(HEADS["both"])
    own.region.place(own.region.origin + 0.01)

    verdict = own.verdict()

    with torch.no_grad():
        ratio = (own._terms()[0] - own.log_prob).exp().numpy()
    assert np.ptp(ratio) > 1e-3
    assert verdict.gain == pytest.approx(7.0 * (ratio * (gain - gain.mean())).mean())
    expected = 7.0 * (ratio[:, None] * (cost - cost.mean(0))).mean(0)
    np.testing.assert_allclose(verdict.change, expected, rtol=1e-9)


def test_costs_in_another_unit_change_with_it_and_are_not_scaled_away():
    one, _, cost = lesson(HEADS["choices"])
    two, _, _ = lesson(HEADS["choices"])
    two.worth = one.worth * torch.tensor([1.0, 1000.0, 1.0])
    for own in (one, two):
        own.region.place(own.region.origin + 0.01)

    first, second = one.verdict().change, two.verdict().change

    assert second[0] == pytest.approx(1000.0 * first[0])
    assert second[1] == pytest.approx(first[1])
    assert cost.std() > 1.0


@pytest.mark.parametrize("heads", HEADS.values(), ids=HEADS)
@pytest.mark.parametrize("excess", [(-1e-2, -9.0), (1e-2, -9.0), (90.0, -9.0)])
def test_a_small_step_does_to_first_order_what_was_planned(heads, excess):
    own, _, _ = lesson(heads)
    excess = np.array(excess)
    course = Course(own, own.region.fisher(1, 1e-2), 60, excess, 1e-5)

    own.region.place(own.region.origin + course.step(Try(1.0, np.zeros(2))))
    verdict = own.verdict()

    q, r, s, c, delta = course.numbers
    planned = course.best.reward * r + s @ course.best.cost
    reach = np.sqrt(2 * delta * np.diag(s))
    np.testing.assert_allclose(verdict.change, planned, atol=0.04 * reach.max())
    assert (c + planned <= 1e-6 * reach).all() or course.best.case == 0
    assert verdict.gain == pytest.approx(
        course.best.reward * q + course.best.cost @ r, abs=0.04 * np.sqrt(2 * delta * q)
    )
    assert verdict.kl <= 1.1e-5


def test_the_furthest_broken_limit_is_measured_in_steps_and_not_in_units():
    own, _, _ = lesson(HEADS["choices"])
    own.worth = own.worth * torch.tensor([1.0, 1000.0, 1.0])

    course = Course(own, own.region.fisher(1, 1e-3), 50, np.array([10.0, 9.0]), 0.01)

    assert course.worst == 1
