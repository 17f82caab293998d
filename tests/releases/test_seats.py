# SPDX-License-Identifier: MIT
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flyball.releases.refusals import RefusedError
from flyball.releases.seats import Seats, require_plant, require_target, seats_of

names = st.sampled_from(["rule:fifo", "a" * 64, "b" * 64, "c" * 64])


@given(champion=names, previous=st.just("") | names, baseline=names)
def test_going_back_ends_at_the_baseline_and_never_without_anybody(champion, previous, baseline):
    seats = Seats(champion=champion, previous=previous, baseline=baseline)

    seen = [seats.champion]
    for _ in range(3):
        seats = seats.back()
        seen.append(seats.champion)

    assert all(seen)
    assert seen[-1] == baseline
    if previous not in ("", champion):
        assert seen[1] == previous
    # Nobody comes back whom control has left, but for the baseline.
    assert champion not in seen[1:] or champion == baseline


def test_who_is_promoted_has_the_old_champion_behind_it():
    seats = Seats(champion="rule:fifo", baseline="rule:fifo", challenger="a" * 64)

    promoted = seats.promoted("a" * 64)

    assert promoted.taken() == {
        "champion": "a" * 64,
        "previous": "rule:fifo",
        "baseline": "rule:fifo",
    }
    assert promoted.back().champion == "rule:fifo"


def test_a_plant_without_champion_or_baseline_was_not_set_up():
    assert seats_of({}) is None
    assert seats_of({"baseline": "rule:a"}) is None
    assert seats_of({"baseline": "rule:a", "champion": "rule:b"}).champion == "rule:b"


@pytest.mark.parametrize("plant", ["", "Mill", "mill ", "../mill", "-mill", "m" * 65, "mühle"])
def test_names_that_databases_could_confuse_are_no_plants(plant):
    require_plant("mill-2.north_a")
    with pytest.raises(RefusedError, match="plant: "):
        require_plant(plant)


@pytest.mark.parametrize(
    ("target", "name"),
    [
        ("", "champion"),
        ("a" * 63, "champion"),
        ("A" * 64, "baseline"),
        ("rule:", "baseline"),
        ("rule:FIFO", "baseline"),
        ("rule:fifo", "challenger"),
        ("rule:fifo", "challenger_b"),
        ("a" * 64 + "\n", "challenger"),
    ],
)
def test_what_is_no_target_sits_nowhere(target, name):
    with pytest.raises(RefusedError, match="the digest of a release"):
        require_target(target, name)
