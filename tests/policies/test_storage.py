# SPDX-License-Identifier: MIT
import pytest

from flyball.policies.storage import write_folder


def test_a_folder_holds_exactly_what_was_written_last(tmp_path):
    target = tmp_path / "deep" / "folder"

    write_folder(target, {"a": b"1", "b": b"2"})
    write_folder(target, {"a": b"3"})

    assert {path.name: path.read_bytes() for path in target.iterdir()} == {"a": b"3"}
    assert [path.name for path in target.parent.iterdir()] == ["folder"]


def test_a_write_that_breaks_off_leaves_the_old_folder_alone(tmp_path):
    target = tmp_path / "folder"
    write_folder(target, {"a": b"old"})

    with pytest.raises(FileNotFoundError):
        write_folder(target, {"a": b"new", "no/such/place": b""})

    assert (target / "a").read_bytes() == b"old"
