# SPDX-License-Identifier: MIT
"""The hot path: bodies as the network brings them, many at once, and what is refused how."""

import asyncio
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flyball.serving.door import Refused
from flyball.serving.hot import read
from tests.serving.calling import Called


@pytest.fixture
def called(tmp_path):
    own = Called(tmp_path)
    yield own
    own.station.close()


def received(*messages):
    """Return what an ASGI server hands on, message by message."""
    left = iter(messages)

    async def receive():
        return next(left)

    return receive


def part(body, more=False):
    return {"type": "http.request", "body": body, "more_body": more}


async def sent(called, *messages, method="POST", path="/v1/decide", role="operator"):
    """Return status and answer of messages that are handed to the application itself."""
    got = []

    async def send(message):
        got.append(message)

    headers = [(b"authorization", f"bearer {called.keys[role]}".encode())]
    scope = {"type": "http", "method": method, "path": path, "headers": headers}
    await called.app(scope, received(*messages), send)
    return got[0]["status"], json.loads(got[1]["body"])


def outcome(n=1, **parts):
    return {"outcome_id": f"o{n}", "unit": "u1", "block": "b", "metrics": {"lost": 1.0}, **parts}


def posted(called, path, content):
    return asyncio.run(called.ask("operator", "POST", path, content=content))


def test_a_body_in_many_pieces_is_one_request(called):
    body = json.dumps(called.request(1)).encode()
    pieces = [part(body[k : k + 7], more=True) for k in range(0, len(body), 7)]

    status, reply = asyncio.run(sent(called, *pieces, part(b"")))

    assert (status, reply["decision_id"]) == (200, "d1")


def test_a_client_that_leaves_in_the_middle_has_asked_for_nothing(called):
    before = called.station.log.head
    half = json.dumps(called.request(1)).encode()[:20]

    status, answer = asyncio.run(sent(called, part(half, more=True), {"type": "http.disconnect"}))

    assert (status, answer["problems"][0]["found"]) == (400, "a connection that ended")
    assert called.station.log.head == before


def test_a_body_without_an_end_is_cut_off_where_it_is_too_long():
    asked = []

    async def receive():
        asked.append(1)
        return part(b" " * 100, more=True)

    with pytest.raises(Refused) as refused:
        asyncio.run(read(receive, 1000))

    assert refused.value.status == 413
    assert len(asked) == 11


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"\xff\xfe", b'{"decision_id": 1}', b"[" * 100_000, b'"x"',
     b'{"decision_id":"d","unit":"u","at_s":1e999,"obs":[0],"signals":[0]}',
     b'{"decision_id":"d","unit":"u\\u0000","at_s":1,"obs":[0],"signals":[0]}'],
)  # fmt: skip
def test_a_body_that_is_no_request_is_refused_and_nothing_is_kept(called, body):
    before = called.station.log.head

    status, answer = asyncio.run(called.ask("operator", "POST", "/v1/decide", content=body))

    assert status == 422
    assert answer["problems"]
    assert called.station.log.head == before


def test_a_body_that_is_too_long_is_refused_before_it_is_read(called):
    status, _ = asyncio.run(called.ask("operator", "POST", "/v1/decide", content=b" " * (1 << 21)))

    assert status == 413


def test_a_body_of_just_the_most_is_read():
    assert asyncio.run(read(received(part(b"x" * 10)), 10)) == b"x" * 10


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_what_is_no_post_decides_nothing(called, method):
    before = called.station.log.head

    status, _ = asyncio.run(called.ask("operator", method, "/v1/decide", json=called.request(1)))

    assert status in (404, 405)
    assert called.station.log.head == before


