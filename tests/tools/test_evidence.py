# SPDX-License-Identifier: MIT
"""A figure counts only while the code it was measured on is unchanged."""

import json

import pytest

from tools import evidence

ROW = {
    "metric": "speed",
    "ours": 2.0,
    "peer": 1.0,
    "peer_name": "twin",
    "ratio": 2.0,
    "low": 1.9,
    "high": 2.1,
    "n": 5,
    "target": 1.5,
    "met": True,
    "note": "",
}


@pytest.fixture
def project(tmp_path):
    room = tmp_path / "src" / "flyball" / "core"
    room.mkdir(parents=True)
    (room / "a.py").write_text("x = 1\n", encoding="utf-8")

    def write(**changes):
        entry = {
            "command": "python benchmarks/speed.py",
            "rooms": {"core": evidence.room_meaning(tmp_path, "core")},
            "rows": [ROW | changes],
        }
        path = tmp_path / "speed.json"
        path.write_text(json.dumps(entry), encoding="utf-8")
        return path

    return tmp_path, write


def test_a_figure_that_meets_its_target_on_unchanged_code_is_not_listed(project):
    root, write = project

    assert evidence.faults(root, write()) == []


def test_a_missed_target_is_listed_with_its_note(project):
    root, write = project

    lines = evidence.faults(root, write(met=False, ours=1.2, note="slow day"))

    assert lines == ["speed: speed is 1.2, target 1.5; slow day"]


@pytest.mark.parametrize("name", ["a.py", "b.py"])
def test_a_room_that_changed_makes_its_figures_stale_and_names_the_command(project, name):
    root, write = project
    path = write()
    (root / "src" / "flyball" / "core" / name).write_text("x = 2\n", encoding="utf-8")

    lines = evidence.faults(root, path)

    assert lines == ["speed: core changed since; run: python benchmarks/speed.py"]


def test_what_a_room_imports_makes_its_figures_stale_and_what_it_does_not_import_does_not(project):
    root, write = project
    path, rooms = write(), root / "src" / "flyball"
    (rooms / "core" / "a.py").write_text("from flyball.worlds.b import y\nx = 1\n")
    (rooms / "worlds").mkdir()
    (rooms / "worlds" / "b.py").write_text("y = 1\n")
    (rooms / "worlds" / "c.py").write_text("z = 1\n")
    entry = json.loads(path.read_text()) | {"rooms": {"core": evidence.room_meaning(root, "core")}}
    path.write_text(json.dumps(entry))

    (rooms / "worlds" / "c.py").write_text("z = 2\n")
    assert evidence.faults(root, path) == []
    (rooms / "worlds" / "b.py").write_text("y = 2\n")
    assert len(evidence.faults(root, path)) == 1


def test_a_module_alone_can_stand_for_a_room(project):
    root, _ = project
    before = evidence.room_meaning(root, "core/a")

    (root / "src" / "flyball" / "core" / "b.py").write_text("x = 2\n")

    assert evidence.room_meaning(root, "core/a") == before != evidence.room_meaning(root, "core")


def test_records_are_picked_out_of_what_a_benchmark_prints():
    output = f"warming up\n{json.dumps(ROW)}\n"

    assert evidence.rows(output) == [ROW]


def test_a_record_without_an_agreed_key_is_refused_by_name():
    row = {key: value for key, value in ROW.items() if key != "low"}

    with pytest.raises(ValueError, match=r"speed: keys differ by \['low'\]"):
        evidence.rows(json.dumps(row))


def test_the_page_of_figures_is_what_the_evidence_says():
    paths = sorted((evidence.ROOT / "evidence").glob("*.json"))
    written = evidence.ROOT / "docs" / "figures.md"
    if not paths:
        pytest.skip("no evidence yet")

    assert written.read_text(encoding="utf-8") == evidence.page(paths), (
        "run: python tools/evidence.py page"
    )


def test_a_losing_figure_stays_in_the_table():
    assert "| **no** | slow \\ day |" in evidence.line({**ROW, "met": False, "note": "slow \\ day"})
