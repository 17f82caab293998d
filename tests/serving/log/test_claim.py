# SPDX-License-Identifier: MIT
"""One process at a time has a log."""

import os

import pytest

from flyball.core.errors import RunError
from flyball.serving.log.claim import Claim

# On later versions of Python forking is warned of where a test runner has threads.
pytestmark = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")


def test_another_process_is_refused_until_the_first_lets_go(tmp_path):
    path = tmp_path / "log.db"
    claim = Claim(path)

    other = ask(path)
    claim.close()
    after = ask(path)

    assert "in use by another process" in other
    assert not after


def ask(path):
    """Claim a log in another process, and return what that says."""
    ours, theirs = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            Claim(path)
        except RunError as error:
            os.write(theirs, str(error).encode())
        finally:
            os._exit(0)
    os.close(theirs)
    os.waitpid(child, 0)
    said = os.read(ours, 10_000).decode()
    os.close(ours)
    return said


def test_the_same_process_has_it_once(tmp_path):
    with Claim(tmp_path / "log.db") as claim:
        with pytest.raises(RunError, match="by another log in this one"):
            Claim(tmp_path / "log.db")

        assert claim.held
    assert not claim.held


def test_a_forked_process_does_not_have_it(tmp_path):
    with Claim(tmp_path / "log.db") as claim:
        child = os.fork()
        if child == 0:
            os._exit(3 if claim.held else 4)

        _, status = os.waitpid(child, 0)

        assert os.waitstatus_to_exitcode(status) == 4
        assert claim.held


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(RunError, match=r"none/log\.db\.lock: cannot be opened: No such file"):
        Claim(tmp_path / "none" / "log.db")
