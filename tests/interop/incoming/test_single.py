# SPDX-License-Identifier: MIT
"""Single environments as a batch: ends, masks, seeds, and going on where it was."""

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces

from flyball.core.errors import ConfigError
from flyball.interop import AdapterConfig, SingleEnv, from_gymnasium
from tests.interop.incoming.foreign import Road, act, copied, same
from tests.interop.meadow import HEADS, Meadow, alone, drawn_action

ROAD = Road()
MASKS = (None, "observation", "method", "info")


def played(env, seeds, steps, *, choice=1):
    """Yield what each step brings."""
    env.reset(np.asarray(seeds))
    for _ in range(steps):
        yield env.step(act(env, np.full(env.n_envs, choice)))


@pytest.mark.parametrize("mask", MASKS)
def test_the_last_observation_is_the_one_before_the_reset(mask):
    env = from_gymnasium(Road, 4, mask=mask)
    own = [Road(mask=mask) for _ in range(4)]
    for row, each in enumerate(own):
        each.reset(seed=row)
    ends = np.zeros(3, int)

    for step in played(env, range(4), 60):
        for row, each in enumerate(own):
            legal = step.applied.choice[row, 0, 0]
            _, reward, over, cut, _ = each.step(int(legal))
            assert step.reward[row, 0, 0] == reward
            assert (step.terminated[row], step.truncated[row]) == (over, cut)
            if over or cut:
                np.testing.assert_array_equal(step.final.obs[row, 0], each.seen)
                assert step.final.obs[row, 0, 1] == each.steps > 0
                assert step.final.alive[row, 0]
                want = each.mask() if mask else np.ones(4)
                np.testing.assert_array_equal(step.final.mask[row, 0], want)
                ends += [over and not cut, cut and not over, over and cut]
                each.reset()
            else:
                assert not step.final.obs[row].any()
            np.testing.assert_array_equal(step.observation.obs[row, 0], each.seen)
            assert step.observation.start[row] == (each.steps == 0)

    assert ends.min() > 0


@pytest.mark.parametrize("mask", MASKS[1:])
def test_the_mask_is_that_of_the_state_that_is_shown_after_a_reset_too(mask):
    env = from_gymnasium(Road, 3, mask=mask)

    for step in played(env, [5, 6, 7], 40):
        steps = step.observation.obs[:, 0, 1].astype(int)
        want = (np.arange(4)[None] + steps[:, None]) % 3 != 0
        np.testing.assert_array_equal(step.observation.mask[:, 0], want)


@pytest.mark.parametrize("mask", MASKS[1:])
def test_an_illegal_choice_is_counted_and_never_reaches_the_environment(mask):
    env = from_gymnasium(Road, 1, mask=mask)
    env.reset(np.array([5]))

    step = env.step(act(env, [0]))  # 0 is forbidden at the start, 1 is not

    assert step.illegal[0, 0] == 1
    assert step.applied.choice[0, 0, 0] == 1
    assert step.observation.obs[0, 0, 2] == 1


def test_a_mask_that_comes_late_or_goes_forbids_only_while_it_is_there():
    class Sometimes(Road):
        def told(self):
            return {"action_mask": self.mask()} if self.steps in (1, 2) else {}

    env = from_gymnasium(Sometimes, 1)
    masks = [step.observation.mask[0, 0].all() for step in played(env, [5], 3)]

    assert masks == [False, False, True]


def test_the_start_of_a_discrete_space_reaches_the_environment():
    env = from_gymnasium(Road, 2, action_space=spaces.Discrete(4, start=-7))
    env.reset(np.arange(2))

    step = env.step(act(env, [0, 3]))

    np.testing.assert_array_equal(step.observation.obs[:, 0, 2], [-7, -4])


@pytest.mark.parametrize(
    ("space", "choice", "value", "total"),
    [
        (spaces.MultiDiscrete([3, 2], start=[10, 0]), [2, 1], [], 13),
        (spaces.MultiBinary(3), [1, 0, 1], [], 2),
        (spaces.Box(-2.0, 2.0, (2,)), [], [0.5, 1.0], 1.5),
        (spaces.Box(-2.0, 2.0, (1,)), [], [99.0], 2.0),
        (spaces.Tuple([spaces.Discrete(3), spaces.Box(0.0, 1.0, (1,))]), [2], [0.25], 2.25),
        (spaces.Dict({"a": spaces.Discrete(3), "b": spaces.Box(0.0, 1.0, ())}), [2], [0.5], 2.5),
    ],
)
def test_every_action_space_gets_what_was_chosen(space, choice, value, total):
    env = from_gymnasium(Road, 1, action_space=space)
    env.reset(np.arange(1))

    step = env.step(act(env, [choice], [value]))

    assert step.observation.obs[0, 0, 2] == total


def test_the_same_seed_plays_the_same_episodes_whatever_the_batch():
    many, one = from_gymnasium(Road, 5), from_gymnasium(Road, 1)
    ends = 0

    pairs = zip(played(many, [3, 1, 4, 1, 5], 60), played(one, [4], 60), strict=True)
    for ours, alone_step in pairs:
        np.testing.assert_array_equal(ours.observation.obs[2], alone_step.observation.obs[0])
        np.testing.assert_array_equal(ours.observation.obs[1], ours.observation.obs[3])
        ends += alone_step.terminated[0]

    assert ends > 2


def test_a_second_reset_with_the_same_seeds_begins_anew():
    env = from_gymnasium(Road, 2)
    first = [copied(step.observation) for step in played(env, [3, 9], 30)]
    again = [copied(step.observation) for step in played(env, [3, 9], 30)]

    for one, other in zip(first, again, strict=True):
        np.testing.assert_array_equal(one["obs"], other["obs"])


