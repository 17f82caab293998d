# SPDX-License-Identifier: MIT
"""What is read back, in pages, while others write."""

from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flyball.core.errors import RunError
from flyball.serving.log import LogSettings, open_log, places
from flyball.serving.log import reading as reading_module
from flyball.serving.log.reading import Reader
from tests.serving.log.samples import BEGAN_S, decision, meddle, stop

SETTINGS = LogSettings(durability="process")


@pytest.fixture(autouse=True)
def small_pages(monkeypatch):
    monkeypatch.setattr(reading_module, "PAGE", 4)
    monkeypatch.setattr(reading_module, "WINDOW", 3)


@pytest.fixture(params=[1, 10_000], ids=["placed", "not placed"])
def log(tmp_path, request, monkeypatch):
    """Return a log in which records have their places, or have none."""
    monkeypatch.setattr(places, "BEHIND", request.param)
    with open_log(tmp_path / "log.db", SETTINGS) as log:
        yield log


def places_of(log):
    """Give every record its place."""
    log._writer.change(partial(places.place_all, n=log.head[0]), "nothing")


def all_pages(log, unit, most, **between):
    found, page = [], log.page(unit, most=most, **between)
    while True:
        found += page.records
        if page.place is None:
            return found
        page = log.page(unit, most=most, after=page.place, **between)


def test_a_decision_is_found_by_its_id(log):
    for number in range(5):
        log.append(decision(number))

    assert log.find("decision-3") == decision(3)
    assert log.find("decision-9") is None


def test_the_last_decision_of_a_unit_is_that_which_was_kept_last_whatever_clocks_say(log):
    log.append(decision(0, unit="a", at_s=100.0))
    log.append(decision(1, unit="a", at_s=50.0))
    log.append(decision(2, unit="b", at_s=200.0))
    log.append({"kind": "alarm", "unit": "a", "at_s": 300.0})

    log._checkpoints.place()

    assert log.latest("a") == decision(1, unit="a", at_s=50.0)
    assert log.latest("nobody") is None


@settings(max_examples=20)
@given(
    st.integers(0, 13),
    st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 5)), max_size=12),
    st.integers(0, 5), st.integers(0, 6), st.integers(1, 4),
)  # fmt: skip
def test_pages_hold_every_record_of_a_unit_between_two_times_once_by_time(
    tmp_path_factory, n_placed, moments, since_s, until_s, most
):
    with open_log(tmp_path_factory.mktemp("log") / "log.db", SETTINGS) as log:
        records = [
            {"kind": "decision", "unit": unit, "at_s": float(at_s), "number": number}
            for number, (unit, at_s) in enumerate(moments)
        ]
        for record in records[:n_placed]:
            log.append(record)
        places_of(log)
        for record in records[n_placed:]:
            log.append(record)

        found = all_pages(log, "a", most, since_s=float(since_s), until_s=float(until_s))

    wanted = [own for own in records if own["unit"] == "a" and since_s <= own["at_s"] < until_s]
    assert found == sorted(wanted, key=lambda own: (own["at_s"], own["number"]))


def test_without_times_all_of_a_unit_is_there(log):
    for number in range(9):
        log.append(decision(number))
    log.append({"kind": "alarm", "unit": "unit-0", "at_s": BEGAN_S})

    assert [own["decision_id"] for own in all_pages(log, "unit-0", 2)] == [
        "decision-0", "decision-3", "decision-6",
    ]  # fmt: skip
    assert [own["kind"] for own in all_pages(log, "unit-0", 2, kind="alarm")] == ["alarm"]


@pytest.mark.parametrize("kind", ["stop", "decision", "outcome"])
def test_records_of_a_kind_come_in_their_order(log, kind):
    stops = [stop(number) for number in range(10)]
    decisions = [decision(number) for number in range(10)]
    for pair in zip(stops, decisions, strict=True):
        log.append(pair[0])
        log.append(pair[1])

    outcomes = [{"kind": "outcome", "outcome_id": str(number)} for number in range(10)]
    for each in outcomes:
        log.append(each)

    kept = {"stop": stops, "decision": decisions, "outcome": outcomes}
    assert list(log.of_kind(kind)) == kept[kind]
    assert list(log.of_kind("nothing")) == []


