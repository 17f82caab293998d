# SPDX-License-Identifier: MIT
"""Rules on rows written by hand; on problems with known answers: `test_published_rules`."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flyball.core.batch import Observation, Options
from flyball.worlds.jobshop.baselines import RULES, Chance, Rule
from flyball.worlds.jobshop.features import FAR, FEATURES
from tests.worlds.jobshop.small_shops import longs

COLUMN = {feature.name: column for column, feature in enumerate(FEATURES)}
USUAL = {
    "duration": 1, "work_left": 2, "ops_left": 2, "slack": 3, "weight": 1, "flow_due": 1,
    "queue_mean": 1, "room": 100,
}  # fmt: skip
WAITS = {"wait": 1}


def seen(*rows, start=False):
    """Return an observation; each row is a list of candidates, each what is unusual about it."""
    candidates = [each for row in rows for each in row]
    features = np.zeros((len(candidates), len(FEATURES)), dtype=np.float32)
    for at, own in enumerate(candidates):
        for name, value in ({} if own.get("wait") else USUAL | own).items():
            features[at, COLUMN[name]] = value
        features[at, COLUMN["wait"]] = own.get("wait", 0)
    offset = longs(np.cumsum([0, *(len(row) for row in rows)]))
    options = Options(features, offset, np.arange(len(candidates), dtype=np.int32))
    unused = dict.fromkeys(("obs", "state", "mask", "alive", "signals", "age_s", "quality"))
    return Observation(options=options, start=np.full(len(rows), start), **unused)


def chosen(policy, *rows, key=None):
    """Return what the policy chooses in each row."""
    observation = seen(*rows)
    action, _, _ = policy.act(observation, policy.initial(len(rows)), key)
    return action.choice[:, 0, 0].tolist()


def chosen_by(name, *candidates, **settings):
    return chosen(replace(RULES[name], **settings), list(candidates))[0]


# The rule takes the second candidate, though it came later; the other rule takes the first.
@pytest.mark.parametrize(
    ("rule", "other", "first", "second"),
    [
        ("FIFO", "SPT", {"waited": 1}, {"waited": 2, "duration": 3}),
        ("SPT", "FIFO", {"waited": 1}, {"duration": 0.5}),
        ("LPT", "SPT", {}, {"duration": 3}),
        ("EDD", "slack", {"slack": 1, "work_left": 5}, {"slack": 3, "work_left": 1}),
        ("slack", "EDD", {"slack": 3, "work_left": 1}, {"slack": 1, "work_left": 5}),
        ("CR", "slack", {"slack": 1, "work_left": 1}, {"slack": 2, "work_left": 10}),
        ("MOR", "MWR", {"work_left": 9}, {"ops_left": 5}),
        ("MWR", "MOR", {"ops_left": 5}, {"work_left": 9}),
        ("ATC", "SPT", {"slack": 10}, {"slack": 0, "duration": 2}),
        ("ATC", "slack", {"slack": 0}, {"slack": 0.5, "weight": 9}),
        ("ATCS", "ATC", {"setup": 2}, {"duration": 2}),
        ("FDD/MWKR", "MWR", {"flow_due": 20, "work_left": 10}, {"flow_due": 4, "work_left": 5}),
        ("first-fit", "FIFO", {"start_delay": 1, "waited": 1}, {}),
    ],
)
def test_each_rule_picks_what_its_definition_says(rule, other, first, second):
    assert chosen_by(rule, first, second) == 1
    assert chosen_by(other, first, second) == 0


def test_every_rule_stands_under_its_own_name():
    assert {name: rule.name for name, rule in RULES.items()} == {name: name for name in RULES}


@pytest.mark.parametrize("name", RULES)
def test_candidates_that_a_rule_cannot_tell_apart_go_by_arrival(name):
    assert chosen_by(name, {}, {}, {}) == 0


@pytest.mark.parametrize("longer", ["start_delay", "setup", "duration", "pause"])
def test_between_machines_of_one_job_the_one_that_ends_first_wins(longer):
    slow, fast = {longer: 2}, {longer: 1}

    assert chosen_by("MOR", slow, fast) == 1
    assert chosen_by("MOR", fast, slow) == 0
    assert chosen_by("MOR", fast, slow, {}) == (2 if longer != "duration" else 0)


@pytest.mark.parametrize("apart", ["waited", "work_left", "slack", "flow_due"])
def test_between_jobs_an_earlier_end_decides_nothing(apart):
    assert chosen_by("MOR", {"duration": 2}, {"duration": 1, apart: 0.5}) == 0


@pytest.mark.parametrize("name", RULES)
def test_patience_passes_over_what_cannot_start_now_while_something_can(name):
    unfit, fit = {"start_delay": 3}, {"waited": -1}

    assert chosen_by(name, unfit, unfit, fit, patience=True) == 2
    assert chosen_by(name, unfit, unfit, patience=True) == 0


def test_without_patience_the_index_alone_decides():
    first, second = {"start_delay": 3}, {"duration": 2}

    assert chosen_by("SPT", first, second) == 0
    assert chosen_by("SPT", first, second, patience=True) == 1


def test_lead_uses_up_the_slack_of_jobs_with_much_work_to_come():
    # An hour more slack, but eight more hours of later work that may meet queues.
    long_way, short_way = {"slack": 3, "work_left": 9}, {"slack": 2, "work_left": 1}

    for name in ("slack", "ATC", "ATCS"):
        assert chosen_by(name, long_way, short_way) == 1
        assert chosen_by(name, long_way, short_way, lead=1.5) == 0


def test_a_short_look_ahead_minds_slack_more():
    soon, heavy = {"slack": 1}, {"slack": 5, "weight": 5}

    assert chosen_by("ATC", soon, heavy, look_ahead=0.5) == 0
    assert chosen_by("ATC", soon, heavy, look_ahead=8.0) == 1


def test_a_short_set_up_look_ahead_minds_set_ups_more():
    far, near = {"setup": 1, "weight": 5}, {}

    assert chosen_by("ATCS", far, near, setup_look_ahead=0.2) == 1
    assert chosen_by("ATCS", far, near, setup_look_ahead=2.0) == 0


@given(
    st.sampled_from(sorted(RULES)),
    st.booleans(),
    st.lists(
        st.dictionaries(
            st.sampled_from(["duration", "slack", "work_left", "weight", "waited", "start_delay"]),
            st.sampled_from([0.0, 1e-3, 0.5, 1.0, 1e4]),
        ),
        max_size=4,
    ),
    st.integers(0, 4),
)
def test_a_rule_waits_only_where_nothing_else_is_left(name, patience, candidates, place):
    row = [*candidates[:place], WAITS, *candidates[place:]]

    choice = chosen_by(name, *row, patience=patience)

    assert 0 <= choice < len(row)
    assert (row[choice] is WAITS) == (len(row) == 1)


@pytest.mark.parametrize("policy", [*RULES.values(), Chance()], ids=lambda policy: policy.name)
def test_waiting_alone_is_chosen_beside_rows_that_have_more(policy):
    assert chosen(policy, [{}], [WAITS], [WAITS, {}]) == [0, 0, 1]


NOISY = Rule(name="noisy SPT", index=RULES["SPT"].index, noise=0.1)
CLOSE = [{"duration": 2.00}, {"duration": 1.0}, {"duration": 1.01}, {"duration": 1.02}]


def test_noise_disturbs_what_is_close_and_never_what_is_far():
    drawn = [chosen(NOISY, CLOSE, key=(1, step))[0] for step in range(200)]

    assert set(drawn) == {1, 2, 3}
    assert chosen(NOISY, CLOSE) == [1]
    assert {chosen(replace(NOISY, noise=0.0), CLOSE, key=(1, s))[0] for s in range(20)} == {1}


@pytest.mark.parametrize("name", ["slack", "EDD", "CR", "ATC"])
def test_a_job_without_due_date_does_not_drown_the_others_in_noise(name):
    # The first two are close, the third has much time, the fourth has for ever.
    row = [{"slack": 1.0}, {"slack": 1.4}, {"slack": 30}, {"slack": FAR}]
    policy = replace(RULES[name], noise=0.1)

    drawn = {chosen(policy, row, key=(1, step))[0] for step in range(200)}

    assert drawn == {0, 1}


def test_noise_among_jobs_without_due_dates_is_a_share_of_their_own_spread():
    row = [{"slack": FAR, "duration": 1.0}, {"slack": FAR, "duration": 1.01}, {"slack": FAR}]
    row[2]["duration"] = 9.0
    policy = replace(RULES["ATC"], noise=0.1)

    alone = {chosen(policy, row, key=(1, step))[0] for step in range(99)}
    beside_one = {chosen(policy, [*row, {"slack": 9e3}], key=(1, step))[0] for step in range(99)}

    assert alone == {0, 1}
    assert beside_one == {3}


def test_noise_is_repeated_by_its_key_and_differs_between_keys():
    drawn = [[chosen(NOISY, CLOSE, CLOSE, key=key) for key in ((1, s), (2, s))] for s in range(50)]

    assert drawn == [
        [chosen(NOISY, CLOSE, CLOSE, key=key) for key in ((1, s), (2, s))] for s in range(50)
    ]
    assert any(one != other for one, other in drawn)
    assert any(one != other for (one, _), (other, _) in pairwise(drawn))
    assert any(row != other for (row, other), _ in drawn)


@pytest.mark.parametrize("policy", [NOISY, Chance()], ids=lambda policy: policy.name)
def test_what_other_rows_hold_does_not_change_a_draw(policy):
    for step in range(50):
        small = chosen(policy, [{}], CLOSE, CLOSE, key=(0, step))
        large = chosen(policy, CLOSE * 9, CLOSE, CLOSE, [{}], key=(0, step))

        assert small[1:3] == large[1:3]


def test_chance_is_uniform_over_all_but_waiting():
    rows = [[{"weight": 9}, {}, {"duration": 5}, WAITS]] * 500
    counts = np.zeros(4)

    for step in range(20):
        counts += np.bincount(chosen(Chance(), *rows, key=(7, step)), minlength=4)

    assert counts[3] == 0
    expected = 500 * 20 / 3
    assert ((counts[:3] - expected) ** 2 / expected).sum() < 13.8  # 0.1 % point, 2 degrees


def test_chance_states_the_probability_that_it_draws_by():
    policy = Chance()
    observation = seen([{}, {}, {}, WAITS], [{}, {}], [{}], [WAITS])

    _, log_probability, _ = policy.act(observation, policy.initial(4), None)

    np.testing.assert_allclose(log_probability[:, 0], np.log([1 / 3, 1 / 2, 1, 1]), atol=1e-6)


def test_chance_counts_decisions_and_starts_anew_with_an_episode():
    policy = Chance(seed=3)
    observation, again = seen([{}] * 50), seen([{}] * 50, start=True)

    first, _, memory = policy.act(observation, policy.initial(1), None)
    second, _, memory = policy.act(observation, memory, None)
    fresh, _, after = policy.act(again, memory, None)

    assert memory.tolist() == [[2.0]]
    assert after.tolist() == [[1.0]]
    assert first.choice != second.choice
    assert fresh.choice == first.choice
    assert Chance(seed=4).act(again, memory, None)[0].choice != first.choice
