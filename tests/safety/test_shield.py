# SPDX-License-Identifier: MIT
"""The whole chain on a rail with walls, and the Env behind it."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flyball.core.batch import Action
from flyball.core.envelope import Envelope
from flyball.core.errors import ConfigError
from flyball.core.limits import Barrier, Box, Budget, Clamp, Rate
from flyball.core.spec import AgentKind, Categorical, Feature, Signal
from flyball.safety.certificates.winning import FiniteBackup, won
from flyball.safety.gate import LOST, RESTORED
from flyball.safety.shield import Shield, ShieldConfig
from tests.safety.rail import LIMITS, SPEC, N, Rail, envelope, push, shield_of
from tests.safety.test_choosing import corridor


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
    with pytest.raises(ConfigError, match="limit 'near': a hard limit without a backup"):
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


@pytest.mark.parametrize(
    "limit",
    [
        Box(name="weak", unit="m/s2", value="push", low=-1.0, high=4.0),
        Rate(name="slow", unit="m/s2", value="push", fall=0.1, rise=0.1),
        Budget(name="calm", unit="m/s2", value="push", most=1.0, window_s=9.0, counts="travel"),
    ],
)
def test_a_hard_limit_of_a_site_that_no_proof_knows_is_refused(limit):
    with pytest.raises(ConfigError, match=f"limit '{limit.name}': a hard limit without a backup"):
        Shield(SPEC, envelope(), n_envs=1, step_s=0.1, limits=(*LIMITS, limit))
    soft = replace(limit, severity="monitor")
    Shield(SPEC, envelope(), n_envs=1, step_s=0.1, limits=(*LIMITS, soft))


def test_an_operators_clamp_narrows_the_policy_and_not_the_backup():
    clamp = Clamp(name="weak", unit="m/s2", value="push", low=-0.5, high=0.5)
    shield, seen = Shield(SPEC, envelope(), n_envs=1, step_s=0.1, limits=(*LIMITS, clamp)), Rail(1)
    observation = seen.reset(np.zeros(1, np.int64))
    shield.begin(np.zeros(1))

    assert shield.correct(observation, push(4.0, 1), np.zeros(1)).action.value[0, 0, 0] == 0.5
    observation.signals[:] = 0.55, 1.7
    held = shield.correct(observation, push(4.0, 1), np.array([5.0]))
    assert held.action.value[0, 0, 0] < -0.5


def test_a_plant_with_a_model_and_no_proof_is_refused_unless_the_gate_is_off():
    bare = replace(envelope(), backup=None, safe=None)
    with pytest.raises(ConfigError, match="rail envelope: a model, but no backup"):
        Shield(SPEC, bare, n_envs=1, step_s=0.1)
    Shield(SPEC, bare, n_envs=1, step_s=0.1, config=ShieldConfig(gate=False))


@pytest.mark.parametrize("n_agents", [1, 2])
def test_agents_that_share_a_plant_of_finitely_many_states_are_refused(n_agents):
    walker = AgentKind("walker", n_agents, (Feature("x", "-", 0, 5),), (Categorical("way", 3),))
    spec = replace(SPEC, kinds=(walker,), signals=(Signal("place", "-", 0, 5),))
    finite = corridor()
    own = Envelope(signals=("place",), finite=finite, safe=FiniteBackup(won(finite), finite))
    if n_agents == 1:
        assert Shield(spec, own, n_envs=2, step_s=1.0).choices is not None
        return
    with pytest.raises(ConfigError, match="rail agents: 2 agents over one model of the plant"):
        Shield(spec, own, n_envs=2, step_s=1.0)


def test_what_is_old_may_bend_an_action_but_proves_nothing():
    config = ShieldConfig(max_age_s=9.0)
    shield = Shield(SPEC, envelope(), n_envs=1, step_s=0.1, config=config)
    observation = Rail(1).reset(np.zeros(1, np.int64))
    observation.age_s[:] = 0.1
    shield.begin(np.zeros(1))

    assert shield.trusted(observation).all()
    assert shield.correct(observation, push(0.0, 1), np.zeros(1)).gated[0] == LOST


@pytest.mark.parametrize("elapsed_s", [0.05, 0.11, 3.0])
def test_a_decision_at_another_time_forgets_what_was_predicted(elapsed_s):
    shield, rail = shield_of(1), Rail(1)
    observation = rail.reset(np.zeros(1, np.int64))
    shield.begin(np.zeros(1))
    shield.correct(observation, push(1.0, 1), np.zeros(1))
    observation.signals[:] = 0.3, 0.2  # where it could not be a step later

    assert not shield.correct(observation, push(0.0, 1), np.array([elapsed_s])).decision.doubted[0]
