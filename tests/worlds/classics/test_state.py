# SPDX-License-Identifier: MIT
import numpy as np
import pytest

from flyball.core.spec import AgentKind, Categorical, Feature, Hybrid, TanhGaussian
from flyball.worlds.classics import scenario, state
from flyball.worlds.classics.catalogue import NAMES
from flyball.worlds.classics.scenario import describe

MIXED = describe(
    "mixed",
    (
        AgentKind("a", 2, (Feature("f", "-", 0, 1),), (Categorical("x", 3), Categorical("y", 2))),
        AgentKind(
            "b",
            1,
            (Feature("f", "-", 0, 1), Feature("g", "-", 0, 1)),
            (TanhGaussian("u", "m", -2, 5), Hybrid("z", 4, ((), ("u",), (), ()))),
        ),
    ),
    state=(Feature("s", "-", 0, 1),),
)


def parts(memory, n):
    """Return every array that a memory is cut into, named."""
    found = {f"state.{k}": v for k, v in state.state_of(memory, n)._asdict().items()}
    found |= {f"out.{k}": v for k, v in state.out_of(memory, n)._asdict().items()}
    for which in range(3):
        seen = state.seen_of(memory, n, which)._asdict()
        found |= {f"seen{which}.{k}": v for k, v in seen.items()}
    rules = state.rules_of(memory, n)
    return found | {f"rules.{k}": getattr(rules, k) for k in ("head", "low", "high")}


def test_heads_take_the_widest_place_at_each_position():
    n = state.sizes(MIXED, 5, 2, 3)

    assert MIXED.choice_starts == (0, 4, 6)
    assert n == (5, 3, 2, 1, 6, 2, 1, 1, 2, 3)


def test_the_shapes_are_those_of_the_contract():
    n = state.sizes(MIXED, 5, 7, 8)
    memory = state.allocate(MIXED, n, 9, 0.5)

    found = {name: array.shape for name, array in parts(memory, n).items()}

    assert found["state.real"] == (5, 7)
    assert found["state.whole"] == (5, 8)
    assert found["seen1.obs"] == (5, 3, 2)
    assert found["seen2.mask"] == (5, 3, 6)
    assert found["seen0.state"] == (5, 1)
    assert found["out.reward"] == (5, 3, 1)
    assert found["out.choice"] == (5, 3, 2)
    assert found["out.value"] == (5, 3, 1)
    assert found["out.outcome"] == (5, 2)
    assert found["out.illegal"] == (5, 3)


@pytest.mark.parametrize("spec", [MIXED, scenario("pendulum").spec, scenario("matrix").spec])
def test_no_two_arrays_share_memory_and_none_is_left_over(spec):
    n = state.sizes(spec, 3, 2, 3)
    memory = state.allocate(spec, n, 9, 0.5)
    for array in memory:
        array[...] = 0

    for number, array in enumerate(parts(memory, n).values(), start=1):
        assert not array.any()
        array[...] = True if array.dtype == np.bool_ else number

    zeros = {field: int((array == 0).sum()) for field, array in memory._asdict().items()}
    # What is left are the two scalars of the rules.
    assert zeros == {"doubles": 1, "longs": 1, "floats": 0, "ints": 0, "flags": 0}


def test_rules_hold_what_the_spec_says():
    n = state.sizes(MIXED, 2, 0, 0)

    rules = state.rules_of(state.allocate(MIXED, n, 25, 0.5), n)

    assert rules.head.tolist() == [0, 4, 6]
    assert rules.low.tolist() == [[0], [0], [-2]]
    assert rules.high.tolist() == [[0], [0], [5]]
    assert (rules.time_limit, rules.share) == (25, 0.5)


@pytest.mark.parametrize("name", NAMES)
def test_a_copy_by_name_is_no_view(name):
    problem = scenario(name)
    n = state.sizes(problem.spec, 2, problem.n_real, problem.n_whole)
    own = state.state_of(state.allocate(problem.spec, n, 9, 1.0), n)

    copy = state.named(own)
    own.seed[:] = 7

    assert set(copy) == {"real", "whole", "seed", "episode", "t", "total"}
    assert not copy["seed"].any()
