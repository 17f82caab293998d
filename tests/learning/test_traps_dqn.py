# SPDX-License-Identifier: MIT
"""What Q-learning of other codes gets wrong, each as a case that must come out right."""

import numpy as np
import pytest
import torch

from flyball.core.random import bits
from flyball.core.spec import AgentKind, Categorical, Feature, Kpi, Objective, Spec
from flyball.learning.dqn import DQN, DQNConfig
from flyball.learning.nets.net import Net, NetConfig
from flyball.worlds import classics
from tests.learning.toys import Chain, observation, step_of

TABLE = NetConfig(hidden=(), critic_hidden=(4,), norm="none")
"""Linear in one-hot states: a table of values."""


class Noisy:
    """State 0 has one legal action, to state 1 for nothing; there every action earns 1 or -1.

    So every value is 0, and whatever an estimate is above that is the maximum over noise. The
    episode terminates, with no action legal in its last observation.
    """

    def __init__(self, n_envs, n_actions=8, scale=1.0):
        features = tuple(Feature(f"is_{k}", "-", 0, 1) for k in range(2))
        self.spec = Spec(
            world="noisy",
            version=1,
            kinds=(AgentKind("agent", 1, features, (Categorical("act", n_actions),)),),
            objectives=(Objective("gain_h", "h", "max"),),
            kpis=(Kpi("gain_h", "h", "max", "sum of gains"),),
        )
        self.n_envs, self.n_actions, self.scale = n_envs, n_actions, scale
        self.time = 0

    def reset(self, _seeds):
        self.time = 0
        return self._observe()

    def _observe(self, *, over=False):
        obs = np.zeros((self.n_envs, 1, 2), np.float32)
        obs[:, 0, self.time % 2] = 1.0
        mask = np.full((self.n_envs, 1, self.n_actions), self.time % 2 == 1 and not over)
        mask[:, 0, 0] |= not over
        return observation(self.n_envs, obs=obs, mask=mask, start=np.full(self.n_envs, False))

    def step(self, action):
        ends = np.full(self.n_envs, self.time % 2 == 1)
        sign = (bits(np.arange(self.n_envs), self.time) % np.uint64(2)).astype(np.float64)
        reward = ends * self.scale * (2.0 * sign - 1.0)
        final = self._observe(over=True)
        self.time += 1
        return step_of(
            self._observe(),
            final,
            reward,
            action,
            terminated=ends,
            truncated=np.zeros(self.n_envs, np.bool_),
            outcome=reward,
        )


def dqn(env, net=TABLE, **settings):
    return DQN(env, Net(env.spec, net, 0), DQNConfig(**settings))


def table(algorithm, n_states=2):
    """Return the value (states, A) of every one-hot state."""
    with torch.no_grad():
        states = torch.eye(n_states)
        return algorithm.values(algorithm.net, states, states).numpy()


@pytest.mark.parametrize(
    ("gamma", "n_step", "steps", "value"), [(0.99, 5, 50, 100.0), (0.9, 1, 5, 10.0)]
)
def test_an_endless_reward_of_one_keeps_its_value_though_episodes_are_cut_off(
    gamma, n_step, steps, value
):
    env = classics.make("constant", 8, steps=steps)
    algorithm = dqn(
        env,
        gamma=gamma,
        n_step=n_step,
        rate=0.5,
        minibatch=32,
        learning_starts=16,
        train_freq=1,
        gradient_steps=2,
        target_every=8,
    )

    for iteration in range(250):
        # From some value on a step of 0.5 is too long to come to rest.
        algorithm.optimiser.rate = 0.5 * min(1.0, 2 * (1 - iteration / 250))
        algorithm.iterate(iteration, 0.0)

    # As if it terminated, 100 would be about 21.8 on average.
    np.testing.assert_allclose(table(algorithm, 1), value, rtol=0.01)


