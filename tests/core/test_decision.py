# SPDX-License-Identifier: MIT
"""The records of deciding: what stands in them is what travels as JSON."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flyball.core.decision import Arm, Outcome, Reply, Request

NAMES = st.text(min_size=1, max_size=20).filter(str.isprintable)
FINITE = st.floats(allow_nan=False, allow_infinity=False)
REPLY = {
    "decision_id": "d", "value": [1.0], "choice": [], "arm": Arm.SECOND, "policy": "p", "stage": "",
    "propensity": 1.0, "changed": False, "reason": "r", "filter": "f", "gate": "g", "stop": "s",
    "binding": [], "generation": 0, "record": "",
}  # fmt: skip


def there_and_back(record):
    return msgspec.json.decode(msgspec.json.encode(record), type=type(record))


@given(
    st.builds(
        Request,
        decision_id=NAMES, unit=NAMES, at_s=FINITE,
        obs=st.lists(FINITE, max_size=3), signals=st.lists(st.none() | FINITE, max_size=3),
        applied=st.lists(st.none() | FINITE, max_size=3), start=st.booleans(),
    )
)  # fmt: skip
def test_a_request_travels_bit_for_bit(request):
    assert there_and_back(request) == request


@given(st.builds(Outcome, metrics=st.dictionaries(NAMES, FINITE, max_size=3)))
def test_an_outcome_travels_bit_for_bit(outcome):
    assert there_and_back(outcome) == outcome


@pytest.mark.parametrize("arm", list(Arm))
def test_a_reply_travels_with_its_arm_in_words(arm):
    reply = Reply(**{**REPLY, "arm": arm})

    assert msgspec.json.decode(msgspec.json.encode(reply))["arm"] == str(arm)
    assert there_and_back(reply) == reply


def test_no_two_records_share_a_list():
    first, second = (Request(decision_id="d", unit="u", at_s=0.0, obs=[]) for _ in range(2))

    first.signals.append(1.0)

    assert second.signals == []


def test_a_part_that_does_not_exist_cannot_be_set():
    reply = Reply(**REPLY)

    with pytest.raises(AttributeError):
        reply.valeu = [2.0]
    with pytest.raises(TypeError, match="unexpected keyword argument"):
        Request(decision_id="d", unit="u", at_s=0.0, obs=[], singals=[])
