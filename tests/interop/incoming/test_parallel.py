# SPDX-License-Identifier: MIT
"""Agents of every kind on one axis: who acts, who leaves, who earns, and how a row ends."""

import numpy as np
import pytest
from gymnasium import spaces
from pettingzoo.test.example_envs import generated_agents_parallel_v0

from flyball.core.batch import Action
from flyball.core.errors import ConfigError
from flyball.core.spec import Categorical, TanhGaussian
from flyball.interop import AdapterConfig, from_parallel
from flyball.interop.parallel import AgentsEnv
from flyball.worlds.classics import make as make_classic
from tests.interop.incoming.foreign import Pack, copied, same
from tests.interop.meadow import MIXED, Meadow, drawn_action, flock

NAMES = ("alpha", "wolf_0", "wolf_1", "wolf_2")


def chosen(env, rng):
    """Return drawn legal actions of every agent of a pack."""
    choice = rng.integers(0, 2, (env.n_envs, 4, 1)).astype(np.int32)
    return Action(choice, rng.uniform(-1, 1, (env.n_envs, 4, 1)))


def test_agents_with_equal_spaces_are_one_kind():
    spec = from_parallel(Pack, 1).spec

    assert spec.world == "pettingzoo/pack_v0"
    assert [(kind.name, kind.count, len(kind.features)) for kind in spec.kinds] == [
        ("alpha", 1, 2),
        ("wolf", 3, 5),
    ]
    assert spec.kinds[0].heads == (
        Categorical("[0]", 3),
        TanhGaussian("[1][0]", "-", -1.0, 1.0),
    )
    assert len(spec.state) == 2
    assert not from_parallel(Pack, 1, state=False).spec.state


def test_kinds_that_are_called_the_same_are_told_apart():
    class Twins(Pack):
        possible_agents = ("wolf_0", "wolf_1")

        def action_space(self, agent):
            return spaces.Discrete(2 + int(agent[-1]))

    assert [kind.name for kind in from_parallel(Twins, 1).spec.kinds] == ["wolf", "wolf_1"]


def test_every_agent_acts_earns_and_leaves_as_the_environment_says():
    env = from_parallel(Pack, 3)
    own = [Pack() for _ in range(3)]
    rng = np.random.default_rng(0)
    now = copied(env.reset(np.arange(3)))
    shown = [each.reset(seed=row)[0] for row, each in enumerate(own)]
    counts = {"left": 0, "terminated": 0, "truncated": 0, "both": 0}
    for _ in range(80):
        action = chosen(env, rng)
        step = env.step(action)
        for row, each in enumerate(own):
            acting = list(each.agents)
            assert [NAMES[n] for n in np.flatnonzero(now["alive"][row])] == acting
            np.testing.assert_array_equal(now["state"][row], np.ravel(each.state()))
            said = {name: int(action.choice[row, NAMES.index(name), 0]) for name in acting}
            if "alpha" in said:
                said["alpha"] = (4 + said["alpha"], action.value[row, 0].astype(np.float32))
            seen, _, over, cut, _ = each.step(said)
            paid = [float(name in acting) for name in NAMES]
            np.testing.assert_array_equal(step.reward[row, :, 0], paid)
            ended = not each.agents
            target = step.final if ended else step.observation
            _shows(target, row, seen)
            if not ended:
                counts["left"] += len(acting) > len(each.agents)
                np.testing.assert_array_equal(target.state[row], np.ravel(each.state()))
                continue
            assert step.truncated[row] == any(cut.values())
            assert step.terminated[row] == all(over.values())
            kind = "terminated" if all(over.values()) else "truncated"
            counts["both" if any(over.values()) and any(cut.values()) else kind] += 1
            if step.truncated[row]:
                going_on = [name in cut and bool(cut[name]) for name in NAMES]
                np.testing.assert_array_equal(step.final.alive[row], going_on)
            assert step.observation.start[row]
            shown[row], _ = each.reset()
            _shows(step.observation, row, shown[row])
        now = copied(step.observation)

    assert min(counts.values()) > 0


