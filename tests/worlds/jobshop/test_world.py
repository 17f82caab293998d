# SPDX-License-Identifier: MIT
"""The world as the rooms above use it: from the template to a schedule on disk."""

import numpy as np
import pytest

from flyball.core.errors import ScenarioError
from flyball.worlds.jobshop.baselines import RULES
from flyball.worlds.jobshop.limits import LIMITS
from flyball.worlds.jobshop.plan import plan
from flyball.worlds.jobshop.scenario import NO_DUE_S
from flyball.worlds.jobshop.world import WORLD
from tests.worlds.jobshop.small_shops import H, longs, shop


@pytest.fixture(scope="module")
def plant(tmp_path_factory):
    path = tmp_path_factory.mktemp("plant") / "orders.xlsx"
    WORLD.template(path)
    return WORLD.read(path)


@pytest.fixture(scope="module")
def schedule(plant):
    return plan(plant, RULES["ATC"]).schedule


def test_the_template_is_read_without_a_complaint(tmp_path):
    WORLD.template(tmp_path / "new.xlsx")

    reading = WORLD.examine(tmp_path / "new.xlsx")

    assert reading.notes == ()
    assert reading.scenario.n_jobs > 1


def test_a_file_that_is_not_there_is_an_error_of_the_scenario(tmp_path):
    with pytest.raises(ScenarioError, match="no such file"):
        WORLD.read(tmp_path / "gone.xlsx")


def test_a_schedule_is_judged_shown_and_written(plant, schedule, tmp_path):
    assert WORLD.check(schedule) == []
    assert set(WORLD.kpis(schedule)) == {kpi.name for kpi in WORLD.spec.kpis}
    assert len(WORLD.gantt(schedule).bars) >= plant.n_ops

    paths = WORLD.write(schedule, tmp_path)

    assert paths
    assert all(path.stat().st_size > 0 for path in paths)


def test_an_env_of_the_world_plays_its_scenarios(plant):
    env = WORLD.make_env([plant], 2)

    observation = env.reset(longs([0, 1]))

    assert env.n_envs == 2
    assert env.spec is WORLD.spec
    assert observation.start.all()


def test_days_keep_the_plant_and_are_repeated_by_seed_and_number(plant):
    first, second = WORLD.days(plant, 5, [0, 1], held_out=False)

    (again,) = WORLD.days(plant, 5, [1], held_out=False)
    assert first.machine_name == second.machine_name == plant.machine_name
    assert same_arrays(second, again)
    assert not same_arrays(first, second)


def test_held_out_shops_and_days_are_none_of_those_that_are_trained_on(plant):
    (trained,) = WORLD.days(plant, 5, [1], held_out=False)
    (held_out,) = WORLD.days(plant, 5, [1], held_out=True)

    assert not same_arrays(trained, held_out)
    assert not same_arrays(WORLD.generated(5, 1), WORLD.generated(5, 1, held_out=True))
    assert same_arrays(WORLD.generated(5, 1), WORLD.generated(5, 1))


def same_arrays(one, other):
    return all(np.array_equal(a, b) for a, b in zip(one.arrays, other.arrays, strict=True))


@pytest.mark.parametrize(
    ("due_s", "has"), [([NO_DUE_S] * 2, False), ([NO_DUE_S, 0], True), ([H, H], True)]
)
def test_due_times_are_known_from_their_absence(due_s, has):
    scenario = shop([[{0: 1}], [{0: 1}]], due_s=longs(due_s))

    assert WORLD.has_dues(scenario) is has
    assert WORLD.no_due_s == NO_DUE_S


def test_the_solver_is_reached_through_the_world():
    pytest.importorskip("ortools")
    scenario = shop([[{0: 2}], [{0: 1}]], due_s=longs([9 * H, 1 * H]))
    start = plan(scenario, RULES["LPT"]).schedule

    solution = WORLD.solve(
        scenario, {"weighted_tardiness_h": 1.0}, 5.0, threads=1, hint=start
    )  # fmt: skip

    assert solution.status == "optimal"
    assert solution.objective == 0.0
    assert WORLD.check(solution.schedule) == []


def test_every_limit_of_the_world_has_a_name_of_its_own():
    assert WORLD.limits is LIMITS
    assert len({limit.name for limit in LIMITS}) == len(LIMITS) > 0
