# SPDX-License-Identifier: MIT
"""One decision, compiled and not: the same bits, and machine code only of what is written now."""

from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pytest
from numba import njit

from flyball.core.envelope import Inner, Reach
from flyball.safety import weaving
from flyball.safety.gate import COMMITTED, LOST, PASSED, RESTORED, Gate, Region
from flyball.safety.plans import start
from tests.safety.rail import BRAKE, VALUES, envelope

needs_compiler = pytest.mark.skipif(not hasattr(start, "_cache"), reason="the compiler is off")


class Rope(NamedTuple):
    """A mass that is held within 1 m by its brakes."""

    brake: float
    force: float


@njit
def reach(rope, low, high, value, step_s):
    """Return boxes and margins of x' = v, v' = u + w."""
    below, above, margin = low.copy(), high.copy(), np.empty(len(low))
    for i in range(len(low)):
        up, down = value[i, 0] + rope.force, value[i, 0] - rope.force
        below[i, 0] += step_s * (low[i, 1] + 0.5 * step_s * down) - 1e-12
        above[i, 0] += step_s * (high[i, 1] + 0.5 * step_s * up) + 1e-12
        below[i, 1] += step_s * down - 1e-12
        above[i, 1] += step_s * up + 1e-12
        far = max(above[i, 0], high[i, 0], -below[i, 0], -low[i, 0])
        fast = max(above[i, 1], high[i, 1], -below[i, 1], -low[i, 1], 0.0)
        margin[i] = 1.0 - far - 0.5 * step_s * fast
    return below, above, margin


@njit
def value_of(rope, low, high):
    """Return what stops."""
    out = np.empty((len(low), 1))
    for i in range(len(low)):
        wish = -5.0 * (low[i, 1] + high[i, 1])
        out[i, 0] = min(max(wish, -rope.brake), rope.brake)
    return out


@njit
def margin_of(rope, low, high):
    """Return how far one is from where braking ends at the wall."""
    out = np.empty(len(low))
    for i in range(len(low)):
        right = high[i, 0] + max(high[i, 1], 0.0) ** 2 / (2.0 * (rope.brake - rope.force))
        left = -low[i, 0] + max(-low[i, 1], 0.0) ** 2 / (2.0 * (rope.brake - rope.force))
        out[i] = 0.99 - max(right, left)
    return out


ROPE = Rope(BRAKE, 0.3)


class Model:
    def reach(self, low, high, value, step_s):
        return Reach(*reach(ROPE, low, high, value, step_s))


class Backup:
    def value(self, low, high):
        return value_of(ROPE, low, high)

    def margin(self, low, high):
        return margin_of(ROPE, low, high)


def gate_of(n_rows, inner, horizon=2, step_s=0.05):
    model, backup = Model(), Backup()
    if inner:
        model.inner_reach = Inner(reach, ROPE)
        backup.inner_value, backup.inner_margin = Inner(value_of, ROPE), Inner(margin_of, ROPE)
    own = replace(envelope(0.1, horizon), model=model, backup=backup, safe=backup)
    return Gate(own, VALUES, n_rows=n_rows, step_s=step_s)


def decisions(gates, n, n_steps=60):
    """Yield what gates make of the same attack on n plants, whose true states are the first's."""
    rng, state = np.random.default_rng(0), np.zeros((n, 2))
    before = np.zeros((n, 1))
    for _ in range(n_steps):
        wish = rng.choice(
            [BRAKE, -BRAKE, 0.3, np.nan, 9.0, 0.0], (n, 1), p=[0.5, 0.2, 0.1, 0.1, 0.05, 0.05]
        )
        seen = np.where(rng.random((n, 1)) < 0.8, state, np.nan)
        late = rng.random(n) < 0.02
        found = [gate.decide(Region(seen, seen), wish, before, late) for gate in gates]
        yield found
        before = found[0].applied.copy()
        push = before[:, 0] + rng.uniform(-0.3, 0.3, n)
        state = np.stack(
            (state[:, 0] + 0.05 * state[:, 1] + 0.00125 * push, state[:, 1] + 0.05 * push), 1
        )