def _shows(observation, row, seen):
    """Assert that a row shows what the environment showed, and zeros for the others."""
    for n, name in enumerate(NAMES):
        want = np.zeros(5)
        if name == "alpha" and name in seen:
            want[:2] = seen[name]
        elif name in seen:
            want[seen[name]] = 1
        np.testing.assert_allclose(observation.obs[row, n], want, rtol=1e-6)


def test_nothing_is_legal_for_one_that_has_left():
    env = from_parallel(Pack, 4)
    env.reset(np.arange(4))
    rng = np.random.default_rng(1)
    gone = 0
    for _ in range(40):
        observation = env.step(chosen(env, rng)).observation
        want = np.array([[True] * 3, [True, True, False]])[[0, 1, 1, 1]]
        want = want[None] & observation.alive[:, :, None]
        np.testing.assert_array_equal(observation.mask, want)
        gone += (~observation.alive).sum()

    assert gone > 10


def test_what_one_that_has_left_would_do_is_not_illegal():
    env = from_parallel(Pack, 2)
    now = env.reset(np.array([0, 3]))
    while now.alive.all():
        now = env.step(chosen(env, np.random.default_rng(0))).observation
    alive = now.alive.copy()

    step = env.step(Action(np.full((2, 4, 1), 9, np.int32), np.full((2, 4, 1), np.nan)))

    want = alive * np.array([2, 1, 1, 1])  # alpha has two heads
    np.testing.assert_array_equal(step.illegal, want)


def test_return_is_the_mean_over_all_agents_and_length_counts_steps():
    env = from_parallel(Pack, 2)
    rng = np.random.default_rng(0)
    env.reset(np.arange(2))
    total, length, ends = np.zeros(2), np.zeros(2), 0
    for _ in range(40):
        step = env.step(chosen(env, rng))
        total += step.reward[:, :, 0].mean(axis=1)
        length += 1
        for row in np.flatnonzero(step.terminated | step.truncated):
            np.testing.assert_allclose(step.outcome[row], [total[row], length[row]])
            total[row] = length[row] = 0
            ends += 1

    assert ends > 5


def test_the_same_seed_plays_the_same_episodes_whatever_the_batch():
    many, one = from_parallel(Pack, 3), from_parallel(Pack, 1)
    many.reset(np.array([5, 9, 2]))
    one.reset(np.array([9]))
    for k in range(40):
        choice = np.full((3, 4, 1), k % 2, np.int32)
        value = np.full((3, 4, 1), 0.5)
        ours = many.step(Action(choice, value)).observation
        alone = one.step(Action(choice[:1], value[:1])).observation
        for name, each in copied(alone).items():
            np.testing.assert_array_equal(getattr(ours, name)[1], each[0], name)


WORLDS = {
    "kinds": lambda b: Meadow(MIXED, b, leave=0.12),
    "hybrid": lambda b: Meadow(flock(3, "hybrid"), b, leave=0.12),
    "stay": lambda b: Meadow(flock(2, "several"), b),
}


@pytest.mark.parametrize("world", WORLDS)
@pytest.mark.parametrize("layout", ["flat", "dict"])
def test_a_world_of_ours_comes_back_as_it_went_out(world, layout):
    make = WORLDS[world]
    config = AdapterConfig(layout=layout, weights={"grass": 1.0})
    env = from_parallel(lambda: AgentsEnv(make(1), config), 3)
    batch = make(3)
    rng = np.random.default_rng(2)
    now, want = env.reset(np.arange(3)), batch.reset(np.arange(3))
    ends = np.zeros(2, int)
    for _ in range(80):
        same(now, want)
        action = drawn_action(batch, want, rng)
        ours, theirs = env.step(action), batch.step(action)
        now, want = ours.observation, theirs.observation
        same(ours.final, theirs.final, theirs.truncated, without=("start",))
        np.testing.assert_array_equal(ours.reward[:, :, 0], theirs.reward[:, :, 0])
        np.testing.assert_array_equal(ours.terminated, theirs.terminated)
        np.testing.assert_array_equal(ours.truncated, theirs.truncated)
        np.testing.assert_array_equal(ours.illegal, theirs.illegal)
        ends += [ours.terminated.sum(), ours.truncated.sum()]

    assert ends.min() > 0


