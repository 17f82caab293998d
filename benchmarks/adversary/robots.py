# SPDX-License-Identifier: MIT
"""Robots that cross: adversaries want them to meet, a pilot wants them to arrive."""

from typing import Any, NamedTuple

import numpy as np

from flyball.core.batch import Action, Doubles, Observation
from flyball.core.envelope import Envelope
from flyball.core.protocols import Policy
from flyball.safety import Shield, ShieldConfig
from flyball.safety.gate import LOST


class Crossing(NamedTuple):
    """What came of robots that crossed."""

    robot_steps: int
    breaches: int  # steps within which two bodies were too near, or one too fast
    smallest_m: float  # distance of two bodies at any time
    lost: int
    changed: int
    reached: float  # share at their goal in the end
    deadlocked: float  # robots without progress away from their goal in the end, per episode
    episodes: int


def wish_of(
    attack: str, rng: np.random.Generator, state: Doubles, k: int, past: list[Doubles]
) -> Doubles:
    """Return accelerations (B, N, 2) that bring robots together; state is (B, N, 4)."""
    place, n = state[..., :2], state.shape[1]
    if attack == "random":
        return rng.normal(0.0, 8.0, place.shape)
    if attack == "bang-bang":
        signs = np.where((np.arange(n) + k // (1 + np.arange(n) % 17)) % 2 == 0, 1.0, -1.0)
        return 5.0 * signs[:, None] * np.ones_like(place)
    if attack == "broken":
        odd = np.array([np.nan, np.inf, -np.inf, -0.0, 5e-324, 1e308, 5.0, -5.0])
        return rng.choice(odd, place.shape)
    if attack == "replayed" and len(past) >= 5:
        return np.roll(past[-5], 1, axis=1)
    if attack == "delayed" and len(past) >= 5:
        return past[-5]
    # The steepest way together: to the nearest other one for some, to the middle for the rest.
    gaps = place[:, :, None] - place[:, None]
    far = np.linalg.norm(gaps, axis=-1) + 1e9 * np.eye(n)
    nearest = np.take_along_axis(place, far.argmin(2)[..., None].repeat(2, -1), 1)
    target = np.where((np.arange(n) % 3 == 0)[:, None], place.mean(1, keepdims=True), nearest)
    return 50.0 * (target - place)


def run(
    env: Any,
    envelope: Envelope,
    *,
    pilot: Policy | str,
    config: ShieldConfig,
    seed: int,
    n_steps: int,
) -> Crossing:
    """Fly until `n_steps` steps of all robots together are done, or whole episodes with a pilot."""
    rng, b, n = np.random.default_rng(seed), env.n_envs, env.spec.n_agents
    shield = Shield(env.spec, envelope, n_envs=b, step_s=env.scenario.step_s, config=config)
    observation = env.reset(seed * 1000 + np.arange(b))
    now_s, done, breaches, lost, changed, k = np.zeros(b), 0, 0, 0, 0, 0
    shield.begin(now_s)
    past: list[Doubles] = []
    outcomes: list[Doubles] = []
    smallest = np.inf
    names = [kpi.name for kpi in env.spec.kpis]
    memory = pilot.initial(b) if not isinstance(pilot, str) else np.zeros((b, 0), np.float32)
    while done < n_steps:
        action, memory = _asked(pilot, rng, observation, memory, k, past)
        found = shield.correct(observation, action, now_s)
        wind = rng.choice([-1.0, 1.0], (b, env.scenario.n_changes, env.scenario.n_winds))
        env.disturb(wind)
        step = env.step(found.action)
        now_s, done, k = now_s + env.scenario.step_s, done + b * n, k + 1
        breaches += int((step.cost > 0.0).any(1).sum())
        lost += int((found.gated == LOST).sum())
        changed += int(found.changed.sum())
        observation = step.observation
        ended = step.terminated | step.truncated
        if ended.any():
            outcomes += list(step.outcome[ended])
            shield.begin(now_s, ended)
    table = np.array(outcomes).reshape(-1, len(names))
    own = {name: table[:, c] for c, name in enumerate(names)}
    if len(table):
        smallest = float(own["smallest_separation"].min())
    return Crossing(
        done,
        breaches,
        smallest,
        lost,
        changed,
        float(own["reached"].mean()) if len(table) else np.nan,
        float(own["deadlocked"].mean()) if len(table) else np.nan,
        len(table),
    )


def _asked(
    pilot: Policy | str,
    rng: np.random.Generator,
    observation: Observation,
    memory: Any,
    k: int,
    past: list[Doubles],
) -> tuple[Action, Any]:
    """Return what is proposed, and the pilot's memory."""
    if not isinstance(pilot, str):
        action, _, memory = pilot.act(observation, memory, None)
        return action, memory
    b, n = observation.alive.shape
    wish = wish_of(pilot, rng, observation.signals.reshape(b, n, 4), k, past)
    past.append(wish)
    del past[:-6]
    return Action(np.zeros((b, n, 0), np.int32), wish), memory
