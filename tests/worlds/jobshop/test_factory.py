# SPDX-License-Identifier: MIT
import numpy as np
import pytest

from flyball.worlds.jobshop.factory import Size, plant
from flyball.worlds.jobshop.validator import check
from tests.worlds.jobshop.random_play import play

SMALL = Size(machines=20, types=5, jobs=40, products=8, families=4, weeks=12)


@pytest.fixture(scope="module")
def full():
    return plant(1)


def test_the_plant_is_as_large_as_it_says(full):
    assert (full.n_machines, full.n_jobs, len(full.group_name)) == (152, 500, 30)
    steps = np.diff(full.job_op)
    assert steps.min() >= 4
    assert steps.max() <= 20
    assert 5000 < full.n_ops < 7000
    assert np.bincount(full.machine_group).max() <= 12


def test_jobs_come_back_to_a_type_and_loads_differ(full):
    group = full.machine_group[full.pair_machine[full.op_pair[:-1]]]
    routes = np.split(group, full.job_op[1:-1])
    work = np.bincount(group, weights=full.mean_duration_s) / np.bincount(full.machine_group)

    assert np.mean([len(set(route)) < len(route) for route in routes]) > 0.3
    assert work.max() > 1.5 * np.median(work)


def test_every_machine_has_its_own_maintenance(full):
    opens = [
        full.calendars.open_s[a:b].tobytes()
        for a, b in zip(full.calendars.window[:-1], full.calendars.window[1:], strict=True)
    ]

    assert len(set(opens)) == 152


def test_the_plant_of_a_seed_is_always_the_same_and_of_another_is_not():
    arrays = [plant(seed, SMALL).arrays for seed in (2, 2, 3)]

    assert all(np.array_equal(a, b) for a, b in zip(arrays[0], arrays[1], strict=True))
    assert not np.array_equal(arrays[0][9], arrays[2][9])


def test_a_plant_is_played_to_a_valid_end_with_some_jobs_late():
    schedules, outcomes = play([plant(seed, SMALL) for seed in range(4)])

    assert all(check(schedule) == [] for schedule in schedules)
    assert np.all(outcomes[:, 2] > 0)
