# SPDX-License-Identifier: MIT
"""Old records go, and what stays is still a chain that begins where it says."""

import sqlite3
from contextlib import closing

import pytest

from flyball.core.errors import RunError
from flyball.core.journal import fits, verified
from flyball.safety.latch import Mode, replayed
from flyball.serving.log import LogSettings, open_log, retention
from tests.serving.log.samples import BEGAN_S, decision, meddle, stop

DAY_S = 86_400.0
WEEK = LogSettings(durability="process", keep_days=7.0)


@pytest.fixture(autouse=True)
def small_slices(monkeypatch):
    monkeypatch.setattr(retention, "SLICE", 16)


def hourly(number, **parts):
    return decision(number, at_s=BEGAN_S + 3600.0 * number, **parts)


def filled(path, n, settings=WEEK):
    log = open_log(path, settings)
    for number in range(n):
        log.append(hourly(number))
    return log


def test_what_is_older_goes_and_the_rest_is_verified_behind_the_anchor(tmp_path):
    with filled(tmp_path / "log.db", 400) as log:
        line = log._reader.rows("SELECT line FROM record WHERE sequence = 231")[0][0]

        dropped = log.retain(BEGAN_S + 400 * 3600.0)

        assert dropped.n == 400 - 7 * 24
        assert dropped.anchor == (232, line[9:73].decode())
        assert [own["decision_id"] for own in log.records() if own["kind"] == "decision"] == [
            f"decision-{number}" for number in range(232, 400)
        ]
        assert log.verify() == log.head
        assert log.find("decision-231") is None
        lines = [line for (line,) in log._reader.rows("SELECT line FROM record ORDER BY sequence")]
        assert len(list(verified(lines, "log", behind=dropped.anchor))) == len(lines)
        head = log.head
    with open_log(tmp_path / "log.db", WEEK) as log:
        assert log.verify() == head


def test_nothing_goes_where_nothing_is_old_or_nobody_said_how_old(tmp_path):
    with filled(tmp_path / "log.db", 100) as log:
        assert log.retain(BEGAN_S + 100 * 3600.0).n == 0
    with open_log(tmp_path / "log.db", LogSettings(durability="process")) as log:
        assert log.retain(BEGAN_S + 1e9).n == 0


def test_the_latch_stands_where_it_stood_whatever_was_dropped(tmp_path):
    steps = [
        {"kind": "stop", "event": "start", "now_s": BEGAN_S},
        {"kind": "stop", "event": "clear", "now_s": BEGAN_S, "person": "anna", "request": "1"},
        {"kind": "stop", "event": "release", "now_s": BEGAN_S, "person": "otto", "request": "2"},
    ]
    with open_log(tmp_path / "log.db", WEEK) as log:
        for number, step in enumerate(steps):
            log.append(step)
            log.append(hourly(number))
        for number in range(3, 400):
            log.append(hourly(number))
        before = replayed(log.records())

        assert log.retain(BEGAN_S + 400 * 3600.0).n > 200

        assert replayed(log.records()) == before
        assert replayed(log.of_kind("stop")) == before
        assert before.mode == Mode.RUNNING
        assert list(log.of_kind("stop")) == steps
        log.append(stop(401))
        assert list(log.of_kind("stop")) == [*steps, stop(401)]


def test_what_verdicts_rest_on_stays_and_outcomes_of_decisions_go_with_them(tmp_path):
    block = {"kind": "block", "unit": "unit-0", "block": "shift-0", "at_s": BEGAN_S}
    told = {"kind": "outcome", "outcome_id": "o", "unit": "unit-0", "block": "shift-0"}
    with open_log(tmp_path / "log.db", WEEK) as log:
        log.append(hourly(0))
        log.append(block)
        log.append(told)
        log.outcome("decision-0", "own", "cost", 1.0, BEGAN_S)
        for number in range(1, 400):
            log.append(hourly(number))

        log.retain(BEGAN_S + 400 * 3600.0)

        assert list(log.of_kind("block")) == [block]
        assert list(log.of_kind("outcome")) == [told]
        log.verify()


def test_the_last_decision_of_every_unit_stays_and_only_that(tmp_path):
    with open_log(tmp_path / "log.db", WEEK) as log:
        for number in range(40):
            log.append(hourly(number, unit="asleep"))
        for number in range(40, 400):
            log.append(hourly(number, unit="awake"))

        log.retain(BEGAN_S + 400 * 3600.0)

        assert log.latest("asleep")["decision_id"] == "decision-39"
        assert log.latest("awake")["decision_id"] == "decision-399"
        assert [own["unit"] for own in log._reader.carried()] == ["asleep"]
        log.append(hourly(400, unit="asleep"))
        assert log.latest("asleep")["decision_id"] == "decision-400"
        log.retain(BEGAN_S + 410 * 3600.0)
        assert log._reader.carried() == ()
        log.verify()


