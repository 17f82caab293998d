# SPDX-License-Identifier: MIT
import numpy as np
import pytest

from flyball.core.errors import ConfigError
from flyball.learning.dqn import DQNConfig
from flyball.learning.experience.replay import Replay
from tests.learning.scripted import WEIGHTS, Scripted, play
from tests.learning.toys import Queue

GAMMA = 0.9


def replay_of(env, capacity, **settings):
    config = DQNConfig(capacity=capacity, gamma=GAMMA, weights=WEIGHTS, **settings)
    return Replay(env.spec, env.n_envs, config)


def alive_after(step):
    """A time limit ends no agent, whatever the world's last observation says of them."""
    cut = step.truncated and not step.after.alive.any()
    return step.before.alive if cut else step.after.alive


def slow_return(past, start, n_step, agent):
    """The definition: follow one agent step by step; return reward, discount and the last step."""
    reward, factor, discount = 0.0, 1.0, float(past[start].before.alive[agent])
    for t in range(start, len(past)):
        step = past[t]
        if discount > 0:
            utility = 2.0 * step.reward[agent, 0] - 0.5 * step.reward[agent, 1]
            reward += factor * utility
            if step.terminated or not alive_after(step)[agent]:
                discount = 0.0
        factor *= GAMMA
        if step.terminated or step.truncated or t + 1 == start + n_step or t + 1 == len(past):
            return reward, factor * discount, step
    raise AssertionError


@pytest.mark.parametrize("n_step", [1, 3])
@pytest.mark.parametrize("n_steps", [1, 5, 8, 9, 21, 40])
@pytest.mark.parametrize("n_agents", [1, 2])
def test_every_place_holds_the_newest_transition_with_its_return(n_step, n_steps, n_agents):
    env = Scripted(3, n_agents, deaths=n_agents > 1)
    env.reset(np.array([5, 6, 9]))
    replay = replay_of(env, capacity=25, n_step=n_step)  # 8 slots of 3 rows
    play(env, replay, n_steps)

    batch = replay.sample(np.arange(replay.size))

    assert replay.size == 3 * min(8, n_steps)
    for place in range(replay.size):
        slot, row = divmod(place, 3)
        time = max(t for t in range(n_steps) if t % 8 == slot)
        past = env.history[row]
        for agent in range(n_agents):
            reward, discount, last = slow_return(past, time, n_step, agent)
            assert batch.reward[place, agent] == pytest.approx(reward, abs=1e-6)
            assert batch.discount[place, agent] == pytest.approx(discount, abs=1e-6)
        for name in ("obs", "state", "mask", "alive"):
            now, following = getattr(batch, name), getattr(batch, f"next_{name}")
            np.testing.assert_array_equal(now[place], getattr(past[time].before, name))
            expected = alive_after(last) if name == "alive" else getattr(last.after, name)
            np.testing.assert_array_equal(following[place], expected)
        np.testing.assert_array_equal(batch.choice[place], past[time].choice)
        np.testing.assert_allclose(batch.value[place], past[time].value, rtol=1e-6)
        assert bool(batch.terminated[place]) == last.terminated
        assert bool(batch.truncated[place]) == last.truncated


def test_places_are_drawn_uniformly_and_by_name():
    env = Scripted(2)
    env.reset(np.arange(2))
    replay = replay_of(env, capacity=40)
    play(env, replay, 30)

    many = replay.draw(100, seed=3, update=7, n_updates=400)

    one_by_one = [replay.draw(100, seed=3, update=7 + k) for k in range(400)]
    np.testing.assert_array_equal(many, np.concatenate(one_by_one))
    counts = np.bincount(many, minlength=40)
    chi_square = ((counts - 1000.0) ** 2 / 1000.0).sum()
    assert chi_square < 72.05  # 39 degrees of freedom, 0.1 %
    assert not np.array_equal(many, replay.draw(100, seed=4, update=7, n_updates=400))


@pytest.mark.parametrize("mb", [256.0, 0.0], ids=["memory", "file"])
def test_the_memory_is_known_beforehand(mb, tmp_path):
    env = Scripted(4, 2)
    config = DQNConfig(capacity=4000, file_above_mb=mb)
    replay = Replay(env.spec, 4, config, folder=tmp_path)
    expected = replay.nbytes
    before = list(tmp_path.iterdir())

    env.reset(np.arange(4))
    play(env, replay, 1)

    assert before == []
    assert replay.ring.rows.nbytes == expected
    assert [path.stat().st_size for path in tmp_path.iterdir()] == [expected] * (mb == 0)


def test_going_back_to_a_state_goes_on_as_if_nothing_had_happened():
    env, again = Scripted(3), Scripted(3)
    env.reset(np.arange(3))
    replay, other = (replay_of(env, capacity=24, n_step=2) for _ in range(2))
    play(env, replay, 11)
    arrays, snapshot = replay.state(), env.snapshot()
    play(env, replay, 6)

    other.restore(arrays)
    again.restore(snapshot)
    play(again, other, 6)

    places = replay.draw(50, seed=0, update=0)
    for found, expected in zip(other.sample(places), replay.sample(places), strict=True):
        np.testing.assert_array_equal(found, expected)


def test_a_batch_lasts_until_as_many_are_sampled_again():
    env = Scripted(2)
    env.reset(np.arange(2))
    replay = replay_of(env, capacity=20)
    play(env, replay, 10)
    first = replay.sample(np.array([0, 1]))
    kept = first.obs.clone()

    replay.sample(np.array([4, 5, 6]))

    assert bool((first.obs == kept).all())


def test_candidates_of_varying_number_are_refused():
    with pytest.raises(ConfigError, match="replay: an options head of world queue"):
        Replay(Queue(2).spec, 2, DQNConfig())


def test_less_room_than_parallel_rows_is_refused():
    with pytest.raises(ConfigError, match="capacity: 3; allowed: at least the 4 parallel rows"):
        Replay(Scripted(4).spec, 4, DQNConfig(capacity=3))
