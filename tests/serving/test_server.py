# SPDX-License-Identifier: MIT
"""The server in a process: who is in control, what is written, and what happens when parts fail."""

from math import nan

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flyball.core.decision import Arm
from flyball.core.errors import RunError
from flyball.serving.lineup import Lineup
from tests.serving.stand import Counting, Stand


def field(stand, champion=None, challenger=None, share=0.0, **parts):
    lineup = Lineup(
        fallback=stand.server.fallback,
        champion=champion or stand.server.fallback,
        challengers=() if challenger is None else (challenger,),
        shares=() if challenger is None else (share,),
        **parts,
    )
    stand.server.install(lineup)


def test_a_new_log_means_that_nothing_of_a_policy_is_written_until_two_steps_release_it():
    stand = Stand()
    field(stand, champion=Counting("p1", 1.0))

    assert stand.decide().value == [0.0]
    assert "emergency stop is tripped" in stand.decide().reason

    stand.release()

    assert stand.decide().value == [1.0]


def test_the_champion_is_in_control_and_challenger_and_fallback_are_asked_beside_it():
    stand = Stand(fallback=-0.5).release()
    champion, challenger = Counting("p1", 0.5), Counting("p2", -1.0)
    field(stand, champion, challenger, stage="shadow")

    reply = stand.decide(start=True)

    assert (reply.arm, reply.policy, reply.value) == (Arm.CHAMPION, "p1", [0.5])
    record = stand.log.find(reply.decision_id)
    assert record["proposals"] == {"champion": [0.5], "challenger": [-1.0], "fallback": [-0.5]}
    assert reply.stage == "shadow"


def test_a_repeated_decision_is_answered_from_the_log_and_changes_nothing():
    stand = Stand().release()
    champion = Counting("p1")
    field(stand, champion)
    request = stand.request()
    first = stand.server.decide(request)
    length, asked = stand.log.head, len(champion.asked)

    again = stand.server.decide(request)

    assert again.repeated
    assert (again.value, again.arm, again.reason) == (first.value, first.arm, first.reason)
    assert stand.log.head == length
    assert len(champion.asked) == asked


def test_another_request_under_an_id_that_was_used_is_refused():
    stand = Stand().release()
    stand.decide(decision_id="x", obs=[1.0])

    with pytest.raises(RunError, match="another decision of this id"):
        stand.decide(decision_id="x", obs=[2.0])


def test_a_policy_that_says_no_number_loses_the_decision_and_after_three_the_field():
    stand = Stand(fallback=0.25).release()
    field(stand, Counting("p1", nan))

    replies = [stand.decide() for _ in range(4)]

    assert [reply.value for reply in replies] == [[0.25]] * 4
    assert "said no number" in replies[0].reason
    assert stand.server.lineup.champion is stand.server.fallback
    assert [kind for kind, _ in stand.told] == ["off the field"]


def test_a_policy_that_is_late_loses_the_decision():
    stand = Stand(fallback=0.25).release()

    def slow():
        stand.clock.advance(0.2)
        return 1.0

    field(stand, Counting("p1", (slow() for _ in range(1))))

    reply = stand.decide()

    assert (reply.arm, reply.value) == (Arm.FALLBACK, [0.25])
    assert "took 200 ms" in reply.reason


def test_strikes_that_lie_further_back_than_the_window_are_forgotten():
    stand = Stand().release()
    field(stand, Counting("p1", nan))

    for _ in range(6):
        stand.decide()
        stand.clock.advance(31.0)

    assert stand.server.lineup.champion.name == "p1"


def test_a_policy_that_leans_on_the_shield_leaves_the_field_and_the_plant_goes_on():
    stand = Stand().release()
    field(stand, Counting("p1", 3.0))

    for _ in range(200):
        reply = stand.decide()

    assert reply.stop == "running"
    assert stand.server.lineup.champion is stand.server.fallback
    assert "the shield changed 200 of its last 200 actions" in stand.told[0][1]["why"]


def test_a_log_that_keeps_nothing_leaves_the_fallback_in_control_until_it_does():
    stand = Stand(fallback=-0.5).release()
    field(stand, Counting("p1", 0.5))
    stand.decide()

    stand.log.fails = "no space left"
    lost = [stand.decide() for _ in range(2)]
    stand.log.fails = ""
    found = [stand.decide() for _ in range(2)]

    assert [(reply.arm, reply.record) for reply in lost] == [(Arm.FALLBACK, "")] * 2
    assert lost[0].value == [-0.5]
    assert all(reply.record for reply in found)
    assert found[1].arm == Arm.CHAMPION
    assert [kind for kind, _ in stand.told] == ["log lost", "log found"]


