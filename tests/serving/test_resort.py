# SPDX-License-Identifier: MIT
"""A decision that fails by a fault of ours: the plant gets an answer, and it is a safe one."""

from math import isnan

import msgspec
import pytest

from flyball import safety
from flyball.core.decision import Arm
from flyball.core.errors import InvariantError
from tests.serving.stand import Counting, Stand
from tests.serving.test_server import field


def broken(*_, **__):
    msg = "a fault of ours"
    raise ZeroDivisionError(msg)


@pytest.fixture
def judge(monkeypatch):
    """Break the shield of every unit; return what mends it."""

    def fail():
        monkeypatch.setattr(safety.Keeper, "judge", broken)

    fail.mend = monkeypatch.undo
    return fail


def test_a_shield_that_raises_stops_the_plant_and_the_action_in_force_is_held(judge):
    stand = Stand().release()
    field(stand, Counting("p1", 1.0))
    assert stand.decide(start=True).value == [1.0]

    judge()
    reply = stand.decide()

    assert (reply.value, reply.arm, reply.stop) == ([1.0], Arm.FALLBACK, "tripped")
    assert "ZeroDivisionError: a fault of ours" in reply.reason
    assert stand.server.stop.mode == "tripped"
    assert "ZeroDivisionError" in stand.server.stop.reasons[0]
    assert stand.told[-1][0] == "decision failed"


def test_each_actuator_does_its_own_safe_action(judge):
    home = {"push": safety.actuators.GoTo(0.0)}
    stand = Stand(actions=home).release()
    field(stand, Counting("p1", 2.0))
    for _ in range(2):
        stand.decide()

    judge()

    assert [stand.decide().value for _ in range(3)] == [[1.0], [0.0], [0.0]]  # by the rate of 1


def test_a_unit_that_is_new_gets_what_it_would_get_of_a_plant_that_is_stopped(judge):
    stand, stopped = Stand().release(), Stand()

    judge()
    reply = stand.decide(unit="new", start=True, applied=[1.5])
    judge.mend()

    assert reply.value == stopped.decide(unit="new", start=True, applied=[1.5]).value == [1.5]


def test_an_action_that_nobody_knows_is_not_made_up(monkeypatch):
    stand = Stand().release()

    monkeypatch.setattr(safety.Keeper, "begin", broken)
    reply = stand.decide(unit="new")

    assert isnan(reply.value[0])
    assert b'"value":[null]' in msgspec.json.encode(reply)


def test_what_was_answered_is_in_the_log_and_answered_again(judge):
    stand = Stand().release()
    stand.decide()
    judge()
    request = stand.request()
    first = stand.server.decide(request)

    judge.mend()
    again = stand.server.decide(request)

    assert first.record
    assert again.repeated
    assert (again.value, again.reason) == (first.value, first.reason)


def test_a_log_that_fails_too_does_not_keep_the_answer_back(judge):
    stand = Stand().release()
    stand.decide()
    judge()

    stand.log.append = broken
    reply = stand.decide()

    assert (reply.value, reply.record) == ([0.0], "")
    assert stand.server.lost == "a fault of ours"


def test_a_log_that_fails_in_a_way_of_its_own_stops_the_plant(monkeypatch):
    stand = Stand().release()
    own = stand.log.append

    def fails(record):
        if record["kind"] == "decision" and not record["stopped"]:
            msg = "no JSON"
            raise InvariantError(msg)
        return own(record)

    monkeypatch.setattr(stand.log, "append", fails)

    assert stand.decide().stop == "tripped"


def test_mended_and_released_the_plant_goes_on_from_what_is_in_force(judge):
    stand = Stand().release()
    field(stand, Counting("p1", 2.0))
    stand.decide(unit="first")
    judge()
    stand.decide(unit="first")
    judge.mend()

    stand.release()

    assert stand.decide(unit="first").value == [2.0]


def test_the_audit_goes_past_a_decision_that_failed(judge):
    stand = Stand().release()
    field(stand, Counting("p1", 0.5))
    for _ in range(3):
        stand.decide()
    judge()
    stand.decide()
    judge.mend()
    for _ in range(3):
        stand.decide()

    own = [record for record in stand.log.of_kind("decision") if record["unit"] == "u1"]
    replayed = Stand().server._keeper().again(own)

    assert (replayed.n_same, replayed.difference) == (7, None)
