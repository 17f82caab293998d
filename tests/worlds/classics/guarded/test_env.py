# SPDX-License-Identifier: MIT
import numpy as np
import pytest

from flyball.core.batch import Action
from flyball.core.errors import ConfigError
from flyball.worlds.classics.guarded import NAMES, make
from tests.worlds.classics.guarded.play import copied, sliced, small, wished

KINDS = ("return", "length_steps", "breach_s", "deepest_breach", "travel")


@pytest.mark.parametrize("name", NAMES)
def test_every_array_has_the_shape_and_type_of_the_contract(name):
    env = small(name, 3)
    spec, problem = env.spec, env.scenario
    n, f = spec.n_agents, len(spec.kinds[0].features)
    n_signals, n_values = len(spec.signals), problem.rules.low.shape[1]
    n_heads, n_actions = len(spec.choice_starts) - 1, spec.choice_starts[-1]

    first = env.reset(np.arange(3))
    step = env.step(wished(env, np.random.default_rng(0)))

    assert spec.world == f"classics/{name}"
    assert tuple(kpi.name for kpi in spec.kpis)[:5] == KINDS
    for seen in (first, step.observation, step.final):
        for array, shape, dtype in (
            (seen.obs, (3, n, f), np.float32),
            (seen.state, (3, len(spec.state)), np.float32),
            (seen.mask, (3, n, n_actions), np.bool_),
            (seen.alive, (3, n), np.bool_),
            (seen.start, (3,), np.bool_),
            (seen.signals, (3, n_signals), np.float64),
            (seen.age_s, (3, n_signals), np.float64),
            (seen.quality, (3, n_signals), np.bool_),
            (seen.options.features, (0, 0), np.float32),
            (seen.options.offset, (3 * n + 1,), np.int64),
            (seen.options.id, (0,), np.int32),
        ):
            assert (array.shape, array.dtype) == (shape, dtype)
    for array, shape, dtype in (
        (step.reward, (3, n, 1), np.float64),
        (step.cost, (3, len(spec.costs)), np.float64),
        (step.outcome, (3, len(spec.kpis)), np.float64),
        (step.terminated, (3,), np.bool_),
        (step.truncated, (3,), np.bool_),
        (step.elapsed_s, (3,), np.float64),
        (step.applied.choice, (3, n, n_heads), np.int32),
        (step.applied.value, (3, n, n_values), np.float64),
        (step.illegal, (3, n), np.int32),
    ):
        assert (array.shape, array.dtype) == (shape, dtype)
    assert first.alive.all()
    assert first.quality.all()
    assert not first.age_s.any()
    assert step.elapsed_s.tolist() == [problem.step_s] * 3


@pytest.mark.parametrize("name", NAMES)
def test_a_row_plays_alone_as_it_plays_in_a_batch(name):
    rng = np.random.default_rng(0)
    seeds = rng.integers(0, 2**40, 8)
    together, alone = small(name, 8), small(name, 1)
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
    env, other = small(name, 4), small(name, 4)
    env.reset(np.arange(4))
    other.reset(np.arange(10, 14))
    for _ in range(33):
        env.step(wished(env, rng))
        other.step(wished(other, rng))
    kept = env.snapshot()
    wishes = [wished(env, rng) for _ in range(40)]
    want = [copied(env.step(wish)) for wish in wishes]

    other.restore(kept)

    found = [copied(other.step(wish)) for wish in wishes]
    for moment, twin in zip(want, found, strict=True):
        for one, two in zip(moment, twin, strict=True):
            np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize("name", NAMES)
