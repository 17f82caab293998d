# SPDX-License-Identifier: MIT
"""Adversaries on a board with forbidden cells: they choose the moves and how each one slips.

The board is seen at every decision: its proof says nothing of one that is not.
"""

from typing import Any

import numpy as np

from adversary.trial import SPELL, Outcome
from flyball.core.batch import Action, Doubles, Ints, Longs
from flyball.core.envelope import Envelope
from flyball.safety import Shield
from flyball.safety.gate import LOST


def wishes(attack: str, rng: np.random.Generator, danger: Longs, past: list[Ints]) -> Ints:
    """Return moves (B,); some are none.

    Parameters
    ----------
    danger
        (B, A) steps from the worst outcome of each move to a forbidden cell.
    past
        Moves proposed before.
    """
    n, n_choices = danger.shape
    if attack == "broken":
        return rng.choice([-1, n_choices, 2**31 - 1, -(2**31), 0, 1], n).astype(np.int32)
    if attack == "random":
        return rng.integers(0, n_choices, n).astype(np.int32)
    if attack == "bang-bang":
        return (np.arange(n) % n_choices).astype(np.int32)
    if attack in ("replayed", "delayed") and len(past) >= 5:
        return np.roll(past[-5], 1 if attack == "replayed" else 0)
    return danger.argmin(1).astype(np.int32)


def away(following: Longs, forbidden: Any) -> Longs:
    """Return (S,) the least number of moves from each cell to a forbidden one."""
    steps = np.where(forbidden, 0, 10**6)
    while True:
        nearer = np.minimum(steps, 1 + steps[following].min((1, 2)))
        if (nearer == steps).all():
            return np.asarray(steps)
        steps = nearer


def run(
    env: Any,
    envelope: Envelope,
    attack: str,
    *,
    shielded: bool,
    seed: int,
    n_steps: int,
) -> Outcome:
    """Attack until `n_steps` steps of all copies together are done."""
    rng, b, finite = np.random.default_rng(seed), env.n_envs, envelope.finite
    shield = Shield(env.spec, envelope, n_envs=b, step_s=env.scenario.step_s)
    steps = away(finite.following, finite.forbidden)  # type: ignore[union-attr]
    winning = np.flatnonzero(envelope.safe.winning)  # type: ignore[union-attr]
    slip, done, breaches, lost, changed = env.scenario.plant.slip, 0, 0, 0, 0
    shares: Doubles = 2.0 * np.array([0.0, 1.0 - 0.75 * slip, 1.0 - 0.25 * slip]) - 1.0
    env.reset(np.arange(b))
    now_s = np.zeros(b)
    while done < n_steps:
        kept = env.snapshot()
        kept["whole"][:, 0] = rng.choice(winning, b)
        observation = env.restore(kept)
        shield.begin(now_s)
        past: list[Ints] = []
        for _ in range(SPELL):
            cell = env.state.whole[:, 0]
            danger = steps[finite.following[cell]].min(2)  # type: ignore[union-attr]
            wish = wishes(attack, rng, danger, past)
            past.append(wish)
            action = Action(wish[:, None, None], np.zeros((b, 1, 0)))
            found = shield.correct(observation, action, now_s)
            action = found.action if shielded else action
            moved = np.clip(action.choice[:, 0, 0], 0, danger.shape[1] - 1)
            worst = steps[finite.following[cell, moved]].argmin(1)  # type: ignore[union-attr]
            env.disturb(shares[worst][:, None, None])
            step = env.step(action)
            now_s = now_s + env.scenario.step_s
            done += b
            breaches += int((step.cost > 0.0).any(1).sum())
            lost += int((found.gated == LOST).sum())
            changed += int(found.changed.sum())
            observation = step.observation
            ended = step.terminated | step.truncated
            if ended.any():
                shield.begin(now_s, ended)
    return Outcome(done, breaches, 1.0 if breaches else 0.0, lost, changed)
