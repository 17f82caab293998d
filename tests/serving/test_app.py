# SPDX-License-Identifier: MIT
"""The API as clients see it: who may do what, and what a wrong request is told."""

import asyncio

import pytest

from flyball.releases import Role
from tests.serving.calling import Called


@pytest.fixture
def called(tmp_path):
    own = Called(tmp_path)
    yield own
    own.station.close()


def run(coroutine):
    return asyncio.run(coroutine)


def test_a_decision_over_http_is_the_one_that_the_log_keeps(called):
    async def story():
        await called.release()
        status, reply = await called.decide(3)
        _, record = await called.ask("viewer", "GET", "/v1/decisions/d3")
        again = await called.decide(3)
        return status, reply, record, again

    status, reply, record, again = run(story())

    assert status == 200
    assert reply["value"] == record["applied"] == [0.0]
    assert reply["arm"] == "champion"
    assert again[1]["repeated"]
    assert again[1]["value"] == reply["value"]


def test_without_a_key_nothing_but_health_is_answered(called):
    paths = [
        ("POST", "/v1/decide"), ("POST", "/v1/outcomes"), ("GET", "/v1/status"),
        ("GET", "/metrics"),
        ("POST", "/v1/stop"), ("POST", "/v1/stage"), ("GET", "/v1/releases"), ("GET", "/v1/audit"),
        ("GET", "/v1/decisions/d1"), ("POST", "/v1/stop/clear"), ("POST", "/v1/stop/release"),
    ]  # fmt: skip

    async def story():
        asked = [await called.ask("", method, path, json={}) for method, path in paths]
        return asked, await called.ask("", "GET", "/v2/health/ready")

    asked, ready = run(story())

    assert [status for status, _ in asked] == [401] * len(paths)
    assert ready == (200, {"ready": True})


def test_a_viewer_looks_and_changes_nothing(called):
    async def story():
        return [
            await called.ask("viewer", "POST", path, json=body)
            for path, body in (
                ("/v1/decide", called.request(1)),
                ("/v1/stop", {"reason": "x"}),
                ("/v1/stage", {"deed": "roll_back", "why": "x"}),
            )
        ], await called.ask("viewer", "GET", "/v1/status")

    refused, looked = run(story())

    assert [status for status, _ in refused] == [403] * 3
    assert looked[0] == 200
    assert looked[1]["control"] == "steady"


def test_any_operator_stops_the_plant_and_the_next_decision_is_a_safe_action(called):
    async def story():
        await called.release()
        running = await called.decide(3)
        stop = await called.ask("operator", "POST", "/v1/stop", json={"reason": "smoke"})
        return running, stop, await called.decide(4)

    running, stop, stopped = run(story())

    assert running[1]["stop"] == "running"
    assert stop[1] == {"mode": "tripped", "reasons": ["operator: smoke"]}
    assert stopped[1]["stop"] == "tripped"


def test_a_wrong_request_is_told_every_part_in_five_parts(called):
    status, answer = run(called.decide(1, obs=[], quality=[True, False]))

    assert status == 422
    assert [problem["where"] for problem in answer["problems"]] == [
        "request obs",
        "request quality",
    ]
    assert {"where", "found", "allowed", "fix", "more"} == answer["problems"][0].keys()


def test_a_key_that_was_revoked_or_has_expired_opens_nothing(called):
    keys, clock = called.station.keys, called.station.clock
    called.keys["late"] = keys.add("late", Role.OPERATOR, clock, expires="2020-01-01T00:00:00")
    assert keys.revoke("operator") == 1

    assert run(called.decide(1))[0] == 401
    assert run(called.decide(1, role="late"))[0] == 401


def test_every_answer_carries_the_headers_of_safety(called):
    async def story():
        async with called.client(called.keys["viewer"]) as client:
            return [await client.get("/v1/status"), await client.post("/v1/decide", content=b"")]

    for answer in run(story()):
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"
