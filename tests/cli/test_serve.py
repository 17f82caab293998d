# SPDX-License-Identifier: MIT
"""`flyball serve` and `flyball keys`: what is served, by which settings, and who may ask."""

import json
import subprocess
import sys

import pytest
import uvicorn
from typer.testing import CliRunner

from flyball.cli.app import app
from flyball.cli.serve import site_of
from flyball.core.errors import ConfigError

RUN = CliRunner()
PLANT = "classics/inverted-pendulum"


def keys(folder, *words):
    return RUN.invoke(app, ["keys", *words, "--folder", str(folder)])


def test_a_key_is_shown_once_listed_without_itself_and_revoked(tmp_path):
    own = tmp_path / "new"
    made = keys(own, "ann", "--role", "Operator")
    key = made.stdout.strip()
    (listed,) = json.loads(keys(own).stdout)

    assert made.exit_code == 0
    assert key.startswith("fb_")
    assert (listed["name"], listed["role"], len(listed["digest"])) == ("ann", "operator", 12)
    assert key not in json.dumps(listed)
    assert own.stat().st_mode & 0o077 == 0

    gone = keys(own, "ann", "--revoke")

    assert gone.stdout == "1 keys of ann open nothing any more\n"
    assert json.loads(keys(own).stdout) == []


@pytest.mark.parametrize(
    ("words", "fix"),
    [(["ann"], "say what the key may do"), (["ann", "--role", "engineeer"], "'engineer'")],
)
def test_a_role_that_is_none_is_refused_and_no_key_is_made(tmp_path, words, fix):
    found = keys(tmp_path / "new", *words)

    assert found.exit_code == 2
    assert "--role" in found.stderr
    assert fix in found.stderr
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("plant", ["classics/two-tank", "jobshop", "classics/forbidden-grid", ""])
def test_a_plant_that_cannot_be_served_is_refused_with_those_that_can(plant):
    with pytest.raises(ConfigError) as found:
        site_of(plant)

    (problem,) = found.value.problems
    assert problem.allowed == "double-integrator, inverted-pendulum, two-tanks"


def test_a_guarded_plant_is_served_with_its_proof_its_limits_and_its_best_rule():
    site = site_of(PLANT)

    assert site.envelope.limits
    assert site.envelope.safe is not None
    assert site.fallback_name == "regulator"
    assert site.rules["regulator"] is site.fallback
    assert site.plan.primary.name == site.spec.kpis[0].name


@pytest.fixture
def served(tmp_path, monkeypatch):
    """Serve without a network; return what was said, and what uvicorn was told."""
    told = {}
    monkeypatch.setattr(uvicorn, "run", lambda own, **given: told.update(given, app=own))
    monkeypatch.chdir(tmp_path)

    def run(*words):
        found = RUN.invoke(app, ["serve", PLANT, "--units", "0", *words])
        assert found.exit_code == 0, found.output
        return found.stdout, told

    return run


def test_arguments_count_before_the_environment_and_the_file(served, tmp_path, monkeypatch):
    (tmp_path / "serve.toml").write_text('folder = "by file"\nport = 1111\nhost = "0.0.0.0"\n')
    monkeypatch.setenv("FLYBALL_SERVE_PORT", "2222")

    said, told = served("--config", "serve.toml", "--host", "127.0.0.1")

    assert (told["host"], told["port"]) == ("127.0.0.1", 2222)
    assert (tmp_path / "by file" / "decisions.db").exists()
    assert "http://127.0.0.1:2222" in said


def test_a_first_key_for_admin_is_shown_the_first_time_only(served):
    first, told = served("--folder", "own")
    again, _ = served("--folder", "own")

    assert "shown this once: fb_" in first
    assert "fb_" not in again
    assert not told["server_header"]


def test_settings_that_cannot_be_are_refused_before_anything_is_made(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    found = RUN.invoke(app, ["serve", PLANT, "--port", "0"])

    assert found.exit_code == 2
    assert "settings port" in found.stderr
    assert list(tmp_path.iterdir()) == []


def test_help_imports_nothing_heavy():
    code = (
        "import sys; sys.argv = ['flyball', 'serve', '--help']\n"
        "from flyball.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "heavy = {'numpy', 'numba', 'fastapi', 'uvicorn', 'sqlalchemy', 'onnxruntime', 'msgspec',\n"
        "         'prometheus_client', 'cryptography', 'torch'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )

    found = subprocess.run(  # noqa: S603
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )

    assert found.stdout.splitlines()[-1] == "[]"
    assert "--units" in found.stdout
