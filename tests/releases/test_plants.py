# SPDX-License-Identifier: MIT
from flyball.releases.plants import aliases_of, required, seat
from flyball.releases.staging import Stage
from tests.releases.made import added, promoted, set_up


def test_what_was_seated_is_what_is_read_and_only_what_changed_is_written(database):
    before = {"champion": "rule:a", "baseline": "rule:a"}
    after = {"champion": "rule:b", "baseline": "rule:a", "previous": "rule:a"}

    with database.writing() as connection:
        seat(connection, ("mill", 1, "then"), {}, before)
        seat(connection, ("mill", 2, "now"), before, after)
        assert aliases_of(connection, "mill") == after
        seat(connection, ("mill", 3, "later"), after, {"champion": "rule:b"})
        assert aliases_of(connection, "mill") == {"champion": "rule:b"}
        assert aliases_of(connection, "kiln") == {}


def test_a_comparison_comes_back_as_it_was_kept(registry, database):
    set_up(registry)
    (digest,) = added(registry, "one")
    state = promoted(registry, digest)

    with database.reading() as connection:
        found = required(connection, "mill")

    assert found == state
    assert found.stage is Stage.FULL
    assert found.config.shares == (0.1, 0.25, 0.5)
