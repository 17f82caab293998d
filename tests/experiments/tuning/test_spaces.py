# SPDX-License-Identifier: MIT
import pytest

from flyball import learning
from flyball.experiments.describe import values_of
from flyball.experiments.experiment import experiment_of, with_changes
from flyball.experiments.subject import Subject, names
from flyball.experiments.tuning.spaces import (
    SPACES,
    Choice,
    Real,
    Whole,
    holding,
    space_of,
    usual_in,
    written,
)


def usual_of(algorithm: str) -> dict:
    own = values_of(learning.recipe(algorithm).config(), algorithm)
    return own | values_of(learning.NetConfig(), "net")


@pytest.mark.parametrize("algorithm", learning.ALGORITHMS)
def test_every_algorithm_has_a_space_that_holds_its_usual_settings(algorithm: str):
    usual = usual_of(algorithm)

    space = space_of(algorithm, usual)

    assert len(space) >= 3
    for key, value in usual_in(space, usual).items():
        each = space[key]
        assert value in each.values if isinstance(each, Choice) else each.low <= value <= each.high


@pytest.mark.parametrize("algorithm", SPACES)
def test_every_key_of_a_table_is_a_setting_of_its_algorithm(algorithm: str):
    assert {f"{algorithm}.{key}" for key in SPACES[algorithm]} <= set(usual_of(algorithm))


@pytest.mark.parametrize("algorithm", learning.ALGORITHMS)
def test_every_corner_of_a_space_is_accepted_by_the_settings(algorithm: str):
    refusal = learning.ALGORITHMS[algorithm].refusal
    world = next(name for name in names() if refusal(Subject(name).spec) is None)
    experiment = experiment_of(world=world, algorithm=algorithm)
    for key, each in space_of(algorithm, usual_of(algorithm)).items():
        ends = each.values if isinstance(each, Choice) else (each.low, each.high)
        for value in ends:
            changed = with_changes(experiment, [f"{key}={value}"])
            found = values_of(changed.own, algorithm) | values_of(changed.net, "net")
            assert (written(found[key]) if isinstance(each, Choice) else found[key]) == value


def test_a_range_is_widened_to_hold_what_it_lacks():
    assert holding(Real(1.0, 2.0), 3.0) == Real(1.0, 3.0)
    assert holding(Whole(2, 4), 1) == Whole(1, 4)
    assert holding(Choice(("[32, 32]",)), (64, 32)) == Choice(("[32, 32]", "[64, 32]"))
    assert holding(Choice(("0.0",)), 0.0) == Choice(("0.0",))


@pytest.mark.parametrize("algorithm", ["cpo", "ppo_lagrangian"])
def test_who_keeps_limits_is_tuned_in_what_keeps_them_and_never_in_the_limits(algorithm: str):
    space = space_of(algorithm, usual_of(algorithm))

    assert {f"{algorithm}.caution", f"{algorithm}.episodes", f"{algorithm}.cost_lam"} <= set(space)
    assert f"{algorithm}.limits" not in space
    assert ("cpo.target_kl" in space) != ("ppo_lagrangian.integral" in space)
    assert f"{algorithm}.tau" not in space


def test_what_is_fixed_is_not_searched():
    assert "net.hidden" not in space_of("ppo", usual_of("ppo"), ["net.hidden"])
