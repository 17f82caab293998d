# SPDX-License-Identifier: MIT
import pytest

from flyball import worlds
from flyball.core.errors import ConfigError


def test_every_listed_world_has_a_face_with_its_own_name():
    for name in worlds.TITLES:
        assert worlds.load(name).WORLD.name == name


def test_an_unknown_world_suggests_the_nearest():
    with pytest.raises(ConfigError, match="did you mean 'jobshop'"):
        worlds.load("jobshp")
