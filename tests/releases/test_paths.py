# SPDX-License-Identifier: MIT
import pytest

from flyball.releases.refusals import ReleaseError


def test_verdicts_come_back_in_the_order_in_which_they_were_given(registry, clock):
    for k in range(5):
        clock.advance(60.0)
        assert registry.paths.add("mill", 1, {"decision": "hold", "blocks": k}) == k
    registry.paths.add("mill", 2, {"decision": "promote"})

    found = registry.paths.page("mill", 1, after=1, limit=2)

    assert found == [
        {"place": 2, "at": "2026-01-01T00:03:00.000000Z", "decision": "hold", "blocks": 2},
        {"place": 3, "at": "2026-01-01T00:04:00.000000Z", "decision": "hold", "blocks": 3},
    ]
    assert [each["decision"] for each in registry.paths.page("mill", 2)] == ["promote"]
    assert registry.paths.page("kiln", 1) == []


def test_a_verdict_that_json_cannot_hold_is_refused(small):
    with pytest.raises(ReleaseError, match="verdict: "):
        small.paths.add("mill", 1, {"bound": float("nan")})
