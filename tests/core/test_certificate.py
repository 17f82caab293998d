# SPDX-License-Identifier: MIT
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flyball.core.certificate import Certificate, from_text, model_hash, to_text
from flyball.core.errors import ScenarioError

FINITE = st.floats(allow_nan=False, allow_infinity=False)


def certificate(**changes):
    values = {
        "kind": "cells",
        "plant": "rail",
        "claim": "It stays.",
        "parameters": {"push": 1.5, "wind": 0.1},
        "signals": ("position", "speed"),
        "error": (0.01, 0.02),
        "values": ("push",),
        "low": (-1.5,),
        "high": (1.5,),
        "hold_s": 0.1,
        "proof": {"cells": [[0, 1, 2]], "values": [[0.1]]},
    }
    return Certificate(**(values | changes))


@given(
    st.dictionaries(st.text(min_size=1, max_size=5), FINITE, max_size=4),
    st.lists(FINITE, max_size=3),
)
def test_every_bit_of_every_number_survives_the_text(parameters, error):
    own = certificate(parameters=parameters, error=tuple(error))

    again = from_text(to_text(own), "a.json")

    assert again == own
    assert again.hash == own.hash
    assert [x.hex() for x in again.error] == [x.hex() for x in own.error]


def test_the_text_is_the_same_whatever_the_order_of_the_parameters():
    own = certificate(parameters={"wind": 0.1, "push": 1.5})

    assert to_text(own) == to_text(certificate())


def test_one_changed_bit_anywhere_in_the_text_is_found():
    content = to_text(certificate()).encode()
    found = 0
    for place in range(len(content)):
        for bit in range(7):
            flipped = bytearray(content)
            flipped[place] ^= 1 << bit
            try:
                again = from_text(flipped.decode(), "a.json")
            except ScenarioError:
                found += 1
            else:
                assert again == certificate()  # white space, or another spelling of the same

    assert found > 6 * len(content)


def test_another_content_with_the_old_hash_is_refused():
    values = json.loads(to_text(certificate()))
    values["error"] = [0.0, 0.0]

    with pytest.raises(ScenarioError, match=r"a\.json: content that differs from its own hash"):
        from_text(json.dumps(values), "a.json")


@pytest.mark.parametrize(
    "text",
    ["", "[]", "3", "null", '{"format": 1}', "{", '{"format": "1"}', "NaN", "[" * 100_000],
)
def test_what_is_no_certificate_is_refused_in_words(text):
    with pytest.raises(ScenarioError, match=r"a\.json: no readable certificate .* fix: copy it"):
        from_text(text, "a.json")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("kind", "magic"),
        ("hold_s", True),
        ("hold_s", "0.1"),
        ("error", ["0.1"]),
        ("signals", [1, 2]),
        ("parameters", {"push": None}),
        ("more", 1),
    ],
)
def test_a_key_that_cannot_be_is_refused(key, value):
    values = json.loads(to_text(certificate())) | {key: value}

    with pytest.raises(ScenarioError, match="no readable certificate"):
        from_text(json.dumps(values), "a.json")


def test_numbers_that_are_none_are_refused():
    text = to_text(certificate()).replace("0.1", "Infinity")

    with pytest.raises(ScenarioError, match="Infinity"):
        from_text(text, "a.json")


def test_a_newer_format_asks_for_a_newer_flyball():
    values = json.loads(to_text(certificate())) | {"format": 2}

    with pytest.raises(ScenarioError, match=r"format 2 .* upgrade flyball"):
        from_text(json.dumps(values), "a.json")


def test_the_hash_of_a_model_sees_its_last_bit_and_its_names_but_not_their_order():
    own = model_hash({"a": 1.0, "b": 2.0})

    assert model_hash({"b": 2, "a": 1}) == own
    assert model_hash({"a": 1.0000000000000002, "b": 2.0}) != own
    assert model_hash({"a": 1.0, "c": 2.0}) != own
