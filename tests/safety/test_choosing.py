# SPDX-License-Identifier: MIT
"""The gate of a corridor with a pit at one end and a slippery floor."""

import numpy as np
import pytest

from flyball.core.envelope import Finite
from flyball.core.errors import ConfigError
from flyball.safety.certificates.winning import FiniteBackup, won
from flyball.safety.choosing import ChoiceGate
from flyball.safety.gate import LOST, PASSED, RESTORED, Region

LEFT, STAY, RIGHT = range(3)
PIT, N_STATES = 5, 6


def corridor():
    """Return six places in a row; moving right may slip by two, and place 5 is the pit."""
    following = np.empty((N_STATES, 3, 2), np.int64)
    for s in range(N_STATES):
        following[s, LEFT] = max(s - 1, 0)
        following[s, STAY] = s
        following[s, RIGHT] = min(s + 1, PIT), min(s + 2, PIT)
    return Finite(
        state_of=lambda signals: np.where(
            (signals[:, 0] >= 0) & (signals[:, 0] < N_STATES), signals[:, 0].astype(np.int64), -1
        ),
        following=following,
        legal=np.ones((N_STATES, 3), np.bool_),
        forbidden=np.arange(N_STATES) == PIT,
    )


def gate_of(n_rows):
    finite = corridor()
    backup = FiniteBackup(won(finite), finite)
    return ChoiceGate(finite, backup.allowed, backup.choice, n_rows=n_rows)


def at(*states):
    signals = np.array(states, float)[:, None]
    return Region(signals, signals)


def test_a_choice_passes_unless_an_outcome_loses():
    gate = gate_of(5)

    found = gate.decide(at(0, 1, 2, 3, 4), np.full(5, RIGHT, np.int32))

    assert found.code.tolist() == [PASSED, PASSED, PASSED, RESTORED, RESTORED]
    assert found.choice.tolist()[:3] == [RIGHT] * 3
    assert all(c in (LEFT, STAY) for c in found.choice[3:])


@pytest.mark.parametrize("proposed", [-1, 3, 2**31 - 1, -(2**31)])
def test_what_is_no_choice_becomes_the_backups(proposed):
    found = gate_of(1).decide(at(2), np.array([proposed], np.int32))

    assert found.code[0] == RESTORED
    assert 0 <= found.choice[0] < 3


def test_unseen_the_choice_is_safe_wherever_the_plant_can_be():
    gate = gate_of(1)
    gate.decide(at(1), np.array([RIGHT], np.int32))  # now at 2 or 3
    unseen = Region(np.full((1, 1), np.nan), np.full((1, 1), np.nan))

    found = gate.decide(unseen, np.array([RIGHT], np.int32))

    assert found.code[0] == RESTORED  # from 3 it could slip into the pit
    assert found.choice[0] != RIGHT
    assert np.flatnonzero(gate.possible[0]).tolist() in ([2, 3], [1, 2])


def test_a_place_that_cannot_have_been_reached_is_doubted():
    gate = gate_of(1)
    gate.decide(at(0), np.array([STAY], np.int32))

    assert gate.decide(at(4), np.array([STAY], np.int32)).doubted[0]


def test_from_the_pit_nothing_is_certified():
    found = gate_of(1).decide(at(PIT), np.array([RIGHT], np.int32))

    assert found.code[0] == LOST


@pytest.mark.parametrize("seed", range(3))
def test_an_adversary_that_also_chooses_the_outcomes_never_wins(seed):
    rng, finite, n = np.random.default_rng(seed), corridor(), 300
    gate, state = gate_of(n), np.zeros(n, np.int64)
    for k in range(200):
        seen = at(*state)
        if k % 3 == 2:
            hidden = rng.random(n) < 0.5
            seen.low[hidden] = seen.high[hidden] = np.nan
        found = gate.decide(seen, rng.integers(-2, 5, n).astype(np.int32))
        assert not found.doubted.any()
        outcomes = finite.following[state, found.choice]
        state = np.where(rng.random(n) < 0.7, outcomes.max(1), outcomes.min(1))
        assert not finite.forbidden[state].any()


def test_a_table_that_leads_out_of_its_states_is_refused():
    finite = corridor()
    finite.following[2, RIGHT, 1] = N_STATES

    with pytest.raises(ConfigError, match="finite plant: a table"):
        ChoiceGate(finite, finite.legal, np.zeros(N_STATES, np.int64), n_rows=1)
