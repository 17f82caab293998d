# SPDX-License-Identifier: MIT
import subprocess
import sys

import pytest
import typer

from flyball.cli.telling import describe, guarded, seconds, show_json, span
from flyball.core.errors import ConfigError, InvariantError, Problem, ScenarioError


def problem(where: str = "orders.xlsx Jobs!D7", more: int = 0) -> Problem:
    return Problem(where=where, found="'soon'", allowed="a date", fix="write one", more=more)


def test_a_problem_is_told_in_five_parts():
    text = describe(ScenarioError([problem(more=3), problem("orders.xlsx Jobs!D9")]))

    assert text.splitlines() == [
        "flyball: 2 problems",
        "",
        "orders.xlsx Jobs!D7  (3 more like it)",
        "  found:   'soon'",
        "  allowed: a date",
        "  fix:     write one",
        "",
        "orders.xlsx Jobs!D9",
        "  found:   'soon'",
        "  allowed: a date",
        "  fix:     write one",
    ]


@pytest.mark.parametrize(
    ("raised", "code", "words"),
    [
        (ConfigError(problem()), 2, "1 problem"),
        (InvariantError("odd"), 1, "a fault of ours, please report it: odd"),
        (FileExistsError(17, "File exists", "demo"), 2, "cannot be read or written (File exists)"),
        (KeyboardInterrupt(), 130, "Stopped"),
    ],
)
def test_every_kind_of_end_has_its_exit_code(capsys, raised, code, words):
    @guarded
    def command() -> None:
        raise raised

    with pytest.raises(typer.Exit) as caught:
        command()

    assert caught.value.exit_code == code
    assert words in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("90s", 90.0),
        ("2m", 120.0),
        ("2min", 120.0),
        ("1.5h", 5400.0),
        ("10", 10.0),
        ("250ms", 0.25),
    ],
)
def test_durations_are_read_as_people_write_them(text, value):
    assert seconds(text) == value


@pytest.mark.parametrize("text", ["", "soon", "-5s", "0s", "5 d", "1e3s", "nan"])
def test_what_is_no_duration_is_refused_with_examples(text):
    with pytest.raises(ConfigError, match="write 90s, 2m or 1h"):
        seconds(text)


@pytest.mark.parametrize(
    ("value", "words"),
    [(2.34, "2.3 s"), (48.2, "48 s"), (125, "2 min 05 s"), (4200, "1 h 10 min")],
)
def test_spans_are_written_as_people_say_them(value, words):
    assert span(value) == words


def test_json_that_no_reader_could_read_is_our_fault():
    with pytest.raises(ValueError, match="not JSON compliant"):
        show_json({"x": float("nan")})


ENDLESS = """
import typer
from flyball.cli.telling import guarded, say

@guarded
def endless():
    while True:
        say("x" * 100)

typer.run(endless)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="has no such pipes")
def test_who_stops_reading_ends_a_command_without_a_word():
    with subprocess.Popen(  # noqa: S603 - this interpreter
        [sys.executable, "-c", ENDLESS], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline().startswith(b"xxx")
        process.stdout.close()
        said = process.stderr.read()

    assert said == b""
    assert process.returncode == 141
