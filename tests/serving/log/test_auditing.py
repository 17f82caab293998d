# SPDX-License-Identifier: MIT
"""Whoever checks everything finds whatever was changed."""

from functools import partial

import pytest

from flyball.core.errors import RunError
from flyball.serving.log import LogSettings, open_log, places
from tests.serving.log.samples import decision, meddle


@pytest.fixture
def log(tmp_path):
    with open_log(tmp_path / "log.db", LogSettings(durability="process")) as log:
        yield log


@pytest.mark.parametrize(
    ("statement", "says"),
    [("DELETE FROM record WHERE sequence = 5", "which follows"),
     ("DELETE FROM record WHERE sequence > 17", "18 records; allowed: 20 records"),
     ("UPDATE record SET decision_id = 'other' WHERE sequence = 5", "record 5: its columns"),
     ("UPDATE record SET at_s = 0 WHERE sequence = 6", "record 6: its columns"),
     ("UPDATE record SET request = 'x' WHERE sequence = 7", "record 7: its columns"),
     ("UPDATE record SET blob = x'00' WHERE sequence = 8", "record 8: its bytes"),
     ("UPDATE anchor SET sequence = 1", "line 2: record 1, which follows"),
     ("UPDATE record SET unit = 'other' WHERE sequence = 9", "record 9: its columns"),
     ("DELETE FROM place WHERE sequence = 10", "record 10: it is not where its unit and its time"),
     ("UPDATE newest SET sequence = 3 WHERE unit = 'unit-0'",
      "unit 'unit-0': its last decision is not record 18"),
     ("DELETE FROM newest WHERE unit = 'unit-1'", "unit 'unit-1': its last decision is not rec"),
     ("INSERT INTO carried SELECT sequence, kind, unit, line FROM record WHERE sequence = 1",
      "what is left of old records is not what the chain says")],
)  # fmt: skip
def test_whatever_was_changed_is_found_by_whoever_checks_everything(log, statement, says):
    for number in range(20):
        log.append(decision(number))
    log._writer.change(partial(places.place_all, n=20), "nothing")
    assert log.verify() == log.head
    meddle(log.path, statement)

    with pytest.raises(RunError, match=says):
        log.verify()
