# SPDX-License-Identifier: MIT
import pytest

from flyball.core.errors import ScenarioError
from flyball.worlds.jobshop.bounds import makespan_bound_h, published, tardiness_bound_h
from flyball.worlds.jobshop.read import read
from flyball.worlds.jobshop.solver import solve
from flyball.worlds.jobshop.timing import list_schedule
from flyball.worlds.jobshop.validator import kpis
from tests.worlds.jobshop.small_shops import H, ints, longs, random_shop, shop, windows


@pytest.mark.parametrize("seed", range(40))
def test_no_schedule_is_better_than_a_bound(seed):
    scenario = random_shop(seed, n_jobs=8, n_machines=3, n_ops=3)

    figures = kpis(list_schedule(scenario))

    assert figures["makespan_h"] >= makespan_bound_h(scenario) > 0
    assert figures["weighted_tardiness_h"] >= tardiness_bound_h(scenario)


@pytest.mark.parametrize("seed", range(12))
def test_no_optimum_is_better_than_a_bound(seed):
    scenario = random_shop(seed)

    for figure, bound_h in (
        ("makespan_h", makespan_bound_h(scenario)),
        ("weighted_tardiness_h", tardiness_bound_h(scenario)),
    ):
        solution = solve(scenario, objective={figure: 1.0}, time_s=20)
        assert solution.status == "optimal"
        assert solution.objective >= bound_h


def test_the_load_of_a_machine_counts_its_breaks_and_what_comes_before_and_after():
    # M1: 3 + 3 + 3 h from 1 h on, closed 4-6 h, so until 12 h; then at least 2 h on M2.
    routes = [[{0: 3}, {1: 2}], [{0: 3}, {1: 4}], [{0: 3}, {1: 3}]]
    scenario = shop(
        routes,
        release_s=longs([1, 1, 1]) * H,
        machine_calendar=ints([0, 1]),
        calendars=windows([(0, 4), (6, 40)], [(0, 40)]),
    )

    assert makespan_bound_h(scenario) == 12 + 2


def test_work_that_several_machines_share_is_spread_over_them():
    scenario = shop([[{0: 4, 1: 4}] for _ in range(5)])

    assert makespan_bound_h(scenario) == 10


def test_the_tardiness_bound_is_every_job_alone():
    scenario = shop([[{0: 3}], [{0: 2}]], due_s=longs([1, 9]) * H)

    assert tardiness_bound_h(scenario) == 2


def test_bounds_of_public_instances_are_read_by_name(tmp_path):
    path = tmp_path / "bounds.csv"
    path.write_text("instance,lb_best,ub_best\nft06,55,55\nbig,10,12\n", encoding="utf-8")

    bounds = published(path)

    assert bounds["ft06"].closed
    assert (bounds["big"].lower_h, bounds["big"].best_h, bounds["big"].closed) == (10, 12, False)


@pytest.mark.parametrize(
    "text", ["instance,lb_best\nft06,55\n", "instance,lb_best,ub_best\na,x,1\n"]
)
def test_a_file_without_bounds_is_refused(tmp_path, text):
    path = tmp_path / "bounds.csv"
    path.write_text(text, encoding="utf-8")

    with pytest.raises(ScenarioError, match="no bounds"):
        published(path)
    with pytest.raises(ScenarioError, match="no bounds"):
        published(tmp_path / "missing.csv")


def test_our_bound_of_a_public_instance_is_never_above_the_published_one(scheduling_data):
    bounds = published(scheduling_data / "bounds" / "jsp_bounds.csv")

    for name in ("ft06", "ft10", "la01", "ta01", "ta61"):
        folder = name[:2]
        scenario = read(scheduling_data / "jsp" / folder / f"{name}.txt")
        bound_h = makespan_bound_h(scenario)
        assert bound_h <= bounds[name].lower_h
