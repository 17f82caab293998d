# SPDX-License-Identifier: MIT
"""Finding one release among many: pages that neither skip nor repeat."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flyball.core.clock import ManualClock
from flyball.releases.refusals import RefusedError
from flyball.releases.registry import Registry
from tests.releases.made import ANN, added


def walked(registry, **wanted):
    """Return every digest of a list, page after page."""
    found, after = [], ""
    while True:
        page = registry.releases(**wanted, after=after)
        found += [entry.digest for entry in page.entries]
        if not page.next:
            return found
        after = page.next


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    clock = ManualClock()
    registry = Registry.open(tmp_path_factory.mktemp("r") / "registry.db", clock)
    for k in range(12):
        clock.advance(float(k % 3 == 0))  # three at a time in the same moment
        added(registry, f"walks {k}", world=("chain", "mill")[k % 2])
    registry.retire(registry.releases().entries[-1].digest, by=ANN, why="old")
    yield registry
    registry.close()


@given(limit=st.integers(1, 14), world=st.sampled_from(["", "chain", "mill"]))
def test_pages_together_are_the_whole_list_newest_first(filled, limit, world):
    whole = filled.releases(world=world, limit=500).entries

    found = walked(filled, limit=limit, world=world)

    assert found == [entry.digest for entry in whole]
    assert len(set(found)) == (6 if world else 12)
    order = [(entry.created, entry.digest) for entry in whole]
    assert order == sorted(order, reverse=True)


def test_lists_are_narrowed_by_world_state_and_words(registry, clock):
    for k, world in enumerate(("chain", "mill", "mill")):
        clock.advance(1.0)
        added(registry, f"walks_{k} 100%", world=world, algorithm="PPO")
    oldest = walked(registry)[-1]
    registry.retire(oldest, by=ANN, why="")

    assert walked(registry, state="retired") == [oldest]
    assert len(walked(registry, world="mill", state="admitted")) == 2
    assert len(walked(registry, text="Mill ppo")) == 2
    assert len(walked(registry, text="walks_1")) == 1
    assert len(walked(registry, text="100%")) == 3
    assert walked(registry, text="walksX1") == []


def test_the_first_digits_name_a_release(registry):
    digests = sorted(added(registry, *map(str, range(30))))

    assert [entry.digest for entry in registry.find(digests[3])] == [digests[3]]
    for digest in digests[:5]:
        expected = [each for each in digests if each.startswith(digest[:4])]
        assert [entry.digest for entry in registry.find(digest[:4])] == expected


@pytest.mark.parametrize("prefix", ["", "abc", "xyzw", "a" * 65, "AAAA", "%%%%"])
def test_what_is_no_part_of_a_digest_is_refused(small, prefix):
    with pytest.raises(RefusedError, match="4 to 64 of 0-9 and a-f"):
        small.find(prefix)


@pytest.mark.parametrize("wanted", [{"limit": 0}, {"limit": 501}, {"after": "x/y"}])
def test_pages_that_are_none_are_refused(small, wanted):
    with pytest.raises(RefusedError):
        small.releases(**wanted)
