# SPDX-License-Identifier: MIT
import pytest

from flyball.releases.refusals import ConflictError, MissingError, RefusedError
from flyball.releases.staging import Command
from tests.releases.made import ANN, BOB, OLE, added, manifest, set_up


def test_a_release_is_added_once(registry):
    (digest,) = added(registry, "walks")
    before = registry.get(digest)

    again = registry.add(manifest("walks"), signer="1" * 16, by=BOB)

    assert again == before
    assert (before.state, before.created) == ("admitted", "2026-01-01T00:00:00.000000Z")
    assert registry.manifest(digest) == manifest("walks").to_bytes()
    assert [event.record["what"] for event in registry.events] == ["add"]


def test_who_is_no_engineer_adds_nothing(registry):
    with pytest.raises(RefusedError, match="Ole, operator; allowed: engineer or above"):
        registry.add(manifest(), signer="", by=OLE)
    with pytest.raises(MissingError):
        registry.get("a" * 64)
    with pytest.raises(MissingError):
        registry.manifest("a" * 64)


def test_a_release_that_sits_somewhere_is_not_retired(registry):
    set_up(registry)
    (digest,) = added(registry, "one")
    registry.stage("mill", Command(deed="begin", challenger=digest), ANN)

    with pytest.raises(ConflictError, match="challenger of mill"):
        registry.retire(digest, by=ANN, why="")
    registry.stage("mill", Command(deed="retire"), ANN)
    assert registry.retire(digest, by=ANN, why="").state == "retired"
    assert registry.get(digest).state == "retired"
