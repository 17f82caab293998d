# SPDX-License-Identifier: MIT
"""The fast line of a record against the one of core, byte for byte."""

import enum
import math
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flyball.core.errors import InvariantError
from flyball.core.journal import START, canonical, fits, link, number
from flyball.serving.log import chain
from flyball.serving.log.chain import chained, draft, hash_in, record_in, text_of
from tests.serving.log.samples import decision

TEXTS = st.text(max_size=8) | st.sampled_from(["e-5", "1e5", "0.00001", "true", "null", "2e3,"])
FLOATS = st.floats(allow_nan=False, allow_infinity=False) | st.builds(
    lambda mantissa, exponent: mantissa * 10.0**exponent,
    st.floats(-10.0, 10.0, allow_nan=False), st.integers(-9, 25),
)  # fmt: skip
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | FLOATS | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)
RECORDS = st.dictionaries(TEXTS, PLAIN, max_size=6)


@given(RECORDS)
def test_the_text_of_a_record_is_that_of_core(record):
    assert text_of(record) == canonical(record).encode()


@given(st.lists(st.floats(), max_size=30))
def test_whatever_a_policy_says_the_text_is_that_of_core_and_comes_back_bit_for_bit(values):
    record = decision(1, proposed=[number(x) for x in values])

    text = text_of(record)

    assert text == canonical(record).encode()
    line, _ = chained(0, START, text)
    for x, y in zip(values, record_in(line)["proposed"], strict=True):
        assert struct.pack("d", float(y)) == struct.pack("d", math.nan if math.isnan(x) else x)


@pytest.mark.parametrize(
    "x", [1e-4, 9.999e-5, 1e15, 9999999999999998.0, 1e16, 1.5e300, 5e-324, -0.0]
)
def test_numbers_about_where_exponents_begin_are_written_as_core_writes_them(x):
    for record in ({"x": x}, {"x": [x, 1.0]}, {"x": [-x]}, {"x": x, "y": 0}):
        assert text_of(record) == canonical(record).encode()


def test_a_decision_as_it_usually_is_takes_the_fast_way(monkeypatch):
    record, expected = decision(1), canonical(decision(1)).encode()
    monkeypatch.setattr(chain, "canonical", None)

    assert text_of(record) == expected


class Colour(enum.Enum):
    RED = "red"


@pytest.mark.parametrize(
    "record",
    [{"x": math.nan}, {"x": [math.inf]}, {1: 2, "1": 3}, {"x": {1, 2}}, {"x": b"1"},
     {"x": Colour.RED}, {"x": object()}],
)  # fmt: skip
def test_what_would_not_come_back_is_refused_as_core_refuses_it(record):
    with pytest.raises(InvariantError, match="a record that JSON cannot hold"):
        draft(record)


@settings(max_examples=20)
@given(st.lists(RECORDS, max_size=3))
def test_lines_are_those_of_core(records):
    previous = START
    for sequence, record in enumerate(records):
        own = link(sequence, previous, record)

        line, hash_ = chained(sequence, previous, text_of(record))

        assert (line + b"\n", hash_) == (own.line, own.hash)
        assert fits(line)
        assert hash_in(line) == own.hash
        assert record_in(line) == record
        previous = own.hash


def test_a_draft_is_what_the_record_was():
    record = decision(3)
    own = draft(record)

    record["reason"] = "changed"

    assert b"changed" not in own.text
    assert (own.kind, own.decision_id, own.unit) == ("decision", "decision-3", "unit-0")
    assert own.key == ("decision", "decision-3")


def test_only_a_decision_has_the_id_of_one_and_only_an_outcome_that_of_an_outcome():
    alarm = draft({"kind": "alarm", "decision_id": "d", "outcome_id": "o", "now_s": 5})
    late = draft({"kind": "outcome", "decision_id": "d", "outcome_id": "o", "metric": "cost"})
    nobody = draft({"decision_id": 7, "unit": "", "at_s": "nan"})

    assert (alarm.key, alarm.about, alarm.at_s) == (None, None, 5.0)
    assert (late.key, late.about, late.decision_id) == (("outcome", "o"), "d", None)
    assert (nobody.kind, nobody.key, nobody.unit, nobody.at_s) == ("", None, None, None)


def test_an_outcome_is_the_same_whenever_it_is_delivered_and_another_where_it_says_more():
    told = {"kind": "outcome", "outcome_id": "o", "unit": "a", "metrics": {"cost": 1.0}}

    first = draft({**told, "at_s": 1.0})

    assert draft({**told, "at_s": 2.0}).request == first.request
    assert draft({**told, "metrics": {"cost": 1.5}}).request != first.request
    assert draft({**told, "unit": "b"}).request != first.request


@pytest.mark.parametrize("name", ["kind", "decision_id", "unit", "block", "request"])
def test_half_a_character_is_no_name(name):
    with pytest.raises(InvariantError, match=f"cannot be found by its {name}, which is no Unic"):
        draft(decision(1) | {name: "\ud800"})


@pytest.mark.parametrize("at_s", [10**400, True, "nan", None, [1.0]])
def test_what_is_no_time_is_none(at_s):
    assert draft(decision(1) | {"at_s": at_s}).at_s is None


def test_bytes_beside_a_record_are_bound_to_it_by_their_hash():
    own = draft({"kind": "batch"}, b"\x00\x01")

    assert own.record["blob"] == (
        "b413f47d13ee2fe6c845b2ee141af81de858df4ec549a58b7970bb96645bc8d2"
    )
    assert own.record["blob"].encode() in own.text
