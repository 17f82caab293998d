# SPDX-License-Identifier: MIT
"""A reader that either yields every field or says that there is no message, whatever the bytes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flyball.releases.wire import BYTES, FIXED_32, FIXED_64, VARINT, MalformedError, fields


def number(value):
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def written(parts):
    out = b""
    for tag, kind, content in parts:
        out += number(tag << 3 | kind)
        if kind == VARINT:
            out += number(content)
        else:
            out += (number(len(content)) if kind == BYTES else b"") + content
    return out


tags = st.integers(1, (1 << 29) - 1)
parts = st.lists(
    st.one_of(
        st.tuples(tags, st.just(VARINT), st.integers(0, (1 << 64) - 1)),
        st.tuples(tags, st.just(BYTES), st.binary(max_size=200)),
        st.tuples(tags, st.just(FIXED_32), st.binary(min_size=4, max_size=4)),
        st.tuples(tags, st.just(FIXED_64), st.binary(min_size=8, max_size=8)),
    )
)


@given(parts)
def test_what_was_written_is_read(parts):
    found = list(fields(memoryview(written(parts))))

    assert [
        (each.number, each.kind, each.value if each.kind == VARINT else bytes(each.content))
        for each in found
    ] == parts


@given(st.binary(max_size=300))
def test_any_bytes_are_read_to_their_end_or_are_no_message(content):
    try:
        found = list(fields(memoryview(content)))
    except MalformedError:
        return

    # Nothing is skipped: keys, lengths and contents together are at least as long as the bytes.
    assert all(each.number > 0 and each.kind in (0, 1, 2, 5) for each in found)
    assert sum(11 + len(each.content) + 10 for each in found) >= len(content)


@given(parts.filter(bool), st.data())
def test_a_message_that_was_cut_off_within_a_field_is_none(parts, data):
    content = written(parts)
    ends = {len(written(parts[:k])) for k in range(len(parts) + 1)}
    cut = data.draw(st.integers(0, len(content)).filter(lambda at: at not in ends))

    with pytest.raises(MalformedError):
        list(fields(memoryview(content[:cut])))


@pytest.mark.parametrize(
    "content", [b"\x0b", b"\x0c", b"\x00\x00", b"\x08" + b"\xff" * 9 + b"\x02"]
)
def test_groups_field_zero_and_numbers_beyond_64_bits_are_refused(content):
    with pytest.raises(MalformedError):
        list(fields(memoryview(content)))
