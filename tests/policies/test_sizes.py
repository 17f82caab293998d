# SPDX-License-Identifier: MIT
import numpy as np
import pytest

from flyball.core.errors import ConfigError
from flyball.core.spec import (
    AgentKind,
    Categorical,
    Feature,
    Hybrid,
    Objective,
    OptionsHead,
    Spec,
    TanhGaussian,
)
from flyball.policies.choosing import active_dims
from flyball.policies.sizes import action_of, native, sizes_of

X, Y = Feature("x", "-", 0, 1), Feature("y", "-", 0, 1)
VALVE, PUMP = TanhGaussian("valve", "%", 0, 100), TanhGaussian("pump", "rpm", -10, 30)


def spec(*kinds):
    return Spec("plant", 1, kinds, (Objective("gain", "eur", "max"),), ())


def test_kinds_share_the_widest_features_and_the_widest_head_at_each_place():
    speaker = AgentKind("speaker", 1, (X,), (Categorical("say", 3),))
    mover = AgentKind("mover", 2, (X, Y), (Categorical("move", 5), Categorical("lift", 2)))

    sizes = sizes_of(spec(speaker, mover))

    assert sizes.n_obs == 2
    assert sizes.actions == (5, 2)
    assert (sizes.n_agents, sizes.n_index, sizes.n_heads) == (3, 3, 2)


def test_a_latent_of_zero_is_the_middle_of_the_range_and_far_out_lies_a_bound():
    sizes = sizes_of(spec(AgentKind("plant", 1, (X,), (VALVE, PUMP))))

    value = native(np.array([[0.0, 0.0], [50.0, -50.0]], np.float32), sizes)

    np.testing.assert_array_equal(value[:, 0], [[50.0, 10.0], [100.0, -10.0]])


def test_rounding_never_takes_a_saturated_value_beyond_its_bound():
    rng = np.random.default_rng(0)
    for low, high in np.sort(rng.normal(size=(200, 2)) * 10.0 ** rng.integers(-3, 6, (200, 1))):
        sizes = sizes_of(spec(AgentKind("one", 1, (X,), (TanhGaussian("v", "m", low, high),))))

        value = native(np.array([[-50.0], [50.0]], np.float32), sizes)

        assert value.min() == low
        assert high - 1e-9 * (high - low) <= value.max() <= high


def test_kinds_keep_their_own_bounds():
    one = AgentKind("one", 1, (X,), (VALVE,))
    two = AgentKind("two", 1, (X,), (PUMP,))

    action = action_of(
        np.zeros((4, 0), np.int64), np.zeros((4, 1), np.float32), sizes_of(spec(one, two))
    )

    assert action.value[:, :, 0].tolist() == [[50.0, 10.0], [50.0, 10.0]]
    assert action.choice.shape == (2, 2, 0)


def test_a_hybrid_choice_uses_the_dims_that_it_names_and_those_that_no_choice_names():
    mode = Hybrid("mode", 3, ((), ("valve",), ("valve",)))
    sizes = sizes_of(spec(AgentKind("plant", 1, (X,), (mode, VALVE, PUMP))))

    used = active_dims(np.array([[0], [1]]), sizes)

    assert used.tolist() == [[False, True], [True, True]]


def test_flat_choices_take_the_shape_of_the_contract():
    two = AgentKind("two", 2, (X,), (Categorical("act", 6),))

    action = action_of(np.arange(6)[:, None], np.zeros((6, 0), np.float32), sizes_of(spec(two)))

    assert action.choice.shape == (3, 2, 1)
    assert action.choice.dtype == np.int32
    assert action.value.shape == (3, 2, 0)


def test_an_options_head_beside_another_head_is_refused():
    both = AgentKind("cell", 1, (), (OptionsHead("job", (X,)), VALVE))

    with pytest.raises(ConfigError, match="world plant: 1 agent kinds, heads OptionsHead, Tanh"):
        sizes_of(spec(both))


def test_two_kinds_with_hybrid_heads_are_refused():
    mode = Hybrid("mode", 2, ((), ("valve",)))
    kind = AgentKind("plant", 1, (X,), (mode, VALVE))

    with pytest.raises(ConfigError, match="one kind with one Hybrid head"):
        sizes_of(spec(kind, AgentKind("other", 1, (X,), (mode, VALVE))))
