# SPDX-License-Identifier: MIT
import numpy as np
import pytest

from flyball.core.batch import Action
from flyball.learning.dqn import DQNConfig
from flyball.learning.experience.offpolicy import Loop, RandomPolicy, random_choices
from flyball.learning.experience.replay import Replay
from flyball.learning.experience.sequences import Episodes, EpisodesConfig
from flyball.policies import sizes_of
from tests.learning.scripted import Scripted


class Seen:
    """Acts always alike and remembers the keys that it was given."""

    def __init__(self, env):
        self.keys = []
        shape = (env.n_envs, env.n_agents)
        self.action = Action(np.zeros((*shape, 2), np.int32), np.full((*shape, 1), 99.0))

    def __call__(self, _observation, key):
        self.keys.append(key)
        return self.action


def loop_of(env, store=None, **settings):
    store = store or Replay(env.spec, env.n_envs, DQNConfig(capacity=60))
    return Loop(env, store, seed=4, **settings)


def test_the_first_steps_are_random_and_all_later_ones_the_algorithms():
    env = Scripted(3)
    loop, act = loop_of(env, learning_starts=10), Seen(env)

    loop.collect(act, 6)

    assert loop.steps == 18
    assert act.keys == [(4, 4), (4, 5)]  # 12 is the first multiple of 3 rows from 10 on
    batch = loop.store.sample(np.arange(18))
    assert batch.value[:12].max() < 4.0
    assert batch.value[12:].min() == 49.5  # half of what was wanted is what was applied


def test_learning_waits_for_the_random_start_and_for_something_to_learn_from():
    env = Scripted(2)
    steps = loop_of(env, learning_starts=4)
    episodes = loop_of(Scripted(2, end=0.0), Episodes(env.spec, 2, EpisodesConfig()))
    ready = []
    for _ in range(4):
        steps.collect(Seen(env), 1)
        ready.append(steps.ready)

    episodes.collect(Seen(env), 5)

    assert ready == [False, False, True, True]
    assert not episodes.ready


def test_figures_are_means_over_the_episodes_since_the_last_ones():
    env = Scripted(4, 2, deaths=True)
    loop = loop_of(env)
    loop.collect(Seen(env), 20)
    loop.figures()

    loop.collect(Seen(env), 30)
    figures = loop.figures()

    ends, decisions = [], 0
    for past in env.history:
        lengths = np.diff([-1] + [t for t, s in enumerate(past) if s.terminated or s.truncated])
        at = np.cumsum(lengths) - 1
        ends += lengths[at >= 20].tolist()
        decisions += sum(int(step.before.alive.sum()) for step in past[20:])
    assert figures["episodes"] == len(ends) > 5
    assert figures["length"] == pytest.approx(np.mean(ends))
    assert figures["decisions"] == decisions < 240
    assert figures["steps"] == 200


def test_without_an_episode_there_is_no_mean():
    env = Scripted(2, end=0.0)
    loop = loop_of(env)

    loop.collect(Seen(env), 3)

    assert set(loop.figures()) == {"episodes", "decisions", "illegal", "steps"}


@pytest.mark.parametrize("kind", ["replay", "episodes"])
def test_going_back_to_a_state_goes_on_as_if_nothing_had_happened(kind):
    def fresh():
        env = Scripted(3)
        if kind == "replay":
            return loop_of(env, learning_starts=50)
        return loop_of(env, Episodes(env.spec, 3, EpisodesConfig(capacity=9)), learning_starts=50)

    loop, again = fresh(), fresh()
    loop.collect(Seen(loop.env), 13)
    arrays = loop.state()
    loop.collect(Seen(loop.env), 9)

    again.restore(arrays)
    again.collect(Seen(again.env), 9)

    assert again.figures() == loop.figures()
    places = loop.store.draw(20, seed=0, update=0)
    for found, expected in zip(again.store.sample(places), loop.store.sample(places), strict=True):
        np.testing.assert_array_equal(found, expected)


def test_what_is_told_after_each_step_sees_it_stored():
    env, sizes = Scripted(2), []
    loop = loop_of(env, on_add=lambda: sizes.append(loop.store.size))

    loop.collect(Seen(env), 3)

    assert sizes == [2, 4, 6]


def test_runs_with_different_seeds_meet_different_episodes():
    starts = [
        Loop(env, None, seed=seed).observation.obs
        for env, seed in zip((Scripted(2), Scripted(2)), (0, 1), strict=True)
    ]

    assert not np.array_equal(*starts)


def test_random_choices_are_uniform_over_what_is_legal_in_each_head():
    mask = np.array([[True, False, True, True, False, True], [False] * 4 + [True, True]])
    head = np.array([0, 4, 6])

    drawn = np.stack([random_choices(mask, head, 0, step) for step in range(4000)])

    shares = [np.bincount(drawn[:, r, h], minlength=4) / 4000 for r in (0, 1) for h in (0, 1)]
    expected = [[1 / 3, 0, 1 / 3, 1 / 3], [0, 1, 0, 0], [1, 0, 0, 0], [0.5, 0.5, 0, 0]]
    np.testing.assert_allclose(shares, expected, atol=0.04)
    np.testing.assert_array_equal(np.array(shares) == 0, np.array(expected) == 0)


def test_random_values_fill_their_range_and_depend_on_nothing_but_their_name():
    env = Scripted(4, 2)
    observation = env.reset(np.arange(4))
    policy = RandomPolicy(sizes_of(env.spec))

    values = np.stack([policy.action(observation, (1, k)).value for k in range(500)])

    assert -2.0 < values.min() < -1.95
    assert 5.95 < values.max() < 6.0
    assert values.mean() == pytest.approx(2.0, abs=0.15)
    assert len(np.unique(values)) == values.size
    few = Scripted(2, 2)
    alone = policy.action(few.reset(np.arange(2)), (1, 3))
    np.testing.assert_array_equal(alone.value, values[3][:2])
