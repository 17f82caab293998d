# SPDX-License-Identifier: MIT
from dataclasses import replace

import numpy as np
import pytest

from flyball.core.errors import ConfigError
from flyball.safety.gate import (
    COMMITTED,
    LOST,
    PASSED,
    RESTORED,
    Gate,
    Region,
    ticks_of,
)
from tests.safety.rail import (
    BRAKE,
    FASTEST_M_PER_S,
    VALUES,
    WALL_M,
    Brake,
    Model,
    Still,
    Stop,
    W,
    envelope,
    moved,
)

N = 200


def gate_of(step_s, n_rows=N, hold_s=0.1, horizon=1):
    return Gate(envelope(hold_s, horizon), VALUES, n_rows=n_rows, step_s=step_s)


class Clueless:
    """A backup that never knows what to do."""

    def value(self, low, high):  # noqa: ARG002
        return np.full((len(low), 1), np.nan)


class Sighted(Brake):
    """A backup that is proved for what was just measured, and has no idea of anything wider."""

    def value(self, low, high):
        wide = (high - low).max(1) > 1e-9
        return np.where(wide[:, None], np.nan, super().value(low, high))


def exact(state):
    return Region(state.copy(), state.copy())


def attack(kind, rng, state, k):
    """Return what an adversary proposes (n,)."""
    n = len(state)
    if kind == "random":
        return rng.uniform(-2 * BRAKE, 2 * BRAKE, n)
    if kind == "bang-bang":
        return np.where((k // 7 + np.arange(n)) % 2 == 0, BRAKE, -BRAKE).astype(float)
    if kind == "to the wall":
        return BRAKE * np.where(np.arange(n) % 2 == 0, 1.0, -1.0)
    if kind == "broken":
        return rng.choice([np.nan, np.inf, -np.inf, -0.0, 5e-324, 1e308, BRAKE], n)
    return np.where(state[:, 1] >= 0, BRAKE, -BRAKE)  # faster and faster


@pytest.mark.parametrize("step_s", [0.02, 0.05, 0.1])
@pytest.mark.parametrize("kind", ["random", "bang-bang", "to the wall", "broken", "faster"])
def test_no_adversary_breaks_a_limit_between_samples_either(step_s, kind):
    rng, gate = np.random.default_rng(0), gate_of(step_s, hold_s=0.1)
    state, before = np.zeros((N, 2)), np.zeros((N, 1))
    for k in range(150):
        wanted = attack(kind, rng, state, k)[:, None]
        gated = gate.decide(exact(state), wanted, before)
        force = W * rng.choice([-1.0, 1.0, rng.uniform(-1, 1)], N)
        state, far, fast = moved(state, gated.applied[:, 0], force, step_s)
        before = gated.applied
        assert np.isfinite(before).all()
        assert (gated.code != LOST).all()
        assert not gated.doubted.any()
        assert (far <= WALL_M).all()
        assert (fast <= FASTEST_M_PER_S).all()
        assert (WALL_M - far >= gated.margin - 1e-12).all()


def test_without_the_gate_the_same_adversary_breaks_the_limits():
    state = np.zeros((N, 2))
    for k in range(150):
        wanted = np.clip(attack("to the wall", None, state, k), -BRAKE, BRAKE)
        state, far, _ = moved(state, wanted, np.zeros(N), 0.1)
    assert (far > WALL_M).all()


def test_what_leaves_a_way_back_passes_bit_for_bit():
    gate, rng = gate_of(0.1, hold_s=0.1), np.random.default_rng(1)
    wanted = rng.uniform(-1.0, 1.0, (N, 1))

    gated = gate.decide(exact(np.zeros((N, 2))), wanted, np.zeros((N, 1)))

    assert (gated.code == PASSED).all()
    np.testing.assert_array_equal(gated.applied, wanted)


def test_most_of_the_rail_may_be_used():
    gate, state = gate_of(0.1, hold_s=0.1), np.zeros((N, 2))
    furthest = 0.0
    for _ in range(200):
        gated = gate.decide(exact(state), np.full((N, 1), 1.0), np.zeros((N, 1)))
        state, far, _ = moved(state, gated.applied[:, 0], np.zeros(N), 0.1)
        furthest = max(furthest, far.max())
    assert furthest > 0.8 * WALL_M


def test_without_any_measurement_the_plan_goes_on_to_its_end():
    gate, rng = gate_of(0.05, hold_s=0.2), np.random.default_rng(2)
    state, before = np.zeros((N, 2)), np.zeros((N, 1))
    for _ in range(30):
        gated = gate.decide(exact(state), np.full((N, 1), BRAKE), before)
        state, _, _ = moved(state, gated.applied[:, 0], np.full(N, W), 0.05)
        before = gated.applied
    unknown = Region(np.full((N, 2), np.nan), np.full((N, 2), np.nan))
    left = int((gate.ticks - gate.used).max())
    assert left > 0
    for _ in range(left):
        gated = gate.decide(unknown, np.full((N, 1), np.nan), before)
        state, far, fast = moved(state, gated.applied[:, 0], W * rng.uniform(-1, 1, N), 0.05)
        before = gated.applied
        assert (gated.code == COMMITTED).all()
        assert (far <= WALL_M).all()
        assert (fast <= FASTEST_M_PER_S).all()


@pytest.mark.parametrize("n_refused", [1, 2, 3, 4, 5])
def test_sensors_that_fail_after_refusals_find_a_plan_that_is_still_long(n_refused):
    own = replace(envelope(hold_s=0.2), backup=Sighted(0.2))
    gate, state = Gate(own, VALUES, n_rows=N, step_s=0.05), np.zeros((N, 2))
    before, unknown = np.zeros((N, 1)), Region(np.full((N, 2), np.nan), np.full((N, 2), np.nan))
    for k in range(15 + n_refused + 3):
        # To the wall, then refused, then blind for all of a hold but its first step.
        wish = np.full((N, 1), BRAKE if k < 15 else np.nan)
        measured = exact(state) if k < 15 + n_refused else unknown
        gated = gate.decide(measured, wish, before)
        state, far, fast = moved(state, gated.applied[:, 0], np.full(N, W), 0.05)
        before = gated.applied
        assert (gated.code != LOST).all()
        assert (far <= WALL_M).all()
        assert (fast <= FASTEST_M_PER_S).all()


def test_a_plan_may_take_several_holds_to_the_safe_set():
    own = replace(envelope(horizon=12), model=Model(0.0), backup=Stop(), safe=Still())
    gate = Gate(own, VALUES, n_rows=N, step_s=0.05)
    state, before, longest = np.zeros((N, 2)), np.zeros((N, 1)), 0
    for k in range(120):
        wanted = attack("to the wall", None, state, k)[:, None]
        measured = exact(state) if k < 60 else Region(state + np.nan, state + np.nan)
        before = gate.decide(measured, wanted, before).applied
        longest = max(longest, int(gate.ticks.max()))
        state, far, fast = moved(state, before[:, 0], np.zeros(N), 0.05)
        assert (far <= WALL_M).all()
        assert (fast <= FASTEST_M_PER_S).all()
    assert longest > 6
    assert np.abs(state[:, 1]).max() <= 1e-9


def test_a_measurement_that_the_model_excludes_is_reported():
    gate = gate_of(0.1, hold_s=0.1)
    gate.decide(exact(np.zeros((N, 2))), np.zeros((N, 1)), np.zeros((N, 1)))

    gated = gate.decide(exact(np.full((N, 2), 0.4)), np.zeros((N, 1)), np.zeros((N, 1)))

    assert gated.doubted.all()


def test_a_start_beyond_what_is_certified_is_lost_says_so_and_brakes():
    gate = gate_of(0.1, hold_s=0.1)
    state = np.tile([0.95, 1.9], (N, 1))

    gated = gate.decide(exact(state), np.full((N, 1), 1.0), np.full((N, 1), 0.25))

    assert (gated.code == LOST).all()
    np.testing.assert_array_equal(gated.applied, -BRAKE)


def test_a_row_of_which_nothing_is_known_holds_what_was_applied():
    gate, unknown = (
        gate_of(0.1, hold_s=0.1),
        Region(np.full((N, 2), np.nan), np.full((N, 2), np.nan)),
    )

    gated = gate.decide(unknown, np.full((N, 1), 1.0), np.full((N, 1), 0.25))

    assert (gated.code == LOST).all()
    np.testing.assert_array_equal(gated.applied, 0.25)


def test_a_step_as_long_as_a_hold_needs_no_plan_within_the_safe_set():
    own = replace(envelope(), backup=Clueless())
    gate = Gate(own, VALUES, n_rows=N, step_s=0.1)

    gated = gate.decide(exact(np.zeros((N, 2))), np.full((N, 1), 0.5), np.zeros((N, 1)))

    assert (gated.code == PASSED).all()
    assert not gate.ticks.any()
    assert (gated.left_s == np.inf).all()
    assert (
        Gate(own, VALUES, n_rows=N, step_s=0.05)
        .decide(exact(np.zeros((N, 2))), np.full((N, 1), 0.5), np.zeros((N, 1)))
        .code
        == LOST
    ).all()


def test_a_row_that_refuses_everything_restores_its_plan_again_and_again():
    gate, state, codes = gate_of(0.1, hold_s=0.1), np.zeros((N, 2)), set()
    for _ in range(40):
        gated = gate.decide(exact(state), np.full((N, 1), np.nan), np.zeros((N, 1)))
        state, far, _ = moved(state, gated.applied[:, 0], np.full(N, W), 0.1)
        codes |= set(gated.code.tolist())
        assert (far <= WALL_M).all()
    assert codes == {RESTORED}


def test_a_snapshot_goes_back_bit_for_bit():
    gate, rng, state = gate_of(0.05, hold_s=0.1), np.random.default_rng(4), np.zeros((N, 2))
    before, kept, found = np.zeros((N, 1)), {}, []
    for again in range(2):
        for k in range(20):
            if k == 10 and not again:
                kept = gate.snapshot() | {"state": state.copy(), "before": before.copy()}
            if again and k == 0:
                gate.restore(kept)
                state, before = kept["state"], kept["before"]
            wanted = attack("faster", rng, state, k)[:, None]
            before = gate.decide(exact(state), wanted, before).applied
            state, _, _ = moved(state, before[:, 0], np.zeros(N), 0.05)
            if k == (9 if again else 19):
                found.append(state.copy())
                break
    np.testing.assert_array_equal(*found)


@pytest.mark.parametrize("step_s", [0.03, 0.2, 0.0, np.nan, np.inf])
def test_a_step_that_does_not_divide_the_hold_is_refused(step_s):
    with pytest.raises(ConfigError, match=r"step_s: .*allowed: what divides .* 0\.1 s"):
        ticks_of(0.1, step_s)


def test_a_gate_without_a_backup_is_refused():
    with pytest.raises(ConfigError, match="envelope backup, safe: nothing"):
        Gate(replace(envelope(), backup=None, safe=None), VALUES, n_rows=1, step_s=0.1)
