# SPDX-License-Identifier: MIT
import os
import re
from pathlib import Path

import numpy as np
import pytest

from flyball.core.clock import ManualClock
from flyball.core.errors import RunError
from flyball.experiments import runs


def write_half(path: Path) -> None:
    with runs.replacing(path) as draft:
        draft.write_text("ne", encoding="utf-8")
        raise OSError


def test_a_file_that_fails_half_way_leaves_the_old_one_whole(tmp_path: Path):
    path = tmp_path / "report.html"
    path.write_text("old", encoding="utf-8")

    with pytest.raises(OSError):  # noqa: PT011 - any
        write_half(path)

    assert path.read_text(encoding="utf-8") == "old"
    assert [each.name for each in tmp_path.iterdir()] == ["report.html"]


def test_a_file_is_replaced_as_a_whole(tmp_path: Path):
    runs.write_json(tmp_path / "deep" / "a.json", {"x": 1})

    assert runs.read_json(tmp_path / "deep" / "a.json") == {"x": 1}


def test_a_damaged_file_of_a_run_is_named(tmp_path: Path):
    path = tmp_path / "manifest.json"
    path.write_text('{"a":', encoding="utf-8")

    with pytest.raises(RunError, match=re.escape(str(path))):
        runs.read_json(path)


def test_runs_of_one_second_get_folders_of_their_own(tmp_path: Path):
    clock = ManualClock()

    first = runs.new_folder(tmp_path, "jobshop", clock)
    second = runs.new_folder(tmp_path, "jobshop", clock)

    assert first.name == "jobshop-20260101-000000"
    assert second.name == "jobshop-20260101-000000-2"


def test_a_folder_that_is_no_run_names_the_newest_one_beside_it(tmp_path: Path):
    run = tmp_path / "jobshop-1"
    runs.write_text(run / runs.SETTINGS, "")

    assert runs.require_run(run) == run
    with pytest.raises(RunError, match=r"did you mean .*jobshop-1"):
        runs.require_run(tmp_path / "jobshop-2")


def test_without_any_run_the_error_says_how_to_make_one(tmp_path: Path):
    with pytest.raises(RunError, match="flyball train makes one"):
        runs.require_run(tmp_path / "none")


def test_the_newest_run_is_the_one_with_the_latest_policy(tmp_path: Path):
    assert runs.newest(tmp_path) is None
    for k, name in enumerate(("b", "a")):
        path = tmp_path / name / runs.BUNDLE / "manifest.json"
        runs.write_text(path, "{}")
        os.utime(path, (k, k))

    assert runs.newest(tmp_path) == tmp_path / "a"


def test_the_hash_of_a_folder_changes_with_its_files(tmp_path: Path):
    (tmp_path / "jobs.csv").write_text("a", encoding="utf-8")
    before = runs.hash_of(tmp_path)
    (tmp_path / "jobs.csv").write_text("b", encoding="utf-8")

    assert runs.hash_of(tmp_path) != before
    assert runs.hash_of(tmp_path / "jobs.csv") != runs.hash_of(tmp_path)


def test_the_hash_of_arrays_knows_their_shape():
    flat = np.arange(6)

    assert runs.hash_of_arrays([flat]) != runs.hash_of_arrays([flat.reshape(2, 3)])


def test_a_line_that_a_crash_cut_in_two_is_skipped(tmp_path: Path):
    path = tmp_path / "metrics.jsonl"
    runs.append_line(path, {"stage": "imitate", "iteration": 1, "kpi": 3})
    with path.open("a", encoding="utf-8") as stream:
        stream.write('{"stage": "imi')

    assert [line["iteration"] for line in runs.read_lines(path)] == [1]


def test_a_line_that_was_cut_in_two_does_not_take_the_next_one_with_it(tmp_path: Path):
    path = tmp_path / "metrics.jsonl"
    path.write_text('{"stage": "es", "iterat', encoding="utf-8")

    runs.append_line(path, {"stage": "es", "iteration": 7})

    assert [line["iteration"] for line in runs.read_lines(path)] == [7]


def test_iterations_that_were_done_again_after_a_kill_count_once(tmp_path: Path):
    path = tmp_path / "metrics.jsonl"
    for kpi in (3, 4):
        runs.append_line(path, {"stage": "imitate", "iteration": 1, "kpi": kpi})

    assert [line["kpi"] for line in runs.read_lines(path)] == [4]
    assert runs.read_lines(tmp_path / "none.jsonl") == []


def test_what_came_after_an_iteration_can_be_taken_out(tmp_path: Path):
    path = tmp_path / "metrics.jsonl"
    for iteration in (1, 2, 3):
        runs.append_line(path, {"iteration": iteration})
    with path.open("a", encoding="utf-8") as stream:
        stream.write('{"iterat')

    runs.forget_after(path, 2)

    assert path.read_text(encoding="utf-8") == '{"iteration": 1}\n{"iteration": 2}\n'
    runs.forget_after(tmp_path / "none.jsonl", 2)


def test_a_manifest_that_lacks_entries_is_damaged(tmp_path: Path):
    runs.write_text(tmp_path / runs.SETTINGS, "")
    runs.write_json(tmp_path / runs.MANIFEST, {"world": "jobshop", "command": "flyball train"})

    assert runs.read_manifest(tmp_path)["world"] == "jobshop"
    with pytest.raises(RunError, match="lacks entries"):
        runs.read_manifest(tmp_path, "plant")


def test_a_run_of_a_problem_in_a_world_lies_in_one_folder(tmp_path: Path):
    folder = runs.new_folder(tmp_path, "classics/cartpole", ManualClock())

    assert folder == tmp_path / "classics-cartpole-20260101-000000"


def test_the_environment_names_versions_machine_and_command():
    found = runs.environment("flyball demo", 2)

    assert found["command"] == "flyball demo"
    assert found["threads"] == 2
    assert found["packages"]["numpy"] == np.__version__
    assert runs.installed("no-such-package-at-all") == "not installed"
    assert "cores" in found["machine"]


def test_a_run_is_held_by_one_at_a_time(tmp_path: Path):
    with runs.held(tmp_path), pytest.raises(RunError, match="in use"), runs.held(tmp_path):
        pass

    with runs.held(tmp_path):
        pass


def test_a_place_that_cannot_hold_runs_says_so(tmp_path: Path):
    (tmp_path / "file").write_text("", encoding="utf-8")

    with pytest.raises(RunError, match="--out"):
        runs.new_folder(tmp_path / "file", "jobshop", ManualClock())
