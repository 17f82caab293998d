# SPDX-License-Identifier: MIT
import numpy as np

from flyball.core.batch import Action
from flyball.core.clock import SystemClock
from flyball.core.spec import Categorical, TanhGaussian
from flyball.learning.acting.policy import NetPolicy
from flyball.learning.imitate import Imitate, ImitateConfig, best_of
from flyball.learning.nets.net import Net, NetConfig
from flyball.learning.training import Budget, train
from tests.learning.toys import Cheapest, Plant, Queue


def agreement(env, policy, rule, seeds):
    """Return the share of the rule's decisions that the policy makes too."""
    observation, same, n = env.reset(seeds), 0, 0
    empty = np.zeros((env.n_envs, 0), np.float32)
    for _ in range(env.n_steps):
        said, _, _ = rule.act(observation, empty, None)
        own, _, _ = policy.act(observation, empty, None)
        same += int((said.choice == own.choice).sum())
        n += env.n_envs
        observation = env.step(said).observation
    return same / n


def test_a_rule_is_reproduced_in_more_than_95_of_100_decisions():
    env = Queue(32)
    net = Net(env.spec, NetConfig(), seed=0)
    config = ImitateConfig(minibatch=256, rate=5e-3)
    run = Imitate(
        env, net, config, {"cheapest": Cheapest()}, lambda seeds: ["cheapest"] * len(seeds)
    )

    train(run, Budget(iterations=30), SystemClock())

    assert agreement(env, NetPolicy(net), Cheapest(), np.arange(9000, 9032)) > 0.95


def test_each_scenario_is_learned_from_its_own_best_teacher():
    env = Queue(4)
    asked = []

    def best(seeds):
        asked.append(seeds.tolist())
        return ["cheap" if seed % 2 == 0 else "dear" for seed in seeds]

    teachers = {"cheap": Cheapest(), "dear": Cheapest(-1.0)}
    run = Imitate(env, Net(env.spec, NetConfig(), 0), ImitateConfig(scenarios=6), teachers, best)

    figures = [run.iterate(iteration, 0.0) for iteration in range(2)]

    assert asked == [[0, 1, 2, 3], [4, 5, 0, 1]]
    features, offset = run.arena.features, run.arena.offset
    cost = features[:, 0] + 0.5 * features[:, 1]
    for row in (0, 1):  # the first step of the second iteration
        own = cost[offset[row] : offset[row + 1]]
        expected = own.argmin() if row == 0 else own.argmax()
        assert run.arena.choice[0, row, 0, 0] == expected
    assert figures[1]["decisions"] == 4 * 20


def test_the_best_teacher_of_each_scenario_is_found_by_playing_it():
    env = Queue(4)
    teachers = {"dear": Cheapest(-1.0), "cheap": Cheapest()}

    assert best_of(env, teachers, np.arange(4), {}) == ["cheap"] * 4
    assert best_of(env, teachers, np.arange(4), {"cost_h": -1.0}) == ["dear"] * 4


class Proportional:
    """Sets the value to half of the first feature, in the plant's own unit."""

    def initial(self, n_envs):
        return np.zeros((n_envs, 0), np.float32)

    def act(self, now, memory, _key):
        value = 20.0 + 30.0 * now.obs[:, :, :1].astype(np.float64)
        none = np.zeros((*now.alive.shape, 0), np.int32)
        return Action(none, value), np.zeros(now.alive.shape, np.float32), memory


def test_a_continuous_rule_is_copied_in_native_units():
    env = Plant(16, (TanhGaussian("flow", "m3/h", 0, 100),))
    net = Net(env.spec, NetConfig(hidden=(32, 32), norm="none"), seed=0)
    config = ImitateConfig(minibatch=64, rate=1e-2, epochs=4)
    run = Imitate(env, net, config, {"p": Proportional()}, lambda seeds: ["p"] * len(seeds))

    train(run, Budget(iterations=60), SystemClock())

    now = env.reset(np.arange(16))
    now.obs = now.obs.clip(-0.6, 2.6)
    memory = np.zeros((16, 0), np.float32)
    own, _, _ = NetPolicy(net).act(now, memory, None)
    said, _, _ = Proportional().act(now, memory, None)
    assert np.abs(own.value - said.value.clip(0, 100)).mean() < 6.0


class Echo:
    """Repeats what the first observation of the episode said; remembers it."""

    def initial(self, n_envs):
        return np.zeros((n_envs, 1), np.float32)

    def act(self, now, memory, _key):
        memory = np.where(now.start[:, None], now.obs[:, 0, :1], memory)
        choice = (memory[:, :, None] > 0).astype(np.int32)
        return Action(choice, np.zeros((len(choice), 1, 0))), np.zeros(choice.shape[:2]), memory


class Cued(Plant):
    """Shows +1 or -1 in the first step of an episode, then nothing."""

    def _observe(self):
        now = super()._observe()
        cue = np.where(
            np.random.default_rng(int(self.count.sum())).random(self.n_envs) < 0.5, 1, -1
        )
        now.obs[:] = 0
        now.obs[:, 0, 0] = np.where(self.count == 0, cue, 0)
        now.mask[:] = True
        now.start = self.count == 0
        return now


def test_a_rule_that_remembers_is_copied_by_a_network_that_remembers():
    env = Cued(16, (Categorical("say", 2),))
    net = Net(env.spec, NetConfig(hidden=(16,), norm="none", cell="lstm", cell_size=16), seed=0)
    config = ImitateConfig(minibatch=128, rate=1e-2, epochs=4, window=3, learner_rows=0.3)
    run = Imitate(env, net, config, {"echo": Echo()}, lambda seeds: ["echo"] * len(seeds))

    train(run, Budget(iterations=40), SystemClock())

    policy, now = NetPolicy(net), env.reset(np.zeros(16, np.int64))
    memory, taught = policy.initial(16), Echo().initial(16)
    for _ in range(8):
        own, _, memory = policy.act(now, memory, None)
        said, _, taught = Echo().act(now, taught, None)
        assert (own.choice == said.choice).mean() > 0.9
        now = env.step(said).observation
