# SPDX-License-Identifier: MIT
"""The whole chain on a rail with walls, and the Env behind it."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flyball.core.batch import Action
from flyball.core.errors import ConfigError
from flyball.core.limits import Barrier, Rate
from flyball.safety.gate import COMMITTED, LOST, PASSED, RESTORED
from flyball.safety.projection import BENT, INVALID, SAME
from flyball.safety.shield import Shield, ShieldConfig
from flyball.safety.shielded import Shielded
from flyball.safety.telling import NO_GATE
from tests.safety.rail import BRAKE, LIMITS, SPEC, WALL_M, Rail, W, envelope

N = 50


def shield_of(n_envs=N, step_s=0.1, **settings):
    config = ShieldConfig(**settings)
    return Shield(SPEC, envelope(), n_envs=n_envs, step_s=step_s, config=config)


def shielded(n_envs=N, **settings):
    env = Shielded(Rail(n_envs), shield_of(n_envs, **settings))
    env.reset(np.arange(n_envs))
    return env


def push(value, n_envs=N):
    value = np.broadcast_to(np.asarray(value, float).reshape(-1, 1, 1), (n_envs, 1, 1))
    return Action(np.zeros((n_envs, 1, 0), np.int32), value.copy())


def test_behind_its_shield_no_policy_reaches_the_wall():
    env, rng = shielded(), np.random.default_rng(0)
    for k in range(200):
        env.env.force = W * rng.choice([-1.0, 1.0], N)
        wish = rng.choice([BRAKE, -BRAKE, 1e9, np.nan, np.inf, 0.0], N) if k % 2 else BRAKE
        step = env.step(push(wish))
        assert (env.env.far <= WALL_M).all()
        assert np.isfinite(step.applied.value).all()
        assert (env.noted.gated != LOST).all()


def test_with_the_gate_off_the_same_policy_does():
    env, reached = shielded(gate=False), False
    for _ in range(39):
        env.step(push(BRAKE))
        reached = reached or (env.env.far > WALL_M).any()
        assert (env.noted.gated == NO_GATE).all()
    assert reached


def test_what_is_proposed_and_what_is_executed_are_both_kept():
    env = shielded()
    env.score = lambda observation, action: action.value[..., 0].astype(np.float32)  # noqa: ARG005

    step = env.step(push(100.0))

    assert (env.noted.proposed.value == 100.0).all()
    assert (env.noted.executed.value == BRAKE).all()
    assert (env.noted.log_prob == 100.0).all()
    assert (env.noted.log_prob_executed == BRAKE).all()
    assert (env.noted.filtered == BENT).all()
    assert env.noted.changed.all()
    assert env.intervention_rate == 1.0
    np.testing.assert_array_equal(step.applied.value, env.noted.executed.value)


def test_an_admissible_action_passes_bit_for_bit():
    env, wish = shielded(), np.random.default_rng(1).uniform(-1, 1, N)

    env.step(push(wish))

    assert env.noted.executed.value.tobytes() == push(wish).value.tobytes()
    assert (env.noted.filtered == SAME).all()
    assert (env.noted.gated == PASSED).all()
    assert env.intervention_rate == 0.0


def test_a_veto_goes_to_the_backup_and_nothing_else_is_allowed_by_it():
    env = shielded()
    vetoed = np.arange(N) % 2 == 0
    env.veto = lambda observation, action: vetoed[:, None]  # noqa: ARG005

    env.step(push(0.5))

    assert set(env.noted.gated[vetoed, 0]) <= {COMMITTED, RESTORED}
    assert (env.noted.filtered[vetoed] == INVALID).all()
    assert (env.noted.gated[~vetoed] == PASSED).all()


def test_a_row_that_starts_anew_forgets_its_plan_and_the_others_do_not():
    env = shielded()
    for _ in range(3):
        env.step(push(BRAKE))
    plans = env.shield.gate.ticks.copy()
    env.shield.begin(env.now_s, np.arange(N) == 7)

    assert env.shield.gate.ticks[7] == 0
    np.testing.assert_array_equal(np.delete(env.shield.gate.ticks, 7), np.delete(plans, 7))


def test_a_signal_that_is_old_or_bad_is_not_believed():
    shield, env = shield_of(), Rail(N)
    observation = env.reset(np.zeros(N, np.int64))
    shield.begin(np.zeros(N))
    shield.correct(observation, push(0.0), np.zeros(N))
    observation.signals[:] = 0.99
    observation.age_s[::2], observation.quality[1::2] = 5.0, False

    found = shield.correct(observation, push(0.0), np.full(N, 0.1))

    assert not found.decision.doubted.any()
    assert (found.gated != LOST).all()


def test_a_snapshot_of_env_and_shield_goes_back_bit_for_bit():
    env, rng = shielded(), np.random.default_rng(3)
    for _ in range(10):
        env.step(push(rng.uniform(-BRAKE, BRAKE, N)))
    kept = env.snapshot()
    wishes = rng.uniform(-2 * BRAKE, 2 * BRAKE, (15, N))
    first = [env.step(push(wish)).applied.value.copy() for wish in wishes]

    env.restore(kept)

    for wish, expected in zip(wishes, first, strict=True):
        np.testing.assert_array_equal(env.step(push(wish)).applied.value, expected)


def test_the_monitor_counts_attempts_and_no_breach():
    env = shielded()
    for _ in range(20):
        env.step(push(BRAKE))
    figures = {
        (figure["name"], figure["labels"].get("constraint")): figure["value"]
        for figure in env.shield.monitor.summary()
    }

    assert figures["flyball_constraint_attempts_total", "state"] > 0
    assert figures["flyball_constraint_violations_total", "state"] == 0
    assert figures["flyball_constraint_violations_total", "push"] == 0


@settings(max_examples=300, deadline=None)
@given(st.floats(), st.floats(), st.floats(), st.floats(0, 10), st.booleans(), st.floats())
def test_for_every_float_something_finite_within_range_and_rate_comes_out(
    wish, x, v, age_s, quality, now_s
):
    own = replace(
        envelope(), limits=(*LIMITS, Rate(name="slow", unit="m/s2", value="push", fall=1, rise=1))
    )
    shield = Shield(SPEC, own, n_envs=1, step_s=0.1)
    observation = Rail(1).reset(np.zeros(1, np.int64))
    shield.begin(np.zeros(1))
    observation.signals[:], observation.age_s[:], observation.quality[:] = (x, v), age_s, quality

    with np.errstate(all="ignore"):
        found = shield.correct(observation, push(wish, 1), np.array([now_s]))

    assert abs(found.action.value[0, 0, 0]) <= 1.0


def test_a_barrier_that_the_plant_does_not_state_is_refused():
    near = Barrier(name="near", unit="m", bound=0.5, signals={"x": 1.0})
    with pytest.raises(ConfigError, match="limit 'near': a hard barrier without a backup"):
        Shield(SPEC, envelope(), n_envs=1, step_s=0.1, limits=(*LIMITS, near))


def test_a_step_that_no_proof_covers_is_refused():
    with pytest.raises(ConfigError, match=r"step_s: 0\.03 s"):
        shield_of(step_s=0.03)


@pytest.mark.parametrize("shape", [(0,), (1, 1, 2), (2, 1, 1), (1, 1, 1, 3)])
def test_arrays_of_another_shape_say_nothing_and_the_backup_holds(shape):
    shield, seen = shield_of(1), Rail(1).reset(np.zeros(1, np.int64))
    shield.begin(np.zeros(1))
    other = Action(np.zeros((1, 1, 0), np.int32), np.ones(shape))

    found = shield.correct(seen, other, np.zeros(1))

    assert found.action.value.shape == (1, 1, 1)
    assert found.gated[0] == RESTORED
    seen.signals = np.zeros(shape)
    assert np.isfinite(shield.correct(seen, push(0.0, 1), np.array([0.1])).action.value).all()
    assert np.isfinite(shield.correct(seen, push(0.0, 1), np.zeros(3)).action.value).all()


def test_a_signal_from_the_future_is_not_believed():
    shield, seen = shield_of(1), Rail(1).reset(np.zeros(1, np.int64))
    seen.age_s[:] = -1.0

    assert not shield.trusted(seen).any()
