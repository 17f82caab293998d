# SPDX-License-Identifier: MIT
from pathlib import Path

from flyball.worlds.jobshop import WORLD, require_valid
from flyball.worlds.jobshop.baselines import RULES
from flyball.worlds.jobshop.plan import plan
from tests.worlds.jobshop.small_shops import H, longs, shop

SHOP = shop([[{0: 2}, {1: 3}], [{1: 1}, {0: 2}]], due_s=longs([4 * H, 9 * H]))


def test_the_example_workbook_is_valid_input(tmp_path: Path):
    WORLD.template(tmp_path / "orders.xlsx")

    assert WORLD.read(tmp_path / "orders.xlsx").n_jobs == 120


def test_training_and_held_out_days_are_drawn_from_streams_of_their_own():
    training = WORLD.days(SHOP, 1, range(4), held_out=False)
    held_out = WORLD.days(SHOP, 1, range(4), held_out=True)

    names = {day.name for day in training} & {day.name for day in held_out}
    assert not names
    again = WORLD.days(SHOP, 1, [3], held_out=True)[0]
    assert all((a == b).all() for a, b in zip(again.arrays, held_out[3].arrays, strict=True))


def test_generated_shops_of_the_two_streams_differ():
    one = WORLD.generated(1, 0)
    other = WORLD.generated(1, 0, held_out=True)

    assert one.n_ops != other.n_ops or (one.pair_duration_s != other.pair_duration_s).any()


def test_a_shop_knows_whether_anything_is_due():
    assert WORLD.has_dues(SHOP)
    assert not WORLD.has_dues(shop([[{0: 1}]]))


def test_the_face_judges_measures_draws_and_writes_one_schedule(tmp_path: Path):
    schedule = plan(SHOP, RULES["EDD"]).schedule

    require_valid(schedule)
    assert WORLD.check(schedule) == []
    assert WORLD.kpis(schedule)["makespan_h"] >= 5.0
    assert len(WORLD.gantt(schedule).bars) == 4
    names = {path.name for path in WORLD.write(schedule, tmp_path)}
    assert names >= {"schedule.xlsx", "schedule.csv"}


def test_the_solver_finds_the_optimum_of_a_tiny_shop():
    solution = WORLD.solve(
        SHOP, {"weighted_tardiness_h": 1.0, "makespan_h": 1e-3}, 5.0, threads=1, hint=None
    )

    assert solution.status == "optimal"
    assert WORLD.kpis(solution.schedule)["weighted_tardiness_h"] == 1.0
