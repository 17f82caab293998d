# SPDX-License-Identifier: MIT
"""Keys and tokens: who is believed to be whom."""

import stat
from datetime import UTC, datetime, timedelta

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from flyball.core.clock import ManualClock
from flyball.core.errors import ConfigError
from flyball.releases import Role
from flyball.serving.access import Access, Keys, Tokens

CLOCK = ManualClock()
PRIVATE = Ed25519PrivateKey.generate()
PEM = PRIVATE.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


@pytest.fixture
def access(tmp_path):
    tokens = Tokens(issuer="plant", audience="flyball", public_key=PEM)
    return Access(keys=Keys(tmp_path / "keys.json"), clock=CLOCK, tokens=tokens)


def bearer(text):
    return {b"authorization": b"Bearer " + text.encode()}


def token(key=PRIVATE, algorithm="EdDSA", **claims):
    later = datetime.now(UTC) + timedelta(hours=1)
    own = {"sub": "ann", "iss": "plant", "aud": "flyball", "exp": later, "flyball_role": "engineer"}
    return jwt.encode({**own, **claims}, key, algorithm)


def test_a_key_says_who_and_its_file_says_nothing(access, tmp_path):
    key = access.keys.add("ann", Role.OPERATOR, CLOCK)

    assert access.person(bearer(key)) == ("ann", Role.OPERATOR)
    assert access.person({b"x-api-key": key.encode()}) == ("ann", Role.OPERATOR)
    assert key not in (tmp_path / "keys.json").read_text()
    assert stat.S_IMODE((tmp_path / "keys.json").stat().st_mode) == 0o600


@pytest.mark.parametrize("said", ["", "fb_", "fb_x", "x" * 9000, "\xff", "Bearer", "null"])
def test_whatever_is_no_key_is_nobodys(access, said):
    access.keys.add("ann", Role.ADMIN, CLOCK)

    assert access.person(bearer(said.encode("latin-1").decode("latin-1"))) is None
    assert access.person({}) is None


def test_a_key_that_another_process_added_or_revoked_counts_at_once(access, tmp_path):
    other = Keys(tmp_path / "keys.json")
    key = other.add("bob", Role.VIEWER, CLOCK)
    assert access.person(bearer(key)).name == "bob"

    other.revoke("bob")

    assert access.person(bearer(key)) is None


def test_a_token_of_the_sites_own_provider_says_who(access):
    assert access.person(bearer(token())) == ("ann", Role.ENGINEER)


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "other"},
        {"aud": "other"},
        {"exp": 1},
        {"flyball_role": "king"},
        {"flyball_role": None},
    ],
)
def test_a_token_that_is_not_meant_for_this_server_is_nobodys(access, claims):
    assert access.person(bearer(token(**claims))) is None


def test_a_token_signed_by_others_or_with_the_public_key_as_a_secret_is_nobodys(access):
    assert access.person(bearer(token(key=Ed25519PrivateKey.generate()))) is None
    unsigned = token().rsplit(".", 1)[0] + "."
    assert access.person(bearer(unsigned)) is None


def test_a_file_of_keys_that_was_damaged_is_told_with_its_fix(tmp_path):
    (tmp_path / "keys.json").write_text("{")

    with pytest.raises(ConfigError, match="no readable file of keys"):
        Keys(tmp_path / "keys.json").all()
