# SPDX-License-Identifier: MIT
"""Adversaries: what they propose, how the disturbance helps them, and what they do to the sensors.

B copies · D values · M signals · P pieces of a step · W disturbances. Every adversary knows the
true state, the limits and the model. Sensors fail whenever the gate still has a plan to go on with,
and come back when it ends: that is the measurement interval of the proofs.
"""

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from flyball.core.batch import Action, Bools, Doubles, Observation

PROBES = 3
"""Steps of the gradient adversary uphill."""


class Scene(NamedTuple):
    """What an adversary looks at."""

    rng: np.random.Generator
    state: Doubles  # (B, X) true
    low: Doubles  # (D,)
    high: Doubles  # (D,)
    model: Any
    step_s: float
    k: int  # decisions since the start
    past: list[Doubles]  # proposals made before, the newest last
    seen: list[Doubles]  # true states before, the newest last


def random(scene: Scene) -> Doubles:
    """Propose anything within twice the range."""
    middle, half = 0.5 * (scene.low + scene.high), scene.high - scene.low
    return scene.rng.uniform(middle - half, middle + half, (len(scene.state), len(middle)))


def bang_bang(scene: Scene) -> Doubles:
    """Propose one end of the range for a while, then the other; each copy in its own rhythm."""
    n = len(scene.state)
    period = 1 + np.arange(n) % 23
    up = ((scene.k // period + np.arange(n) // 23) % 2 == 0)[:, None]
    flipped = (np.arange(n)[:, None] >> np.arange(len(scene.low))) & 1 == 1
    return np.where(up ^ flipped, scene.high, scene.low)


def gradient(scene: Scene) -> Doubles:
    """Climb the model's margin downhill by signs of differences, from the middle."""
    state = scene.state
    value = np.tile(0.5 * (scene.low + scene.high), (len(state), 1))
    step = 0.5 * (scene.high - scene.low)
    for _ in range(PROBES):
        slope = np.zeros_like(value)
        for d in range(value.shape[1]):
            nudge = np.zeros(value.shape[1])
            nudge[d] = 0.05 * (scene.high - scene.low)[d]
            ends = [
                scene.model.reach(
                    state, state, np.clip(value + s, scene.low, scene.high), scene.step_s
                )
                for s in (nudge, -nudge)
            ]
            slope[:, d] = ends[0].margin - ends[1].margin
        flat = slope == 0.0
        away = np.where(flat, scene.rng.choice([-1.0, 1.0], slope.shape), np.sign(slope))
        value = np.clip(value - step * np.nan_to_num(away), scene.low, scene.high)
    return value


def replayed(scene: Scene) -> Doubles:
    """Propose what was proposed to another copy a while ago."""
    if len(scene.past) < 5:
        return bang_bang(scene)
    return np.roll(scene.past[-5], 1, axis=0)


def broken(scene: Scene) -> Doubles:
    """Propose what is no number, or none that a plant has seen."""
    odd = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, 5e-324, -1e308, 1e308])
    found = scene.rng.choice(odd, (len(scene.state), len(scene.low)))
    whole = scene.rng.random(len(scene.state)) < 0.3
    return np.where(whole[:, None], bang_bang(scene), found)


def delayed(scene: Scene) -> Doubles:
    """Propose the end of the range that was worst some decisions ago."""
    old = scene.seen[-6] if len(scene.seen) >= 6 else scene.state
    return gradient(scene._replace(state=old))


ATTACKS = {
    "random": random,
    "bang-bang": bang_bang,
    "gradient": gradient,
    "replayed": replayed,
    "broken": broken,
    "delayed": delayed,
}


def storm(rng: np.random.Generator, shape: tuple[int, int, int], k: int) -> Doubles:
    """Return the disturbance (B, P, W) as shares of its bound: each copy meets another kind."""
    n = np.arange(shape[0])[:, None, None]
    signs = rng.choice([-1.0, 1.0], shape)
    steady = np.where((n // 4 + k // 15) % 2 == 0, 1.0, -1.0) * np.ones(shape)
    waves = np.where(np.arange(shape[1])[:, None] % 2 == 0, 1.0, -1.0) * np.ones(shape)
    kinds = (steady, -steady, signs, waves)
    found = np.select(
        [n % 4 == kind for kind in range(4)], [np.broadcast_to(x, shape) for x in kinds]
    )
    return np.asarray(found)


def blurred(
    kind: str, rng: np.random.Generator, now: Observation, old: Doubles, planned: Bools
) -> Observation:
    """Return what is measured instead of the truth.

    Parameters
    ----------
    kind
        Of the adversary.
    rng
        Draws.
    now
        What there is to measure.
    old
        (B, M) what was measured before.
    planned
        (B,) which copies can do without a measurement.
    """
    if kind not in ("broken", "delayed"):
        return now
    hit: Bools = (rng.random(len(planned)) < 0.6) & planned
    signals, age_s = now.signals.copy(), now.age_s.copy()
    if kind == "broken":
        signals[hit] = rng.choice([np.nan, np.inf, -np.inf], signals.shape)[hit]
    else:
        signals[hit], age_s[hit] = old[hit], 1.0
    return replace(now, signals=signals, age_s=age_s)


def action_of(value: Doubles, observation: Observation) -> Action:
    """Return values (B, D) as the action of one agent."""
    n_envs = len(value)
    heads = observation.mask.shape[2] > 0
    return Action(np.zeros((n_envs, 1, int(heads)), np.int32), value[:, None])
