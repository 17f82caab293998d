# SPDX-License-Identifier: MIT
"""Decisions as Parquet: every bit of a number, and whole or not there."""

import math
import sys

import pytest

from flyball.core.errors import ConfigError, RunError
from flyball.serving.log import archive
from tests.serving.log.samples import decision

OUTCOME = {"kind": "outcome", "outcome_id": "o", "metric": "cost", "value": "inf", "at_s": 5.0}


def test_decisions_come_back_with_their_outcomes(tmp_path, monkeypatch):
    parquet = pytest.importorskip("pyarrow.parquet")
    monkeypatch.setattr(archive, "GROUP", 3)
    joined = [(decision(n), (OUTCOME,) * (n % 3)) for n in range(10)]

    n = archive.to_parquet(tmp_path / "log.parquet", joined)

    rows = parquet.read_table(tmp_path / "log.parquet").to_pylist()
    assert n == len(rows) == 10
    for row, (record, outcomes) in zip(rows, joined, strict=True):
        for name in ("decision_id", "unit", "at_s", "policy", "stage", "arm", "propensity",
                     "proposed", "applied", "reason"):  # fmt: skip
            assert row[name] == record[name]
        assert row["signal"][:-1] == record["signal"][:-1]
        assert math.isnan(row["signal"][-1])
        assert len(row["outcomes"]) == len(outcomes)
    assert rows[1]["outcomes"] == [
        {"outcome_id": "o", "metric": "cost", "value": math.inf, "at_s": 5.0}
    ]


def test_an_outcome_of_many_figures_is_one_row_of_each_and_a_reason_may_be_called_why(tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    told = {"outcome_id": "o", "metrics": {"cost": 1.0, "yield": "nan"}, "at_s": 2.0}
    own = {"kind": "decision", "decision_id": "d", "why": "late"}

    archive.to_parquet(tmp_path / "log.parquet", [(own, (told,))])

    (row,) = parquet.read_table(tmp_path / "log.parquet").to_pylist()
    assert row["reason"] == "late"
    assert [each["metric"] for each in row["outcomes"]] == ["cost", "yield"]
    assert row["outcomes"][0]["value"] == 1.0
    assert math.isnan(row["outcomes"][1]["value"])


def test_what_a_record_does_not_hold_is_nothing(tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")

    archive.to_parquet(tmp_path / "log.parquet", [({"kind": "decision", "at_s": "soon"}, ())])

    (row,) = parquet.read_table(tmp_path / "log.parquet").to_pylist()
    assert {name for name, value in row.items() if value is not None} == {"outcomes"}


def test_a_file_that_could_not_be_finished_leaves_the_old_one(tmp_path):
    pytest.importorskip("pyarrow")
    path = tmp_path / "log.parquet"
    archive.to_parquet(path, [(decision(0), ())])
    before = path.read_bytes()

    def broken():
        yield decision(1), ()
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        archive.to_parquet(path, broken())

    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_is_not_there_is_named(tmp_path):
    pytest.importorskip("pyarrow")

    with pytest.raises(RunError, match=r"log\.parquet: was not written: .*; allowed: a folder"):
        archive.to_parquet(tmp_path / "none" / "log.parquet", [])


def test_without_pyarrow_it_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)

    with pytest.raises(ConfigError, match=r"pip install 'flyball\[archive\]'"):
        archive.to_parquet(tmp_path / "log.parquet", [])