def bits(gated):
    return [np.asarray(array).tobytes() for array in gated]


@needs_compiler
def test_compiled_and_not_decide_the_same_bit_for_bit():
    gates, codes = (gate_of(40, True), gate_of(40, False)), set()
    assert [gate.woven.compiled for gate in gates] == [True, False]

    for one, other in decisions(gates, 40):
        codes |= set(one.code.tolist())
        assert bits(one) == bits(other)
        kept = [[a.tobytes() for a in gate.snapshot().values()] for gate in gates]
        assert kept[0] == kept[1]
    assert codes >= {PASSED, COMMITTED, RESTORED, LOST}


@needs_compiler
def test_one_plant_is_decided_as_it_is_among_many():
    many, alone = gate_of(12, True), [gate_of(1, True) for _ in range(12)]

    class Each:
        def decide(self, measured, wish, before, late):
            for r, own in enumerate(alone):
                rows = slice(r, r + 1)
                region = Region(measured.low[rows], measured.high[rows])
                yield own.decide(region, wish[rows], before[rows], late[rows])

    for one, other in decisions((many, Each()), 12, n_steps=30):
        for r, own in enumerate(other):
            assert bits(own) == [np.asarray(array[r : r + 1]).tobytes() for array in one]


@pytest.mark.slow
@needs_compiler
@pytest.mark.parametrize("name", ["double-integrator", "inverted-pendulum", "two-tanks"])
def test_proved_plants_are_decided_the_same_compiled_and_not(name):
    from flyball import experiments
    from flyball.core.spec import TanhGaussian

    own, rng = experiments.proofs.safe(name), np.random.default_rng(1)
    box = next(limit for limit in own.limits if hasattr(limit, "high"))
    n_values = len({limit.value for limit in own.limits if hasattr(limit, "value")})
    values = tuple(
        TanhGaussian(limit.value, "-", limit.low, limit.high)
        for limit in own.limits if hasattr(limit, "value")
    )  # fmt: skip
    gates = [Gate(own, values, n_rows=200, step_s=own.hold_s) for _ in range(2)]
    assert gates[0].woven.compiled
    gates[1].woven = weaving.plain(own.model, own.backup, own.safe)
    middle = 0.3 if name == "two-tanks" else 0.0
    for _ in range(20):
        state = middle + rng.uniform(-0.25, 0.25, (200, 2))
        wish = rng.uniform(box.low, box.high, (200, n_values))
        for gate in gates:
            gate.begin(np.arange(200))
        one, other = (
            gate.decide(Region(state - 0.002, state + 0.002), wish, wish) for gate in gates
        )
        assert bits(one) == bits(other)


def made_of(factor):
    """Return a function that means another number by the same name."""

    @njit
    def scaled(numbers, low, high):  # noqa: ARG001
        return factor * (low + high)[:, :1]

    return scaled


def test_what_is_kept_on_disk_is_named_by_everything_that_it_is_made_of():
    numbers = Rope(1.0, 2.0)
    first = weaving.content_of(Inner(value_of, numbers), Inner(reach, numbers))

    assert first == weaving.content_of(Inner(value_of, Rope(3.0, 4.0)), Inner(reach, numbers))
    assert first != weaving.content_of(Inner(margin_of, numbers), Inner(reach, numbers))
    assert len({weaving.content_of(Inner(made_of(x), numbers)) for x in (1.0, 2.0, 1.0)}) == 2


def test_a_plant_that_is_compiled_in_part_is_asked_from_python():
    gate = gate_of(1, False)
    own = Backup()
    own.inner_value = Inner(value_of, ROPE)

    made = weaving.woven(gate.woven.model, own, Backup())

    assert not made.compiled
    assert made.backup is own
