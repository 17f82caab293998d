# SPDX-License-Identifier: MIT
import json

from typer.testing import CliRunner

from flyball.cli.app import app
from flyball.experiments import proofs

RUN = CliRunner()
TANKS = proofs.FOLDER / "two-tanks-2s.json"


def asked(*arguments):
    return RUN.invoke(app, ["certify", *map(str, arguments)])


def test_all_shipped_certificates_are_proved_again_one_line_each():
    found = asked()

    assert found.exit_code == 0, found.output
    lines = found.stdout.splitlines()
    assert [line.split(":")[0] for line in lines] == [path.name for path in proofs.shipped()]
    assert all("proved again in" in line for line in lines)


def test_one_file_is_proved_by_itself_and_told_as_json():
    found = asked(TANKS, "--json")

    (told,) = json.loads(found.stdout)
    assert found.exit_code == 0
    assert (told["good"], told["plant"], told["kind"]) == (True, "two-tanks", "cells")
    assert told["hash"] == proofs.read(TANKS).hash


def test_a_damaged_file_is_named_and_ends_with_1(tmp_path):
    path = tmp_path / "mine.json"
    path.write_text(TANKS.read_text().replace("0.02", "0.03", 1))

    found = asked(path)

    assert found.exit_code == 1
    assert found.stdout.splitlines() == ["mine.json: NOT PROVED"]
    assert "content that differs from its own hash" in found.stderr
    assert "fix:     copy it again" in found.stderr


def test_a_damaged_file_is_told_as_json_too(tmp_path):
    found = asked(tmp_path / "none.json", "--json")

    (told,) = json.loads(found.stdout)
    assert found.exit_code == 1
    assert told["good"] is False
    assert "cannot be read" in told["problems"][0]


def test_a_stronger_disturbance_is_not_what_was_proved():
    found = asked(TANKS, "--set", "disturbance_l_per_s=0.04")

    assert found.exit_code == 1
    assert "parameter disturbance" in found.stderr


def test_a_plant_is_proved_anew_and_written(tmp_path):
    found = asked("--make", "classics/two-tanks", "--hold", "1s", "--out", tmp_path,
                  "--set", "flow_l_per_s=0.3", "--set", "level_error_m=0.001")  # fmt: skip

    assert found.exit_code == 0, found.output
    assert found.stdout.startswith("two-tanks-1s.json: proved again in")
    assert proofs.read(tmp_path / "two-tanks-1s.json").hold_s == 1.0


def test_what_cannot_be_proved_says_what_would_help(tmp_path):
    found = asked("--make", "two-tanks", "--hold", "100ms", "--out", tmp_path)

    assert found.exit_code == 2
    assert "no cell from where a value leads back" in found.stderr
    assert not list(tmp_path.iterdir())


def test_a_setting_that_is_none_and_a_plant_that_is_none_are_refused():
    assert "write for example --set disturbance_nm=0.4" in asked("--set", "big").stderr
    assert "did you mean 'two-tanks'?" in asked("--make", "two-tank").stderr
