# SPDX-License-Identifier: MIT
"""Replies and records: the words, the hashes, and the bits."""

import base64
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flyball.core.decision import Arm, Request
from flyball.core.spec import Feature
from flyball.serving.reply import digest_of, hash_of, packed, reply_of, words_of
from tests.serving.stand import SPEC, Counting, Stand
from tests.serving.test_server import field

RECORD = {
    "decision_id": "d", "applied": [1.0], "proposed": [1.0], "arm": "challenger",
    "policy": "abcdefabcdefabcdef", "stage": "canary", "propensity": 0.25, "stopped": False,
    "codes": {"filter": "admissible", "gate": "none", "stop": "running"},
    "binding": [], "generation": 4, "why": "",
}  # fmt: skip


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ({}, "challenger abcdefabcdef: as proposed"),
        ({"applied": [0.5], "codes": RECORD["codes"] | {"filter": "bent"}, "binding": ["rate"]},
         "challenger abcdefabcdef: bent by rate"),
        ({"applied": [0.5], "codes": RECORD["codes"] | {"filter": "no number"}},
         "challenger abcdefabcdef: filter: no number"),
        ({"applied": [0.5], "codes": RECORD["codes"] | {"gate": "backup"}},
         "challenger abcdefabcdef: gate: backup"),
        ({"why": "it is late", "arm": "fallback", "policy": "rule"},
         "fallback rule, since it is late: as proposed"),
        ({"stopped": True, "codes": RECORD["codes"] | {"stop": "tripped"}},
         "challenger abcdefabcdef: the emergency stop is tripped;"
         " each actuator does its safe action"),
    ],
)  # fmt: skip
def test_a_reply_says_whose_action_it_is_and_what_became_of_it(parts, words):
    reply = reply_of({**RECORD, **parts}, "hash")

    assert reply.reason == words
    assert words_of({**RECORD, **parts}, changed=reply.changed) == words


def test_changed_is_whether_another_value_is_applied_than_was_proposed():
    assert not reply_of(RECORD, "").changed
    assert reply_of({**RECORD, "applied": [1.0 + 1e-15]}, "").changed
    assert reply_of({**RECORD, "proposed": ["nan"]}, "").changed


def test_what_is_answered_again_is_what_was_answered_but_for_saying_so():
    stand = Stand().release()
    field(stand, Counting("p1", 3.0))
    first = stand.decide()

    again = reply_of(stand.log.find(first.decision_id), first.record, repeated=True)

    assert again == replace(first, repeated=True)
    assert first.arm is Arm.CHAMPION


def test_the_hash_of_a_spec_changes_with_every_name_unit_and_order():
    kind = SPEC.kinds[0]
    (own,) = kind.features
    others = [
        replace(SPEC, kinds=(replace(kind, features=features),))
        for features in (
            (Feature("place", "cm", -9.0, 9.0),),
            (Feature("spot", "m", -9.0, 9.0),),
            (own, Feature("speed", "m", -9.0, 9.0)),
            (Feature("speed", "m", -9.0, 9.0), own),
        )
    ]

    hashes = {hash_of(each) for each in (SPEC, *others)}

    assert len(hashes) == 5
    assert hash_of(replace(SPEC)) == hash_of(SPEC)


def test_the_digest_of_a_request_is_of_all_its_parts():
    given = {"decision_id": "d", "unit": "u", "at_s": 1.0, "obs": [0.5]}
    parts = {
        "unit": "v", "at_s": 2.0, "obs": [0.25], "signals": [None], "age_s": [1.0],
        "quality": [False], "mask": [True], "start": True, "block": "b", "applied": [1.0],
        "spec": "s", "decision_id": "e",
    }  # fmt: skip

    digests = [digest_of(Request(**{**given, name: value})) for name, value in parts.items()]

    assert len({*digests, digest_of(Request(**given))}) == len(parts) + 1
    assert set(parts) == set(Request.__dataclass_fields__)


@given(st.lists(st.floats(width=32), max_size=20))
def test_packed_numbers_come_back_bit_for_bit(numbers):
    array = np.array(numbers, np.float32)

    back = np.frombuffer(base64.b64decode(packed(array)), "<f4")

    assert back.tobytes() == array.tobytes()
