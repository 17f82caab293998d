# SPDX-License-Identifier: MIT
"""Polytopes that are found, beside the largest sets that are known."""

import numpy as np
import pytest

from flyball.core.envelope import Affine
from flyball.core.errors import SolverError
from flyball.safety.certificates.mixing import PolytopeBackup
from flyball.safety.certificates.narrowing import (
    Rows,
    Search,
    narrowed,
    projected,
    proved,
    roomiest,
    trimmed,
)
from flyball.safety.certificates.polytopes import Plant, refuted
from tests.safety.certificates.toys import (
    Carriage,
    Stepped,
    attacked,
    box_of,
    carriage_search,
    unstable,
)

ONE = np.ones(1)


def plant_of(search, model):
    return Plant(search.within[-1], model, search.error, search.low, search.high)


def test_an_unstable_plant_is_kept_in_nearly_all_of_its_known_interval():
    affine, model, most = unstable()
    facets, bounds = box_of([-10.0], [10.0])
    search = Search((affine,), facets, bounds, -ONE, ONE, np.zeros(1), contraction=0.995)

    found = proved(search, plant_of(search, model))

    assert 0.95 * most <= found.bounds.min() <= found.bounds.max() <= most


@pytest.mark.parametrize(("step_s", "share"), [(0.5, 0.97), (0.1, 0.94)])
def test_a_carriage_is_kept_within_its_parabolas_and_in_most_of_them(step_s, share):
    carriage = Carriage()
    search = carriage_search(carriage, step_s)

    found = proved(search, plant_of(search, carriage))

    state = np.random.default_rng(0).uniform(-1.0, 1.0, (100_000, 2))
    kept, known = (state @ found.facets.T <= found.bounds).all(1), carriage.can_stop(state)
    assert not (kept & ~known).any()
    assert kept.sum() >= share * known.sum()


def test_an_error_of_measurement_makes_the_set_smaller_but_not_empty():
    carriage = Carriage()
    search = carriage_search(carriage, 0.1)
    doubtful = search._replace(error=np.array([0.005, 0.005]))
    state = np.random.default_rng(0).uniform(-1.0, 1.0, (20_000, 2))

    sizes = [
        (state @ found.facets.T <= found.bounds).all(1).sum()
        for found in (proved(own, plant_of(own, carriage)) for own in (search, doubtful))
    ]

    assert 0.5 * sizes[0] < sizes[1] < sizes[0]


@pytest.fixture(scope="module")
def doubtful():
    """Return a carriage that is measured badly, a search, and what was found with a small sway."""
    carriage = Carriage()
    error = np.array([0.005, 0.01])
    search = carriage_search(carriage, 0.1, contraction=0.998, depth=0.0005, most_facets=200)
    search = search._replace(error=error)
    own = search._replace(sway=np.array([0.1]))
    return carriage, search, proved(own, plant_of(own, carriage))


def test_a_set_that_reckons_with_how_little_a_value_changes_is_larger(doubtful):
    carriage, search, found = doubtful
    state = np.random.default_rng(0).uniform(-1.0, 1.0, (20_000, 2))

    plain = proved(search, plant_of(search, carriage))

    sizes = [
        (state @ each.facets.T <= each.bounds).all(1).sum() / carriage.can_stop(state).sum()
        for each in (plain, found)
    ]
    assert sizes[1] > sizes[0] + 0.05
    assert refuted(found, plant_of(search, carriage)) == ""


def test_whoever_is_somewhere_in_a_box_of_the_set_is_in_a_box_of_the_set_after_the_step(doubtful):
    carriage, search, found = doubtful
    rng = np.random.default_rng(1)
    backup = PolytopeBackup(found, -ONE, ONE)
    middle = rng.uniform(-1.0, 1.0, (100_000, 2))
    half = search.error * rng.uniform(0.0, 1.0, (len(middle), 2))
    low, high = middle - half, middle + half
    inside = backup.margin(low, high) >= 0.0

    after = carriage.reach(low[inside], high[inside], backup.value(low, high)[inside], 0.1)

    assert inside.sum() > 20_000
    assert (backup.margin(after.low, after.high) >= 0.0).all()
    assert (after.margin >= 0.0).all()


def test_no_attacker_who_measures_and_pushes_as_he_likes_leads_it_out(doubtful):
    carriage, search, found = doubtful
    backup = PolytopeBackup(found, -ONE, ONE)
    rng = np.random.default_rng(2)
    state = rng.uniform(-1.0, 1.0, (20_000, 2))
    start = state[backup.margin(state, state) >= 0.0][:3000]
    # And from the corners themselves.
    start = np.concatenate((start, backup.points * (1.0 - 1e-12)))

    assert attacked(carriage, backup, start, search.error, 0.1, 60, rng) <= 0.0


