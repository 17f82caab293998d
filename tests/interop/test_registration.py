# SPDX-License-Identifier: MIT
"""Gymnasium finds the world by its name, with and without an import beforehand."""

import subprocess
import sys

import gymnasium
import pytest

from flyball.interop import register_gymnasium
from flyball.interop.classics import classics_id
from flyball.worlds.classics import NAMES

NAMED = """
import gymnasium
env = gymnasium.make("flyball.interop:flyball/JobShop-v0")
print(env.spec.id)
import sys
print("torch" in sys.modules)
"""


def test_a_name_with_its_module_needs_no_import_beforehand_and_no_torch():
    ended = subprocess.run(  # noqa: S603
        [sys.executable, "-c", NAMED], capture_output=True, text=True, check=True
    )

    assert ended.stdout.split() == ["flyball/JobShop-v0", "False"]


def test_every_small_problem_has_an_id_that_makes_one_and_many():
    specs = [gymnasium.spec(classics_id(name)) for name in NAMES]

    assert len(specs) == len(NAMES) > 10
    assert all(spec.vector_entry_point is not None for spec in specs)


def test_a_misspelt_name_is_answered_with_the_right_one():
    with pytest.raises(gymnasium.error.NameNotFound, match="Did you mean: `JobShop`"):
        gymnasium.make("flyball/JobShp-v0")


def test_registering_twice_is_harmless(recwarn):
    register_gymnasium()

    assert not recwarn.list
    assert gymnasium.spec("flyball/JobShop-v0").vector_entry_point is not None
