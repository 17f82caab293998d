# SPDX-License-Identifier: MIT
import numpy as np
import pytest

from flyball.core.errors import ConfigError
from flyball.worlds.jobshop.draws import Pressure
from flyball.worlds.jobshop.generator import KINDS, Recipe, generate, mixture, random_jobshop
from flyball.worlds.jobshop.validator import check
from tests.worlds.jobshop.random_play import play


def same(one, other):
    return all(np.array_equal(a, b) for a, b in zip(one.arrays, other.arrays, strict=True))


def routes(scenario):
    """Return the machine of each operation, one list a job, for shops without alternatives."""
    machines = scenario.pair_machine[scenario.op_pair[:-1]]
    return np.split(machines, scenario.job_op[1:-1])


def test_a_scenario_is_a_function_of_its_seed_and_number():
    assert same(mixture(3, 7), mixture(3, 7))
    assert not same(mixture(3, 7), mixture(3, 8))
    assert not same(mixture(3, 7), mixture(4, 7))


def test_training_and_evaluation_never_share_a_scenario():
    seen = {
        (stream, seed, number): mixture(seed, number, stream).pair_duration_s.tobytes()
        for stream in ("train", "evaluate")
        for seed in range(3)
        for number in range(20)
    }

    assert len(set(seen.values())) == len(seen)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_with_everything_added_is_played_to_a_valid_end(kind):
    recipe = Recipe(
        jobs=15, machines=6, calendars=True, setup=0.4, in_progress=0.7,
        pressure=Pressure(release_spread=0.5),
    )  # fmt: skip

    schedules, _ = play([generate(kind, 1, number, recipe) for number in range(3)])

    assert [check(schedule) for schedule in schedules] == [[], [], []]


def test_mixed_shops_end_valid_and_their_due_dates_neither_trivial_nor_hopeless():
    pool = [mixture(5, number) for number in range(16)]

    schedules, outcomes = play(pool)

    assert all(check(schedule) == [] for schedule in schedules)
    late = outcomes[:, 2] / [scenario.n_jobs for scenario in pool]
    assert 0.2 < late.mean() < 0.9


def test_the_mixture_holds_every_kind_at_sizes_that_train_fast():
    pool = [mixture(5, number) for number in range(100)]

    assert {scenario.name.partition(" ")[0] for scenario in pool} == set(KINDS)
    assert 150 < np.mean([scenario.n_ops for scenario in pool]) < 400
    assert max(scenario.n_ops for scenario in pool) < 1000
    assert 0.3 < np.mean([scenario.start is not None for scenario in pool]) < 0.7


def test_a_classical_job_shop_visits_every_machine_once_as_taillard_draws_it():
    scenario = random_jobshop(30, 10, seed=2)

    assert all(sorted(route) == list(range(10)) for route in routes(scenario))
    hours = scenario.pair_duration_s / 3600
    assert set(hours) <= set(range(1, 100))
    assert abs(hours.mean() - 50) < 4 * 28.6 / np.sqrt(300)


def test_two_set_jobs_finish_the_first_half_of_the_machines_first():
    for route in routes(generate("two_set", 0, 0, Recipe(jobs=20, machines=9))):
        assert set(route[:4]) == {0, 1, 2, 3}


def test_flow_like_jobs_mostly_go_forward():
    steps = np.concatenate(
        [np.diff(route) for route in routes(generate("flow_like", 0, 0, Recipe(machines=12)))]
    )

    assert 0.6 < (steps > 0).mean() < 1


def test_re_entrant_jobs_come_back_but_not_at_once():
    found = routes(generate("re_entrant", 0, 0, Recipe(machines=6)))

    assert any(len(set(route)) < len(route) for route in found)
    assert all(np.all(np.diff(route) != 0) for route in found)


def test_a_skewed_shop_has_a_bottleneck():
    scenario = generate("skewed", 0, 0, Recipe(jobs=60, machines=10))

    load = np.bincount(scenario.pair_machine, weights=scenario.pair_duration_s)
    assert load.max() > 1.2 * np.median(load)


def test_a_flexible_shop_has_alternatives_of_different_speed():
    scenario = generate("flexible", 0, 0, Recipe(jobs=20, machines=10))

    sizes = np.diff(scenario.op_pair)
    assert sizes.max() > 1
    assert np.any(scenario.min_duration_s < scenario.mean_duration_s)


def test_sizes_are_as_asked_for():
    scenario = generate("uniform", 0, 0, Recipe(jobs=7, machines=5, steps=3))

    assert (scenario.n_jobs, scenario.n_machines, scenario.n_ops) == (7, 5, 21)


@pytest.mark.parametrize(
    ("kind", "recipe", "message"),
    [
        ("unifrom", Recipe(), "did you mean 'uniform'"),
        ("uniform", Recipe(machines=1), "1 machines; allowed: at least 1 job and 2 machines"),
        ("uniform", Recipe(jobs=0), "0 jobs"),
    ],
)
def test_what_cannot_be_generated_is_refused_with_the_reason(kind, recipe, message):
    with pytest.raises(ConfigError, match=message):
        generate(kind, 0, 0, recipe)
