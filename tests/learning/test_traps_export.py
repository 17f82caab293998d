# SPDX-License-Identifier: MIT
"""What exports of policies get wrong elsewhere, and that the proof of every export notices it."""

from copy import deepcopy
from dataclasses import replace

import numpy as np
import pytest
import torch

from flyball.core.errors import InvariantError
from flyball.learning import bundle as exporting
from flyball.learning.bundle import export
from flyball.learning.nets import graph as writing
from flyball.learning.nets.graph import Encoded
from flyball.learning.nets.operators import Graph
from tests.learning.actors import (
    HYBRID,
    ONE,
    OPTIONS,
    PICKERS,
    SEEING,
    TEAM,
    VALUES,
    separate,
    trained,
)

honest = exporting.graph_of


def refused(net, spec, tmp_path, monkeypatch, graph_of):
    """Return the difference that the proof finds when the graph is written by `graph_of`.

    That the honest graph passes is shown for the same networks in `test_bundle`.
    """
    monkeypatch.setattr(exporting, "STATES", 1000)  # what a tenth notices, all of them do
    monkeypatch.setattr(exporting, "graph_of", graph_of)
    with pytest.raises(InvariantError, match="the exported graph differs from torch") as caught:
        export(net, spec, tmp_path / "p", algorithm="es", settings={}, facts={})
    return float(str(caught.value).split("by ")[1].split(",")[0])


def of_changed(change):
    """Return a graph's writer that changes a copy of the network first."""

    def graph_of(net, n_last):
        other = deepcopy(net)
        change(other)
        return honest(other, n_last)

    return graph_of


def with_statistics(norm, mean, std):
    norm.mean += mean
    norm.std *= std


@pytest.mark.parametrize("kind", ["standard", "log"])
@pytest.mark.parametrize(("mean", "std"), [(0.3, 1.0), (0.0, 1.3)])
@pytest.mark.parametrize(
    ("spec", "norm"),
    [(ONE, "obs_norm"), (VALUES, "obs_norm"), (OPTIONS, "option_norm"), (SEEING, "obs_norm")],
    ids=["choice", "values", "options", "row of options"],
)
def test_shifted_statistics_of_the_normaliser_are_noticed(
    spec, norm, mean, std, kind, tmp_path, monkeypatch
):
    net = trained(spec, norm=kind)
    graph_of = of_changed(lambda other: with_statistics(getattr(other, norm), mean, std))

    assert refused(net, spec, tmp_path, monkeypatch, graph_of) > 1e-3


@pytest.mark.parametrize("kind", ["standard", "log"])
@pytest.mark.parametrize("spec", [ONE, VALUES, OPTIONS], ids=["choice", "values", "options"])
def test_a_forgotten_normaliser_is_noticed(spec, kind, tmp_path, monkeypatch):
    net = trained(spec, norm=kind)

    def graph_of(own, n_last):
        with monkeypatch.context() as patched:
            patched.setattr(Graph, "normalised", lambda _self, x, _norm: x)
            return honest(own, n_last)

    assert refused(net, spec, tmp_path, monkeypatch, graph_of) > 1e-2


@pytest.mark.parametrize("cell", ["lstm", "slstm"])
@pytest.mark.parametrize("spec", [ONE, VALUES, SEEING, TEAM], ids=["one", "values", "opt", "team"])
def test_memory_that_outlives_its_episode_is_noticed(spec, cell, tmp_path, monkeypatch):
    net = trained(spec, cell=cell, cell_size=8)

    def graph_of(own, n_last):
        with monkeypatch.context() as patched:
            patched.setattr(writing, "_recalled", unreset)
            return honest(own, n_last)

    assert refused(net, spec, tmp_path, monkeypatch, graph_of) > 1e-3


def unreset(g, n_memory, n_last):
    assert not n_last
    g.input("start", 9, ["R"])
    return g.input("memory_in", 1, ["R", n_memory]), ""


