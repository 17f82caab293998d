# SPDX-License-Identifier: MIT
"""The chain against its definition, and against whoever changes what was kept."""

import hashlib
import json
import math
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flyball.core.errors import InvariantError, RunError
from flyball.core.journal import START, MemoryJournal, canonical, fits, link, number, verified

TEXTS = st.text(max_size=8)
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)  # fmt: skip
RECORDS = st.dictionaries(TEXTS, PLAIN, max_size=4)


def chain(records):
    """Return the lines of records, by the definition of the chain in plain words."""
    previous, lines = "0" * 64, []
    for sequence, record in enumerate(records):
        content = {"sequence": sequence, "previous": previous, "record": record}
        body = json.dumps(content, sort_keys=True, separators=(",", ":"))
        previous = hashlib.sha256(body.encode()).hexdigest()
        lines.append('{"hash":"' + previous + '",' + body[1:])
    return [line.encode() for line in lines]


@given(st.lists(RECORDS, max_size=4))
def test_a_journal_gives_back_what_it_was_given_and_chains_it(records):
    journal = MemoryJournal()

    hashes = [journal.append(record) for record in records]

    assert list(journal.records()) == records
    lines = chain(records)
    assert hashes == [json.loads(line)["hash"] for line in lines]
    assert journal.head == (len(records), hashes[-1] if hashes else START)
    assert [own.line[:-1] for own in verified(lines, "here")] == lines
    assert all(json.loads(line)["hash"] == own for line, own in zip(lines, hashes, strict=True))


def test_a_record_is_kept_as_it_was_when_it_was_appended():
    journal, record = MemoryJournal(), {"reasons": ["hot"]}
    journal.append(record)

    record["reasons"].append("cold")
    next(iter(journal.records()))["reasons"].clear()

    assert list(journal.records()) == [{"reasons": ["hot"]}]


@given(st.data())
def test_a_line_that_was_changed_moved_or_taken_out_is_refused_by_its_number(data):
    lines = chain([{"n": n, "words": "a b"} for n in range(4)])
    place = data.draw(st.integers(0, 2))
    kind = data.draw(st.sampled_from(["bit", "out", "twice", "swapped"]))
    changed = list(lines)
    if kind == "bit":
        byte, bit = data.draw(st.integers(0, len(lines[place]) - 1)), data.draw(st.integers(0, 7))
        broken = bytearray(lines[place])
        broken[byte] ^= 1 << bit
        changed[place] = bytes(broken)
    elif kind == "out":
        del changed[place]
    elif kind == "twice":
        changed.insert(place, lines[place])
        place += 1
    else:
        changed[place], changed[place + 1] = lines[place + 1], lines[place]

    with pytest.raises(RunError) as refused:
        list(verified(changed, "plant.jsonl"))

    (problem,) = refused.value.problems
    assert problem.where == f"plant.jsonl line {place + 1}"
    assert problem.found
    assert problem.allowed
    assert "evidence" in problem.fix


def test_a_line_whose_hash_fits_but_that_is_no_record_is_refused():
    for body in (b'{"record":1}', b'{"nothing', b'{"previous":"","record":[1],"sequence":0}'):
        line = b'{"hash":"%s",%s' % (hashlib.sha256(body).hexdigest().encode(), body[1:])
        assert fits(line)

        with pytest.raises(RunError, match="line 1: no record; allowed: a record with sequence"):
            list(verified([line], "here"))


def test_a_line_that_follows_but_has_another_number_is_refused():
    with pytest.raises(RunError, match="line 1: record 5, which follows 00000000; allowed: rec"):
        list(verified([link(5, START, {}).line[:-1]], "here"))


def test_checking_can_go_on_behind_what_was_checked_before():
    lines = chain([{"n": n} for n in range(3)])
    first = next(verified(lines, "here"))

    rest = verified(lines[1:], "here", (1, first.hash))

    assert [own.sequence for own in rest] == [1, 2]
    with pytest.raises(RunError, match="line 2: record 1, which follows"):
        list(verified(lines[1:], "here", (1, START)))


@given(st.floats(allow_nan=True, allow_infinity=True, allow_subnormal=True))
def test_every_float_comes_back_from_a_record_bit_for_bit(x):
    back = float(json.loads(canonical({"x": number(x)}))["x"])

    assert struct.pack("d", back) == struct.pack("d", math.nan if math.isnan(x) else x)


@pytest.mark.parametrize(
    "record",
    [{"x": math.nan}, {"x": [math.inf]}, {1: 2, "1": 3}, {10: 0, 9: 0}, {"x": {1, 2}}, {"x": b"1"}],
)
def test_what_would_not_come_back_is_a_fault_of_ours_and_is_not_kept(record):
    journal = MemoryJournal()

    with pytest.raises(InvariantError, match="a record that JSON cannot hold"):
        journal.append(record)

    assert journal.head == (0, START)


def test_the_hash_of_a_record_is_the_same_for_ever():
    own = link(0, START, {"kind": "stop", "event": "trip", "now_s": 1.5})

    assert own.hash == "ca29dd7cf9df3b3304ae185c17777bad56b5f092f0db716e8b64f365c7b05326"
