# SPDX-License-Identifier: MIT
"""The rail behind its shield as an Env, and what is kept of every intervention."""

import numpy as np

from flyball.safety.gate import COMMITTED, LOST, PASSED, RESTORED
from flyball.safety.projection import BENT, INVALID, SAME
from flyball.safety.shielded import Shielded
from flyball.safety.telling import NO_GATE
from tests.safety.rail import BRAKE, WALL_M, N, Rail, W, push, shield_of


def shielded(n_envs=N, **settings):
    env = Shielded(Rail(n_envs), shield_of(n_envs, **settings))
    env.reset(np.arange(n_envs))
    return env


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
