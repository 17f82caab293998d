# SPDX-License-Identifier: MIT
import pytest

from flyball.core.errors import ConfigError
from flyball.worlds.classics import games, scenario


@pytest.mark.parametrize(
    ("name", "settings", "words"),
    [
        ("bandit", {"means": ()}, r"bandit\.means: \(\(\),\); allowed: rows of"),
        ("bandit", {"means": ((1.0, 2.0), (3.0,))}, "rows of equally many"),
        ("bandit", {"means": ((1.0, 2.0), 3.0)}, "rows of equally many"),
        ("bandit", {"pays": "late"}, r"bandit\.pays: late; allowed: fixed, bernoulli, normal"),
        ("bandit", {"means": (1.5,), "pays": "bernoulli"}, "0 to 1 for bernoulli"),
        ("bandit", {"noise": -1.0}, r"bandit\.noise"),
        ("two-step", {"payoff": ((1, 2, 3), (4, 5, 6))}, "two rows of two"),
        ("matrix", {"game": "chess"}, r"matrix\.game: chess; allowed: climbing, penalty, monotone"),
        ("matrix", {"penalty": -1.0}, r"matrix\.penalty"),
        ("matrix", {"payoff": ((1, 2), (3,))}, "rows of equally many finite"),
        ("matrix", {"steps": 0}, r"matrix\.steps: 0"),
        ("matrix", {"steps": "many"}, r"matrix\.steps: many"),
        ("matrix", {"payoff": "high"}, r"matrix\.payoff: high"),
        ("matrix", {"payoff": (("a", 1), (2, 3))}, r"matrix\.payoff"),
        ("matrix", {"penalty": float("inf")}, r"matrix\.penalty: inf"),
        ("two-step", {"safe": float("nan")}, r"two-step\.safe: nan"),
        ("masked-multi", {"actions": (2.5, 3)}, r"masked-multi\.actions"),
        ("bandit", {"means": (1.0, float("nan"))}, r"bandit\.means"),
        ("masked", {"actions": 0}, r"masked\.actions"),
        ("masked", {"actions": 5, "forbidden": 5}, r"masked\.forbidden: 5; allowed: 0 to 4"),
        ("masked", {"steps": 0}, r"masked\.steps"),
        ("masked-multi", {"actions": ()}, r"masked-multi\.actions"),
        ("masked-multi", {"actions": (2, 2), "forbidden": 3}, "0 to 2"),
        ("constant", {"steps": 0}, r"constant\.steps"),
        ("counter", {"mean_steps": 0}, r"counter\.mean_steps"),
    ],
)
def test_a_setting_out_of_range_is_refused(name, settings, words):
    with pytest.raises(ConfigError, match=words):
        scenario(name, **settings)


def test_a_bandit_without_rows_has_one_context():
    params = scenario("bandit", means=(1.0, 2.0, 3.0)).params

    assert (params[games.N_CONTEXTS], params[games.N_ARMS]) == (1, 3)


def test_a_bandit_with_rows_sees_its_context_one_hot():
    problem = scenario("bandit", means=((1.0, 2.0), (3.0, 4.0), (5.0, 6.0)))

    (kind,) = problem.spec.kinds
    assert len(kind.features) == 3
    assert kind.heads[0].n == 2


@pytest.mark.parametrize(
    ("settings", "steps"),
    [
        ({}, 25),
        ({"game": "penalty"}, 25),
        ({"game": "monotone"}, 1),
        ({"payoff": ((1.0, 2.0), (3.0, 4.0))}, 1),
        ({"game": "monotone", "steps": 25}, 25),
        ({"game": "climbing", "steps": 1}, 1),
    ],
)
def test_climbing_and_penalty_take_25_steps_and_other_games_one(settings, steps):
    assert scenario("matrix", **settings).time_limit == steps


def test_players_with_different_numbers_of_actions_are_two_kinds():
    kinds = scenario("matrix", payoff=((1, 2, 3), (4, 5, 6))).spec.kinds

    assert [(kind.count, kind.heads[0].n) for kind in kinds] == [(1, 2), (1, 3)]
