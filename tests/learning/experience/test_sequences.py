# SPDX-License-Identifier: MIT
import numpy as np
import pytest

from flyball.core.errors import ConfigError
from flyball.learning.experience.sequences import EpisodeBatch, Episodes, EpisodesConfig
from tests.learning.scripted import WEIGHTS, Scripted, play
from tests.learning.toys import Queue


def episodes_of(env, capacity, max_steps=60):
    config = EpisodesConfig(capacity=capacity, max_steps=max_steps)
    return Episodes(env.spec, env.n_envs, config, weights=WEIGHTS)


def complete(env, n_steps):
    """Return every complete episode of the history in the order in which they ended."""
    first, found = [0] * env.n_envs, []
    for t in range(n_steps):
        for row, past in enumerate(env.history):
            if past[t].terminated or past[t].truncated:
                found.append(past[first[row] : t + 1])
                first[row] = t + 1
    return found


@pytest.mark.parametrize("n_agents", [1, 2])
@pytest.mark.parametrize("capacity", [4, 500])
def test_sampled_episodes_are_those_that_were_played_padded_with_nothing(n_agents, capacity):
    env = Scripted(3, n_agents, deaths=n_agents > 1)
    env.reset(np.array([2, 5, 8]))
    episodes = episodes_of(env, capacity)
    play(env, episodes, 90)
    played = complete(env, 90)

    batch = episodes.sample(np.arange(episodes.size))

    kept = played[-capacity:]
    assert episodes.size == len(kept) < len(played) + (capacity == 500)
    longest = max(len(past) for past in kept)
    assert len(batch.choice) == longest
    assert len(batch.obs) == longest + 1
    for number, past in enumerate(played):
        place = number % capacity
        if number < len(played) - capacity:
            continue
        assert batch.filled[:, place].tolist() == [t < len(past) for t in range(longest)]
        for t, step in enumerate(past):
            for name in ("obs", "state", "mask", "alive"):
                found = getattr(batch, name)
                np.testing.assert_array_equal(found[t, place], getattr(step.before, name))
                np.testing.assert_array_equal(found[t + 1, place], getattr(step.after, name))
            np.testing.assert_array_equal(batch.choice[t, place], step.choice)
            np.testing.assert_allclose(batch.value[t, place], step.value, rtol=1e-6)
            utility = 2.0 * step.reward[:, 0] - 0.5 * step.reward[:, 1]
            np.testing.assert_allclose(batch.reward[t, place], utility, rtol=1e-5, atol=1e-6)
            assert bool(batch.terminated[t, place]) == step.terminated
            assert bool(batch.truncated[t, place]) == step.truncated
        for name in set(EpisodeBatch._fields) - {"obs", "state", "mask", "alive"}:
            assert not getattr(batch, name)[len(past) :, place].any()
        for name in ("obs", "state", "mask", "alive"):
            assert not getattr(batch, name)[len(past) + 1 :, place].any()


def test_going_back_to_a_state_goes_on_as_if_nothing_had_happened():
    env, again = Scripted(3), Scripted(3)
    env.reset(np.arange(3))
    episodes, other = episodes_of(env, 6), episodes_of(env, 6)
    play(env, episodes, 40)
    arrays, snapshot = episodes.state(), env.snapshot()
    play(env, episodes, 25)

    other.restore(arrays)
    again.restore(snapshot)
    play(again, other, 25)

    places = episodes.draw(20, seed=0, update=0)
    for found, expected in zip(other.sample(places), episodes.sample(places), strict=True):
        np.testing.assert_array_equal(found, expected)


def test_a_state_holds_only_what_was_written():
    env = Scripted(2)
    env.reset(np.arange(2))
    episodes = episodes_of(env, 1000)
    play(env, episodes, 10)

    nbytes = sum(array.nbytes for array in episodes.state().values())

    assert nbytes < 0.05 * episodes.nbytes


def test_an_episode_that_is_longer_than_expected_is_told_with_the_setting():
    env = Scripted(2, end=0.0)
    env.reset(np.arange(2))
    episodes = episodes_of(env, 4, max_steps=5)
    play(env, episodes, 4)

    with pytest.raises(ConfigError, match="max_steps: an episode of more than 5 steps"):
        play(env, episodes, 2)


def test_an_episode_of_exactly_the_longest_length_is_kept():
    env = Scripted(1, end=1e-9)
    env.reset(np.arange(1))
    episodes = episodes_of(env, 4, max_steps=3)
    play(env, episodes, 2)
    env.end = 2.0

    play(env, episodes, 1)

    assert episodes.size == 1
    assert episodes.sample(np.array([0])).filled[:, 0].tolist() == [True] * 3


def test_candidates_of_varying_number_are_refused():
    with pytest.raises(ConfigError, match="replay: an options head of world queue"):
        Episodes(Queue(2).spec, 2, EpisodesConfig())


@pytest.mark.parametrize("wrong", [{"capacity": 0}, {"max_steps": 0}])
def test_a_setting_out_of_range_is_refused(wrong):
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        EpisodesConfig(**wrong)
