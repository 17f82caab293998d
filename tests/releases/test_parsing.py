# SPDX-License-Identifier: MIT
"""A release is what its manifest says, in one spelling."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flyball.releases.manifest import CARD, MANIFEST, SIGNATURE, digest_of, json_of
from flyball.releases.parsing import checked, parse
from flyball.releases.refusals import ReleaseError


@pytest.fixture(scope="module")
def contents(packed):
    maker, digest = packed
    return maker.vault.get(digest)


def test_a_manifest_comes_back_as_it_was_written(contents):
    manifest = parse(contents.files[MANIFEST], "m")

    assert manifest == contents.manifest
    assert manifest.to_bytes() == contents.files[MANIFEST]
    assert digest_of(contents.files[MANIFEST]) == contents.digest


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"format": 2}, r"release format 2; allowed: format 1 or older; fix: upgrade flyball"),
        ({"format": True}, "no whole number"),
        ({"world": 3}, "no text"),
        ({"limits": "none"}, "no list"),
        ({"extra": 1}, "unexpected keyword"),
        ({"spec_hash": "a" * 64}, "differs from its own hash"),
        ({"files": {}}, r"files \[\]"),
        ({"lineage": []}, "no mapping"),
    ],
)
def test_a_manifest_that_is_none_is_refused(contents, change, words):
    values = json.loads(contents.files[MANIFEST]) | change

    with pytest.raises(ReleaseError, match=words):
        parse(json_of(values, "m"), "m")


def test_only_one_spelling_is_read(contents):
    content = contents.files[MANIFEST]

    with pytest.raises(ReleaseError, match="another spelling"):
        parse(json.dumps(json.loads(content), indent=1).encode(), "m")
    with pytest.raises(ReleaseError, match="another spelling"):
        parse(content.replace(b'{"evaluation"', b'{"world":"x","evaluation"', 1), "m")
    signature = contents.files[SIGNATURE]
    with pytest.raises(ReleaseError, match="another spelling of a signature"):
        checked(dict(contents.files) | {SIGNATURE: signature + b" "}, "r")


@given(st.binary(max_size=200))
def test_any_bytes_are_refused(content):
    with pytest.raises(ReleaseError, match="m: "):
        parse(content, "m")


@pytest.mark.parametrize("content", [b"[" * 100_000, b'{"format":1e999}', b"1" * 5000, b"null"])
def test_traps_of_the_reader_are_refused(content):
    with pytest.raises(ReleaseError, match="no readable manifest"):
        parse(content, "m")


def test_every_file_that_differs_is_named(contents):
    files = dict(contents.files) | {CARD: b"x", "policy.json": b"y"}

    with pytest.raises(ReleaseError) as refused:
        checked(files, "r")

    assert [each.where for each in refused.value.problems] == ["r/policy.json", "r/card.md"]
