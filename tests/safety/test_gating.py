# SPDX-License-Identifier: MIT
"""Compiled code finds the parts of a gate where Python does."""

import pytest

from flyball.safety import gating
from tests.safety.laid import numbered, python, same
from tests.safety.test_plans import made


@pytest.mark.parametrize(("k", "name"), [(0, "ways"), (2, "held"), (3, "gated"), (4, "turn")])
def test_every_array_lies_where_both_look_for_it(k, name):
    pool, parts = made()
    numbered(parts)

    assert same(python(getattr(gating, f"{name}_in"))(pool), parts[k])
