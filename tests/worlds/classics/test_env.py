# SPDX-License-Identifier: MIT
import numpy as np
import pytest

from flyball.core.batch import Action
from flyball.core.errors import ConfigError
from flyball.core.spec import Categorical, TanhGaussian
from flyball.worlds.classics import make
from flyball.worlds.classics.catalogue import NAMES
from tests.worlds.classics.play import wished

N_ENVS = 16


def copied(step):
    """Return what a step says, as arrays that stay."""
    seen = step.observation
    arrays = (
        seen.obs, seen.state, seen.mask, seen.start, step.final.obs, step.final.mask, step.reward,
        step.outcome, step.terminated, step.truncated, step.illegal, step.applied.choice,
        step.applied.value,
    )  # fmt: skip
    return [array.copy() for array in arrays]


def sliced(action, rows):
    return Action(action.choice[rows], action.value[rows])


@pytest.mark.parametrize("name", NAMES)
def test_every_array_has_the_shape_and_type_of_the_contract(name):
    env = make(name, 3)
    spec = env.spec
    n, f = spec.n_agents, max(len(kind.features) for kind in spec.kinds)
    heads = [[h for h in kind.heads if isinstance(h, Categorical)] for kind in spec.kinds]
    values = [[h for h in kind.heads if isinstance(h, TanhGaussian)] for kind in spec.kinds]
    n_heads, n_values = max(map(len, heads)), max(map(len, values))

    first = env.reset(np.arange(3))
    step = env.step(wished(env, np.random.default_rng(0)))

    assert spec.world == f"classics/{name}"
    assert [kpi.name for kpi in spec.kpis] == ["return", "length_steps"]
    for seen in (first, step.observation, step.final):
        n_actions = seen.mask.shape[2]
        assert n_actions == sum(
            max(own[h].n for own in heads if h < len(own)) for h in range(n_heads)
        )
        for array, shape, dtype in (
            (seen.obs, (3, n, f), np.float32),
            (seen.state, (3, len(spec.state)), np.float32),
            (seen.mask, (3, n, n_actions), np.bool_),
            (seen.alive, (3, n), np.bool_),
            (seen.start, (3,), np.bool_),
            (seen.signals, (3, 0), np.float64),
            (seen.age_s, (3, 0), np.float64),
            (seen.quality, (3, 0), np.bool_),
            (seen.options.features, (0, 0), np.float32),
            (seen.options.offset, (3 * n + 1,), np.int64),
            (seen.options.id, (0,), np.int32),
        ):
            assert (array.shape, array.dtype) == (shape, dtype)
    for array, shape, dtype in (
        (step.reward, (3, n, len(spec.objectives)), np.float64),
        (step.cost, (3, 0), np.float64),
        (step.outcome, (3, 2), np.float64),
        (step.terminated, (3,), np.bool_),
        (step.truncated, (3,), np.bool_),
        (step.elapsed_s, (3,), np.float64),
        (step.applied.choice, (3, n, n_heads), np.int32),
        (step.applied.value, (3, n, n_values), np.float64),
        (step.illegal, (3, n), np.int32),
    ):
        assert (array.shape, array.dtype) == (shape, dtype)
    assert first.alive.all()
    assert (step.elapsed_s > 0).all()


@pytest.mark.parametrize("name", NAMES)
def test_a_row_plays_alone_as_it_plays_in_a_batch(name):
    rng = np.random.default_rng(0)
    seeds = rng.integers(0, 2**40, N_ENVS)
    together, alone = make(name, N_ENVS), make(name, 1)
    together.reset(seeds)
    alone.reset(seeds[5:6])
    for _ in range(60):
        wish = wished(together, rng, stray=1)

        all_ = copied(together.step(wish))
        one = copied(alone.step(sliced(wish, slice(5, 6))))

        for many, single in zip(all_, one, strict=True):
            np.testing.assert_array_equal(many[5:6], single)


