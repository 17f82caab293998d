# SPDX-License-Identifier: MIT
"""Bodies that try to meet never come nearer than they may, between samples too."""

import numpy as np
import pytest

from flyball.core.envelope import Bodies
from flyball.core.errors import ConfigError
from flyball.safety.gate import COMMITTED, EASED, LOST, PASSED, Region
from flyball.safety.separation import Rules, SeparationGate, tame

BODIES = Bodies(n=12, n_dims=2, acceleration=5.0, speed=12.0, separation=5.0, tube=0.2)
APART_M = 5.4


class Space:
    """References of N bodies that do what they are allowed to do."""

    def __init__(self, place, step_s, bodies=BODIES, speed=0.0):
        self.place, self.speed = place.copy(), np.zeros_like(place) + speed
        self.step_s, self.nearest, self.codes = step_s, np.inf, []
        self.gate = SeparationGate(bodies, n_envs=1, step_s=step_s)

    def state(self):
        return np.concatenate((self.place, self.speed), 1).reshape(1, -1)

    def step(self, wish, known=True):
        state = self.state() if known else np.full_like(self.state(), np.nan)
        gated = self.gate.decide(Region(state, state), wish, wish)
        for share in np.linspace(0.0, 1.0, 9):
            t = share * self.step_s
            place = self.place + self.speed * t + 0.5 * gated.applied * t * t
            gaps = np.linalg.norm(place[:, None] - place[None], axis=-1)
            self.nearest = min(self.nearest, gaps[np.triu_indices(len(place), 1)].min())
        self.place = place
        self.speed = self.speed + gated.applied * self.step_s
        self.codes.append(gated.code)
        return gated


def circle(n=12, radius=40.0):
    angle = 2 * np.pi * np.arange(n) / n
    return radius * np.stack((np.cos(angle), np.sin(angle)), -1)