def test_a_challenger_gets_its_share_of_the_blocks_and_keeps_a_block_to_its_end():
    stand = Stand().release()
    field(stand, Counting("p1"), Counting("p2"), share=0.5, stage="canary", salt="s")

    arms = []
    for block in range(60):
        own = {stand.decide(start=k == 0, block=f"b{block}").arm for k in range(3)}
        assert len(own) == 1
        arms.append(own.pop())

    assert 15 < arms.count(Arm.CHALLENGER) < 45
    again = [stand.server.lineup.draw("u1", f"b{block}").arm for block in range(60)]
    assert arms == again


def test_a_rollback_takes_effect_in_the_next_decision_and_spoils_the_block_as_evidence():
    stand = Stand().release()
    champion, challenger = Counting("p1", 0.5), Counting("p2", -0.5)
    field(stand, champion, challenger, share=1.0, stage="canary")
    assert stand.decide(start=True).arm == Arm.CHALLENGER

    field(stand, champion)
    reply = stand.decide()

    assert (reply.arm, reply.value) == (Arm.CHAMPION, [0.5])
    assert stand.log.find(reply.decision_id)["switched"]
    assert not stand.log.find(stand.decide(start=True).decision_id)["switched"]


def test_whoever_takes_over_has_seen_the_whole_episode():
    stand = Stand().release()
    champion, challenger = Counting("p1"), Counting("p2")
    field(stand, champion, challenger, stage="shadow")
    stand.decide(start=True)
    for _ in range(4):
        stand.decide()

    field(stand, champion=challenger)
    reply = stand.decide()

    assert reply.policy == "p2"
    assert challenger.asked == [1, 2, 3, 4, 5, 6]


def test_promoted_in_the_middle_of_its_block_a_policy_stays_in_control_of_it():
    stand = Stand().release()
    champion, challenger = Counting("p1"), Counting("p2")
    field(stand, champion, challenger, share=1.0, stage="canary")
    stand.decide(start=True)

    field(stand, champion=challenger)
    reply = stand.decide()

    assert (reply.arm, reply.policy) == (Arm.CHAMPION, "p2")
    assert not stand.log.find(reply.decision_id)["switched"]


def test_every_part_of_a_wrong_request_is_named_and_nothing_is_changed():
    stand = Stand().release()
    stand.decide()
    length = stand.log.head

    with pytest.raises(RunError) as refused:
        stand.decide(unit="", obs=[1.0, 2.0], signals=[], age_s=[1.0, 2.0], spec="abc")

    assert len(refused.value.problems) == 5
    assert stand.log.head == length


def test_time_does_not_go_back_within_a_unit():
    stand = Stand().release()
    stand.decide(at_s=100.0)

    with pytest.raises(RunError, match="the time of the last decision"):
        stand.decide(at_s=99.0)
    stand.decide(unit="other", at_s=5.0)


def test_the_emergency_stop_acts_in_the_next_decision_of_every_unit():
    stand = Stand().release()
    field(stand, Counting("p1", 1.0))
    assert stand.decide().value == [1.0]

    stand.server.stop.trip("button", stand.at_s)

    assert stand.decide().stop == "tripped"
    assert stand.decide(unit="u2").stop == "tripped"


def test_a_server_that_starts_again_is_as_stopped_as_it_was_and_knows_what_is_in_force():
    stand = Stand().release()
    field(stand, Counting("p1", 2.0))
    for _ in range(2):
        stand.decide()

    other = Stand(log=stand.log)
    other.at_s, other.n = stand.at_s, stand.n
    field(other, Counting("p1", -2.0))

    assert other.server.stop.mode == "running"
    assert other.decide().value == [1.0]  # from 2.0, by no more than the rate


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(width=64), min_size=1, max_size=8))
def test_whatever_a_policy_says_the_plant_gets_a_value_within_its_limits(wishes):
    stand = Stand(fallback=9e9).release()
    field(stand, Counting("p1", iter(wishes)))

    before = 0.0
    for k in range(len(wishes)):
        (value,) = stand.decide(start=k == 0).value
        assert -2.0 <= value <= 2.0
        assert abs(value - before) <= 1.0
        before = value


def test_every_decision_can_be_made_again_from_the_log_bit_for_bit():
    stand = Stand().release()
    field(stand, Counting("p1", iter(3.0 * np.sin(np.arange(20.0)))))
    for k in range(20):
        stand.decide(start=k == 0)

    own = [record for record in stand.log.of_kind("decision") if record["unit"] == "u1"]
    replayed = Stand().server._keeper().again(own)

    assert (replayed.n_same, replayed.difference) == (20, None)
