# SPDX-License-Identifier: MIT
from dataclasses import FrozenInstanceError

import pytest

from flyball.core.spec import AgentKind, Categorical, Objective, Spec


def spec(*counts):
    kinds = tuple(AgentKind(f"k{n}", n, (), (Categorical("act", 2),)) for n in counts)
    return Spec("toy", 1, kinds, (Objective("loss", "-", "min"),), ())


@pytest.mark.parametrize(("counts", "agents"), [((1,), 1), ((3, 2), 5), ((), 0)])
def test_agents_of_all_kinds_are_counted(counts, agents):
    assert spec(*counts).n_agents == agents


def test_a_spec_cannot_be_changed_and_equal_ones_are_equal():
    one = spec(2)

    assert one == spec(2)
    assert hash(one) == hash(spec(2))
    with pytest.raises(FrozenInstanceError):
        one.version = 2
