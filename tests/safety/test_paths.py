# SPDX-License-Identifier: MIT
"""Paths against plain tick-by-tick motion, and the distance of two against dense samples."""

import numpy as np
import pytest

from flyball.safety.paths import Path, Rules, apart, chart, compatible

RULES = Rules(0.1, 5.0, 12.0, 5.4)


def empty(n, n_dims=2):
    shape = (n, 4, n_dims)
    return Path(np.zeros((n, 4)), np.zeros(shape), np.zeros(shape), np.zeros(shape))


def ticked(place, speed, push, rules, n_ticks):
    """Return places (n_ticks + 1, K) of a body that takes a step and then brakes every tick."""
    places, p, v, a = [place], place, speed, push
    for _ in range(n_ticks):
        p, v = p + v * rules.step_s + 0.5 * a * rules.step_s**2, v + a * rules.step_s
        fast = np.linalg.norm(v)
        a = -v / max(fast, 1e-300) * min(rules.acceleration, fast / rules.step_s)
        places.append(p)
    return np.array(places)


def at(paths, i, time):
    """Return the place of a path at a time."""
    piece = int(np.searchsorted(paths.start[i], time, side="right")) - 1
    s = time - paths.start[i, piece]
    return paths.place[i, piece] + paths.speed[i, piece] * s + 0.5 * paths.push[i, piece] * s**2


@pytest.mark.parametrize("seed", range(20))
def test_a_path_is_what_stepping_and_braking_tick_by_tick_leads_through(seed):
    rng = np.random.default_rng(seed)
    rules = RULES._replace(step_s=rng.choice([0.02, 0.1, 0.5]))
    place, speed, push = rng.normal(0, 50, 2), rng.normal(0, 6, 2), rng.normal(0, 3, 2)
    paths = empty(1)

    length = chart(paths, 0, place, speed, push, rules)
    ticks = ticked(place, speed, push, rules, 300 if rules.step_s < 0.1 else 80)

    for k, expected in enumerate(ticks):
        np.testing.assert_allclose(at(paths, 0, (k + 1e-9) * rules.step_s), expected, atol=1e-6)
    np.testing.assert_allclose(paths.place[0, 3], ticks[-1], atol=1e-9)
    assert np.linalg.norm(ticks - place, axis=1).max() <= length + 1e-9


def test_a_body_at_rest_stays():
    paths = empty(1)

    chart(paths, 0, np.ones(2), np.zeros(2), np.zeros(2), RULES)

    np.testing.assert_array_equal(paths.place[0], 1.0)
    assert not paths.speed.any()
    assert np.isfinite(paths.push).all()


@pytest.mark.parametrize("seed", range(300))
def test_two_bodies_are_called_apart_only_if_no_sample_is_nearer(seed):
    rng = np.random.default_rng(seed)
    place, speed, push = rng.normal(0, 8, 2), rng.normal(0, 5, 2), rng.normal(0, 5, 2)
    span, times = 2.0, np.linspace(0, 2.0, 4001)[:, None]
    nearest = np.linalg.norm(place + speed * times + 0.5 * push * times**2, axis=1).min()

    for least in (nearest - 1e-3, nearest - 0.5):
        if least > 0.0:
            assert apart(place, speed, push, span, least)
    assert not apart(place, speed, push, span, nearest + 1e-9)
    assert not apart(place * np.nan, speed, push, span, 1.0)


@pytest.mark.parametrize("seed", range(40))
def test_whole_paths_are_compatible_exactly_where_they_keep_apart(seed):
    rng = np.random.default_rng(seed)
    paths = empty(2)
    for i in range(2):
        chart(paths, i, rng.normal(0, 10, 2), rng.normal(0, 6, 2), rng.normal(0, 3, 2), RULES)
    times = np.arange(0.0, paths.start.max() + 0.2, 1e-3)
    nearest = min(np.linalg.norm(at(paths, 0, t) - at(paths, 1, t)) for t in times)

    assert compatible(paths, 0, paths, 1, nearest - 0.01) == (nearest > 0.01) or nearest <= 0.01
    assert not compatible(paths, 0, paths, 1, nearest + 1e-9)
    assert compatible(paths, 0, paths, 1, 2.0) == compatible(paths, 1, paths, 0, 2.0)
