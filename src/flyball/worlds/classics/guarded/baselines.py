# SPDX-License-Identifier: MIT
"""What a good engineer would run on each guarded plant, and what any policy must beat.

*greedy* goes straight for what is to be earned and knows no limit; the last rule of each plant is
the strong one, which brakes. None of them is a proof: see how often each breaks a limit.
"""

from collections.abc import Callable
from functools import partial

import numpy as np

from flyball.core.batch import Doubles, Longs, Observation
from flyball.core.protocols import Policy
from flyball.worlds.classics.baselines import Random, Rule, Wish
from flyball.worlds.classics.guarded import board, flight
from flyball.worlds.classics.guarded.catalogue import scenario
from flyball.worlds.classics.guarded.models import affine_rod
from flyball.worlds.classics.guarded.optimum import board_choices
from flyball.worlds.classics.guarded.scenario import Scenario
from flyball.worlds.classics.state import sizes

Law = Callable[[Doubles], Wish]
"""From what is seen (B, N, F) to values (B, N, D) or choices (B, N, H)."""


def policies(name: str, **settings: object) -> dict[str, Policy]:
    """Return the baselines of a plant by name: random, constant, do nothing, then rules.

    Parameters
    ----------
    name, settings
        As for `catalogue.scenario`; a rule may know the settings, as an engineer would.
    """
    problem = scenario(name, **settings)
    n = sizes(problem.spec, 0, problem.n_real, problem.n_whole)
    low, high = problem.rules.low, problem.rules.high
    middle, least = (low + high) / 2.0, np.clip(0.0, low, high)
    same = np.zeros((n.agents, n.heads), np.int64)
    laws: dict[str, Law] = {
        "constant": partial(_always, same + board.NORTH if n.heads else middle),
        "do nothing": partial(_always, same if n.heads else least),
        **LAWS[problem.name](problem),
    }
    found: dict[str, Policy] = {"random": Random(problem.spec)}
    return found | {key: Rule(n, partial(_look, law)) for key, law in laws.items()}


def _look(law: Law, observation: Observation, memory: Doubles) -> tuple[Wish, Doubles]:
    return law(observation.obs.astype(np.float64)), memory


def _always(wish: Wish, obs: Doubles) -> Wish:
    return np.broadcast_to(wish, (len(obs), *wish.shape))


def _rail(problem: Scenario) -> dict[str, Law]:
    return {
        "greedy": lambda obs: np.sign(obs[..., 2:3]) * problem.plant.acceleration,
        "braking": partial(hurry, problem),
    }


def hurry(problem: Scenario, obs: Doubles) -> Doubles:
    """Return the strongest push (B, 1, 1) to the target after which it can still brake in time.

    Looked for by halving: after a step under the worst disturbance and with the worst error of
    measurement, position and what braking takes must lie before the wall.
    """
    plant, step_s, error = problem.plant, problem.step_s, problem.error
    side = np.where(obs[..., 2] >= 0.0, 1.0, -1.0)
    position, speed = side * obs[..., 0] + error[0], side * obs[..., 1] + error[1]
    brake = plant.acceleration - plant.disturbance
    low = np.full(side.shape, -plant.acceleration)
    high = np.minimum((plant.speed - speed) / step_s - plant.disturbance, plant.acceleration)
    high = np.maximum(high, low)
    for _ in range(30):
        push = 0.5 * (low + high)
        worst = push + plant.disturbance
        after = np.maximum(0.0, speed + worst * step_s)
        where = position + step_s * (speed + 0.5 * worst * step_s)
        stops = where + after * after / (2.0 * brake) <= plant.wall - 2.0 * sum(error)
        low, high = np.where(stops, push, low), np.where(stops, high, push)
    strongest: Doubles = (side * low)[..., None]
    return strongest


def _rod(problem: Scenario) -> dict[str, Law]:
    return {
        "greedy": lambda obs: np.sign(obs[..., 2:3] - obs[..., 0:1]) * problem.plant.torque,
        "regulator": partial(regulate, problem, rod_gain(problem)),
    }


def rod_gain(problem: Scenario) -> Doubles:
    """Return the gain (2,) of the linear-quadratic regulator of the step, Nm per unit."""
    affine = affine_rod(problem.plant, problem.step_s)
    a, b = affine.a, affine.b
    cost = np.diag([1.0, 0.01])
    value = cost
    for _ in range(2000):  # the Riccati equation, by going back in time until it stands still
        gain = np.linalg.solve(b.T @ value @ b + 1e-4, b.T @ value @ a)
        value = cost + a.T @ value @ (a - b @ gain)
    row: Doubles = gain[0]
    return row


def regulate(problem: Scenario, gain: Doubles, obs: Doubles) -> Doubles:
    """Return the torque (B, 1, 1) that holds the rod at its aim, and brings it there."""
    plant = problem.plant
    held = -plant.inertia * plant.pull * np.sin(obs[..., 2])
    off = np.stack([obs[..., 0] - obs[..., 2], obs[..., 1]], axis=-1)
    torque = held - off @ gain
    kept: Doubles = np.clip(torque, -plant.torque, plant.torque)[..., None]
    return kept


def _tanks(problem: Scenario) -> dict[str, Law]:
    return {
        "greedy": lambda obs: np.where(obs[..., :2] < obs[..., 2:], problem.plant.flow, 0.0),
        "balance": partial(balance, problem),
    }


def balance(problem: Scenario, obs: Doubles) -> Doubles:
    """Return flows (B, 1, 2) that make up for what drains, and close in on the aims."""
    plant, lead_s = problem.plant, max(1.0, 3.0 * problem.step_s)
    root = np.sqrt(np.maximum(0.0, obs[..., :2]))
    drained, left = plant.first * root[..., 0], plant.second * root[..., 1]
    lost = np.stack([drained, left - drained], axis=-1)
    flow = (lost + (obs[..., 2:] - obs[..., :2]) / lead_s) / plant.fill
    kept: Doubles = np.clip(flow, 0.0, plant.flow)
    return kept


def _board(problem: Scenario) -> dict[str, Law]:
    return {
        "greedy": partial(_look_up, board_choices(problem, kept=False)),
        "safe path": partial(_look_up, board_choices(problem, kept=True)),
    }


def _look_up(choices: Longs, obs: Doubles) -> Wish:
    moves: Longs = choices[obs.argmax(2)][:, :, None]
    return moves


def _swarm(problem: Scenario) -> dict[str, Law]:
    return {"greedy": partial(_fly, problem, False), "barrier": partial(_fly, problem, True)}


def _fly(problem: Scenario, careful: bool, obs: Doubles) -> Doubles:  # noqa: FBT001
    """Fly to the goal, with care or without."""
    way, speed = obs[..., :2], obs[..., 2:4]
    if not careful:
        wish = flight.to_goal(problem, way, speed)
        return flight.capped(wish, problem.plant.acceleration)
    wish = flight.to_goal(problem, flight.leaning(problem, way, obs), speed)
    return flight.keep_apart(problem, wish, obs)


LAWS: dict[str, Callable[[Scenario], dict[str, Law]]] = {
    "double-integrator": _rail,
    "two-tanks": _tanks,
    "inverted-pendulum": _rod,
    "forbidden-grid": _board,
    "crossing-robots": _swarm,
}
"""The rules of each plant, the strongest last."""