@pytest.mark.parametrize("cell", ["lstm", "slstm"])
@pytest.mark.parametrize("spec", [ONE, SEEING], ids=["one", "options"])
def test_memory_that_is_not_handed_on_is_noticed(spec, cell, tmp_path, monkeypatch):
    net, encoded = trained(spec, cell=cell, cell_size=8), writing._encoded

    def forgetful(g, own, n_last):
        x = encoded(g, own, n_last)
        return Encoded(x.own, g.node("Sub", x.memory, x.memory), x.agent)

    def graph_of(own, n_last):
        with monkeypatch.context() as patched:
            patched.setattr(writing, "_encoded", forgetful)
            return honest(own, n_last)

    assert refused(net, spec, tmp_path, monkeypatch, graph_of) > 1e-2


@pytest.mark.parametrize("bound", ["low", "high"])
@pytest.mark.parametrize("spec", [VALUES, HYBRID, TEAM], ids=["values", "hybrid", "team"])
def test_wrong_units_of_a_value_are_noticed(spec, bound, tmp_path, monkeypatch):
    net = trained(spec)

    def rescale(other):
        wrong = tuple(tuple(1.1 * x for x in row) for row in getattr(other.sizes, bound))
        other.sizes = replace(other.sizes, **{bound: wrong})

    assert refused(net, spec, tmp_path, monkeypatch, of_changed(rescale)) > 1e-2


def test_a_forgotten_tanh_is_noticed(tmp_path, monkeypatch):
    net = trained(VALUES, activation="relu")  # so that the only one is that of the values

    def graph_of(own, n_last):
        with monkeypatch.context() as patched:
            node = Graph.node
            patched.setattr(
                Graph,
                "node",
                lambda self, name, *inputs, **given: node(
                    self, "Identity" if name == "Tanh" else name, *inputs, **given
                ),
            )
            return honest(own, n_last)

    assert refused(net, VALUES, tmp_path, monkeypatch, graph_of) > 1e-2


@pytest.mark.parametrize("deviation", ["free", "state"])
def test_another_deviation_is_noticed(deviation, tmp_path, monkeypatch):
    net = trained(VALUES, deviation=deviation)

    def widen(other):
        with torch.no_grad():
            spread = other.actor.log_std if deviation == "free" else other.actor.last.bias[-2:]
            spread.add_(0.01)

    assert refused(net, VALUES, tmp_path, monkeypatch, of_changed(widen)) > 1e-4


@pytest.mark.parametrize("spec", [ONE, HYBRID, TEAM], ids=["one", "hybrid", "team"])
@pytest.mark.parametrize("wrong", ["none", "all but the last action"])
def test_a_mask_that_lets_an_illegal_action_through_is_noticed(spec, wrong, tmp_path, monkeypatch):
    net = trained(spec)
    n_actions = sum(net.sizes.actions)
    allowed = np.ones((1, n_actions), np.bool_)
    allowed[0, -1] = wrong == "none"
    node = Graph.node

    def lax(self, name, *inputs, **given):
        if name == "Where" and inputs[0] == "mask":
            legal = node(self, "Or", "mask", self.constant(allowed))
            if wrong != "none":
                legal = node(self, "And", "mask", self.constant(allowed))
            return node(self, name, legal, *inputs[1:], **given)
        return node(self, name, *inputs, **given)

    def graph_of(own, n_last):
        with monkeypatch.context() as patched:
            patched.setattr(Graph, "node", lax)
            return honest(own, n_last)

    assert refused(net, spec, tmp_path, monkeypatch, graph_of) == np.inf


@pytest.mark.parametrize("make", [trained, separate])
def test_agents_that_are_taken_for_each_other_are_noticed(make, tmp_path, monkeypatch):
    net = make(TEAM)

    def turn(other):
        with torch.no_grad():
            if make is separate:
                for part in other.actor.layers.weights:
                    part.copy_(part.roll(1, 0))
            else:
                index = other.actor.layers[0].weight[:, -3:]
                index.copy_(index.roll(1, 1))

    assert refused(net, TEAM, tmp_path, monkeypatch, of_changed(turn)) > 1e-2


def test_candidates_of_another_agent_are_noticed(tmp_path, monkeypatch):
    net = trained(PICKERS)

    def turn(other):
        with torch.no_grad():
            index = other.actor.network.context.weight[:, -3:]
            index.copy_(index.roll(1, 1))

    assert refused(net, PICKERS, tmp_path, monkeypatch, of_changed(turn)) > 1e-3
