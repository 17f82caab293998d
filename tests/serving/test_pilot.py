# SPDX-License-Identifier: MIT
"""Pilots: the graph of a release as its bundle would act, and whatever fails becomes a fault."""

from dataclasses import replace

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from flyball.core.errors import PolicyError
from flyball.core.spec import AgentKind, Categorical, Feature, Objective, Spec, TanhGaussian
from flyball.policies import Memory, load, save_bundle
from flyball.serving.pilot import Baseline, Learned, n_values
from tests.policies.graphs import gaussian_graph, model
from tests.policies.seen import observation, rows
from tests.serving.stand import SPEC, Steady

FLOAT, DOUBLE, BOOL = TensorProto.FLOAT, TensorProto.DOUBLE, TensorProto.BOOL
WIDE = Spec(
    "stand",
    1,
    (
        AgentKind(
            "agent",
            1,
            tuple(Feature(name, "m", -9.0, 9.0) for name in "xyz"),
            (TanhGaussian("a", "m", -1.0, 1.0), TanhGaussian("b", "m", -1.0, 1.0),
             TanhGaussian("c", "m", -1.0, 1.0)),
        ),
    ),
    (Objective("return", "m", "max"),),
    (),
)  # fmt: skip
ACTING = AgentKind(
    "agent", 1, WIDE.kinds[0].features, (*WIDE.kinds[0].heads, Categorical("gear", 3))
)


def remembering(width=3, kind=DOUBLE):
    """Return a graph whose memory is half of what it was and the observation; values are its tanh.

    Inputs and outputs are those of a recurrent release.
    """
    half = numpy_helper.from_array(np.array(0.5, np.float32), "half")
    zero = numpy_helper.from_array(np.zeros(1, np.float32), "zero")
    column = numpy_helper.from_array(np.array([1], np.int64), "column")
    nodes = [
        helper.make_node("Unsqueeze", ["start", "column"], ["fresh"]),
        helper.make_node("Where", ["fresh", "zero", "memory_in"], ["before"]),
        helper.make_node("Mul", ["before", "half"], ["halved"]),
        helper.make_node("Add", ["halved", "obs"], ["memory_out"]),
        helper.make_node("Identity", ["memory_out"], ["mean"]),
        helper.make_node("Mul", ["mean", "zero"], ["log_std"]),
        helper.make_node("Tanh", ["mean"], ["tanh"]),
        helper.make_node("Cast", ["tanh"], ["value"], to=kind),
    ]
    inputs = [(name, FLOAT, ["R", width]) for name in ("obs", "memory_in")]
    inputs.append(("start", BOOL, ["R"]))
    outputs = [(name, FLOAT, ["R", width]) for name in ("mean", "log_std", "memory_out")]
    return model(nodes, inputs, [*outputs, ("value", kind, ["R", width])], [half, zero, column])


def masked():
    """Return a graph whose values are 1 where the mask allows and 0 elsewhere."""
    nodes = [helper.make_node("Cast", ["mask"], ["value"], to=DOUBLE)]
    return model(nodes, [("mask", BOOL, ["R", 3])], [("value", DOUBLE, ["R", 3])])


def seen(obs, start=False):
    return rows(np.array(obs, np.float64).reshape(1, 1, -1), np.zeros((1, 1, 0), np.bool_), start)


def bundled(folder, graph, memory=None):
    save_bundle(
        folder, WIDE, graph=graph, weights={}, algorithm="none", settings={}, facts={},
        memory=memory or Memory(),
    )  # fmt: skip
    return load(folder, WIDE)


def test_a_release_acts_as_its_bundle_does(tmp_path):
    graph = gaussian_graph(3, 0.5)
    policy, pilot = bundled(tmp_path / "p", graph), Learned("p", graph, WIDE)

    for obs in np.random.default_rng(0).normal(size=(200, 3)):
        own = seen(obs)
        said = pilot.propose(own, pilot.initial())
        action, _, _ = policy.act(own, policy.initial(1), None)

        assert said.fault == ""
        assert said.value.shape == (3,)
        np.testing.assert_allclose(said.value, action.value[0, 0], atol=1e-5)


