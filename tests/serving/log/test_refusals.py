# SPDX-License-Identifier: MIT
"""What SQLite says, in words."""

import sqlite3

import pytest

from flyball.serving.log.refusals import CAUSES, failure


def raised(code):
    error = sqlite3.OperationalError("what SQLite says")
    error.sqlite_errorcode, error.sqlite_errorname = code, f"CODE_{code}"
    return error


@pytest.mark.parametrize("code", CAUSES)
def test_every_error_that_can_be_met_says_what_to_do(code):
    (problem,) = failure("log.db", "record 7 was not kept", raised(code)).problems

    assert problem.where == "log.db"
    assert problem.found.startswith("record 7 was not kept: ")
    assert problem.found.endswith(f"(CODE_{code})")
    assert problem.allowed
    assert problem.fix


def test_a_kind_of_an_error_is_that_error_and_an_unknown_one_speaks_for_itself():
    (written,) = failure("log.db", "it was not read", raised(sqlite3.SQLITE_IOERR_WRITE)).problems
    (unknown,) = failure("log.db", "it was not read", raised(sqlite3.SQLITE_MISUSE)).problems
    (bare,) = failure("log.db", "it was not read", sqlite3.Error("closed")).problems

    assert "the disk failed" in written.found
    assert "what SQLite says" in unknown.found
    assert bare.found == "it was not read: closed (Error)"
