# SPDX-License-Identifier: MIT
"""No setting of a cell is lost on the way into our words."""

from collections.abc import Mapping
from dataclasses import replace

import pytest
from parity.cells import load
from parity.words import UNLIKE, translate

CELLS = load()


class Watched(Mapping):
    """Settings that know which of them were read."""

    def __init__(self, settings):
        self.settings, self.read = settings, set()

    def __getitem__(self, key):
        self.read.add(key)
        return self.settings[key]

    def __iter__(self):
        return iter(self.settings)

    def __len__(self):
        return len(self.settings)


@pytest.mark.parametrize("name", CELLS)
def test_no_setting_of_a_cell_is_passed_over_by_our_side(name):
    cell = CELLS[name]
    watched = Watched(cell.settings)

    translate(replace(cell, settings=watched), seed=1)

    assert watched.read | UNLIKE >= cell.settings.keys()


def test_what_ours_cannot_do_is_refused():
    cell = CELLS["a2c-cartpole"]
    asked = replace(cell, settings=cell.settings | {"use_rms_prop": False})

    with pytest.raises(ValueError, match="a2c-cartpole: use_rms_prop is False, ours has True"):
        translate(asked, seed=1)


def test_a_weight_of_the_squared_error_stays_and_what_falls_falls_to_zero():
    asked = translate(CELLS["ppo-cartpole"], seed=3)

    assert asked.config.value_weight == 0.5
    assert (asked.config.rate, asked.config.rate_end) == (0.001, 0.0)
    assert (asked.config.clip, asked.config.clip_end) == (0.2, 0.0)
    assert asked.config.target_kl is None
    assert asked.iterations * 8 * 32 >= 100_000 > (asked.iterations - 1) * 8 * 32
