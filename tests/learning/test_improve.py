# SPDX-License-Identifier: MIT
import numpy as np
import pytest
import torch

from flyball.core.clock import SystemClock
from flyball.core.errors import ConfigError
from flyball.core.spec import Categorical, TanhGaussian
from flyball.learning.acting.policy import NetPolicy
from flyball.learning.checkpoint import learner_arrays
from flyball.learning.improve import Improve, ImproveConfig, merits, merits_to_go
from flyball.learning.nets.net import Net, NetConfig
from flyball.learning.training import Budget, train
from tests.learning.toys import Cheapest, Plant, Queue, mean_cost_h


@pytest.mark.parametrize("signal", ["to_go", "whole", "best"])
def test_comparing_rows_of_one_scenario_approaches_the_known_optimum(signal):
    env = Queue(64, n_steps=5)
    net = Net(env.spec, NetConfig(hidden=(32, 16)), seed=0)
    config = ImproveConfig(group=16, signal=signal, minibatch=64, rate=5e-3, target_kl=1.0)

    train(Improve(env, net, config), Budget(iterations=60), SystemClock())

    held_out = np.arange(5000, 5064)
    best_h = mean_cost_h(env, Cheapest(), held_out)
    dearest_h = mean_cost_h(env, Cheapest(-1.0), held_out)
    learned_h = mean_cost_h(env, NetPolicy(net), held_out)
    assert learned_h - best_h < 0.06 * (dearest_h - best_h)


def test_merits_are_standardised_within_their_own_group():
    utility = np.array([[1.0, 3.0, 2.0, 2.0], [-500.0, -100.0, -300.0, -300.0]])

    merit = merits(utility, "whole")

    np.testing.assert_allclose(merit[0], merit[1])
    np.testing.assert_allclose(merit.mean(1), 0.0, atol=1e-12)
    np.testing.assert_allclose(merit.std(1), 1.0)


def test_only_the_first_best_row_of_a_group_is_copied():
    merit = merits(np.array([[1.0, 3.0, 3.0]]), "best")

    assert merit.tolist() == [[0.0, 1.0, 0.0]]


@pytest.mark.parametrize("signal", ["whole", "best"])
def test_a_group_whose_rows_are_alike_teaches_nothing(signal):
    merit = merits(np.full((1, 4), -7.3e9), signal)

    assert np.all(merit == 0)


def test_what_is_past_does_not_count_for_a_later_decision():
    reward = np.array([[5.0, 1.0, 0.0, 0.0], [2.0, 4.0, 7.0, 7.0], [1.0, 3.0, 0.0, 0.0]])
    utility = reward.sum(0).reshape(2, 2)

    merit = merits_to_go(reward, utility)

    np.testing.assert_allclose(merit[:, 2:], 0.0)
    assert utility[0].tolist() == [8.0, 8.0]
    np.testing.assert_allclose(merit[:, :2], 0.0)  # alike as a whole: no scale, nothing learned

    reward[0] = [9.0, 1.0, 0.0, 0.0]
    merit = merits_to_go(reward, reward.sum(0).reshape(2, 2))

    np.testing.assert_allclose(merit[:, 0], [1.0, -1.0, -0.5])
    np.testing.assert_allclose(merit[:, 1], [-1.0, 1.0, 0.5])


def test_the_temperature_gives_a_sure_policy_the_spread_that_was_asked_for():
    env = Queue(16, n_steps=5)
    net = Net(env.spec, NetConfig(), seed=0)
    with torch.no_grad():
        for part in net.actor.parameters():
            part.mul_(20.0)
    run = Improve(env, net, ImproveConfig(group=4, spread=0.4))

    before = learner_arrays(net, run.optimiser)
    figures = run.iterate(0, 0.0)

    batch = run.arena.minibatch(run.arena.decisions())
    with torch.inference_mode():
        rows = net.normalise(batch.inputs)
        _, entropy = net.terms(rows, batch.taken, figures["temperature"])
    most = torch.diff(batch.inputs.offset).double().log().mean()
    assert float(entropy.mean() / most) == pytest.approx(0.4, abs=1e-3)
    for name, array in learner_arrays(net, run.optimiser).items():
        np.testing.assert_array_equal(array, before[name])


def test_continuous_values_are_refused_because_their_temperature_would_mean_nothing():
    env = Plant(4, (Categorical("act", 3), TanhGaussian("open", "%", 0, 100)))

    with pytest.raises(ConfigError, match=r"improve: .*1 continuous.*; allowed: .*; fix: .*ppo"):
        Improve(env, Net(env.spec, NetConfig(), 0), ImproveConfig(group=2))


def test_a_group_that_does_not_divide_the_rows_is_refused():
    env = Queue(6)

    with pytest.raises(ConfigError, match=r"improve\.group: 4; allowed: a divisor of 6"):
        Improve(env, Net(env.spec, NetConfig(), 0), ImproveConfig(group=4))
