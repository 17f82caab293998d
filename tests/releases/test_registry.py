# SPDX-License-Identifier: MIT
"""One change is one transaction: rows, audit and generation; in every database the same."""

import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flyball.core.clock import ManualClock
from flyball.releases.refusals import ConflictError, MissingError, RefusedError, ReleaseError
from flyball.releases.registry import Registry
from flyball.releases.roles import Person, Role
from flyball.releases.staging import Command, Stage
from tests.releases.databases import KINDS, fresh
from tests.releases.made import ANN, BOB, EVE, OLE, Said, added, manifest, promoted, set_up


def test_a_plant_begins_with_its_rule_in_control(registry):
    set_up(registry)

    assert registry.aliases("mill") == {"baseline": "rule:fifo", "champion": "rule:fifo"}
    assert registry.staging("mill").control == "rule:fifo"
    assert registry.generation() == 2
    assert registry.plants() == ("mill",)
    with pytest.raises(MissingError, match="kiln: no champion"):
        registry.staging("kiln")


def test_a_plant_is_set_up_once(registry):
    registry.set_up("mill", "fifo", by=ANN)
    registry.set_up("mill", "other", by=ANN)

    assert registry.aliases("mill") == {"baseline": "rule:fifo", "champion": "rule:fifo"}
    assert registry.generation() == 2


def test_pointing_compares_and_sets_and_is_audited(registry):
    set_up(registry)
    one, two = added(registry, "one", "two")
    by_two = {"by": BOB, "why": "tested by hand"}

    number = registry.point("mill", "champion", one, expected="rule:fifo", second=ANN, **by_two)
    with pytest.raises(ConflictError, match="expected at rule:fifo; allowed: "):
        registry.point("mill", "champion", two, expected="rule:fifo", second=ANN, **by_two)

    assert number == registry.generation() == 3
    assert registry.aliases("mill") == {
        "baseline": "rule:fifo",
        "champion": one,
        "previous": "rule:fifo",
    }
    record = registry.events.page(plant="mill")[-1].record
    assert record["before"] == {"baseline": "rule:fifo", "champion": "rule:fifo"}
    assert record["after"] == registry.aliases("mill") | {"second": "Ann"}
    assert (record["who"], record["role"], record["why"]) == ("Bob", "approver", "tested by hand")
    assert record["generation"] == 3


def test_only_releases_that_are_known_and_not_retired_are_seated(registry):
    set_up(registry)
    (digest,) = added(registry, "one")
    registry.retire(digest, by=ANN, why="old")

    for target, error in ((digest, RefusedError), ("a" * 64, MissingError)):
        with pytest.raises(error):
            registry.point(
                "mill", "baseline", target, expected="rule:fifo", second=ANN, by=BOB, why=""
            )
        with pytest.raises(error):
            registry.stage("mill", Command(deed="begin", challenger=target), ANN)
    assert registry.generation() == 2


def test_from_shadow_to_control_and_back(registry):
    set_up(registry)
    (digest,) = added(registry, "one")

    state = promoted(registry, digest)

    assert (state.stage, state.control, state.approver) == (Stage.FULL, digest, "Bob")
    assert registry.staging("mill") == state
    assert registry.aliases("mill")["previous"] == "rule:fifo"

    back = registry.stage("mill", Command(deed="roll_back", why="smoke"), OLE)

    assert (back.stage, back.control) == (Stage.ROLLED_BACK, "rule:fifo")
    assert registry.aliases("mill") == back.seats.taken()
    assert registry.staging("mill") == back
    assert registry.generation() == 8
    deeds = ["begin", "advance", "advance", "advance", "promote", "roll_back"]
    assert [event.record["what"] for event in registry.events.page(plant="mill")][2:] == deeds
    assert [each["stage"] for each in registry.stagings("mill")] == ["rolled back"]


def test_rolling_back_works_where_nothing_was_ever_compared(registry):
    set_up(registry)
    (one,) = added(registry, "one")
    registry.point("mill", "champion", one, expected="rule:fifo", second=ANN, by=BOB, why="")

    state = registry.stage("mill", Command(deed="roll_back", why="smoke"), OLE)

    assert state.control == registry.aliases("mill")["champion"] == "rule:fifo"


def test_every_comparison_has_its_number_and_is_kept(registry):
    set_up(registry)
    one, two = added(registry, "one", "two")
    registry.stage("mill", Command(deed="begin", challenger=one), ANN)
    registry.stage("mill", Command(deed="retire", why="wrong one"), ANN)

    state = registry.stage("mill", Command(deed="begin", challenger=two), ANN)

    assert (state.number, state.salt) == (2, "mill/2")
    assert [each["stage"] for each in registry.stagings("mill")] == ["shadow", "retired"]


