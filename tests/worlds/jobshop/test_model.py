# SPDX-License-Identifier: MIT
import numpy as np
import pytest

from flyball.optimize import CpSettings, run
from flyball.worlds.jobshop.cost import Cost
from flyball.worlds.jobshop.horizon import look_ahead
from flyball.worlds.jobshop.model import ShopModel
from flyball.worlds.jobshop.neighbourhood import Neighbourhoods
from flyball.worlds.jobshop.timing import list_schedule
from tests.worlds.jobshop.small_shops import random_shop

BOTH = {"weighted_tardiness_h": 1.0, "makespan_h": 0.5}


@pytest.mark.parametrize("seed", range(12))
def test_the_hint_is_a_complete_solution_of_the_whole_and_of_every_part(seed):
    scenario = random_shop(seed, n_jobs=8, n_machines=3, n_ops=3)
    hint = list_schedule(scenario)
    cost = Cost.of(scenario, BOTH)
    parts = Neighbourhoods(scenario, cost, look_ahead(scenario, cost, hint))
    rng = np.random.default_rng(seed)

    for task in (parts.everything(hint), *(parts.part(hint, 8, rng) for _ in range(3))):
        model = ShopModel(task).cp
        pinned = model.clone()
        for var, value in zip(
            model.proto.solution_hint.vars, model.proto.solution_hint.values, strict=True
        ):
            pinned.add(pinned.get_int_var_from_proto_index(var) == value)

        assert len(model.proto.solution_hint.vars) == len(model.proto.variables)
        assert run(pinned, CpSettings(time_s=20)).status == "optimal"
