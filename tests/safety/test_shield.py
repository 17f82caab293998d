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
from flyball.safety.gate import LOST, RESTORED
from flyball.safety.shield import Shield
from tests.safety.rail import LIMITS, SPEC, N, Rail, envelope, push, shield_of


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
