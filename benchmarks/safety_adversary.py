# SPDX-License-Identifier: MIT
"""Does anything break a certified plant? Adversaries against every layer, breaches counted.

Each adversary makes at least a million steps against every plant behind filter and gate, at step
lengths from 0.02 to 0.5 s, with extreme disturbances and sensors that fail; breaches are those that
the plant counts at every time, between samples too. 0 of n is reported as at most 3/n (95 %). The
same adversaries then meet the plants behind less, which shows what each layer is for.

``python benchmarks/safety_adversary.py --steps 1000000``
"""

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from adversary import board, robots
from adversary.attacks import ATTACKS
from adversary.trial import Outcome, Trial, run
from measuring import Figure

from flyball.core.batch import Doubles
from flyball.experiments import proofs
from flyball.safety import ShieldConfig
from flyball.worlds.classics import guarded

STEPS_S = {
    "double-integrator": (0.02, 0.05, 0.1, 0.25, 0.5),
    "inverted-pendulum": (0.02, 0.05, 0.1, 0.25, 0.5),
    "two-tanks": (0.02, 0.05, 0.1, 0.2, 0.5),
}
ROBOT_STEPS_S = (0.02, 0.1, 0.5)
LAYERS = ("gate off", "soft program", "clip")
ENDLESS_S = 1e7
N_ENVS = 1024


def ranges(name: str, plant: Any) -> tuple[Doubles, Doubles]:
    """Return lowest and highest states (X,) that starts are drawn from."""
    if name == "double-integrator":
        most = np.array([plant.wall, plant.speed])
    elif name == "inverted-pendulum":
        most = np.array([plant.angle, 4.0 * plant.angle])
    else:
        return np.full(2, plant.low), np.full(2, plant.high)
    return -most, most


