# SPDX-License-Identifier: MIT
"""Each kind sees its own rows, columns and slots of the batch."""

from dataclasses import replace

import numpy as np
import pytest

from flyball.core.batch import Options
from flyball.core.spec import AgentKind, OptionsHead
from flyball.interop import AdapterConfig
from flyball.interop.kinds import KindView, agent_names, row_of, rows_of
from flyball.interop.padding import pad
from tests.interop.meadow import MIXED, Meadow, features


def views(env, **settings):
    starts = env.spec.choice_starts
    config = AdapterConfig(**settings)
    return [KindView(env.spec, k, starts, config) for k in range(len(env.spec.kinds))]


def test_agents_are_numbered_where_there_are_several_of_a_kind():
    assert [agent_names(kind) for kind in MIXED] == [
        ["dog"],
        ["sheep_0", "sheep_1", "sheep_2"],
        ["cloud_0", "cloud_1"],
    ]


@pytest.mark.parametrize("layout", ["flat", "dict"])
def test_what_each_agent_sees_lies_in_its_space_and_is_its_own(layout):
    env = Meadow(MIXED, 2)
    now = env.reset(np.arange(2))

    for view in views(env, layout=layout):
        legal = view.legal(now, None)
        seen = view.seen(now, None, legal)
        for row in range(2 * view.count):
            one = row_of(seen, row)
            assert one in view.observation_space
            obs = one["observations"] if layout == "dict" else one
            copy, agent = divmod(row, view.count)
            own = now.obs[copy, view.agents][agent, : len(obs)]
            np.testing.assert_array_equal(obs, own)


def test_what_is_handed_out_shares_no_memory_with_the_batch():
    env = Meadow(MIXED[:1], 2)
    now = env.reset(np.arange(2))
    (view,) = views(env)
    legal = view.legal(now, None)
    seen = view.seen(now, None, legal)

    assert not np.shares_memory(seen, now.obs)
    assert not np.shares_memory(legal, now.mask)


def test_rows_are_views_of_both_layouts():
    flat = np.arange(6.0).reshape(3, 2)

    assert [list(row) for row in rows_of(flat)] == [[0, 1], [2, 3], [4, 5]]
    assert rows_of({"a": flat})[1]["a"][0] == 2
    assert rows_of({"a": flat, "m": flat + 10})[2]["m"][1] == 15


@pytest.mark.parametrize("layout", ["flat", "dict"])
def test_several_agents_with_candidates_see_their_own_and_what_else_they_know(layout):
    head = OptionsHead("pick", features(2))
    meadow = Meadow(MIXED[1:2], 1)
    spec = replace(meadow.spec, kinds=(AgentKind("cell", 2, features(1), (head,)),))
    now = meadow.reset(np.array([3]))
    now.obs = np.array([[[0.5], [-0.5]]], np.float32)
    now.mask = np.zeros((1, 2, 0), np.bool_)
    now.options = Options(
        np.array([[0.1, 0.2], [0.3, 0.4], [0.5, 0.6]], np.float32),
        np.array([0, 1, 3]),
        np.arange(3, dtype=np.int32),
    )
    config = AdapterConfig(cap=2, layout=layout, compress=False)
    view = KindView(spec, 0, spec.choice_starts, config)
    slots = view.slots(pad(now.options, 2, None), 2)
    legal = view.legal(now, slots)

    seen = view.seen(now, slots, legal)

    np.testing.assert_array_equal(legal, [[True, False], [True, True]])
    if layout == "flat":
        np.testing.assert_allclose(seen, [[0.5, 0.1, 0.2, 0, 0], [-0.5, 0.3, 0.4, 0.5, 0.6]])
    else:
        np.testing.assert_allclose(seen["agent"][:, 0], [0.5, -0.5])
        np.testing.assert_allclose(seen["observations"][1], [[0.3, 0.4], [0.5, 0.6]])
    assert row_of(seen, 0) in view.observation_space
