# SPDX-License-Identifier: MIT
"""All three autoreset modes say the same, and no step leads from one episode to the next."""

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces
from gymnasium.vector import AsyncVectorEnv, AutoresetMode, SyncVectorEnv, VectorEnv, VectorWrapper

from flyball.core.errors import ConfigError
from flyball.interop import AdapterConfig, BatchVectorEnv, SingleEnv, from_gymnasium, from_vector
from flyball.worlds.classics import make as make_classic
from tests.interop.incoming.foreign import Road, act, copied, same
from tests.interop.meadow import HEADS, Meadow, alone, drawn_action

MODES = list(AutoresetMode)
MASKS = (None, "observation", "method", "info")
ROWS = 3


def road(mode, mask=None, action_space=None):
    # In SAME_STEP mode Gymnasium keeps the last observation without copying it, so that it is lost
    # where an environment reuses its buffer.
    reuses = mode is not AutoresetMode.SAME_STEP
    makers = [lambda: Road(action_space, mask, reuses=reuses)] * ROWS
    return SyncVectorEnv(makers, autoreset_mode=mode)


class Opaque(VectorWrapper):
    """Hides what it wraps, so that only the stated autoreset mode is known of it."""


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("mask", MASKS)
def test_every_mode_plays_what_single_environments_play(mode, mask):
    env, want = from_vector(road(mode, mask)), from_gymnasium(Road, ROWS, mask=mask)
    rng = np.random.default_rng(0)
    ends = np.zeros(3, int)
    untold = ("mask",) if mask == "method" and mode is AutoresetMode.SAME_STEP else ()
    same(env.reset(np.array([7, 8, 9])), want.reset(np.array([7, 8, 9])))

    for _ in range(80):
        wish = act(want, rng.integers(0, 4, ROWS))
        ours, theirs = env.step(wish), want.step(wish)
        same(ours.observation, theirs.observation)
        same(ours.final, theirs.final, without=untold)
        for name in ("reward", "terminated", "truncated", "outcome", "illegal"):
            np.testing.assert_array_equal(getattr(ours, name), getattr(theirs, name), name)
        ends += [
            (theirs.terminated & ~theirs.truncated).sum(),
            (theirs.truncated & ~theirs.terminated).sum(),
            (theirs.truncated & theirs.terminated).sum(),
        ]

    assert ends.min() > 0


@pytest.mark.parametrize("mask", MASKS)
def test_the_step_that_only_resets_is_no_transition(mask):
    env = from_vector(Opaque(road(AutoresetMode.NEXT_STEP, mask)))
    want = from_gymnasium(Road, ROWS, mask=mask)
    seeds = np.array([7, 8, 9])
    now = copied(env.reset(seeds))
    lived = [[{key: each[row] for key, each in now.items()}] for row in range(ROWS)]
    brought = [[] for _ in range(ROWS)]
    ghosts = 0
    for _ in range(80):
        step = env.step(act(env, np.ones(ROWS)))
        for row in range(ROWS):
            if not now["alive"][row, 0]:
                ghosts += 1
                assert step.reward[row, 0, 0] == step.illegal[row, 0] == 0
                assert not step.terminated[row]
                assert not step.truncated[row]
                assert step.observation.start[row]
                assert step.observation.obs[row, 0, 1] == 0
            else:
                ends = (bool(step.terminated[row]), bool(step.truncated[row]))
                brought[row].append((step.reward[row, 0, 0], *ends, *step.outcome[row]))
                assert step.observation.alive[row, 0] == (not any(ends))
                assert not step.observation.start[row]
        now = copied(step.observation)
        for row in range(ROWS):
            if now["alive"][row, 0]:
                lived[row].append({key: each[row] for key, each in now.items()})

    assert ghosts > 10
    _agree(want, seeds, lived, brought)


def _agree(want, seeds, lived, brought):
    """Assert that the living steps of each row are those of single environments, in order."""
    observation = want.reset(seeds)
    for k in range(min(len(steps) for steps in brought)):
        for row in range(ROWS):
            for name in ("obs", "mask", "start"):
                own = getattr(observation, name)[row]
                np.testing.assert_array_equal(lived[row][k][name], own, name)
        step = want.step(act(want, np.ones(ROWS)))
        for row in range(ROWS):
            ends = (bool(step.terminated[row]), bool(step.truncated[row]))
            assert brought[row][k] == (step.reward[row, 0, 0], *ends, *step.outcome[row])
        observation = step.observation


def test_gymnasiums_own_fast_cart_pole_has_no_transition_across_episodes():
    env = from_vector(gymnasium.make_vec("CartPole-v1", num_envs=4))
    now = copied(env.reset(np.arange(4)))
    rng = np.random.default_rng(0)
    ends = 0
    for _ in range(200):
        step = env.step(act(env, rng.integers(0, 2, 4)))
        jump = np.abs(step.observation.obs[:, 0] - now["obs"][:, 0]).max(axis=1)
        acting = now["alive"][:, 0]
        assert np.all(jump[acting] < 0.5)  # one step of 0.02 s moves nothing further
        np.testing.assert_array_equal(step.reward[:, 0, 0], acting)
        np.testing.assert_array_equal(step.observation.start, ~acting)
        lengths = step.outcome[step.terminated]
        np.testing.assert_array_equal(lengths[:, 0], lengths[:, 1])
        ends += step.terminated.sum()
        now = copied(step.observation)

    assert ends > 10