def trials(name: str, attack: str, layers: str, n_steps: int) -> Iterator[Outcome]:
    """Yield what came of an adversary at each step length."""
    for seed, step_s in enumerate(STEPS_S[name]):
        settings = {"step_s": step_s, "episode_s": ENDLESS_S}
        env = guarded.make(name, N_ENVS, **settings)
        envelope = proofs.safe(name, **settings)
        trial = Trial(env, envelope, ranges(name, env.scenario.plant), layers, attack, seed)
        yield run(trial, -(-n_steps // len(STEPS_S[name])))


def summed(outcomes: Sequence[Outcome]) -> Outcome:
    """Return the sum of outcomes; of depths the largest."""
    steps, breaches, deepest, lost, changed = zip(*outcomes, strict=True)
    return Outcome(sum(steps), sum(breaches), max(deepest), sum(lost), sum(changed))


def against(metric: str, own: Outcome, what: str, *, proved: bool) -> Figure:
    """Return the figure of one adversary; behind a proof no breach is allowed."""
    bound = f"at most {3 / own.steps:.1e} of all steps" if not own.breaches else ""
    parts = [
        what,
        bound or f"{own.breaches / own.steps:.2%} of steps, deepest {own.deepest:.2g} of the limit",
        f"changed {own.changed / own.steps:.1%}",
        f"{own.lost} outside of what is certified",
    ]
    return Figure(
        metric=metric,
        ours=float(own.breaches),
        n=own.steps,
        target=0.0 if proved else None,
        met=own.breaches == 0 and own.lost == 0 if proved else None,
        note="; ".join(parts),
    )


def plants(n_steps: int) -> Iterator[Figure]:
    """Yield the figures of the plants with continuous values."""
    for name, steps_s in STEPS_S.items():
        words = "steps of " + ", ".join(f"{s:g}" for s in steps_s) + " s"
        for attack in ATTACKS:
            own = summed(list(trials(name, attack, "filter and gate", n_steps)))
            yield against(f"{name}, {attack}, filter and gate", own, words, proved=True)
        for layers in LAYERS:
            for attack in ("bang-bang", "gradient"):
                own = summed(list(trials(name, attack, layers, n_steps // 10)))
                yield against(f"{name}, {attack}, {layers}", own, words, proved=False)


def boards(n_steps: int) -> Iterator[Figure]:
    """Yield the figures of the board."""
    env = guarded.make("forbidden-grid", N_ENVS, steps=10**7)
    envelope = proofs.safe("forbidden-grid")
    for attack in ATTACKS:
        own = board.run(env, envelope, attack, shielded=True, seed=0, n_steps=n_steps)
        yield against(f"forbidden-grid, {attack}, gate", own, "worst slips", proved=True)
    own = board.run(env, envelope, "gradient", shielded=False, seed=0, n_steps=n_steps // 10)
    yield against("forbidden-grid, gradient, gate off", own, "worst slips", proved=False)


CROWDS: dict[str, dict[str, Any]] = {
    "40 robots on a circle": {"n_robots": 40, "layout": "circle"},
    "200 robots at random": {"n_robots": 200, "layout": "random", "size_m": 1000.0},
}


def crowds(n_steps: int) -> Iterator[Figure]:
    """Yield the figures of the crossing robots."""
    for words, settings in CROWDS.items():
        for attack in ATTACKS:
            parts = []
            for seed, step_s in enumerate(ROBOT_STEPS_S):
                env = guarded.make("crossing-robots", 1, step_s=step_s, **settings)
                own = robots.run(
                    env,
                    guarded.envelope(env.scenario),
                    pilot=attack,
                    config=ShieldConfig(),
                    seed=seed,
                    n_steps=-(-n_steps // (len(ATTACKS) * len(ROBOT_STEPS_S))),
                )
                parts.append(Outcome(own.robot_steps, own.breaches, 0.0, own.lost, own.changed))
            steps = "steps of " + ", ".join(f"{s:g}" for s in ROBOT_STEPS_S) + " s"
            yield against(f"{words}, {attack}, filter and gate", summed(parts), steps, proved=True)
        yield from arrivals(words, settings)


def arrivals(words: str, settings: dict[str, Any]) -> Iterator[Figure]:
    """Yield how many arrive with the pilot, behind everything and behind less."""
    layers = {
        "filter and gate": ShieldConfig(),
        "gate off": ShieldConfig(gate=False),
        "clip": ShieldConfig(gate=False, filter=False),
    }
    for step_s in (0.1, 0.5):
        pilots = guarded.policies("crossing-robots", step_s=step_s, **settings)
        for layer, config in layers.items():
            env = guarded.make("crossing-robots", 1, step_s=step_s, **settings)
            name = "barrier" if layer != "clip" else "greedy"
            own = robots.run(
                env,
                guarded.envelope(env.scenario),
                pilot=pilots[name],
                config=config,
                seed=1,
                n_steps=3 * env.scenario.time_limit * env.spec.n_agents,
            )
            yield Figure(
                metric=f"{words}, {name} pilot, {layer}, {step_s:g} s, share that arrives",
                ours=own.reached,
                n=own.episodes * env.spec.n_agents,
                target=None,
                met=own.breaches == 0 if layer == "filter and gate" else None,
                note=f"{own.breaches} steps with a breach, smallest distance {own.smallest_m:.2f} m"
                f" of {env.scenario.plant.separation:g} m, {own.deadlocked:.1f} robots deadlocked",
            )


def main() -> int:
    """Print a line for each adversary."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=1_000_000, help="of every adversary")
    parser.add_argument("--only", choices=["plants", "boards", "crowds"], default=None)
    asked = parser.parse_args()
    print(f"one process, one thread, {N_ENVS} copies", file=sys.stderr)
    parts = {"plants": plants, "boards": boards, "crowds": crowds}
    began = time.perf_counter()
    for name, part in parts.items():
        if asked.only in (None, name):
            for figure in part(asked.steps):
                figure.print()
                spent_s = time.perf_counter() - began
                told = f"{spent_s:.0f} s: {figure.metric}: {figure.ours:g} of {figure.n}"
                print(told, file=sys.stderr, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