def test_return_and_length_are_those_of_each_episode():
    env = from_gymnasium(Road, 2)
    total, length, ends = np.zeros(2), np.zeros(2), 0
    for step in played(env, [3, 9], 60):
        total += step.reward[:, 0, 0]
        length += 1
        for row in np.flatnonzero(step.terminated | step.truncated):
            np.testing.assert_allclose(step.outcome[row], [total[row], length[row]])
            total[row] = length[row] = 0
            ends += 1

    assert ends > 10


@pytest.mark.parametrize("heads", HEADS)
@pytest.mark.parametrize("layout", ["flat", "dict"])
def test_a_world_of_ours_comes_back_as_it_went_out(heads, layout):
    config = AdapterConfig(layout=layout)
    env = from_gymnasium(lambda: SingleEnv(Meadow(alone(heads), 1), config), 3)
    world = Meadow(alone(heads), 3)
    rng = np.random.default_rng(2)
    now, want = env.reset(np.arange(3)), world.reset(np.arange(3))
    ends = np.zeros(2, int)
    for _ in range(80):
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
        ends += [ours.terminated.sum(), ours.truncated.sum()]

    assert ends.min() > 0


def _continued(make, action, steps=120):
    """Assert that a fresh batch goes on from a snapshot bit for bit."""
    env, other = make(), make()
    env.reset(np.arange(env.n_envs) + 5)
    rng = np.random.default_rng(0)
    for _ in range(30):
        env.step(action(env, rng))
    snapshot = env.snapshot()
    ends = 0
    other.reset(np.full(env.n_envs, 77))
    other.step(action(other, rng))
    for _ in range(2):  # a second time: restoring uses nothing up
        same(other.restore(snapshot), env.restore(snapshot))
        for _ in range(steps):
            wish = action(env, rng)
            ours, theirs = other.step(wish), env.step(wish)
            same(ours.observation, theirs.observation)
            for name in ("reward", "outcome", "terminated", "truncated", "illegal"):
                np.testing.assert_array_equal(getattr(ours, name), getattr(theirs, name))
            ends += np.sum(ours.terminated | ours.truncated)
    return ends


def _drawn_values(env, rng):
    return act(env, None, rng.uniform(-0.9, 0.9, (env.n_envs, len(env.spec.kinds[0].heads))))


@pytest.mark.parametrize("mask", MASKS)
def test_a_snapshot_goes_on_bit_for_bit(mask):
    def choose(env, rng):
        return act(env, rng.integers(0, 4, env.n_envs))

    assert _continued(lambda: from_gymnasium(Road, 3, mask=mask), choose) > 5


def test_a_snapshot_of_cart_pole_goes_on_bit_for_bit():
    def choose(env, rng):
        return act(env, rng.integers(0, 2, env.n_envs))

    assert _continued(lambda: from_gymnasium("CartPole-v1", 3), choose) > 5


def test_a_snapshot_of_pendulum_goes_on_bit_for_bit():
    assert _continued(lambda: from_gymnasium("Pendulum-v1", 2), _drawn_values, 200) > 1


@pytest.mark.filterwarnings("ignore")  # of MuJoCo's own models
@pytest.mark.parametrize("name", ["Hopper-v5", "Ant-v5"])
def test_a_snapshot_of_mujoco_goes_on_bit_for_bit(name):
    # Rewards read positions of bodies that belong to the step before, and the solver starts warm:
    # both are lost where only positions and velocities are kept.
    pytest.importorskip("mujoco", reason="MuJoCo is not installed")

    assert _continued(lambda: from_gymnasium(name, 2), _drawn_values, 60) >= 0


def test_cart_pole_is_played_as_gymnasium_plays_it():
    env = from_gymnasium("CartPole-v1", 2)
    own = gymnasium.make("CartPole-v1")
    now = env.reset(np.array([8, 3]))
    seen, _ = own.reset(seed=3)
    rng = np.random.default_rng(0)

    assert env.spec.world == "gymnasium/CartPole-v1"
    assert env.spec.version == 1
    for _ in range(100):
        np.testing.assert_array_equal(now.obs[1, 0], seen)
        wish = rng.integers(0, 2, 2)
        step = env.step(act(env, wish))
        seen, reward, over, cut, _ = own.step(int(wish[1]))
        assert step.reward[1, 0, 0] == reward
        if over or cut:
            seen, _ = own.reset()
        now = step.observation


def test_taxis_mask_keeps_it_from_driving_into_walls():
    env = from_gymnasium("Taxi-v4", 2)
    env.reset(np.arange(2))
    rng = np.random.default_rng(0)
    for _ in range(50):
        step = env.step(act(env, rng.integers(0, 6, 2)))
        assert step.observation.mask.any(axis=2).all()
        assert step.reward.min() > -10  # -10: passenger taken or left where none may be

    assert step.observation.obs.sum() == 2  # one of 500 places in each row


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: from_gymnasium(Road, 0), "no environment; allowed: at least one"),
        (lambda: from_gymnasium(lambda: ROAD, 2), "the same environment in several"),
        (
            lambda: from_gymnasium(Road, 1, action_space=spaces.Box(-np.inf, np.inf, (1,))),
            r"gymnasium/Road action space: action\[0\] from -inf to inf; allowed: a finite",
        ),
    ],
)
def test_what_cannot_be_a_batch_is_refused(make, message):
    with pytest.raises(ConfigError, match=message):
        make()


def test_rows_with_different_spaces_are_refused():
    rows = iter([spaces.Discrete(4), spaces.Discrete(5)])

    with pytest.raises(ConfigError, match="rows with different spaces"):
        from_gymnasium(lambda: Road(next(rows)), 2)
