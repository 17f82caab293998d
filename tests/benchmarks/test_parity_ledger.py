# SPDX-License-Identifier: MIT
"""Runs are kept once, survive a crash, and stop counting when what made them changes."""

import pytest
from parity import ledger
from parity.cells import Cell

CELL = Cell(
    name="x", algorithm="ppo", problem="CartPole-v1", steps=10, seeds=3, settings={}, source=""
)
NOW = {"torch": "2"}


def row(seed, made_by=NOW, cell=CELL):
    return {"seed": seed, "settings": cell.content(), "made_by": made_by, "score": 10.0 * seed}


def test_what_is_there_is_not_made_again(tmp_path):
    ledger.add(CELL, "peer", row(2), tmp_path)

    assert ledger.missing(CELL, "peer", NOW, tmp_path) == [1, 3]
    assert ledger.missing(CELL, "ours", NOW, tmp_path) == [1, 2, 3]


def test_runs_of_other_settings_versions_and_surplus_seeds_do_not_count(tmp_path):
    changed = Cell(
        name="x", algorithm="ppo", problem="CartPole-v1", steps=11, seeds=3, settings={}, source=""
    )
    for each in (row(1, {"torch": "1"}), row(2, cell=changed), row(3), row(4)):
        ledger.add(CELL, "peer", each, tmp_path)

    found = ledger.current(CELL, "peer", NOW, tmp_path)

    assert [each["seed"] for each in found] == [3]


def test_a_line_that_a_crash_tore_is_no_run_and_harms_no_other(tmp_path):
    ledger.add(CELL, "peer", row(1), tmp_path)
    file = ledger.path(CELL, "peer", tmp_path)
    file.write_text(file.read_text() + '{"seed": 2, "settings"')

    ledger.add(CELL, "peer", row(3), tmp_path)

    assert [each["seed"] for each in ledger.current(CELL, "peer", NOW, tmp_path)] == [1, 3]
    assert file.read_text().startswith('{"seed": 1')


def test_chance_needs_one_run_however_many_seeds_there_are(tmp_path):
    assert ledger.missing(CELL, "random", NOW, tmp_path) == [1]


@pytest.mark.filterwarnings("default")
def test_a_second_process_makes_no_runs_of_the_same_side(tmp_path):
    with ledger.alone("peer", tmp_path) as first, ledger.alone("peer", tmp_path) as second:
        assert (first, second) == (True, False)
    with ledger.alone("peer", tmp_path) as third:
        assert third
