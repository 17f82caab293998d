# SPDX-License-Identifier: MIT
"""The latch against a table of its transitions, written down beforehand."""

import pytest

from flyball.core.errors import RunError
from flyball.safety.latch import Latch, Mode, following, replayed

TRIP = {"kind": "stop", "event": "trip", "reasons": ["hot"]}
START = {"kind": "stop", "event": "start"}


def step(event, request, person="Ann"):
    return {"kind": "stop", "event": event, "person": person, "request": request}


CLEAR, RELEASE = step("clear", "a"), step("release", "b")


@pytest.mark.parametrize(
    ("events", "mode"),
    [
        ([], "tripped"),
        ([START], "tripped"),
        ([CLEAR], "cleared"),
        ([CLEAR, RELEASE], "running"),
        ([CLEAR, RELEASE, START], "running"),
        ([CLEAR, TRIP], "tripped"),
        ([CLEAR, RELEASE, TRIP], "tripped"),
        ([CLEAR, RELEASE, TRIP, step("clear", "c")], "cleared"),
        ([CLEAR, RELEASE, TRIP, step("clear", "c"), step("release", "d")], "running"),
        ([{"kind": "decision"}, CLEAR, {}, RELEASE, {"kind": "decision"}], "running"),
    ],
)
def test_a_journal_leads_where_its_events_say(events, mode):
    assert replayed(events).mode == mode


@pytest.mark.parametrize(
    "events",
    [
        [RELEASE],
        [CLEAR, step("clear", "b")],
        [CLEAR, step("release", "a")],  # the same request twice
        [CLEAR, RELEASE, TRIP, step("clear", "a")],  # and for ever
        [CLEAR, RELEASE, step("release", "c")],
        [CLEAR, RELEASE, step("clear", "c")],
        [CLEAR, TRIP, RELEASE],
        [step("clear", "a", person="")],
        [step("clear", "")],
        [{"kind": "stop"}],
        [{"kind": "stop", "event": "open"}],
        [{"kind": "stop", "event": "trip"}],
        [{"kind": "stop", "event": "trip", "reasons": None}],
        [{"kind": "stop", "event": "clear", "request": "a"}],
    ],
)
def test_a_journal_whose_events_cannot_have_come_is_refused(events):
    last = len(events) - 1

    with pytest.raises(RunError, match=rf"journal record {last}: an event .* that cannot be: .*; "
                       r"allowed: start, trip.*; fix: keep the journal as evidence"):  # fmt: skip
        replayed(events)


def test_the_latch_knows_the_reasons_of_the_last_trip_and_who_cleared_it():
    latch = following(following(Latch(), TRIP), CLEAR)

    assert latch == Latch(Mode.CLEARED, ("hot",), "Ann", frozenset({"a"}))
    assert following(latch, RELEASE) == Latch(Mode.RUNNING, (), "", frozenset({"a", "b"}))
    assert following(latch, TRIP).clearer == ""
