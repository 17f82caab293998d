# SPDX-License-Identifier: MIT
import resource
import subprocess
import sys
import time

import pytest
from typer.testing import CliRunner

from flyball import __version__
from flyball.cli.app import app

RUN = CliRunner()
COMMANDS = (
    "template", "check", "train", "tune", "evaluate", "schedule", "demo", "limits", "worlds",
    "algorithms", "doctor", "certify", "serve", "keys", "release", "advance", "promote", "rollback",
    "stop", "status",
)  # fmt: skip


def test_help_lists_every_command():
    text = RUN.invoke(app, ["--help"]).output

    for name in COMMANDS:
        assert f"  {name} " in text


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_an_example(name):
    text = RUN.invoke(app, [name, "--help"]).output

    assert "Example" in text
    assert f"flyball {name}" in text


def test_a_misspelt_command_suggests_the_nearest():
    found = RUN.invoke(app, ["trian"])

    assert found.exit_code == 2
    assert "'train'" in found.output


def test_the_version_is_the_package_s():
    assert RUN.invoke(app, ["--version"]).output.strip() == f"flyball {__version__}"


def test_help_imports_nothing_heavy():
    code = (
        "import sys; sys.argv = ['flyball', '--help']\n"
        "from flyball.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "heavy = {'numpy', 'numba', 'torch', 'matplotlib', 'plotly', 'openpyxl', 'rich',\n"
        "         'optuna', 'tensorboard'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )

    found = subprocess.run(  # noqa: S603
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )

    assert found.stdout.splitlines()[-1] == "[]"


def test_help_takes_less_than_three_tenths_of_a_second_of_work():
    command = [sys.executable, "-m", "flyball", "--help"]
    spent = []
    for _ in range(3):
        before = resource_s()
        began = time.perf_counter()
        subprocess.run(command, capture_output=True, check=True)  # noqa: S603
        # Other tests share the cores: what counts is the smaller of wall and processor time.
        spent.append(min(time.perf_counter() - began, resource_s() - before))

    assert min(spent) < 0.3


def resource_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
