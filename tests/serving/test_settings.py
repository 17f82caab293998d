# SPDX-License-Identifier: MIT
"""Settings of a server: which of file, environment and argument counts, and what is refused."""

import pytest

from flyball.core.errors import ConfigError
from flyball.serving.settings import settings

SECRET = "mariadb://ann:hunter2@db/flyball"  # noqa: S105 - no secret of anybody


@pytest.fixture
def file(tmp_path):
    def write(text):
        (tmp_path / "serve.toml").write_text(text)
        return tmp_path / "serve.toml"

    return write


def refused(*args, **given):
    with pytest.raises(ConfigError) as found:
        settings(*args, **given)
    return found.value.problems


def test_arguments_count_before_the_environment_and_that_before_the_file(file, monkeypatch):
    own = file('host = "file"\nport = 1\nstrikes = 7\n')
    monkeypatch.setenv("FLYBALL_SERVE_HOST", "environment")
    monkeypatch.setenv("FLYBALL_SERVE_PORT", "2")

    found = settings(own, port=3)

    assert (found.host, found.port, found.strikes, found.window_s) == ("environment", 3, 7, 60.0)


def test_one_file_leaves_no_trace_in_the_next_settings(file):
    settings(file("port = 1\n"))

    assert settings().port == 8480


def test_an_unknown_name_is_refused_with_the_nearest(file):
    own = file("prot = 1\n")

    (problem,) = refused(own)

    assert problem.where == f"settings of {own} prot"
    assert problem.found == "an unknown name"
    assert "max_units" in problem.allowed
    assert "'port'" in problem.fix


def test_an_unknown_name_in_the_environment_is_refused_too(monkeypatch):
    monkeypatch.setenv("FLYBALL_SERVE_DATABSE", SECRET)

    (problem,) = refused()

    assert problem.where == "environment FLYBALL_SERVE_DATABSE"
    assert "FLYBALL_SERVE_DATABASE" in problem.fix


def test_every_value_that_cannot_be_is_told_at_once(file):
    found = refused(file('port = 0\ndeadline_s = "soon"\ndurability = "none"\n'))

    assert sorted(problem.where.split()[-1] for problem in found) == [
        "deadline_s",
        "durability",
        "port",
    ]
    assert {problem.found for problem in found} == {"0", "'soon'", "'none'"}
    assert all(problem.allowed and problem.fix for problem in found)


@pytest.mark.parametrize("text", ["port = \n", "port = 1\nport = 2\n"])
def test_a_file_that_is_no_toml_is_refused_by_its_name(file, text):
    own = file(text)

    (problem,) = refused(own)

    assert problem.where == str(own)
    assert problem.allowed == "a TOML file"


def test_a_file_that_is_not_there_is_refused_and_not_passed_over(tmp_path):
    (problem,) = refused(tmp_path / "none.toml")

    assert (problem.where, problem.found) == (str(tmp_path / "none.toml"), "no file")


@pytest.mark.parametrize(
    "text", [f'databse = "{SECRET}"', f'database = ["{SECRET}"]', f'[database]\nurl = "{SECRET}"']
)
def test_no_refusal_shows_a_secret(file, text):
    with pytest.raises(ConfigError) as found:
        settings(file(text))

    assert "hunter2" not in str(found.value)
    assert found.value.__cause__ is None
    assert found.value.__suppress_context__


def test_what_is_printed_of_settings_holds_no_secret():
    own = settings(database=SECRET)

    assert "hunter2" not in f"{own} {own!r} {own.model_dump()}"
    assert own.database.get_secret_value() == SECRET
