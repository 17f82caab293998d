# SPDX-License-Identifier: MIT
"""What is believed of an observation, and what filter and gate are asked."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flyball.safety import reading
from flyball.safety.projection import BENT, INFEASIBLE
from flyball.safety.reading import Reader, Senses, wish_of
from tests.safety.laid import numbered, python, same
from tests.safety.rail import Rail

ODD = st.sampled_from([0.0, 0.1, 5.0, -1.0, np.nan, np.inf, -np.inf])


def reader(n_envs=2, n_agents=1, most_age_s=0.5):
    senses = Senses(np.array([1]), np.array([0, 1]), np.array([0.1, 0.2]), most_age_s)
    return Reader(senses, n_envs=n_envs, n_agents=n_agents, n_values=1)


def seen(n_envs=2):
    return Rail(n_envs).reset(np.zeros(n_envs, np.int64))


@given(ODD, ODD, st.booleans())
def test_a_signal_is_believed_if_it_is_finite_fresh_and_good_and_placed_if_it_is_of_now(
    signal, age_s, quality
):
    own, observation = reader(), seen()
    observation.signals[0, 1], observation.age_s[0, 1] = signal, age_s
    observation.quality[0, 1] = quality
    believed = quality and 0.0 <= age_s <= 0.5 and np.isfinite(signal)

    read = own(observation, np.zeros((2, 1, 1)), np.zeros(2), None)

    assert read.trusted[0, 1] == believed
    assert read.asked.trusted[0, 0] == believed
    np.testing.assert_equal(read.state[0, 1], signal if believed else np.nan)
    placed = signal if believed and age_s == 0.0 else np.nan
    np.testing.assert_equal([read.low[0, 1], read.high[0, 1]], [placed - 0.2, placed + 0.2])


def test_every_agent_is_asked_with_the_signals_of_its_copy():
    own, observation = reader(n_agents=3), seen()
    observation.signals[:, 1] = 4.0, 7.0

    read = own(observation, np.arange(6.0).reshape(2, 3, 1), np.array([1.0, 2.0]), None)

    assert read.asked.signal[:, 0].tolist() == [4.0] * 3 + [7.0] * 3
    assert read.asked.now_s.tolist() == [1.0] * 3 + [2.0] * 3
    assert read.asked.proposed[:, 0].tolist() == [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]
    assert (read.asked.error == 0.2).all()


def test_what_is_vetoed_is_no_number_to_the_filter_and_stands_as_proposed():
    read = reader()(seen(), np.ones((2, 1, 1)), np.zeros(2), np.array([[True], [False]]))

    np.testing.assert_equal(read.asked.proposed, [[np.nan], [1.0]])
    assert (read.proposed == 1.0).all()


@pytest.mark.parametrize("part", ["signals", "age_s", "quality"])
def test_an_observation_of_another_shape_says_nothing(part):
    own, observation = reader(), seen()
    setattr(observation, part, np.zeros((3, 2)))

    assert not own.sized(observation)
    assert not own.believed(observation).any()


@pytest.mark.parametrize(("off_s", "late"), [(0.0, False), (1e-9, False), (0.01, True)])
def test_who_decides_at_another_time_than_one_step_later_is_late(off_s, late):
    own = reader()
    own(seen(), np.ones((2, 1, 1)), np.full(2, 3.1 + off_s), None)
    applied, code = np.full((2, 1), 0.5), np.array([BENT, INFEASIBLE], np.int32)

    assert wish_of(own.pool, (applied, code, np.full(2, 3.0)), 0.1, BENT) == late
    assert own.read.late.all() == late
    np.testing.assert_equal(own.read.wish, [[0.5], [np.nan]])


def test_every_array_lies_where_both_look_for_it():
    own = reader(n_agents=2)
    numbered(own.read)

    assert same(python(reading._read)(own.pool), own.read)