def test_dead_time_is_proved_with_the_values_under_way_as_states():
    # y' = 1.1 y + 0.4 u two steps late: it runs away unless what is under way is heeded.
    a = np.array([[1.1, 0.4, 0.0], [0.0, 0.0, 1.0], [0.0, 0.0, 0.0]])
    affine = Affine(
        1.0, a, np.array([[0.0], [0.0], [1.0]]), np.zeros(3), np.array([0.02, 0, 0]), exact=True
    )
    facets, bounds = box_of([-1.0, -1.0, -1.0], [1.0, 1.0, 1.0])
    model = Stepped(affine, [-1.0, -1.0, -1.0], [1.0, 1.0, 1.0])
    search = Search((affine,), facets, bounds, -ONE, ONE, np.zeros(3), contraction=0.95)

    found = proved(search, plant_of(search, model))

    assert found.facets.shape[1] == 3
    assert refuted(found, plant_of(search, model)) == ""
    # With the largest push backwards under way, y = 1 comes back; with one forwards it does not.
    ahead = np.array([[0.9, -0.9, -0.9], [0.9, 0.9, 0.9]])
    inside = (ahead @ found.facets.T <= found.bounds).all(1)
    assert inside.tolist() == [True, False]


def test_two_values_at_once_are_projected_away():
    a = np.array([[1.2, 0.3], [-0.2, 1.1]])
    affine = Affine(1.0, a, np.eye(2), np.zeros(2), np.array([0.05, 0.05]), exact=True)
    facets, bounds = box_of([-2.0, -2.0], [2.0, 2.0])
    model = Stepped(affine, [-2.0, -2.0], [2.0, 2.0])
    half = np.full(2, 0.5)
    search = Search((affine,), facets, bounds, -half, half, np.zeros(2))

    found = proved(search, plant_of(search, model))

    assert refuted(found, plant_of(search, model)) == ""
    assert (np.abs(found.values) <= 0.5).all()


def test_a_disturbance_stronger_than_the_values_leaves_nothing():
    affine, model, _ = unstable(value=1.0, wind=1.1)
    facets, bounds = box_of([-10.0], [10.0])
    search = Search((affine,), facets, bounds, -ONE, ONE, np.zeros(1))

    with pytest.raises(SolverError, match=r"no state is left.*fix: allow less disturbance"):
        proved(search, plant_of(search, model))


def test_more_facets_than_allowed_are_refused_in_words():
    search = carriage_search(Carriage(), 0.1, most_facets=8)

    with pytest.raises(SolverError, match=r"\d+ facets would be needed"):
        narrowed(search)


def test_a_projection_keeps_exactly_the_states_for_which_a_value_exists():
    rng = np.random.default_rng(1)
    rows = Rows(rng.normal(size=(7, 2)), rng.normal(size=(7, 2)), rng.uniform(0.2, 1.0, 7))
    box = Rows(np.zeros((4, 2)), *box_of([-1.0, -1.0], [1.0, 1.0]))
    rows = Rows(*(np.concatenate(pair) for pair in zip(rows, box, strict=True)))

    shadow = projected(rows)

    grid = np.stack(np.meshgrid(*[np.linspace(-1, 1, 101)] * 2), -1).reshape(-1, 2)
    some = 0
    for state in rng.uniform(-1.5, 1.5, (100, 2)):
        room = (rows.bound - rows.by_state @ state - grid @ rows.by_value.T).min(1).max()
        inside = (shadow.bound - shadow.by_state @ state).min()
        some += room > 0.0
        if abs(room) > 0.06:  # the grid of values is 0.02 wide
            assert (inside >= 0.0) == (room > 0.0)
    assert 10 < some < 90


def test_the_value_of_a_corner_has_the_most_room():
    rows = Rows(np.zeros((2, 1)), np.array([[1.0], [-1.0]]), np.array([0.6, 0.2]))

    found = roomiest(rows, np.zeros(1), -ONE, ONE)

    assert found[0] == pytest.approx(0.2, abs=1e-6)


def test_facets_that_touch_nothing_are_taken_out():
    facets, bounds = box_of([-1.0, -1.0], [1.0, 1.0])
    facets = np.concatenate((facets, [[1.0, 1.0], [1.0, 0.0]]))

    shape = trimmed(facets, np.append(bounds, [2.5, 3.0]))

    assert len(shape.facets) == 4
    assert sorted(map(tuple, shape.points.round(9))) == [(-1, -1), (-1, 1), (1, -1), (1, 1)]
