# SPDX-License-Identifier: MIT
import numpy as np
import pytest

from flyball.worlds.classics import make, policies
from flyball.worlds.classics.baselines import Random
from flyball.worlds.classics.catalogue import NAMES
from tests.worlds.classics.play import mean_outcome, needs_compiler

TRAPS = ("constant", "counter")


@needs_compiler
@pytest.mark.parametrize("name", NAMES)
def test_every_problem_has_random_constant_and_a_legal_rule_that_beats_both(name):
    found = policies(name)
    keys = [key for key in found if key != "planned"]  # which takes seconds; see test_teamwork

    played = {key: mean_outcome(name, found[key]) for key in keys}

    score = {key: outcome[0] for key, (outcome, _) in played.items()}
    assert sum(illegal for _, illegal in played.values()) == 0
    assert keys[:2] == ["random", "constant"]
    if name in TRAPS:
        assert len(keys) == 2
    elif name == "matrix":
        # The climbing game's best cell is the first one.
        assert score["constant"] == score["best cell"] > score["random"]
    else:
        assert score[keys[-1]] > max(score["random"], score["constant"])


def test_random_choices_are_uniform_over_what_is_legal_with_their_probability():
    env = make("masked-multi", 4000, actions=(3, 2), forbidden=1)
    seen = env.reset(np.arange(4000))
    policy = Random(env.spec)

    action, log_prob, _ = policy.act(seen, policy.initial(4000), (1, 2))

    legal = seen.mask[:, 0]
    np.testing.assert_allclose(
        log_prob[:, 0], -np.log(legal[:, :3].sum(1)) - np.log(legal[:, 3:].sum(1)), rtol=1e-6
    )
    chosen = action.choice[:, 0]
    assert legal[np.arange(4000), chosen[:, 0]].all()
    assert legal[np.arange(4000), 3 + chosen[:, 1]].all()
    whole = legal[:, :3].all(1)
    counts = np.bincount(chosen[whole, 0], minlength=3) / whole.sum()
    np.testing.assert_allclose(counts, 1 / 3, atol=0.05)


def test_random_values_are_uniform_in_their_range():
    env = make("pendulum", 4000)
    policy = Random(env.spec)

    action, log_prob, _ = policy.act(env.reset(np.arange(4000)), policy.initial(4000), (0, 0))

    assert abs(action.value.mean()) < 4 * 4 / np.sqrt(12 * 4000)
    assert abs(action.value.std() - 4 / np.sqrt(12)) < 0.05
    np.testing.assert_allclose(log_prob, -np.log(4), rtol=1e-6)


def test_a_random_draw_is_named_by_its_key_or_by_the_number_of_calls():
    env = make("masked", 3)
    seen = env.reset(np.arange(3))
    policy = Random(env.spec)
    none = policy.initial(3)

    first, _, memory = policy.act(seen, none, None)
    second, _, _ = policy.act(seen, memory, None)
    named = [policy.act(seen, none, (5, step))[0].choice.tolist() for step in (0, 1, 0)]

    assert first.choice.tolist() != second.choice.tolist()
    assert named[0] == named[2] != named[1]


@needs_compiler
def test_a_rule_for_the_goal_that_moves_knows_both_goals():
    found = policies("four-rooms", switch_after=1)

    scores = {
        key: mean_outcome("four-rooms", found[key], switch_after=1, n_envs=64)[0][1]
        for key in list(found)[2:]
    }

    assert list(scores) == ["shortest path to the new goal", "shortest path"]
    # One episode a row, so the goal has not moved yet.
    assert scores["shortest path"] < scores["shortest path to the new goal"]


def test_every_treasure_has_a_policy_that_brings_it_up():
    found = list(policies("deep-sea-treasure").items())[2:]

    outcomes = [mean_outcome("deep-sea-treasure", policy, n_envs=2)[0] for _, policy in found]

    assert [tuple(outcome) for outcome in outcomes] == [
        (1, 1), (2, 3), (3, 5), (5, 7), (8, 8), (16, 9), (24, 13), (50, 14), (74, 17), (124, 19),
    ]  # fmt: skip


def test_the_memory_of_a_rule_ends_with_its_episode():
    env = make("t-maze", 50, corridor=3)
    policy = policies("t-maze", corridor=3)["memory"]
    seen, memory = env.reset(np.arange(50)), policy.initial(50)
    returns = []
    for _ in range(40):
        action, _, memory = policy.act(seen, memory, None)
        step = env.step(action)
        returns += step.outcome[step.terminated, 0].tolist()
        seen = step.observation

    assert returns == [1.0] * 500
