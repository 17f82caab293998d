# SPDX-License-Identifier: MIT
from pathlib import Path

from flyball.experiments.machine import diagnose


def test_every_finding_that_is_not_well_says_how_to_mend_it(tmp_path: Path):
    found = diagnose({"OMP_NUM_THREADS": "64", "MKL_NUM_THREADS": "1"}, tmp_path / "runs")

    states = {each.name: each.state for each in found}
    assert states["Python"] == "ok"
    assert states["OMP_NUM_THREADS"] == "wrong"
    assert states["MKL_NUM_THREADS"] == "ok"
    assert {"numpy", "torch", "ortools", "disk", "compiler cache"} <= set(states)
    assert all(each.fix for each in found if each.state != "ok")