def wishes(kind, space, rng, k):
    if kind == "crush":
        return 50.0 * (space.place.mean(0) - space.place)
    if kind == "random":
        return rng.normal(0, 20, space.place.shape)
    if kind == "bang-bang":
        return 5.0 * np.sign(rng.normal(size=space.place.shape)) * (-1) ** (k // 5)
    if kind == "chase":
        return 5.0 * (np.roll(space.place, 1, 0) - space.place)
    return rng.choice([np.nan, np.inf, -np.inf, 1e308, -0.0, 5e-324, 5.0], space.place.shape)


@pytest.mark.parametrize("step_s", [0.02, 0.1, 0.5])
@pytest.mark.parametrize("kind", ["crush", "random", "bang-bang", "chase", "broken"])
def test_no_wish_brings_two_bodies_nearer_than_they_may_be(kind, step_s):
    rng, space = np.random.default_rng(0), Space(circle(), step_s)
    for k in range(int(15.0 / step_s)):
        gated = space.step(wishes(kind, space, rng, k))
        assert np.isfinite(gated.applied).all()
        assert np.linalg.norm(gated.applied, axis=1).max() <= 5.0 + 1e-9
        assert np.linalg.norm(space.speed, axis=1).max() <= 12.0 + 1e-9
    assert space.nearest >= APART_M
    assert (np.array(space.codes) != LOST).all()


def test_what_is_far_from_everybody_passes_bit_for_bit():
    space, wish = Space(circle(radius=500.0), 0.1), np.random.default_rng(1).normal(size=(12, 2))

    gated = space.step(wish)

    assert (gated.code == PASSED).all()
    assert gated.applied.tobytes() == wish.tobytes()


def test_two_that_race_at_each_other_stop_and_the_third_goes_on():
    place = np.array([[0.0, 0.0], [60.0, 0.0], [0.0, 200.0]])
    space = Space(place, 0.1, Bodies(3, 2, 5.0, 12.0, 5.0, 0.2))
    for _ in range(80):
        space.step(np.array([[5.0, 0.0], [-5.0, 0.0], [0.0, 1.0]]))

    assert np.abs(space.speed[:2]).max() < 1e-6
    assert APART_M <= np.linalg.norm(space.place[0] - space.place[1]) < APART_M + 1.0
    assert space.speed[2, 1] > 5.0


def test_without_measurement_the_references_are_known_all_the_same():
    seen, blind = Space(circle(), 0.1), Space(circle(), 0.1)
    for k in range(60):
        wish = wishes("crush", seen, None, k)
        seen.step(wish)
        blind.step(wish, known=k == 0)

    np.testing.assert_allclose(seen.place, blind.place, atol=1e-9)
    assert blind.nearest >= APART_M


def test_beside_a_body_that_was_never_seen_the_others_brake_to_a_stop():
    place, speed = np.array([[0.0, 0.0], [90.0, 0.0], [40.0, 80.0]]), np.zeros((3, 2))
    speed[:2, 0] = 10.0, -10.0
    space = Space(place, 0.1, Bodies(3, 2, 5.0, 12.0, 5.0, 0.2), speed)
    for _ in range(30):
        seen = space.state()
        seen[0, 8:] = np.nan
        gated = space.gate.decide(Region(seen, seen), np.full((3, 2), 5.0), np.zeros((3, 2)))
        space.place = space.place + (space.speed + 0.05 * gated.applied) * 0.1
        space.speed = space.speed + gated.applied * 0.1
        assert (gated.code == LOST).all()
        assert np.linalg.norm(gated.applied, axis=1).max() <= 5.0
        assert not gated.applied[2].any()
        assert not gated.doubted.any()

    np.testing.assert_allclose(space.speed, 0.0, atol=1e-9)
    np.testing.assert_allclose(space.place[1, 0] - space.place[0, 0], 90.0 - 2 * 10.0, atol=1.0)


def test_a_reference_that_is_not_where_it_was_led_is_doubted():
    space = Space(circle(), 0.1)
    space.step(np.zeros((12, 2)))
    space.place[3] += 0.01

    assert np.flatnonzero(space.step(np.zeros((12, 2))).doubted).tolist() == [3]


def test_bodies_that_start_too_near_are_lost_and_get_apart():
    place = np.array([[0.0, 0.0], [3.0, 0.0], [50.0, 0.0]])
    space = Space(place, 0.1, Bodies(3, 2, 5.0, 12.0, 5.0, 0.2))

    first = space.step(np.zeros((3, 2)))

    assert first.code.tolist()[:2] == [LOST, LOST]
    assert first.code[2] in (PASSED, EASED)


def test_who_waited_longest_is_asked_first():
    place = np.array([[0.0, 0.0], [12.0, 0.0]])
    space = Space(place, 0.1, Bodies(2, 2, 5.0, 12.0, 5.0, 0.2))
    moved = np.zeros(2)
    for _ in range(200):
        gated = space.step(np.array([[5.0, 0.0], [-5.0, 0.0]]))
        moved += gated.code <= EASED
    assert moved.min() > 0
    assert (np.array(space.codes)[-20:] == COMMITTED).all()


@pytest.mark.parametrize("seed", range(30))
def test_a_tamed_wish_is_within_acceleration_and_speed_and_near(seed):
    rng, rules = np.random.default_rng(seed), Rules(0.1, 5.0, 12.0, 5.4)
    speed = rng.normal(size=2)
    speed *= rng.uniform(0, 12.0) / np.linalg.norm(speed)
    wish, out = rng.normal(0, 6, 2), np.empty(2)

    whole = tame(speed, wish, rules, out)

    assert np.linalg.norm(out) <= 5.0 + 1e-9
    assert np.linalg.norm(speed + out * 0.1) <= 12.0 + 1e-9
    kept = np.linalg.norm(wish) <= 5.0 and np.linalg.norm(speed + wish * 0.1) <= 12.0
    assert whole == kept
    assert not whole or out.tobytes() == wish.tobytes()


def test_a_snapshot_goes_back_bit_for_bit():
    space = Space(circle(), 0.1)
    for k in range(20):
        space.step(wishes("crush", space, None, k))
    kept, place, speed = space.gate.snapshot(), space.place.copy(), space.speed.copy()
    first = space.step(wishes("crush", space, None, 0)).applied.copy()

    space.gate.restore(kept)
    space.place, space.speed = place, speed

    np.testing.assert_array_equal(space.step(wishes("crush", space, None, 0)).applied, first)


def test_sizes_that_are_none_are_refused():
    with pytest.raises(ConfigError, match=r"bodies: .*acceleration nan"):
        SeparationGate(Bodies(2, 2, np.nan, 12.0, 5.0, 0.2), n_envs=1, step_s=0.1)


def test_who_is_too_fast_brakes_no_harder_than_it_can():
    speed, out = np.array([20.0, 0.0]), np.empty(2)

    whole = tame(speed, np.array([5.0, 0.0]), Rules(0.1, 5.0, 12.0, 5.4), out)

    assert not whole
    assert np.linalg.norm(out) <= 5.0 + 1e-9
    assert out[0] < 0.0
