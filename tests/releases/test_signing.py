# SPDX-License-Identifier: MIT
"""Keys that only their owner reads, and signatures that fail closed."""

import stat

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from hypothesis import given
from hypothesis import strategies as st

from flyball.releases.refusals import ReleaseError
from flyball.releases.signing import Signer, Trust, make_key


@pytest.fixture
def signer(tmp_path):
    make_key(tmp_path / "ann.pem")
    return Signer(tmp_path / "ann.pem")


def test_a_new_key_is_its_owners_alone_and_signs_what_its_public_half_verifies(tmp_path):
    own = make_key(tmp_path / "ann.pem")

    signer, trust = Signer(tmp_path / "ann.pem"), Trust.read(tmp_path)

    assert stat.S_IMODE((tmp_path / "ann.pem").stat().st_mode) == 0o600
    assert trust.key_ids == (own,) == (signer.key_id,)
    trust.verify(own, signer.sign(b"words"), b"words", "r")
    assert signer.sign(b"words") == signer.sign(b"words")


def test_a_key_is_never_overwritten(tmp_path):
    make_key(tmp_path / "ann.pem")
    before = (tmp_path / "ann.pem").read_bytes()

    with pytest.raises(ReleaseError, match=r"a file that exists; allowed: a new file"):
        make_key(tmp_path / "ann.pem")
    (tmp_path / "ann.pem").rename(tmp_path / "bob.pem")
    with pytest.raises(ReleaseError, match=r"ann\.pub\.pem: a file that exists"):
        make_key(tmp_path / "ann.pem")

    assert (tmp_path / "bob.pem").read_bytes() == before
    assert not (tmp_path / "ann.pem").exists()


def test_a_private_key_that_others_can_read_is_refused(tmp_path):
    make_key(tmp_path / "ann.pem")
    (tmp_path / "ann.pem").chmod(0o640)

    with pytest.raises(ReleaseError, match=r"others can read \(mode 0640\).*fix: chmod 600"):
        Signer(tmp_path / "ann.pem")


def test_files_that_are_no_keys_are_all_named(tmp_path, signer):
    other = generate_private_key(SECP256R1())
    (tmp_path / "a.pub.pem").write_bytes(b"no key")
    (tmp_path / "b.pub.pem").write_bytes(
        other.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
    )

    with pytest.raises(ReleaseError) as refused:
        Trust.read(tmp_path)

    assert [each.where.rsplit("/", 1)[1] for each in refused.value.problems] == [
        "a.pub.pem",
        "b.pub.pem",
    ]
    with pytest.raises(ReleaseError, match="no readable file"):
        Signer(tmp_path / "nobody.pem")
    with pytest.raises(ReleaseError, match="no private key in PEM"):
        Signer.__init__(signer, _private(tmp_path, b"words"))
    with pytest.raises(ReleaseError, match="no readable folder"):
        Trust.read(tmp_path / "nowhere")


def _private(tmp_path, content):
    path = tmp_path / "x.pem"
    path.touch(0o600)
    path.write_bytes(content)
    return path


def test_who_is_not_trusted_is_refused(signer, tmp_path):
    (tmp_path / "none").mkdir()

    with pytest.raises(ReleaseError, match=r"unknown key .*allowed: none: no key is known"):
        Trust.read(tmp_path / "none").verify(signer.key_id, signer.sign(b"x"), b"x", "r")
    with pytest.raises(ReleaseError, match=f"allowed: one of {signer.key_id}"):
        Trust.read(tmp_path).verify("0" * 16, signer.sign(b"x"), b"x", "r")


@given(content=st.binary(max_size=64), signature=st.binary(max_size=70))
def test_no_made_up_signature_passes(tmp_path_factory, content, signature):
    folder = tmp_path_factory.mktemp("keys")
    own = make_key(folder / "ann.pem")

    with pytest.raises(ReleaseError, match=f"a signature that key {own} did not make"):
        Trust.read(folder).verify(own, signature, content, "r")


@given(content=st.binary(min_size=1, max_size=64), at=st.integers(0, 10**6), bit=st.integers(0, 7))
def test_one_changed_bit_is_refused(tmp_path_factory, content, at, bit):
    folder = tmp_path_factory.mktemp("keys")
    own, changed = make_key(folder / "ann.pem"), bytearray(content)
    signature = Signer(folder / "ann.pem").sign(content)
    changed[at % len(content)] ^= 1 << bit

    with pytest.raises(ReleaseError, match="did not make of these bytes"):
        Trust.read(folder).verify(own, signature, bytes(changed), "r")