def test_a_recurrent_release_remembers_as_its_bundle_does_and_forgets_at_a_start(tmp_path):
    graph = remembering()
    policy, pilot = bundled(tmp_path / "p", graph, Memory(3)), Learned("p", graph, WIDE, 3)
    own, theirs = pilot.initial(), policy.initial(1)

    for k, obs in enumerate(np.random.default_rng(1).normal(size=(60, 3))):
        now = seen(obs, start=k % 20 == 0)
        said = pilot.propose(now, own)
        action, _, theirs = policy.act(now, theirs, None)
        own = said.memory

        np.testing.assert_allclose(own, theirs, atol=1e-6)
        np.testing.assert_allclose(said.value, action.value[0, 0], atol=1e-5)
        if k % 20 == 0:
            np.testing.assert_allclose(own[0], obs, atol=1e-6)


def test_two_units_of_one_pilot_share_no_memory():
    pilot = Learned("p", remembering(), WIDE, 3)
    first = pilot.propose(seen([1.0, 1.0, 1.0], start=True), pilot.initial())
    kept = first.memory.copy(), first.value.copy()

    pilot.propose(seen([9.0, 9.0, 9.0]), np.full((1, 3), 9.0, np.float32))

    np.testing.assert_array_equal(first.memory, kept[0])
    np.testing.assert_array_equal(first.value, kept[1])


def test_a_mask_reaches_the_graph():
    own = replace(WIDE, kinds=(ACTING,))
    pilot = Learned("p", masked(), own)
    now = seen([0.0, 0.0, 0.0])
    now.mask = np.array([[[True, False, True]]])

    said = pilot.propose(now, pilot.initial())

    assert said.value.tolist() == [1.0, 0.0, 1.0]


@pytest.mark.parametrize(
    ("graph", "memory", "found"),
    [
        (b"no graph", 0, "cannot be loaded"),
        (gaussian_graph(2, 0.5), 0, "input obs"),
        (remembering(), 2, "input memory_in"),
        (remembering(kind=FLOAT), 3, "output value"),
        (model([helper.make_node("Cast", ["obs"], ["value"], to=DOUBLE)],
               [("obs", DOUBLE, ["R", 3])], [("value", DOUBLE, ["R", 3])]), 0, "input obs"),
        (model([helper.make_node("Identity", ["obs"], ["mean"])],
               [("obs", FLOAT, ["R", 3])], [("mean", FLOAT, ["R", 3])]), 0, "no output value"),
        (gaussian_graph(3, 0.5), 4, "no output memory_out"),
        (model([helper.make_node("Cast", ["other"], ["value"], to=DOUBLE)],
               [("other", FLOAT, ["R", 3])], [("value", DOUBLE, ["R", 3])]), 0, "input other"),
    ],
)  # fmt: skip
def test_a_graph_that_does_not_fit_the_plant_is_refused_before_it_flies(graph, memory, found):
    with pytest.raises(PolicyError, match=found):
        Learned("p", graph, WIDE, memory)


@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf])
def test_whatever_is_seen_a_release_proposes_numbers_or_says_its_fault(number):
    pilot = Learned("abc", remembering(), WIDE, 3)
    before = np.full((1, 3), 0.25, np.float32)

    said = pilot.propose(seen([0.0, number, 0.0]), before)

    assert said.fault in ("policy abc said no number", "policy abc remembers no number")
    assert np.isnan(said.value).all()
    np.testing.assert_array_equal(said.memory, before)
    assert pilot.propose(seen([0.0, 0.0, 0.0]), before).fault == ""


def test_a_release_that_is_handed_another_width_says_its_fault():
    pilot = Learned("abc", remembering(), WIDE, 3)

    said = pilot.propose(observation([0], obs=np.zeros((1, 1, 2), np.float32)), pilot.initial())

    assert "policy abc failed" in said.fault
    assert np.isnan(said.value).all()


class Odd(Steady):
    def __init__(self, said):
        super().__init__()
        self.said = said

    def act(self, observation, memory, key):
        if isinstance(self.said, Exception):
            raise self.said
        action, log_prob, after = super().act(observation, memory, key)
        action.value = self.said
        return action, log_prob, after


@pytest.mark.parametrize(
    ("said", "fault"),
    [
        (ZeroDivisionError("by zero"), "rule failed: by zero"),
        (np.full((1, 1, 1), np.nan), "rule said no number"),
        (np.zeros((1, 1, 2)), "rule said no number"),
        (None, "rule said no number"),
    ],
)
def test_a_baseline_that_fails_says_how(said, fault):
    pilot = Baseline("rule", Odd(said), SPEC)

    found = pilot.propose(observation([0]), pilot.initial())

    assert found.fault == fault
    assert np.isnan(found.value).all()


def test_only_continuous_values_count():
    assert n_values(SPEC) == 1
    assert n_values(replace(WIDE, kinds=(ACTING,))) == 3
