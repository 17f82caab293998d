# SPDX-License-Identifier: MIT
import numpy as np
import pytest

from flyball.core.envelope import Envelope
from flyball.core.errors import ConfigError
from flyball.worlds import classics
from flyball.worlds.classics import catalogue, guarded
from flyball.worlds.classics.problems import NAMES, PROBLEMS


def test_every_name_is_there_once_and_belongs_to_one_side():
    assert len(NAMES) == len(set(NAMES)) == len(PROBLEMS)
    assert set(NAMES) == {*catalogue.NAMES, *guarded.NAMES}
    assert set(guarded.NAMES) == {
        "double-integrator", "two-tanks", "inverted-pendulum", "forbidden-grid", "crossing-robots",
    }  # fmt: skip


@pytest.mark.parametrize("name", ["cartpole", *guarded.NAMES])
def test_each_question_is_answered_by_the_side_that_a_problem_belongs_to(name):
    broken = name in guarded.NAMES
    settings = {"n_robots": 2} if name == "crossing-robots" else {}

    env = classics.make(name, 2, **settings)
    env.reset(np.arange(2))

    assert isinstance(env, classics.Guarded if broken else classics.Classic)
    assert classics.scenario(name, **settings).spec == env.spec
    assert classics.picture(env, 1).problem == name
    assert {"random", "constant"} <= set(classics.policies(name, **settings))
    assert classics.known(name, **settings)[0].kpi == "return"
    found = classics.envelope(name, **settings)
    assert (found == Envelope()) is not broken
    assert bool(found.model or found.finite or found.bodies) == broken


def test_a_misspelt_name_is_answered_with_the_nearest_of_all():
    with pytest.raises(ConfigError, match="did you mean 'two-tanks'") as caught:
        classics.make("two-tank", 1)

    (problem,) = caught.value.problems
    assert problem.allowed == ", ".join(NAMES)


def test_a_misspelt_setting_of_a_guarded_plant_is_answered_with_the_right_one():
    with pytest.raises(ConfigError, match="did you mean 'wall_m'"):
        classics.envelope("double-integrator", wal_m=3.0)
