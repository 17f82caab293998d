# SPDX-License-Identifier: MIT
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from flyball.cli.app import app
from flyball.core.limits_file import limits_of
from flyball.worlds import classics

RUN = CliRunner()
CONFIGS = Path(__file__).parents[2] / "configs" / "limits"
RAIL = "classics/double-integrator"
CLAMP = """
[[limits]]
name = "narrow"
kind = "clamp"
value = "acceleration"
low = {low}
high = {high}
unit = "m/s2"
"""


def asked(*arguments):
    return RUN.invoke(app, ["limits", *map(str, arguments)])


def test_every_limit_is_told_in_words_under_its_severity():
    found = asked(CONFIGS / "example.toml")

    assert found.exit_code == 0
    hard, soft = found.output.index("\nhard: never broken"), found.output.index("\nsoft: broken")
    assert hard < found.output.index("of pump A, pump B at most 1 run at the same time") < soft
    assert soft < found.output.index("stays below 12 MW\n      price 0.01 for each MW\n")
    assert "data sheet of the valve, section 4; owner process engineering; revision MOC-0118" in (
        found.output
    )
    assert found.output.splitlines()[0].endswith("example.toml: good, 10 limits")
    assert found.output.splitlines()[-1].endswith("source or owner: feed valve, night shift")


def test_json_is_plain_data():
    found = json.loads(asked(CONFIGS / "example.toml", "--json").stdout)

    first = found["limits"][0]
    assert len(found["limits"]) == 10
    assert (first["kind"], first["says"]) == ("box", "feed valve stays between 5 and 95 %")
    assert (first["severity"], first["owner"]) == ("hard", "process engineering")


def test_a_plant_s_own_limits_can_be_had_as_a_file_to_start_from(tmp_path):
    text = asked("--world", RAIL, "--toml").stdout
    (tmp_path / "mine.toml").write_text(text)

    found = asked(tmp_path / "mine.toml", "--world", RAIL, "--toml")

    stated = classics.envelope("double-integrator").limits
    assert limits_of(text, "f") == stated
    assert found.stdout == text  # what both state stands once


@pytest.mark.parametrize("file", sorted(CONFIGS.glob("*.toml")), ids=lambda file: file.stem)
def test_the_shipped_files_fit_their_plants(file):
    world = ("--world", f"classics/{file.stem}") if file.stem in classics.NAMES else ()

    found = asked(file, *world)

    assert found.exit_code == 0
    assert found.output.splitlines()[0].startswith(f"{file}: good, ")
    assert file.stem in (*classics.NAMES, "example")


def test_limits_that_leave_no_action_are_named_with_the_pair_that_conflicts(tmp_path):
    file = tmp_path / "site.toml"
    low = CLAMP.format(low=-1, high=0.25).replace("narrow", "loaded")
    file.write_text(CLAMP.format(low=0.5, high=1) + low)

    found = asked(file, "--world", RAIL)

    assert found.exit_code == 2
    assert f"{file}: limit 'narrow' and limit 'loaded'\n  found:   no action keeps them: " in (
        found.output
    )
    assert asked(file).exit_code == 0  # without a plant nobody knows what is left


def test_a_limit_that_leaves_nothing_of_a_value_s_range_is_named(tmp_path):
    file = tmp_path / "site.toml"
    file.write_text(CLAMP.format(low=2, high=3))

    found = asked(file, "--world", RAIL)

    assert f"{file}: limit 'narrow'\n  found:   no action keeps them: " in found.output


def test_names_that_a_plant_has_not_are_told_with_the_nearest(tmp_path):
    file = tmp_path / "site.toml"
    file.write_text(CLAMP.format(low=0, high=1).replace('"acceleration"', '"acceleratoin"'))

    found = asked(file, "--world", RAIL)

    assert found.exit_code == 2
    assert f"{file}: limit 'narrow' value\n  found:   'acceleratoin'" in found.output
    assert "did you mean 'acceleration'?" in found.output


def test_a_second_limit_of_a_name_that_the_plant_uses_is_refused(tmp_path):
    file = tmp_path / "site.toml"
    file.write_text(CLAMP.format(low=0, high=1).replace("narrow", "range of acceleration"))

    found = asked(file, "--world", RAIL)

    assert found.exit_code == 2
    assert "limit 'range of acceleration'\n  found:   a second limit of this name" in found.output


RATE = """
[[limits]]
name = "jerk"
kind = "rate"
value = "acceleration"
fall = 0.1
rise = 0.1
unit = "m/s2"
"""


def test_a_limit_that_a_gate_would_refuse_is_told_beforehand_with_the_reason(tmp_path):
    file = tmp_path / "site.toml"
    file.write_text(RATE)

    found = asked(file, "--world", RAIL)

    assert found.exit_code == 0  # a filter alone does bend to it
    assert found.output.splitlines()[0] == f"{file}: good, BUT REFUSED BY A GATE, 6 limits"
    assert "a Shield with a gate refuses them" in found.output
    assert "limit 'jerk'\n      found: a backup that does not know of this kind" in found.output
    (told,) = json.loads(asked(file, "--world", RAIL, "--json").stdout)["gate"]
    assert "'jerk'" in told


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "found:   no file and no world"),
        (("none.toml",), "cannot be read (No such file or directory)"),
        (("--world", "jobshop"), "allowed: classics/"),
        (("--world", "classics/double-integratr"), "did you mean 'classics/double-integrator'?"),
    ],
)
def test_what_cannot_be_found_is_told_without_a_traceback(arguments, message):
    found = asked(*arguments)

    assert found.exit_code == 2
    assert message in found.output
    assert "fix:" in found.output


def test_every_problem_of_a_file_comes_with_its_table(tmp_path):
    file = tmp_path / "site.toml"
    file.write_text(CLAMP.format(low=1, high=0).replace("unit", "unti"))

    found = asked(file)

    assert found.exit_code == 2
    assert found.output.startswith("flyball: 3 problems")
    for key in ("'narrow'", "'narrow' unit", "'narrow' low, high"):
        assert f"{file}: [[limits]] 1 {key}\n" in found.output


@pytest.mark.parametrize(
    ("data", "found"), [(b"\n\n# \xff", "no UTF-8 text (line 3)"), (b"\xef\xbb\xbf", None)]
)
def test_a_file_of_another_encoding_is_told_and_a_mark_at_its_start_is_none(tmp_path, data, found):
    file = tmp_path / "site.toml"
    file.write_bytes(data + CLAMP.format(low=0, high=1).encode())

    answer = asked(file)

    assert answer.exit_code == (2 if found else 0)
    assert found is None or found in answer.output
