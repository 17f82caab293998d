# SPDX-License-Identifier: MIT
"""What is read back, in pages, while others write."""

import sqlite3
from contextlib import closing

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flyball.core.errors import RunError
from flyball.serving.log import LogSettings, open_log
from flyball.serving.log import reading as reading_module
from flyball.serving.log.reading import Reader
from tests.serving.log.decisions import BEGAN_S, decision, stop

SETTINGS = LogSettings(durability="process")


@pytest.fixture(autouse=True)
def small_pages(monkeypatch):
    monkeypatch.setattr(reading_module, "PAGE", 4)
    monkeypatch.setattr(reading_module, "WINDOW", 3)


@pytest.fixture
def log(tmp_path):
    with open_log(tmp_path / "log.db", SETTINGS) as log:
        yield log


def meddle(log, statement, *values):
    with closing(sqlite3.connect(log.path, isolation_level=None)) as connection:
        connection.execute(statement, values)


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

    assert log.latest("a") == decision(1, unit="a", at_s=50.0)
    assert log.latest("nobody") is None


@settings(max_examples=20)
@given(
    st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 5)), max_size=12),
    st.integers(0, 5), st.integers(0, 6), st.integers(1, 4),
)  # fmt: skip
def test_pages_hold_every_record_of_a_unit_between_two_times_once_by_time(
    tmp_path_factory, moments, since_s, until_s, most
):
    with open_log(tmp_path_factory.mktemp("log") / "log.db", SETTINGS) as log:
        records = [
            {"kind": "decision", "unit": unit, "at_s": float(at_s), "number": number}
            for number, (unit, at_s) in enumerate(moments)
        ]
        for record in records:
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


@pytest.mark.parametrize("kind", ["stop", "decision"])
def test_records_of_a_kind_come_in_their_order(log, kind):
    stops = [stop(number) for number in range(10)]
    decisions = [decision(number) for number in range(10)]
    for pair in zip(stops, decisions, strict=True):
        log.append(pair[0])
        log.append(pair[1])

    assert list(log.of_kind(kind)) == {"stop": stops, "decision": decisions}[kind]
    assert list(log.of_kind("nothing")) == []


def test_a_changed_record_of_a_kind_is_refused(log):
    log.append(stop(0))
    log.append(stop(1))
    line = log._reader.rows("SELECT line FROM record WHERE sequence = 1")[0][0]
    meddle(log, "UPDATE record SET line = ? WHERE sequence = 1", line.replace(b"hot", b"not"))

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


def test_bytes_beside_a_decision_come_back_and_changed_ones_do_not(log):
    log.keep({"kind": "batch", "decision_id": "many"}, b"\x00\x01\x02")
    log.append(decision(0))

    assert log.blob("many") == b"\x00\x01\x02"
    assert log.blob("decision-0") is None
    assert log.blob("nothing") is None
    meddle(log, "UPDATE record SET blob = x'000103' WHERE decision_id = 'many'")
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

    retention.drop(log._writer, 15, 0.0)

    with pytest.raises(RunError, match=r"up to 15 were dropped while they were read; .*again"):
        list(reading)


@pytest.mark.parametrize(
    ("statement", "says"),
    [("DELETE FROM record WHERE sequence = 5", "which follows"),
     ("DELETE FROM record WHERE sequence > 17", "18 records; allowed: 20 records"),
     ("UPDATE record SET decision_id = 'other' WHERE sequence = 5", "record 5: its columns"),
     ("UPDATE record SET at_s = 0 WHERE sequence = 6", "record 6: its columns"),
     ("UPDATE record SET request = 'x' WHERE sequence = 7", "record 7: its columns"),
     ("UPDATE record SET blob = x'00' WHERE sequence = 8", "record 8: its bytes"),
     ("UPDATE anchor SET sequence = 1", "line 2: record 1, which follows"),
     ("INSERT INTO carried SELECT sequence, kind, unit, line FROM record WHERE sequence = 1",
      "what is left of old records is not what the chain says")],
)  # fmt: skip
def test_whatever_was_changed_is_found_by_whoever_checks_everything(log, statement, says):
    for number in range(20):
        log.append(decision(number))
    assert log.verify() == log.head
    meddle(log, statement)

    with pytest.raises(RunError, match=says):
        log.verify()


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
