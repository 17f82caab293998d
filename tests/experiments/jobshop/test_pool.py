# SPDX-License-Identifier: MIT
from flyball.experiments.jobshop.config import PoolConfig, TrainConfig
from flyball.experiments.jobshop.pool import held_out, read_plant, training_pool
from tests.experiments.jobshop.small_runs import small_plant, write_plant

CONFIG = TrainConfig(pool=PoolConfig(days=4, generated=2, validation=3, tuning=4))


def test_a_plant_gives_its_own_days_and_some_generated_shops():
    pool = training_pool(small_plant(), CONFIG)

    assert len(pool.training) == 6
    assert len(pool.validation) == 3
    assert pool.tuning == pool.training[:4]


def test_validation_and_held_out_days_are_never_trained_on():
    pool = training_pool(small_plant(), CONFIG)
    names = {shop.name for shop in pool.training}

    assert names.isdisjoint(shop.name for shop in pool.validation)
    assert names.isdisjoint(shop.name for shop in held_out(small_plant(), CONFIG.seed, 4))


def test_without_a_plant_all_shops_are_generated():
    config = TrainConfig(pool=PoolConfig(generated_alone=5, validation=2, tuning=4))

    pool = training_pool(None, config)

    assert (len(pool.training), len(pool.validation), len(pool.tuning)) == (5, 2, 4)
    assert len(held_out(None, 1, 2)) == 2


def test_a_run_without_a_plant_reads_none(tmp_path):
    assert read_plant(None) is None
    plant = read_plant(write_plant(tmp_path))
    assert plant is not None
    assert plant.n_jobs == 4
