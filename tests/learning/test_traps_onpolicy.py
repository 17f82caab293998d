# SPDX-License-Identifier: MIT
"""Faults of popular on-policy code, each written as the case in which it shows."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from flyball.core.clock import SystemClock
from flyball.learning import checkpoint
from flyball.learning.a2c import A2C, A2CConfig
from flyball.learning.experience.gae import gae
from flyball.learning.experience.onpolicy import Experience, Plan
from flyball.learning.nets.dists import categorical, joint, tanh_gaussian
from flyball.learning.nets.net import Net, NetConfig, Outputs
from flyball.learning.nets.norm import ReturnScale
from flyball.learning.nets.rows import Taken, inputs_of
from flyball.learning.ppo import PPO, PPOConfig
from flyball.learning.training import Budget, train
from flyball.policies import Said, Sizes, choose
from tests.learning.toys import Chain

SMALL = NetConfig(hidden=(8, 8), critic_hidden=(32,), norm="none")


def pattern(seed, steps=30, columns=6):
    draws = np.random.default_rng(seed)
    reward, value, following = draws.normal(size=(3, steps, columns))
    terminated = draws.random((steps, columns)) < 0.1
    truncated = ~terminated & (draws.random((steps, columns)) < 0.1)
    return reward, value, following, terminated, truncated


@pytest.mark.parametrize("learner", ["ppo", "a2c"])
def test_a_truncated_endless_reward_of_one_is_worth_100_and_not_21_8(learner):
    env = Chain(32, n_states=1)
    net = Net(env.spec, SMALL, seed=0)
    if learner == "ppo":
        config = PPOConfig(n_steps=50, gamma=0.99, minibatch=800, epochs=8, rate=3e-2)
        run, iterations = PPO(env, net, config), 40
    else:
        run = A2C(env, net, A2CConfig(n_steps=10, lam=0.95, rate=2e-2, scale_rewards=True))
        iterations = 800

    train(run, Budget(iterations=iterations), SystemClock())

    with torch.inference_mode():
        value = net.value(net.normalise(inputs_of(env.reset(np.arange(32))))).numpy()
    np.testing.assert_allclose(value * run.experience.scale.std, 100.0, atol=5.0)


@pytest.mark.parametrize("seed", range(20))
def test_advantages_are_the_sum_over_all_later_errors_of_the_same_episode(seed):
    reward, value, following, terminated, truncated = pattern(seed)
    ends = {"terminated": terminated, "truncated": truncated}

    found = gae(reward, value, following, gamma=0.97, lam=0.9, **ends)

    error = reward + 0.97 * np.where(terminated, 0.0, following) - value
    for t in range(30):
        for column in range(6):
            total = 0.0
            for later in range(t, 30):
                total += (0.97 * 0.9) ** (later - t) * error[later, column]
                if terminated[later, column] or truncated[later, column]:
                    break
            assert found[t, column] == pytest.approx(total, abs=1e-9)


def test_the_last_step_of_a_segment_has_an_advantage_too():
    ends = {"terminated": np.zeros((3, 1), bool), "truncated": np.zeros((3, 1), bool)}

    found = gae(np.ones((3, 1)), np.zeros((3, 1)), np.ones((3, 1)), gamma=0.5, lam=0.5, **ends)

    assert found[-1, 0] == 1.5


def test_with_a_trace_of_one_the_target_is_the_return_and_with_zero_the_next_value():
    reward, value, _, _, _ = pattern(3)
    ends = {"terminated": np.zeros(reward.shape, bool), "truncated": np.zeros(reward.shape, bool)}
    following = np.vstack((value[1:], np.full((1, 6), 2.0)))

    whole = gae(reward, value, following, gamma=0.9, lam=1.0, **ends) + value
    one = gae(reward, value, following, gamma=0.9, lam=0.0, **ends) + value

    expected = np.full(6, 2.0)
    for t in range(29, -1, -1):
        expected = reward[t] + 0.9 * expected
        np.testing.assert_allclose(whole[t], expected, atol=1e-9)
    np.testing.assert_allclose(one, reward + 0.9 * following, atol=1e-12)


def test_illegal_logits_get_a_gradient_of_exactly_zero_by_probability_and_entropy():
    logits = torch.randn(50, 7, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    mask = torch.rand(50, 7, generator=torch.Generator().manual_seed(1)) < 0.5
    mask[:, 3] = True
    logits.requires_grad_()

    log_p, entropy = categorical(logits, mask)
    (log_p[:, 3].sum() + entropy.sum()).backward()

    assert (logits.grad[~mask] == 0).all()
    assert (logits.grad[mask] != 0).any()
    assert torch.autograd.gradcheck(lambda x: categorical(x, mask)[1], (logits,))


def test_the_entropy_of_one_legal_action_is_zero_and_of_none_too():
    mask = torch.tensor([[False, True, False], [False, False, False]])

    log_p, entropy = categorical(torch.randn(2, 3), mask)

    assert entropy.tolist() == [0.0, 0.0]
    assert log_p[0, 1] == 0.0


def test_a_row_with_nothing_legal_gives_no_gradient_and_nothing_that_is_not_finite():
    sizes = Sizes(1, 0, 0, (3,))
    logits = torch.randn(2, 3, requires_grad=True)
    said = Outputs(logits, logits[:, :0], logits[:, :0])
    mask = torch.tensor([[True, True, False], [False, False, False]])
    taken = Taken(torch.zeros(2, 1, dtype=torch.long), torch.zeros(2, 0))

    log_prob, entropy = joint(sizes, said, mask, torch.zeros(3, dtype=torch.long), taken)
    (log_prob.sum() + entropy.sum()).backward()

    assert log_prob[1] == entropy[1] == 0
    assert torch.isfinite(logits.grad).all()
    assert (logits.grad[1] == 0).all()


@pytest.mark.parametrize("u", [-8.0, -3.0, 0.0, 0.5, 8.0, 20.0])
def test_the_density_of_a_saturated_action_is_exact(u):
    density, _ = tanh_gaussian(torch.tensor([0.3]), torch.tensor([0.7]), torch.tensor([u]))

    sigma = np.exp(0.7)
    normal = -0.5 * ((u - 0.3) / sigma) ** 2 - np.log(sigma) - 0.5 * np.log(2 * np.pi)
    exact = normal + 2 * np.log(np.cosh(u))  # log(1 - tanh^2) = -2 log cosh
    assert density.item() == pytest.approx(exact, abs=1e-4)
    if abs(u) >= 8:  # what popular code computes in float32 is nats away
        popular = normal - np.log(1 - np.float32(np.tanh(u)) ** 2 + 1e-6)
        assert abs(popular - exact) > 0.3


@pytest.mark.parametrize(("mean", "log_std"), [(0.0, 0.0), (1.5, -1.0), (-0.7, 0.5)])
def test_the_density_integrates_to_one_and_its_entropy_is_not_the_normals(mean, log_std):
    u = torch.linspace(-14, 14, 200_001, dtype=torch.float64)
    density, entropy = tanh_gaussian(torch.full_like(u, mean), torch.full_like(u, log_std), u)
    slope = 1 - torch.tanh(u) ** 2

    mass = torch.trapezoid(density.exp() * slope, u).item()
    disorder = torch.trapezoid(-density * density.exp() * slope, u).item()

    assert mass == pytest.approx(1.0, abs=1e-6)
    assert entropy[0].item() == pytest.approx(disorder, abs=5e-3)
    normal = log_std + 0.5 * np.log(2 * np.pi * np.e)
    assert abs(disorder - normal) > 0.2


def test_rewards_of_minus_500_and_minus_700_stay_apart():
    class Costly(Chain):
        def step(self, action):
            step = super().step(action)
            step.reward[:] = np.where(action.choice == 0, -500.0, -700.0)
            return step

    env = Costly(8)
    experience = Experience(
        env, Net(env.spec, SMALL, 0), Plan(seed=0, n_steps=8, gamma=0.9, lam=0.9)
    )

    experience.collect(0)

    assert set(np.unique(experience.arena.reward[:8])) == {-500.0, -700.0}


def test_rewards_are_scaled_by_the_deviation_of_the_return_and_never_shifted():
    scale = ReturnScale(4, 0.9)
    reward = 10.0 + np.random.default_rng(0).normal(size=(200, 4))

    scale.learn(reward, np.zeros((200, 4), bool))

    carry, seen = np.zeros(4), []
    for t in range(200):
        carry = 0.9 * carry + reward[t]
        seen.append(carry)
    assert scale.std == pytest.approx(np.std(seen))


def test_an_agent_that_ends_in_the_step_of_the_time_limit_is_worth_nothing_after_it():
    class Pairs(Chain):
        """Two agents; the second ends by itself just when the time limit comes."""

        def __init__(self, n_envs, n_steps):
            super().__init__(n_envs, n_steps=n_steps)
            self.spec = replace(self.spec, kinds=(replace(self.spec.kinds[0], count=2),))

        def _observe(self):
            seen = super()._observe()
            seen.options.offset = np.zeros(2 * self.n_envs + 1, np.int64)
            twice = {"obs": np.repeat(seen.obs, 2, 1), "mask": np.repeat(seen.mask, 2, 1)}
            return replace(seen, **twice, alive=np.ones((self.n_envs, 2), bool))

        def step(self, action):
            step = super().step(action)
            alive = np.stack((step.truncated, np.zeros(self.n_envs, bool)), 1)
            step.final = replace(step.final, alive=alive)
            return replace(step, reward=np.repeat(step.reward, 2, 1))

    net = Net(Pairs(2, 3).spec, NetConfig(hidden=(8,), critic_hidden=(8,), norm="none"), 0)
    with torch.no_grad():
        net.critic.last.bias.fill_(100.0)
    plan = Plan(seed=0, n_steps=9, gamma=1.0, lam=1.0, scale_rewards=False)
    experience = Experience(Pairs(2, 3), net, plan)

    experience.collect(0)
    experience.estimate()

    arena = experience.arena
    cut = arena.truncated[:9, :, 0]
    assert cut.any()
    np.testing.assert_allclose(arena.target[:9, :, 1][cut], arena.reward[:9, :, 1][cut])
    assert (arena.target[:9, :, 0][cut] > 50.0).all()


def test_an_agent_that_left_is_not_worth_what_comes_after_it():
    class Leaving(Chain):
        def step(self, action):
            step = super().step(action)
            step.observation.alive = (self.count % 3 != 0)[:, None]
            return step

    env = Leaving(4, n_steps=1000)
    plan = Plan(seed=0, n_steps=9, gamma=1.0, lam=1.0, scale_rewards=False)
    experience = Experience(env, Net(env.spec, SMALL, 0), plan)
    experience.collect(0)
    experience.estimate()

    arena = experience.arena
    alive, target, reward = arena.counted[:9, 0, 0], arena.target[:9, 0, 0], arena.reward[:9, 0, 0]
    last = [t for t in range(8) if alive[t] and not alive[t + 1]]
    assert last
    for t in last:
        assert target[t] == pytest.approx(reward[t], abs=1e-5)


def test_an_episode_that_terminates_in_its_last_allowed_step_does_not_bootstrap():
    class Both(Chain):
        def step(self, action):
            step = super().step(action)
            step.terminated = step.truncated.copy()
            return step

    env = Both(4, n_steps=3)
    plan = Plan(seed=0, n_steps=9, gamma=1.0, lam=1.0, scale_rewards=False)
    experience = Experience(env, Net(env.spec, SMALL, 0), plan)
    with torch.no_grad():
        experience.net.critic.last.bias.fill_(100.0)

    experience.collect(0)
    experience.estimate()

    arena = experience.arena
    ends = arena.truncated[:9]
    assert ends.any()
    np.testing.assert_allclose(arena.target[:9][ends], arena.reward[:9][ends], atol=1e-4)


def test_a_row_draws_the_same_action_whatever_the_batch_around_it():
    sizes = Sizes(1, 0, 0, (5,), ((-1.0, -1.0),), ((1.0, 1.0),))
    draws = np.random.default_rng(0)
    scores, mean = draws.normal(size=(64, 5)).astype(np.float32), np.zeros((64, 2), np.float32)
    mask = draws.random((64, 5)) < 0.7
    mask[:, 0] = True

    many = choose(Said(scores, mean, mean), mask, np.zeros(65, np.int64), sizes, (3, 9))
    few = choose(
        Said(scores[:5], mean[:5], mean[:5]), mask[:5], np.zeros(6, np.int64), sizes, (3, 9)
    )

    for own, other in zip(few, many, strict=True):
        np.testing.assert_array_equal(own, other[:5])


def test_learning_stops_within_an_iteration_once_the_policy_moved_too_far():
    env = Chain(16)
    moves = {"n_steps": 32, "epochs": 50, "minibatch": 512, "rate": 3e-2}
    runs = [
        PPO(env, Net(env.spec, SMALL, 0), PPOConfig(**moves, target_kl=kl)) for kl in (1e-4, None)
    ]

    moved = [run.iterate(0, 0.0)["kl"] for run in runs]
    steps = [run.optimiser.steps for run in runs]

    assert steps[0] < steps[1] == 50
    assert moved[0] < moved[1]


@pytest.mark.parametrize("compiled", [True, False])
@pytest.mark.parametrize("cell", ["none", "slstm"])
def test_a_killed_and_resumed_run_ends_in_the_same_weights_bit_for_bit(cell, compiled, tmp_path):
    def made():
        env = Chain(4, n_steps=7)
        net = Net(env.spec, NetConfig(hidden=(8,), norm="standard", cell=cell, cell_size=4), 0)
        return PPO(env, net, PPOConfig(n_steps=16, window=8, compiled=compiled))

    whole, first, second = made(), made(), made()
    for k in range(6):
        whole.iterate(k, k / 6)

    for k in range(3):
        first.iterate(k, k / 6)
    checkpoint.save(tmp_path, 3, first.state(), {"algorithm": "ppo"})
    second.restore(checkpoint.load(checkpoint.latest(tmp_path))[0])
    for k in range(3, 6):
        second.iterate(k, k / 6)

    expected, found = whole.state(), second.state()
    assert expected.keys() == found.keys()
    for name, array in expected.items():
        np.testing.assert_array_equal(array, found[name], err_msg=name)


def test_a_minibatch_of_one_is_not_divided_by_its_deviation_of_zero():
    env = Chain(1)
    run = PPO(env, Net(env.spec, SMALL, 0), PPOConfig(n_steps=1, minibatch=1))

    figures = run.iterate(0, 0.0)

    assert np.isfinite(list(figures.values())).all()