@pytest.mark.parametrize(
    "make",
    [
        Pack,
        lambda: AgentsEnv(make_classic("two-step", 1), AdapterConfig()),
    ],
    ids=["pack", "ours"],
)
def test_a_snapshot_goes_on_bit_for_bit(make):
    env, other = from_parallel(make, 2), from_parallel(make, 2)
    rng = np.random.default_rng(0)
    shape = (2, env.spec.n_agents, 1)
    values = any(isinstance(head, TanhGaussian) for k in env.spec.kinds for head in k.heads)

    def wish():
        value = rng.uniform(-1, 1, shape if values else (*shape[:2], 0))
        return Action(rng.integers(0, 2, shape).astype(np.int32), value)

    env.reset(np.array([5, 6]))
    other.reset(np.array([1, 2]))
    for _ in range(15):
        env.step(wish())

    same(other.restore(env.snapshot()), env.restore(env.snapshot()))

    for _ in range(40):
        action = wish()
        ours, theirs = other.step(action), env.step(action)
        same(ours.observation, theirs.observation)
        for name in ("reward", "outcome", "terminated", "truncated"):
            np.testing.assert_array_equal(getattr(ours, name), getattr(theirs, name))


def test_mpe_is_played_as_pettingzoo_plays_it():
    mpe = pytest.importorskip("mpe2.simple_speaker_listener_v4", reason="mpe2 is not installed")
    env, own = from_parallel(mpe.parallel_env, 2), mpe.parallel_env()
    now = env.reset(np.array([3, 8]))
    seen, _ = own.reset(seed=8)
    rng = np.random.default_rng(0)
    for _ in range(60):
        for n, name in enumerate(env.agents):
            np.testing.assert_array_equal(now.obs[1, n, : len(seen[name])], seen[name])
        choice = rng.integers(0, 3, (2, 2, 1)).astype(np.int32)
        step = env.step(Action(choice, np.zeros((2, 2, 0))))
        said = {name: int(choice[1, n, 0]) for n, name in enumerate(env.agents)}
        seen, reward, _, cut, _ = own.step(said)
        want = [reward[name] for name in env.agents]
        np.testing.assert_array_equal(step.reward[1, :, 0], want)
        assert step.truncated[1] == all(cut.values())
        if not own.agents:
            seen, _ = own.reset()
        now = step.observation


def test_a_snapshot_of_mpe_goes_on_bit_for_bit():
    mpe = pytest.importorskip("mpe2.simple_spread_v3", reason="mpe2 is not installed")
    env, other = (from_parallel(mpe.parallel_env, 2) for _ in range(2))
    rng = np.random.default_rng(0)
    moves = [rng.integers(0, 5, (2, 3, 1)).astype(np.int32) for _ in range(60)]
    nothing = np.zeros((2, 3, 0))
    env.reset(np.array([1, 2]))
    other.reset(np.array([3, 4]))
    for move in moves[:7]:
        env.step(Action(move, nothing))

    same(other.restore(env.snapshot()), env.restore(env.snapshot()))

    for move in moves:
        ours, theirs = other.step(Action(move, nothing)), env.step(Action(move, nothing))
        same(ours.observation, theirs.observation)
        np.testing.assert_array_equal(ours.reward, theirs.reward)


def test_an_environment_that_does_not_know_its_agents_beforehand_is_refused():
    with pytest.raises(ConfigError, match=r"no possible_agents; .*names all of its possible_age"):
        from_parallel(generated_agents_parallel_v0.parallel_env, 1)


def test_one_environment_in_two_rows_is_refused():
    env = Pack()

    with pytest.raises(ConfigError, match="the same environment in several rows"):
        from_parallel(lambda: env, 2)