def test_double_q_learning_takes_away_the_bias_of_a_maximum_over_noise():
    found = {}
    for double in (False, True):
        algorithm = dqn(
            Noisy(8),
            gamma=1.0,
            rate=0.1,
            minibatch=32,
            capacity=160,
            learning_starts=80,
            train_freq=4,
            gradient_steps=4,
            target_every=1600,
            epsilon_end=1.0,
            double=double,
        )
        seen = []
        for iteration in range(300):
            algorithm.iterate(iteration, 1.0)
            seen.append(float(table(algorithm)[0, 0]))
        found[double] = np.mean(seen[50:])

    # The target network lags behind far enough to have met other noise than the learned one.
    assert found[False] > 0.4
    assert abs(found[True]) < 0.4 * found[False]


def test_what_ended_is_worth_its_reward_alone_though_nothing_is_legal_thereafter():
    algorithm = dqn(Noisy(8, n_actions=1), gamma=0.9, minibatch=16)
    algorithm.loop.collect(algorithm._explore, 10)
    with torch.no_grad():
        algorithm.target_flat.vector.fill_(1e30)
    batch = algorithm.replay.sample(np.arange(80))

    goals = torch.cat([goal for _, goal in algorithm.lessons(batch)])

    over = batch.terminated
    assert bool((~batch.next_mask[over]).all())
    np.testing.assert_array_equal(goals[over], batch.reward[over, 0])
    assert bool((goals[~over] > 1e29).all())


@pytest.mark.parametrize("double", [False, True])
def test_what_is_illegal_next_is_in_no_maximum_however_much_it_seems_worth(double):
    algorithm = dqn(Noisy(4), gamma=1.0, minibatch=16, double=double)
    algorithm.loop.collect(algorithm._explore, 4)
    with torch.no_grad():
        for vector in (algorithm.target_flat.vector, algorithm.optimiser.flat.vector):
            vector.zero_()
        for net in (algorithm.net, algorithm.target):
            # Legal in state 1 alone, so that it must not count where state 0 follows.
            net.actor.last.weight[3, 0] = 1e6
            net.actor.last.weight[3, 1] = 7.0
    batch = algorithm.replay.sample(np.arange(16))
    into_0 = batch._replace(
        next_obs=torch.tensor([1.0, 0.0]).expand(16, 1, 2),
        next_mask=(torch.arange(8) == 0).expand(16, 1, 8),
        discount=torch.ones(16, 1),
    )

    goals = {name: next(algorithm.lessons(b))[1] for name, b in (("0", into_0), ("own", batch))}

    np.testing.assert_array_equal(goals["0"], batch.reward[:, 0])
    np.testing.assert_array_equal(goals["own"], batch.reward[:, 0] + 7.0 * batch.discount[:, 0])


def test_a_state_with_nothing_legal_is_survived_by_acting_and_by_learning():
    algorithm = dqn(Chain(4), minibatch=16)
    algorithm.loop.collect(algorithm._explore, 8)
    batch = algorithm.replay.sample(np.arange(16))
    batch.next_mask[:] = False
    nothing = algorithm.loop.observation
    nothing.mask[:] = False

    action, log_prob, _ = algorithm.policy.act(nothing, algorithm.memory, (0, 0))
    for lesson in algorithm.lessons(batch):
        loss, _ = algorithm.update(*lesson)

    assert not action.choice.any()
    assert not log_prob.any()
    assert bool(loss.isfinite())
    assert bool(algorithm.optimiser.flat.vector.isfinite().all())


def test_only_actions_that_were_taken_get_a_gradient():
    algorithm = dqn(Noisy(4), minibatch=8, rate=0.1)
    algorithm.loop.collect(algorithm._explore, 2)
    before = table(algorithm).copy()
    batch = algorithm.replay.sample(np.arange(8))
    batch.choice[:] = 2

    for lesson in algorithm.lessons(batch):
        algorithm.update(*lesson)

    # The bias belongs to the action too, so that both states may change, but in one column only.
    assert np.flatnonzero((table(algorithm) != before).any(0)).tolist() == [2]


def test_a_reward_of_a_million_is_learned_as_a_million():
    algorithm = dqn(
        Noisy(8, n_actions=1, scale=1e6), gamma=0.0, rate=1e3, minibatch=32, learning_starts=16
    )
    algorithm.loop.collect(algorithm._explore, 4)
    batch = algorithm.replay.sample(np.arange(32))

    goals = torch.cat([goal for _, goal in algorithm.lessons(batch)])

    assert set(goals.tolist()) == {-1e6, 0.0, 1e6}
