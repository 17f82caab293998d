# SPDX-License-Identifier: MIT
import numpy as np
import pytest

from flyball.core.limits import Barrier, Box
from flyball.worlds.classics.guarded import NAMES, envelope, scenario
from tests.worlds.classics.guarded.motions import motion, rail_slope, rod_slope, tanks_slope

SLOPES = {
    "double-integrator": rail_slope,
    "inverted-pendulum": rod_slope,
    "two-tanks": tanks_slope,
}
MIDDLE = {"two-tanks": 0.275}
SIZE = {"double-integrator": [5.0, 2.0], "inverted-pendulum": [0.6, 1.0], "two-tanks": [0.22, 0.22]}


@pytest.mark.parametrize("name", NAMES)
def test_every_limit_speaks_of_values_and_signals_of_its_plant(name):
    problem = scenario(name)

    found = envelope(problem)

    values = {head.name for head in problem.spec.kinds[0].heads}
    signals = {signal.name: signal.unit for signal in problem.spec.signals}
    assert set(found.signals) <= set(signals)
    assert len(found.error) == len(found.signals)
    for limit in found.limits:
        assert limit.source
        assert limit.owner
        assert limit.explain()
        if isinstance(limit, Box):
            assert limit.value in values
        if isinstance(limit, Barrier):
            assert set(limit.signals) <= set(found.signals)


@pytest.mark.parametrize("name", SLOPES)
@pytest.mark.parametrize("step_s", [0.02, 0.1, 0.5])
def test_the_affine_step_contains_the_plant_while_it_keeps_its_limits(name, step_s):
    problem = scenario(name, step_s=step_s)
    affine, model = envelope(problem).affine, envelope(problem).model
    rng = np.random.default_rng(0)
    rules = problem.rules
    start = MIDDLE.get(name, 0.0) + rng.uniform(-1, 1, (2000, 2)) * SIZE[name]
    value = rng.uniform(rules.low[0], rules.high[0], (2000, rules.low.shape[1]))
    inside = model.reach(start, start, value, step_s).margin >= 0
    for side in (-1.0, 1.0):
        push = np.full((400, 2000, problem.n_winds), side * problem.plant.disturbance)

        end = motion(SLOPES[name], problem.plant, start, value, push, np.full(2000, step_s))[-1]

        middle = start @ affine.a.T + value @ affine.b.T + affine.c
        off = abs(end - middle)[inside]
        assert inside.sum() > 100
        assert (off <= affine.spread + 1e-9).all()
        assert (off.max(0) > 0.5 * affine.spread).all()


def test_equal_numbers_make_equal_models():
    one, two = envelope(scenario("inverted-pendulum")), envelope(scenario("inverted-pendulum"))
    other = envelope(scenario("inverted-pendulum", disturbance_nm=0.31))

    assert one.model.parameters == two.model.parameters != other.model.parameters
    assert one.model == two.model
    assert set(one.model.parameters) == {
        "pull", "inertia", "damping", "torque", "disturbance", "angle",
    }  # fmt: skip


@pytest.mark.parametrize("name", SLOPES)
def test_the_model_reaches_for_rows_of_any_layout(name):
    model = envelope(scenario(name)).model
    low = np.full((2, 6), 0.1)[:, ::3]
    value = np.zeros((scenario(name).n_winds, 2)).T

    found = model.reach(low, low, value, 0.1)

    assert found.low.shape == found.high.shape == (2, 2)
    assert (found.margin > 0).all()