def test_many_at_once_get_each_its_own_answer(called):
    async def story():
        await called.release()
        async with called.client(called.keys["operator"]) as client:
            asked = [
                client.post(
                    "/v1/decide",
                    json=called.request(n, decision_id=f"x{n}", unit=f"u{n % 7}", at_s=9.0),
                )
                for n in range(70)
            ]
            return await asyncio.gather(*asked)

    found = [answer.json() for answer in asyncio.run(story())]

    assert [reply["decision_id"] for reply in found] == [f"x{n}" for n in range(70)]
    assert len({reply["record"] for reply in found}) == 70
    for n in range(70):
        assert called.station.log.find(f"x{n}")["unit"] == f"u{n % 7}"


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.text(min_size=0, max_size=140))
def test_a_name_in_any_script_is_kept_as_it_is_or_refused(called, name):
    body = json.dumps(called.request(1, decision_id=name)).encode()

    status, answer = posted(called, "/v1/decide", body)

    if 1 <= len(name) <= 128 and name.isprintable():
        assert (status, answer["decision_id"]) == (200, name)
        assert called.station.log.find(name)["decision_id"] == name
    else:
        assert status == 422
        assert answer["problems"]


@pytest.mark.parametrize(
    "change",
    [
        ('"at_s": 1.0', '"at_s": NaN'),
        ('"at_s": 1.0', '"at_s": "1"'),
        ('"at_s": 1.0', '"at_s": 1' + "0" * 400),
        ('"at_s": 1.0', '"at_s": null'),
        ('"obs": [0.5]', '"obs": [null]'),
        ('"obs": [0.5]', '"obs": [Infinity]'),
        ('"obs": [0.5]', '"obs": ' + "[" * 5000 + "]" * 5000),
        ('"unit": "u1"', '"unit": "\\ud800"'),
        ('"unit": "u1"', '"unit": "\\u0007"'),
        ('"unit": "u1"', '"unit": "' + "u" * 129 + '"'),
    ],
)
def test_what_is_no_number_or_no_name_is_refused(called, change):
    body = json.dumps(called.request(1))
    assert change[0] in body

    status, answer = posted(called, "/v1/decide", body.replace(*change).encode())

    assert status == 422
    assert {"where", "found", "allowed", "fix", "more"} == answer["problems"][0].keys()


@pytest.mark.parametrize("number", [1e300, -1e300, 10**30])
def test_a_number_that_a_policy_cannot_hold_is_answered_all_the_same(called, number):
    status, reply = asyncio.run(called.decide(1, obs=[number], signals=[0.5]))

    assert status == 200
    assert reply["stop"] == "tripped"  # as before: nobody has released it


def test_an_id_that_was_used_for_something_else_is_a_conflict(called):
    async def story():
        await called.decide(1)
        return await called.decide(1, obs=[9.0])

    status, answer = asyncio.run(story())

    assert (status, answer["problems"][0]["found"]) == (409, "another decision of this id")


def test_an_outcome_counts_once_however_often_it_is_told(called):
    body = json.dumps([outcome(1), outcome(2), outcome(1)]).encode()

    first = posted(called, "/v1/outcomes", body)
    again = posted(called, "/v1/outcomes", body)

    assert first == (200, {"kept": 2})
    assert again == (200, {"kept": 0})
    assert len(list(called.station.log.of_kind("outcome"))) == 2


def test_an_outcome_that_says_something_else_later_is_a_conflict(called):
    posted(called, "/v1/outcomes", json.dumps([outcome()]).encode())

    status, _ = posted(
        called, "/v1/outcomes", json.dumps([outcome(metrics={"lost": 2.0})]).encode()
    )

    assert status == 409
    (kept,) = called.station.log.of_kind("outcome")
    assert kept["metrics"] == {"lost": 1.0}


@pytest.mark.parametrize(
    "wrong",
    [
        {"metrics": {"profit": 1.0}},
        {"twin": {"profit": 1.0}},
        {"metrics": {"lost": "nan"}},
        {"metrics": {"lost": None}},
        {"outcome_id": ""},
        {"unit": "\n"},
        {"block": "b" * 129},
    ],
)
def test_an_outcome_of_nothing_that_is_known_is_refused(called, wrong):
    status, answer = posted(called, "/v1/outcomes", json.dumps([outcome(**wrong)]).encode())

    assert status == 422
    assert answer["problems"]
    assert list(called.station.log.of_kind("outcome")) == []


def test_a_viewer_tells_no_outcomes(called):
    body = part(json.dumps([outcome()]).encode())

    status, _ = asyncio.run(sent(called, body, path="/v1/outcomes", role="viewer"))

    assert status == 403
