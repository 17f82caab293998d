# SPDX-License-Identifier: MIT
from pathlib import Path

import numpy as np
import pytest

from flyball.core.errors import ScenarioError
from flyball.worlds.jobshop.read import read
from flyball.worlds.jobshop.scenario import FOREVER_S, NO_DUE_S, Scenario

H = 3600
# Fisher and Thompson (1963), the 6 x 6 instance: optimum 55.
FT06 = """6 6
2 1 0 3 1 6 3 7 5 3 4 6
1 8 2 5 4 10 5 10 0 10 3 4
2 5 3 4 5 8 0 9 1 1 4 7
1 5 0 5 2 5 3 3 4 8 5 9
2 9 1 3 4 5 5 4 0 3 3 1
1 3 3 3 5 9 0 10 4 4 2 1
"""
FLEXIBLE = """2 3 1.5
2 1 0 4 2 1 5 2 6
1 3 0 1 1 2 2 3
"""
WITH_SETUPS = """2 2 2
2 2 1 25 2 37 1 1 32
1 1 2 45

6 3 1000000
3 6 4
4 4 4
6 1000000 3
3 6 1
9 3 6
"""


def scenario(folder: Path, text: str, name: str = "shop.txt") -> Scenario:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return read(path)


def as_text(s: Scenario) -> str:
    """Write a job shop back as the public format does."""
    lines = [f"{s.n_jobs} {s.n_machines}"]
    for job in range(s.n_jobs):
        pairs = range(s.op_pair[s.job_op[job]], s.op_pair[s.job_op[job + 1]])
        lines.append(" ".join(f"{s.pair_machine[p]} {s.pair_duration_s[p] // H}" for p in pairs))
    return "\n".join(lines) + "\n"


def test_ft06_goes_in_and_comes_out_as_it_was(tmp_path: Path) -> None:
    s = scenario(tmp_path, FT06, "ft06.txt")

    assert as_text(s) == FT06
    assert (s.name, s.n_jobs, s.n_machines, s.n_ops) == ("ft06", 6, 6, 36)
    assert s.group_name == s.machine_name == ("M0", "M1", "M2", "M3", "M4", "M5")
    assert set(s.due_s) == {NO_DUE_S}
    assert s.calendars.close_s.tolist() == [FOREVER_S]
    assert s.setup_s.sum() == 0
    assert s.start is None


def test_jobs_of_different_length_may_come_back_to_a_machine(tmp_path: Path) -> None:
    s = scenario(tmp_path, "2 2\n0 3 1 2 0 5 1 1\n1 4\n")

    assert s.job_op.tolist() == [0, 4, 5]
    assert s.pair_machine.tolist() == [0, 1, 0, 1, 1]


def test_flexible_operations_keep_every_machine_in_one_group(tmp_path: Path) -> None:
    s = scenario(tmp_path, FLEXIBLE)

    assert s.op_pair.tolist() == [0, 1, 3, 6]
    assert s.pair_machine.tolist() == [0, 1, 2, 0, 1, 2]
    assert (s.pair_duration_s // H).tolist() == [4, 5, 6, 1, 2, 3]
    assert s.group_name == ("machines",)
    assert s.machine_group.tolist() == [0, 0, 0]


def test_set_ups_go_by_machine_from_operation_to_operation(tmp_path: Path) -> None:
    s = scenario(tmp_path, WITH_SETUPS, "shop.fjs")

    assert s.machine_name == s.group_name == ("M1", "M2")
    assert s.op_family.tolist() == [0, 1, 2]
    assert (s.setup_s[0] // H).tolist() == [[6, 3, 0], [3, 6, 4], [4, 4, 4], [0, 0, 0]]
    assert (s.setup_s[1, :3] // H).tolist() == [[6, 0, 3], [3, 6, 1], [9, 3, 6]]


@pytest.mark.parametrize(
    ("text", "where", "found"),
    [
        ("", "line 1", "an empty file"),
        ("hello world\n", "line 1", "'hello'"),
        ("2 2\n0 1 1 2\n", "line 2", "1 job lines"),
        ("2 2\n0 1 1 2\n0 1 1\n", "line 3", "3 numbers"),
        ("1 2\n0 1 2 3\n", "line 1", "machine 2"),
        ("0 5\n", "line 1", "0 5"),
        ("1 2\n0 -1 1 2\n", "line 2", "'-1'"),
        ("1 2\n0 9999999 1 2\n", "line 2", "'9999999'"),
        ("1 1\n1 2 0 3 0 4\n", "line 1", "a machine twice"),
        ("1 2\n1 1 0 5\n3\n", "line 3", "1 lines after the jobs"),
        ("1 2\n1 1 0 5\n3 1\n2\n", "line 3", "2 lines after the jobs"),
    ],
)
def test_a_file_that_is_none_of_the_formats_is_told_the_line(
    tmp_path: Path, text: str, where: str, found: str
) -> None:
    with pytest.raises(ScenarioError) as caught:
        scenario(tmp_path, text)

    problem = caught.value.problems[0]
    assert problem.where == f"shop.txt {where}"
    assert problem.found.startswith(found)
    assert problem.fix


def test_bytes_that_are_no_text_are_told_without_a_traceback(tmp_path: Path) -> None:
    (tmp_path / "shop.txt").write_bytes(bytes(range(256)) * 4)

    with pytest.raises(ScenarioError, match="whole numbers"):
        read(tmp_path / "shop.txt")


@pytest.mark.parametrize(
    ("path", "size"),
    [
        ("jsp/ft/ft06.txt", (6, 6, 36)),
        ("jsp/ta/ta01.txt", (15, 15, 225)),
        ("jsp/mt/mt00.txt", (792, 48, 5372)),
        ("fjsp/brandimarte/mk01.txt", (10, 6, 55)),
        ("fjsp_sdst/fattahi_sdst/Fattahi_setup_10.fjs", (4, 5, 12)),
    ],
)
def test_public_files_have_the_size_that_is_published(
    scheduling_data: Path, path: str, size: tuple[int, int, int]
) -> None:
    s = read(scheduling_data / path)

    assert (s.n_jobs, s.n_machines, s.n_ops) == size
    assert np.all(s.pair_machine >= 0)
    assert np.all(s.pair_machine < s.n_machines)