def test_nothing_is_pointed_while_a_comparison_is_open(registry):
    set_up(registry)
    one, two = added(registry, "one", "two")
    registry.stage("mill", Command(deed="begin", challenger=one), ANN)

    with pytest.raises(ConflictError, match="an open comparison, shadow"):
        registry.point("mill", "champion", two, expected="rule:fifo", second=ANN, by=BOB, why="")


def test_what_was_decided_on_an_old_generation_or_lease_is_refused(registry, clock):
    set_up(registry)
    (one,) = added(registry, "one")
    begin = Command(deed="begin", challenger=one)
    old = registry.leases.take("controller", "a", 10)
    clock.advance(11)
    new = registry.leases.take("controller", "b", 10)

    with pytest.raises(ConflictError, match=r"generation 1; allowed: generation 2"):
        registry.stage("mill", begin, ANN, generation=1)
    with pytest.raises(ConflictError, match="was taken over"):
        registry.stage("mill", begin, ANN, lease=old)
    assert registry.generation() == 2

    registry.stage("mill", begin, ANN, generation=2, lease=new)
    assert registry.generation() == 3


def test_a_challenger_is_taken_off_the_field_whatever_changed_meanwhile(registry):
    set_up(registry)
    (one,) = added(registry, "one")
    registry.point("mill", "champion", one, expected="rule:fifo", second=ANN, by=BOB, why="")
    (two,) = added(registry, "two")
    registry.stage("mill", Command(deed="begin", challenger=two), ANN)
    back = Command(deed="roll_back", why="smoke")

    first = registry.stage("mill", back, OLE, generation=1)

    assert (first.stage, first.control) == (Stage.ROLLED_BACK, one)
    # Pressed twice, it would put the champion out of control too: that takes another look.
    with pytest.raises(ConflictError, match="generation 1; allowed"):
        registry.stage("mill", back, OLE, generation=1)
    assert registry.staging("mill").control == one


@pytest.mark.parametrize("text", ["a\x00b", "\ud800", "é" * 900, "' OR 1=1 --", "%_\\"])
def test_odd_texts_are_kept_or_refused_and_break_nothing(registry, text):
    entry = registry.add(manifest(text, world=text), signer=text, by=ANN)
    assert registry.get(entry.digest) == entry
    assert registry.manifest(entry.digest) == manifest(text, world=text).to_bytes()

    for ask in (
        lambda: registry.releases(text=text),
        lambda: registry.releases(world=text, state=text),
        lambda: registry.events.page(plant=text),
        lambda: registry.aliases(text),
        lambda: registry.staging(text),
        lambda: registry.leases.take(text, text, 1.0),
    ):
        with suppress(ReleaseError):
            ask()
    assert len(list(registry.events)) == 1


def test_a_refused_command_changes_nothing(registry):
    set_up(registry)
    before = registry.events.head(), registry.generation(), registry.aliases("mill")

    for by in (EVE, Person("", Role.ADMIN)):
        with pytest.raises(RefusedError):
            registry.stage("mill", Command(deed="roll_back"), by)
    with pytest.raises(RefusedError, match="begin a comparison first"):
        registry.stage("mill", Command(deed="advance", verdict=Said()), ANN)

    assert (registry.events.head(), registry.generation(), registry.aliases("mill")) == before


def test_of_many_who_point_at_once_one_wins_each_time(registry):
    set_up(registry)
    targets = added(registry, "one", "two", "three")
    begun, won, lost = threading.Barrier(3), [], []

    def point(target):
        begun.wait()
        try:
            registry.point(
                "mill", "champion", target, expected="rule:fifo", second=ANN, by=BOB, why=""
            )
            won.append(target)
        except ConflictError:
            lost.append(target)

    threads = [threading.Thread(target=point, args=(each,)) for each in targets]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert (len(won), len(lost)) == (1, 2)
    assert registry.aliases("mill")["champion"] == won[0]
    assert registry.generation() == 3
    assert len(list(registry.events)) == 2 + 3 + 1


def killed(where, kills):
    """Return how many changes went through between the kills."""
    script = str(Path(__file__).with_name("killed_point.py"))
    command = [sys.executable, script, str(where), str(kills)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    assert ended.returncode == 0, ended.stderr[-2000:]
    return int(ended.stdout)


def test_killed_while_it_points_a_registry_says_the_same_everywhere(tmp_path):
    assert killed(tmp_path / "registry.db", 12) > 12


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_killed_a_hundred_times_every_database_says_the_same_everywhere(kind, tmp_path):
    with fresh(kind, tmp_path) as where:
        assert killed(where, 100) > 100


@given(st.text(max_size=70))
def test_no_text_but_a_name_is_a_plant(small_for_all, text):
    with pytest.raises(RefusedError, match="plant: "):
        small_for_all.point(text + "/", "baseline", "rule:a", by=ANN, why="")


@pytest.fixture(scope="module")
def small_for_all(tmp_path_factory):
    registry = Registry.open(tmp_path_factory.mktemp("r") / "registry.db", ManualClock())
    yield registry
    registry.close()
