# SPDX-License-Identifier: MIT
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flyball.core.errors import ConfigError
from flyball.releases.seats import Seats
from flyball.releases.staging import Stage, Staging, StagingConfig, plain, state_of

SEATS = Seats(champion="rule:a", baseline="rule:a", challenger="b" * 64, challenger_b="c" * 64)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"shares": ()}, "staging.shares"),
        ({"shares": (0.0, 0.5)}, "staging.shares"),
        ({"shares": (0.5, 0.25)}, "staging.shares"),
        ({"shares": (0.5, 1.1)}, "staging.shares"),
        ({"shares": (0.5, float("nan"))}, "staging.shares"),
        ({"cool_down_s": -1.0}, "staging.cool_down_s: -1.0; allowed: 0 or more seconds"),
        ({"window_s": float("nan")}, "staging.window_s"),
        ({"window_s": float("inf")}, "staging.window_s"),
    ],
)
def test_settings_that_cannot_be_are_refused(change, words):
    with pytest.raises(ConfigError, match=words):
        StagingConfig(**change)


@given(
    stage=st.sampled_from(Stage), step=st.integers(0, 2), paused=st.booleans(), two=st.booleans()
)
def test_shares_sum_to_one_and_only_an_unpaused_canary_gives_some_away(stage, step, paused, two):
    seats = SEATS if two else Seats(champion="rule:a", baseline="rule:a", challenger="b" * 64)
    state = Staging(plant="mill", seats=seats, stage=stage, step=step, paused=paused)

    shares = state.shares

    assert sum(shares.values()) == pytest.approx(1.0)
    given_away = 1.0 - shares[state.control]
    going = stage is Stage.CANARY and not paused
    assert given_away == pytest.approx((0.1, 0.25, 0.5)[step] if going else 0.0)


@given(
    stage=st.sampled_from(Stage),
    step=st.integers(-1, 2),
    paused=st.booleans(),
    words=st.text(max_size=9),
    at_s=st.floats(0, 2e9),
)
def test_a_state_comes_back_from_plain_data(stage, step, paused, words, at_s):
    state = Staging(
        plant="mill",
        seats=SEATS,
        number=3,
        stage=stage,
        step=step,
        paused=paused,
        config=StagingConfig(shares=(0.2, 0.4, 0.6), switchback=True, cool_down_s=60.0),
        proposer=words,
        approver=words,
        reason=words,
        cool_until_s=at_s,
        switched_s=at_s,
    )

    text = json.dumps(plain(state), allow_nan=False)

    assert state_of("mill", SEATS, 3, json.loads(text)) == state


def test_each_comparison_draws_its_blocks_by_a_name_of_its_own():
    salts = {Staging(plant=p, seats=SEATS, number=n).salt for p in ("mill", "kiln") for n in (1, 2)}

    assert len(salts) == 4
