# SPDX-License-Identifier: MIT
"""What measures the decision log measures it; the speeds themselves are not tested."""

import json
import os
import sqlite3
import subprocess
import sys
from contextlib import ExitStack, closing
from pathlib import Path

import decision_log
import pytest

from flyball.serving.log import LogSettings, open_log
from flyball.serving.log.chain import _plain, text_of
from tools.evidence import rows

ROOT = Path(__file__).parents[2]


def test_no_two_records_are_alike_and_all_take_the_usual_way():
    records = decision_log.some(200)

    assert len({record["decision_id"] for record in records}) == 200
    assert all(_plain(text_of(record)) for record in records)


def test_every_record_is_timed_and_kept(tmp_path):
    with open_log(tmp_path / "log", LogSettings(durability="process")) as log:
        took = decision_log.one_by_one(log.append, 30)
        rate, waits = decision_log.together(log, 40, 8)

        assert (len(took), len(waits), log.verify()[0]) == (30, 40, 70)
        assert rate > 0
        assert (took > 0).all()


def test_the_rival_keeps_what_it_is_given(tmp_path):
    record = decision_log.some(1)[0]
    with ExitStack() as stack:
        decision_log.through_sqlalchemy(tmp_path / "log", "power", stack)(record)

        with closing(sqlite3.connect(tmp_path / "log")) as connection:
            ((found,),) = connection.execute("SELECT record FROM decision").fetchall()
    assert json.loads(found) == record


@pytest.mark.slow
def test_the_log_is_compared_with_its_rivals(tmp_path):
    ended = subprocess.run(  # noqa: S603
        [sys.executable, ROOT / "benchmarks" / "decision_log.py", "--quick", "--folder", tmp_path],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},  # noqa: TID251
    )

    figures = {row["metric"]: row for row in rows(ended.stdout)}
    ratios = [row["ratio"] for row in figures.values() if row["ratio"] is not None]
    assert len(ratios) == 4
    assert all(ratio > 0 for ratio in ratios)
    assert figures["append, process: median of a record, us"]["target"] == 30.0
    assert figures["bytes on disk of a record"]["ours"] > 1000
    assert figures["yardstick"]["ours"] > 0
