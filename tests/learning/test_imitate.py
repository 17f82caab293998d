# SPDX-License-Identifier: MIT
import numpy as np

from flyball.core.clock import SystemClock
from flyball.learning.acting import NetPolicy
from flyball.learning.imitate import Imitate, ImitateConfig
from flyball.learning.nets import Net, NetConfig
from flyball.learning.training import Budget, train
from tests.learning.toys import Cheapest, Queue


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
