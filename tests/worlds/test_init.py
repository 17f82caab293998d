# SPDX-License-Identifier: MIT
import subprocess
import sys

import pytest

from flyball.core.errors import ConfigError
from flyball.worlds import TITLES, load


@pytest.mark.parametrize("name", TITLES)
def test_every_world_that_is_named_loads_and_knows_its_name(name):
    world = load(name).WORLD

    assert world.name == name
    assert TITLES[name].startswith(world.title)


def test_a_world_that_is_misspelt_is_answered_with_the_nearest():
    with pytest.raises(ConfigError, match=r"world: 'jobshp'; allowed: .*did you mean 'jobshop'\?"):
        load("jobshp")


def test_naming_the_worlds_loads_none_of_them():
    seen = "import sys, flyball.worlds; print(sorted(m for m in sys.modules if 'jobshop' in m))"

    printed = subprocess.run(  # noqa: S603
        [sys.executable, "-c", seen], capture_output=True, text=True, check=True
    )

    assert printed.stdout.strip() == "[]"


def test_a_face_has_at_most_12_names_and_every_one_exists():
    face = load("jobshop")

    assert len(set(face.__all__)) == len(face.__all__) <= 12
    for name in face.__all__:
        assert hasattr(face, name)