def test_a_decision_without_a_time_is_not_taken_for_old(tmp_path):
    with open_log(tmp_path / "log.db", WEEK) as log:
        for number in range(50):
            log.append(hourly(number))
        log.append(decision(50) | {"at_s": "nan"})
        for number in range(51, 300):
            log.append(hourly(number))

        assert log.retain(BEGAN_S + 300 * 3600.0).anchor[0] == 50


@pytest.mark.parametrize(
    "statement",
    ["DELETE FROM carried", "UPDATE carried SET line = (SELECT line FROM record LIMIT 1)",
     "INSERT INTO carried SELECT 7, kind, unit, line FROM record LIMIT 1"],
)  # fmt: skip
def test_what_was_changed_of_what_is_carried_is_found(tmp_path, statement):
    with open_log(tmp_path / "log.db", WEEK) as log:
        log.append(stop(0))
        for number in range(400):
            log.append(hourly(number))
        log.retain(BEGAN_S + 400 * 3600.0)
        meddle(log.path, statement)

        with pytest.raises(RunError, match="what is left of old records is not what the chain"):
            list(log.records())


def test_a_chain_from_which_more_was_taken_than_retention_says_is_refused(tmp_path):
    with filled(tmp_path / "log.db", 400) as log:
        log.retain(BEGAN_S + 400 * 3600.0)
        ((line,),) = log._reader.rows("SELECT line FROM record WHERE sequence = 240")
        assert fits(line)
        own = line[9:73].decode()
        meddle(log.path, "DELETE FROM record WHERE sequence <= 240")
        meddle(log.path, "UPDATE anchor SET sequence = 241, hash = ?", own)

        with pytest.raises(RunError, match="what is left of old records is not what the chain"):
            log.verify()


def test_a_file_above_its_size_loses_its_oldest_records_and_shrinks(tmp_path):
    settings = LogSettings(durability="process", max_bytes=1 << 20)
    with open_log(tmp_path / "log.db", LogSettings(durability="process")) as log:
        for number in range(1200):
            log.append(hourly(number))
        log._checkpoints.carry()
    assert (tmp_path / "log.db").stat().st_size > 2 << 20

    with open_log(tmp_path / "log.db", settings) as log:
        dropped = log.retain(BEGAN_S)
        log.append(hourly(1200))
        size = dropped.bytes

        assert size <= 0.9 * (1 << 20)
        assert size > 0.6 * (1 << 20)
        assert log.verify() == log.head
        assert log.latest("unit-0")["decision_id"] == "decision-1200"
    assert (tmp_path / "log.db").stat().st_size < 1 << 20


def test_a_log_that_is_full_can_be_made_smaller(tmp_path):
    settings = LogSettings(durability="process", max_bytes=1 << 20)
    with open_log(tmp_path / "log.db", settings) as log:
        written = 0
        with pytest.raises(RunError, match="the disk is full"):  # noqa: PT012 - until it is
            for written in range(2000):
                log.append(hourly(written))

        assert log.retain(BEGAN_S).n > 16

        log.append(hourly(written))
        assert log.verify() == log.head


def test_what_goes_is_in_the_archive_first(tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    with filled(tmp_path / "log.db", 400) as log:
        log.outcome("decision-3", "o", "cost", 2.5, BEGAN_S)
        log.retain(BEGAN_S + 400 * 3600.0, tmp_path)

    (file,) = tmp_path.glob("*.parquet")
    table = parquet.read_table(file).to_pylist()
    assert file.name == "log-000000000000-000000000232.parquet"
    assert [row["decision_id"] for row in table] == [f"decision-{n}" for n in range(232)]
    assert table[3]["outcomes"][0]["value"] == 2.5


def test_what_could_not_be_archived_stays(tmp_path):
    pytest.importorskip("pyarrow")
    with filled(tmp_path / "log.db", 400) as log:
        with pytest.raises(RunError, match="was not written"):
            log.retain(BEGAN_S + 400 * 3600.0, tmp_path / "none")

        assert log.find("decision-0") == hourly(0)
        assert log.verify() == log.head


def test_writing_goes_on_between_two_slices(tmp_path, monkeypatch):
    with filled(tmp_path / "log.db", 400) as log:
        drop, number = retention.drop, 400

        def and_write(*arguments):
            nonlocal number
            log.append(hourly(number))
            number += 1
            return drop(*arguments)

        monkeypatch.setattr(retention, "drop", and_write)
        log.retain(BEGAN_S + 400 * 3600.0)

        assert number > 410
        assert log.verify() == log.head
        assert log.find(f"decision-{number - 1}") is not None


def test_a_slice_that_fails_drops_nothing(tmp_path):
    with filled(tmp_path / "log.db", 400) as log:
        with closing(sqlite3.connect(log.path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(RunError, match="old records were not dropped: locked"):
                log.retain(BEGAN_S + 400 * 3600.0)
        log.append(hourly(400))

        assert log._reader.anchor()[0] == 0
        assert log.verify() == log.head
