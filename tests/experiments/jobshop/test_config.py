# SPDX-License-Identifier: MIT
import math
import tomllib
from pathlib import Path

import pytest

from flyball.core.errors import ConfigError
from flyball.experiments.jobshop.config import PhaseConfig, PoolConfig, TrainConfig
from flyball.experiments.settings import build, read_toml, to_toml

CONFIGS = sorted((Path(__file__).parents[3] / "configs" / "jobshop").glob("*.toml"))


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_every_shipped_file_is_valid(path: Path):
    assert build(TrainConfig, read_toml(path), path.name)


def test_the_file_of_the_demo_is_what_the_demo_runs_with():
    path = CONFIGS[0].with_name("demo.toml")

    assert build(TrainConfig, read_toml(path), path.name) == TrainConfig()


def test_the_defaults_survive_toml():
    config = TrainConfig()

    assert build(TrainConfig, tomllib.loads(to_toml(config)), "x") == config


@pytest.mark.parametrize(
    ("kind", "values", "message"),
    [
        (PoolConfig, {"days": -1}, "pool.days, generated"),
        (PoolConfig, {"days": 0, "generated": 0}, "not both 0"),
        (PoolConfig, {"generated_alone": 3}, "pool.generated_alone"),
        (PoolConfig, {"validation": 1}, "pool.validation"),
        (PoolConfig, {"tuning": 3}, "pool.tuning"),
        (PhaseConfig, {"imitate_share": 1.5}, "phase.imitate_share"),
        (TrainConfig, {"envs": 0}, "envs, threads"),
        (TrainConfig, {"objective": {"makespan": 1.0}}, "did you mean 'makespan_h'"),
    ],
)
def test_a_setting_out_of_range_is_refused_with_its_name(kind, values, message):
    with pytest.raises(ConfigError, match=message):
        kind(**values)


def test_an_unknown_trainer_lists_those_there_are():
    with pytest.raises(ConfigError, match="'none', 'improve', 'es', 'ppo'"):
        build(TrainConfig, {"trainer": "pppo"}, "x.toml")


def test_the_rules_get_a_share_of_the_budget_but_no_end_of_time():
    phase = PhaseConfig(tune_share=0.2, tune_at_most_s=60.0)

    assert phase.tune_s(100.0) == 20.0
    assert phase.tune_s(3600.0) == 60.0


def test_the_clock_does_not_end_the_tuning_where_the_budget_is_in_iterations():
    assert PhaseConfig(tune_at_most_s=60.0).tune_s(None) == math.inf
