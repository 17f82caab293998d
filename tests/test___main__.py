# SPDX-License-Identifier: MIT
import subprocess
import sys

from flyball import __version__


def test_the_package_runs_as_a_module():
    found = subprocess.run(
        [sys.executable, "-m", "flyball", "--version"], capture_output=True, text=True, check=True
    )

    assert found.stdout.strip() == f"flyball {__version__}"
