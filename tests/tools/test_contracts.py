# SPDX-License-Identifier: MIT
"""No room and no world slips past the import contracts of pyproject.toml."""

import re
import subprocess
import sys
import tomllib

import pytest

from tools.docs import ROOT

CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"][
    "importlinter"
]["contracts"]
LAYERS = next(contract for contract in CONTRACTS if contract["type"] == "layers")["layers"]
ROOMS = re.findall(r"\w+", " ".join(LAYERS))
PROTECTED = {
    module: contract["allowed_importers"]
    for contract in CONTRACTS
    if contract["type"] == "protected"
    for module in contract["protected_modules"]
}
WORLDS = sorted(
    path.parent.name for path in (ROOT / "src" / "flyball" / "worlds").glob("*/__init__.py")
)


@pytest.mark.parametrize("room", sorted(set(ROOMS) - {"core", "worlds"}))
def test_the_inside_of_every_room_is_its_own(room):
    assert PROTECTED[f"flyball.{room}.*"] == [f"*.{room}"]


@pytest.mark.parametrize("world", WORLDS)
def test_the_inside_of_every_world_is_its_own(world):
    assert PROTECTED[f"flyball.worlds.{world}.*"] == [f"*.worlds.{world}"]


@pytest.mark.parametrize(
    ("library", "homes"),
    [
        ("asyncua", {"plant"}),
        ("sqlalchemy", {"plant", "serving", "releases"}),
        ("ortools", {"optimize"}),
    ],
)
def test_a_library_with_a_home_is_forbidden_to_every_other_room(library, homes):
    (contract,) = (
        contract
        for contract in CONTRACTS
        if contract["type"] == "forbidden" and library in contract["forbidden_modules"]
    )

    assert set(contract["source_modules"]) == {f"*.{room}" for room in set(ROOMS) - homes}


PLANNING = ("policies", "experiments.jobshop.schedule", "experiments.jobshop.evaluate")


@pytest.mark.parametrize("room", [*PLANNING, *(f"worlds.{world}" for world in WORLDS)])
def test_what_plans_with_a_policy_loads_no_training_code_and_no_solver(room):
    code = f"import sys, flyball.{room}; print(*sys.modules)"

    loaded = subprocess.run(  # noqa: S603 - this interpreter
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()

    assert f"flyball.{room}" in loaded
    drawing = set() if room.startswith("experiments") else {"plotly"}
    assert not ({"torch", "ortools", "gymnasium"} | drawing) & set(loaded)
