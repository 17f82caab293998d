# SPDX-License-Identifier: MIT
"""One adversary against one plant behind some layers: how often a limit was broken, and how deep.

Breaches are those that the plant itself counts: at every time, between samples too. Copies start
anywhere in what is certified, every other one on its border.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from adversary.attacks import ATTACKS, Scene, action_of, blurred, storm
from flyball.core.batch import Doubles, Observation
from flyball.core.envelope import Envelope
from flyball.core.limits import Barrier, Box
from flyball.safety import Shield, ShieldConfig
from flyball.safety.gate import LOST, Gate

SPELL = 60
"""Decisions between two starts."""

Layers = Callable[[Any, Envelope, int, float], Shield | None]


def whole(spec: Any, envelope: Envelope, n_envs: int, step_s: float) -> Shield:
    """Filter and gate."""
    return Shield(spec, envelope, n_envs=n_envs, step_s=step_s)


def ungated(spec: Any, envelope: Envelope, n_envs: int, step_s: float) -> Shield:
    """Filter with hard barriers, without a gate."""
    hard = tuple(replace(x, severity="hard", price=0.0) for x in envelope.limits)
    config = ShieldConfig(gate=False)
    return Shield(spec, envelope, n_envs=n_envs, step_s=step_s, limits=hard, config=config)


def soft(spec: Any, envelope: Envelope, n_envs: int, step_s: float) -> Shield:
    """Filter whose barriers have slack at a price, as textbook programs have."""
    limits = tuple(
        replace(x, severity="soft", price=10.0) if isinstance(x, Barrier) else x
        for x in envelope.limits
    )
    config = ShieldConfig(gate=False)
    return Shield(spec, envelope, n_envs=n_envs, step_s=step_s, limits=limits, config=config)


def clipped(spec: Any, envelope: Envelope, n_envs: int, step_s: float) -> Shield:
    """Ranges of values only."""
    limits = tuple(x for x in envelope.limits if isinstance(x, Box))
    config = ShieldConfig(gate=False)
    return Shield(spec, envelope, n_envs=n_envs, step_s=step_s, limits=limits, config=config)


LAYERS: dict[str, Layers] = {
    "filter and gate": whole,
    "gate off": ungated,
    "soft program": soft,
    "clip": clipped,
}


class Outcome(NamedTuple):
    """What came of a trial."""

    steps: int
    breaches: int  # steps within which a hard limit was broken
    deepest: float  # as a share of the limit
    lost: int  # decisions outside of everything certified
    changed: int  # steps in which something else was applied


def starts(
    rng: np.random.Generator, envelope: Envelope, ranges: tuple[Doubles, Doubles], n: int
) -> Doubles:
    """Return states (n, X): half of them anywhere in the safe set, half on its border."""
    low, high, error = *ranges, np.array(envelope.error)

    def inside(state: Doubles) -> Any:
        # A measurement of it may be off by the error, and what is seen must be certified.
        return envelope.safe.margin(state - 2 * error, state + 2 * error) >= 0.0  # type: ignore[union-attr]

    found = np.empty((0, len(low)))
    while len(found) < n:
        drawn = rng.uniform(low, high, (4 * n, len(low)))
        found = np.concatenate((found, drawn[inside(drawn)]))
    found = found[:n]
    outside = rng.uniform(2 * low - high, 2 * high - low, found.shape)
    near, far = found.copy(), outside
    for _ in range(30):
        middle = 0.5 * (near + far)
        kept = inside(middle)[:, None]
        near, far = np.where(kept, middle, near), np.where(kept, far, middle)
    found[::2] = near[::2]
    return found


def place(env: Any, state: Doubles) -> Observation:
    """Put every copy into a state (B, X) and forget what was counted."""
    kept = env.snapshot()
    kept["real"][:, : state.shape[1]] = state
    kept["last"][:], kept["sums"][:] = 0.0, 0.0
    observation: Observation = env.restore(kept)
    return observation


class Trial(NamedTuple):
    """What is tried."""

    env: Any
    envelope: Envelope
    ranges: tuple[Doubles, Doubles]  # of the states that are drawn
    layers: str
    attack: str
    seed: int


def run(trial: Trial, n_steps: int) -> Outcome:
    """Attack until `n_steps` steps of all copies together are done."""
    env, envelope, rng = trial.env, trial.envelope, np.random.default_rng(trial.seed)
    b, step_s = env.n_envs, env.scenario.step_s
    shield = LAYERS[trial.layers](env.spec, envelope, b, step_s)
    low, high = (np.array([getattr(v, side) for v in shield.values]) for side in ("low", "high"))
    steps = breaches = lost = changed = 0
    deepest, now_s, x = 0.0, np.zeros(b), len(envelope.signals)
    env.reset(np.arange(b))
    while steps < n_steps:
        observation = place(env, starts(rng, envelope, trial.ranges, b))
        shield.begin(now_s)
        before = observation.signals
        scene = Scene(
            rng, env.state.real[:, :x].copy(), low, high, envelope.model, step_s, 0, [], []
        )
        for k in range(SPELL):
            scene = scene._replace(state=env.state.real[:, :x].copy(), k=k)
            wish = ATTACKS[trial.attack](scene)
            scene.past.append(wish)
            scene.seen.append(scene.state)
            if k:
                gate = shield.gate
                planned = gate.used < gate.ticks if isinstance(gate, Gate) else np.ones(b, np.bool_)
                observation = blurred(trial.attack, rng, observation, before, planned)
            found = shield.correct(observation, action_of(wish, observation), now_s)
            env.disturb(storm(rng, (b, env.scenario.n_changes, env.scenario.n_winds), k))
            step = env.step(found.action)
            now_s = now_s + step_s
            steps += b
            breaches += int((step.cost > 0.0).any(1).sum())
            lost += int((found.gated == LOST).sum())
            changed += int(found.changed.sum())
            deepest = max(deepest, float(env.state.sums[:, 1].max()))
            before, observation = observation.signals, step.observation
            if step.terminated.any():
                break
    return Outcome(steps, breaches, deepest, lost, changed)