@pytest.mark.parametrize("name", NAMES)
def test_a_snapshot_brings_everything_back_bit_for_bit(name):
    rng = np.random.default_rng(0)
    env, other = make(name, 4), make(name, 4)
    env.reset(np.arange(4))
    other.reset(np.arange(10, 14))
    for _ in range(33):
        last = env.step(wished(env, rng)).observation
        other.step(wished(other, rng))
    kept = env.snapshot()
    wishes = [wished(env, rng) for _ in range(40)]
    want = [copied(env.step(wish)) for wish in wishes]

    seen = other.restore(kept)

    for one, two in ((seen.obs, kept_obs(env, kept)), (seen.start, kept["start"])):
        np.testing.assert_array_equal(one, two)
    assert last.obs.shape == seen.obs.shape
    found = [copied(other.step(wish)) for wish in wishes]
    for moment, twin in zip(want, found, strict=True):
        for one, two in zip(moment, twin, strict=True):
            np.testing.assert_array_equal(one, two)


def kept_obs(env, kept):
    """Return what the Env itself shows after going back."""
    return env.restore(kept).obs.copy()


@pytest.mark.parametrize("name", NAMES)
def test_the_last_observation_is_intact_after_the_next_step(name):
    rng = np.random.default_rng(0)
    env = make(name, 8)
    seen = env.reset(np.arange(8))
    for _ in range(20):
        before = [array.copy() for array in (seen.obs, seen.state, seen.mask, seen.start)]

        after = env.step(wished(env, rng)).observation

        for array, want in zip((seen.obs, seen.state, seen.mask, seen.start), before, strict=True):
            np.testing.assert_array_equal(array, want)
        assert after is not seen
        seen = after


def test_episodes_of_a_row_differ_and_repeat_with_its_seed():
    env = make("cartpole", 2)
    rng = np.random.default_rng(0)
    starts = []
    for _ in range(2):
        found = [env.reset(np.array([3, 4])).obs.copy()]
        for _ in range(200):
            step = env.step(wished(env, rng))
            if step.terminated[0]:
                found.append(step.observation.obs.copy())
        starts.append([obs[0] for obs in found[:4]])

    np.testing.assert_array_equal(starts[0], starts[1])
    assert len({obs.tobytes() for obs in starts[0]}) == 4


def test_a_reset_forgets_the_ends_of_the_last_step():
    env = make("bandit", 2)
    env.reset(np.arange(2))
    env.step(wished(env, np.random.default_rng(0)))

    env.reset(np.arange(2))

    assert not env.step(wished(env, np.random.default_rng(0))).final.start.any()
    assert env.state.episode.tolist() == [1, 1]


def test_nothing_is_allocated_anew_by_a_step():
    env = make("spread", 4)
    first = env.reset(np.arange(4))
    rng = np.random.default_rng(0)
    one, two, three = (env.step(wished(env, rng)) for _ in range(3))

    assert one is three
    assert two.observation is first
    assert one.reward is two.reward


def test_choices_of_any_whole_type_are_taken():
    env = make("cartpole", 2)
    env.reset(np.arange(2))

    step = env.step(Action(np.ones((2, 1, 1), np.int64), np.zeros((2, 1, 0), np.float32)))

    assert step.applied.choice.tolist() == [[[1]], [[1]]]


def test_no_rows_are_refused():
    with pytest.raises(ConfigError, match=r"cartpole\.n_envs: 0; allowed: 1 or more"):
        make("cartpole", 0)


def trace(name):
    """Return five steps of two rows as text, a line a row."""
    env = make(name, 2)
    env.reset(np.array([11, 12]))
    rng = np.random.default_rng(7)
    lines = []
    for k in range(5):
        step = env.step(wished(env, rng))
        for row in range(2):
            obs = " ".join(f"{x:.5g}" for x in step.observation.obs[row].ravel()[:12] + 0.0)
            reward = " ".join(f"{x:.6g}" for x in step.reward[row].ravel() + 0.0)
            ended = "T" if step.terminated[row] else "C" if step.truncated[row] else "-"
            lines.append(f"{name} {k} {row} {ended} | {reward} | {obs}")
    return lines


def test_every_problem_plays_as_it_did_when_its_version_was_given(golden):
    golden("traces.txt", "\n".join(line for name in NAMES for line in trace(name)) + "\n")