def test_a_changed_record_of_a_kind_is_refused(log):
    log.append(stop(0))
    log.append(stop(1))
    line = log._reader.rows("SELECT line FROM record WHERE sequence = 1")[0][0]
    meddle(log.path, "UPDATE record SET line = ? WHERE sequence = 1", line.replace(b"hot", b"not"))

    with pytest.raises(RunError, match="does not fit its hash"):
        list(log.of_kind("stop"))


def test_decisions_are_joined_with_outcomes_that_came_late_and_more_than_once(log):
    for number in range(10):
        log.append(decision(number))
        if number:
            log.outcome(f"decision-{number - 1}", f"cost-{number - 1}", "cost", 1.5, BEGAN_S)
    log.outcome("decision-2", "yield-2", "yield", float("nan"), BEGAN_S)
    again = log.outcome("decision-2", "yield-2", "yield", float("nan"), BEGAN_S + 60.0)

    joined = list(log.joined(BEGAN_S + 0.15, BEGAN_S + 0.85))

    assert not again.fresh
    assert [own["decision_id"] for own, _ in joined] == [f"decision-{n}" for n in range(2, 9)]
    assert [own["outcome_id"] for own in joined[0][1]] == ["cost-2", "yield-2"]
    assert joined[0][1] == log.outcomes("decision-2")
    assert joined[0][1][1]["value"] == "nan"
    assert len(list(log.joined())) == 10


def test_decisions_are_joined_with_the_outcomes_of_their_block(log):
    for number in range(4):
        log.append(decision(number, unit="a", block="early" if number < 2 else "late"))
    log.append(decision(4, unit="b", block="early"))
    told = {"kind": "outcome", "outcome_id": "o", "unit": "a", "block": "early"}
    log.append({**told, "metrics": {"cost": 2.0}})
    log.outcome("decision-1", "own", "cost", 1.0, BEGAN_S)

    joined = {own["decision_id"]: outcomes for own, outcomes in log.joined()}

    ids = {name: [each["outcome_id"] for each in own] for name, own in joined.items()}
    assert {name: sorted(own) for name, own in ids.items()} == {
        "decision-0": ["o"], "decision-1": ["o", "own"], "decision-2": [], "decision-3": [],
        "decision-4": [],
    }  # fmt: skip


def test_bytes_beside_a_decision_come_back_and_changed_ones_do_not(log):
    log.keep({"kind": "batch", "decision_id": "many"}, b"\x00\x01\x02")
    log.append(decision(0))

    assert log.blob("many") == b"\x00\x01\x02"
    assert log.blob("decision-0") is None
    assert log.blob("nothing") is None
    meddle(log.path, "UPDATE record SET blob = x'000103' WHERE decision_id = 'many'")
    with pytest.raises(RunError, match="bytes that do not fit their hash"):
        log.blob("many")
    with pytest.raises(RunError, match="record 0: its bytes do not fit their hash"):
        log.verify()


def test_a_long_reading_sees_every_record_up_to_where_it_began_while_others_write(log):
    for number in range(10):
        log.append(decision(number))

    reading = log.records()
    first = next(reading)
    log.append(decision(10))

    assert [first, *reading] == [decision(number) for number in range(10)]


def test_a_reading_during_which_records_are_dropped_says_so(log):
    for number in range(20):
        log.append(decision(number))
    reading = log.records()
    next(reading)

    from flyball.serving.log import retention

    retention.drop(log._writer, 0, 15, 0.0)

    with pytest.raises(RunError, match=r"up to 15 were dropped while they were read; .*again"):
        list(reading)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(RunError, match=r"none\.db: it was not read: cannot be opened"):
        Reader(tmp_path / "none.db")


def test_a_damaged_page_is_named_and_writing_goes_on(log):
    for number in range(300):
        log.append(decision(number))
    log._checkpoints.carry()
    log._reader.close()
    content = bytearray(log.path.read_bytes())
    place = content.index(b'"decision-150"') // 4096 * 4096
    with log.path.open("r+b") as file:
        file.seek(place)
        file.write(bytes(4096))

    with pytest.raises(RunError, match="it was not read: its pages were damaged"):
        log.verify()

    assert log.append(decision(300))