def test_no_wish_can_do_harm_to_the_simulation(name):
    """Choices far out of range, infinite values and NaN are replaced, counted, and survived."""
    env = small(name, 4)
    env.reset(np.arange(4))
    rng = np.random.default_rng(0)
    wild = np.array([np.nan, np.inf, -np.inf, 1e300])
    for _ in range(30):
        wish = wished(env, rng)
        choice = rng.integers(-(2**31), 2**31, wish.choice.shape).astype(np.int32)

        step = env.step(Action(choice, rng.choice(wild, wish.value.shape)))

        assert np.isfinite(step.observation.obs).all()
        assert np.isfinite(step.observation.signals).all()
        assert np.isfinite(step.reward).all()
        assert np.isfinite(step.cost).all()
        assert (step.illegal > 0).all()


@pytest.mark.parametrize("name", NAMES)
def test_a_signal_is_never_further_from_the_truth_than_its_error(name):
    env = small(name, 16)
    env.reset(np.arange(16))
    rng = np.random.default_rng(0)
    error = env.scenario.rules.error
    widest = np.zeros(len(error))
    for _ in range(60):
        seen = env.step(wished(env, rng)).observation
        truth = env.state.real if env.state.real.size else env.state.whole
        off = abs(seen.signals - truth[:, : len(error)])

        assert (off <= error).all()
        widest = np.maximum(widest, off.max(0))
    assert (widest >= 0.9 * error).all()


@pytest.mark.parametrize("name", NAMES)
def test_a_disturbance_of_a_wrong_shape_or_beyond_its_bounds_is_refused(name):
    env = small(name, 2)
    shape = (2, env.scenario.n_changes, env.scenario.n_winds)
    wrong = np.zeros(shape)
    wrong[1, 0, 0] = np.nan

    with pytest.raises(ConfigError, match=r"disturbance: \(2, 1, 99\); allowed"):
        env.disturb(np.zeros((2, 1, 99)))
    for size in (wrong, np.full(shape, 1.001)):
        with pytest.raises(ConfigError, match="-1 to 1, finite"):
            env.disturb(size)


@pytest.mark.parametrize("name", [name for name in NAMES if name != "forbidden-grid"])
def test_a_disturbance_acts_in_the_next_step_only_and_is_drawn_anew_afterwards(name):
    one, two = small(name, 2), small(name, 2)
    for env in (one, two):
        env.reset(np.arange(2))
    shape = (2, one.scenario.n_changes, one.scenario.n_winds)
    still = wished(one, np.random.default_rng(0))
    one.disturb(np.ones(shape))
    two.disturb(-np.ones(shape))

    one.step(still)
    two.step(still)

    assert (one.state.real != two.state.real).any(1).all()
    two.restore(one.snapshot())
    np.testing.assert_array_equal(copied(one.step(still))[0], copied(two.step(still))[0])


def test_no_copies_are_refused():
    with pytest.raises(ConfigError, match="n_envs"):
        make(NAMES[0], 0)


@pytest.mark.parametrize("step_s", [0.0, 0.019, 0.51, float("nan")])
def test_steps_that_nothing_was_proved_for_are_refused(step_s):
    with pytest.raises(ConfigError, match=r"0\.02 to 0\.5 s"):
        make("double-integrator", 1, step_s=step_s)


def trace(name):
    """Return five steps of two rows as text, a line a row."""
    env = small(name, 2)
    env.reset(np.array([11, 12]))
    rng = np.random.default_rng(7)
    lines = []
    for k in range(5):
        step = env.step(wished(env, rng))
        for row in range(2):
            obs = " ".join(f"{x:.5g}" for x in step.observation.obs[row].ravel()[:12] + 0.0)
            reward = " ".join(f"{x:.6g}" for x in step.reward[row].ravel() + 0.0)
            cost = " ".join(f"{x:.6g}" for x in step.cost[row] + 0.0)
            ended = "T" if step.terminated[row] else "C" if step.truncated[row] else "-"
            lines.append(f"{name} {k} {row} {ended} | {reward} | {cost} | {obs}")
    return lines


def test_every_plant_plays_as_it_did_when_its_version_was_given(golden):
    golden("traces.txt", "\n".join(line for name in NAMES for line in trace(name)) + "\n")