def test_the_same_seeds_are_the_same_episodes_where_only_one_seed_is_taken():
    env = from_vector(gymnasium.make_vec("CartPole-v1", num_envs=4))
    first = env.reset(np.arange(4)).obs.copy()
    other = env.reset(np.arange(1, 5)).obs.copy()

    np.testing.assert_array_equal(env.reset(np.arange(4)).obs, first)
    assert not np.array_equal(first, other)


def test_processes_of_their_own_play_the_same():
    makers = [lambda: gymnasium.make("CartPole-v1")] * 2
    env, want = from_vector(AsyncVectorEnv(makers)), from_gymnasium("CartPole-v1", 2)
    same(env.reset(np.array([1, 2])), want.reset(np.array([1, 2])))
    for k in range(60):
        ours, theirs = env.step(act(want, [k % 2, 1])), want.step(act(want, [k % 2, 1]))
        same(ours.observation, theirs.observation)
        same(ours.final, theirs.final)
    with pytest.raises(ConfigError, match=r"AsyncVectorEnv: state that cannot be copied: AsyncVec"):
        env.snapshot()
    env.close()


@pytest.mark.parametrize("heads", HEADS)
@pytest.mark.parametrize("layout", ["flat", "dict"])
def test_a_batch_of_ours_comes_back_as_it_went_out(heads, layout):
    config = AdapterConfig(layout=layout)
    env = from_vector(BatchVectorEnv(Meadow(alone(heads), ROWS), config))
    world = Meadow(alone(heads), ROWS)
    rng = np.random.default_rng(2)
    now, want = env.reset(np.arange(ROWS)), world.reset(np.arange(ROWS))
    ends = 0
    for _ in range(60):
        same(now, want, without=("state",))
        action = drawn_action(world, want, rng)
        ours, theirs = env.step(action), world.step(action)
        now, want = ours.observation, theirs.observation
        same(ours.final, theirs.final, theirs.truncated, without=("state", "start"))
        np.testing.assert_array_equal(
            ours.reward[:, 0, 0], theirs.reward[:, 0, 0] - theirs.reward[:, 0, 1]
        )
        np.testing.assert_array_equal(ours.terminated, theirs.terminated)
        np.testing.assert_array_equal(ours.truncated, theirs.truncated)
        np.testing.assert_array_equal(ours.illegal, theirs.illegal)
        ends += ours.truncated.sum()

    assert ends > 0


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("heads", HEADS)
def test_every_mode_takes_every_form_of_heads(mode, heads):
    makers = [lambda: SingleEnv(Meadow(alone(heads), 1), AdapterConfig())] * ROWS
    env = from_vector(SyncVectorEnv(makers, autoreset_mode=mode))
    world = Meadow(alone(heads), ROWS)
    rng = np.random.default_rng(2)
    now, want = env.reset(np.arange(ROWS)), world.reset(np.arange(ROWS))
    for _ in range(40):
        same(now, want, without=("state",))
        action = drawn_action(world, want, rng)
        now, want = env.step(action).observation, world.step(action).observation


@pytest.mark.parametrize(
    "make",
    [
        lambda: road(AutoresetMode.SAME_STEP),
        lambda: Opaque(road(AutoresetMode.NEXT_STEP, "info")),
        lambda: gymnasium.make_vec("CartPole-v1", num_envs=ROWS),
        lambda: BatchVectorEnv(make_classic("cartpole", ROWS), AdapterConfig()),
    ],
    ids=["sync", "opaque", "native", "ours"],
)
def test_a_snapshot_goes_on_bit_for_bit(make):
    env, other = from_vector(make()), from_vector(make())
    env.reset(np.arange(ROWS) + 5)
    other.reset(np.arange(ROWS))
    for _ in range(23):
        env.step(act(env, np.ones(ROWS)))

    same(other.restore(env.snapshot()), env.restore(env.snapshot()))

    for k in range(60):
        wish = act(env, np.full(ROWS, k % 2))
        ours, theirs = other.step(wish), env.step(wish)
        same(ours.observation, theirs.observation)
        same(ours.final, theirs.final)
        for name in ("reward", "outcome", "terminated", "truncated", "illegal"):
            np.testing.assert_array_equal(getattr(ours, name), getattr(theirs, name))


class Bare(VectorEnv):
    """Ends every row in every step, and tells its last observations in a way of its own."""

    def __init__(self, mode, *, final=None):
        self.metadata = {"autoreset_mode": mode}
        self.num_envs = 2
        self.final = final
        self.single_observation_space = spaces.Box(-9.0, 9.0, (1,))
        self.single_action_space = spaces.Discrete(2)

    def reset(self, **_):
        return np.zeros((2, 1), np.float32), {}

    def step(self, _):
        ended = np.array([True, False])
        info = {"final_obs": self.final} if self.final is not None else {}
        return np.zeros((2, 1), np.float32), np.ones(2), ended, ~ended & False, info


def test_last_observations_may_come_as_one_array():
    env = from_vector(Bare(AutoresetMode.SAME_STEP, final=np.array([[3.0], [4.0]])))
    env.reset(np.arange(2))

    step = env.step(act(env, [0, 1]))

    np.testing.assert_array_equal(step.final.obs[:, 0, 0], [3, 0])


def test_a_same_step_environment_that_hides_its_last_observation_is_refused():
    env = from_vector(Bare(AutoresetMode.SAME_STEP))
    env.reset(np.arange(2))

    with pytest.raises(ConfigError, match="no final_obs, though rows have ended; allowed: the las"):
        env.step(act(env, [0, 1]))


@pytest.mark.parametrize("mode", [None, "sometimes"])
def test_an_environment_that_does_not_say_how_it_resets_itself_is_refused(mode):
    with pytest.raises(ConfigError, match=r"autoreset_mode .*transitions that never were"):
        from_vector(Bare(mode))
