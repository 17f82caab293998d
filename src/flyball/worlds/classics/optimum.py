# SPDX-License-Identifier: MIT
"""What is known of each problem beforehand, and what gives it.

Boards are solved by backward induction over their own time limit, games by enumeration, bandits in
closed form. Where no exact answer exists, a bound stands in its place and says so.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from flyball.core.batch import Doubles, Longs
from flyball.worlds.classics import games, grids
from flyball.worlds.classics.catalogue import scenario
from flyball.worlds.classics.mazes import step_from, steps_to
from flyball.worlds.classics.scenario import Scenario


@dataclass(frozen=True, kw_only=True)
class Known:
    """One figure that is known beforehand."""

    kpi: str
    """`return` or `length_steps`, as a mean over episodes."""
    value: float
    exact: bool
    """True: the best policy reaches it. False: nobody can pass it."""
    words: str
    """How it follows."""


def known(name: str, **settings: object) -> tuple[Known, ...]:
    """Return what is known of a problem; empty where nothing is (see `catalogue.scenario`)."""
    problem = scenario(name, **settings)
    answer = ANSWERS.get(name.removesuffix("-no-velocity"))
    return answer(problem) if answer else ()


class Model(NamedTuple):
    """A board as a Markov decision process: C cells, 4 actions, W ways that a step may go."""

    to: Longs  # (C, 4, W) cell
    chance: Doubles  # (C, 4, W) sums to 1 over W
    goal: int


def board_model(problem: Scenario, goal: int | None = None) -> Model:
    """Return the steps of gridworld or four rooms; `goal` is a cell, None for the first one.

    Built from `mazes.step_from` and the rules of slipping, so it shares no code with the kernels.
    """
    params = problem.params
    n_cells, slip = int(params[grids.ROWS] * params[grids.COLUMNS]), params[grids.SLIP]
    straight = np.array([[step_from(params, c, a) for a in range(4)] for c in range(n_cells)])
    to = np.repeat(straight[:, :, None], 5, axis=2)
    chance = np.zeros(to.shape)
    for cell, action in product(range(n_cells), range(4)):
        first = straight[cell, action]
        chance[cell, action, 4] = 1.0 - slip
        if int(params[0]) == grids.GRIDWORLD:
            to[cell, action, :4] = straight[cell]
            chance[cell, action, :4] = slip / 3
            chance[cell, action, action] = 0.0
        elif first == cell:
            chance[cell, action, 4] = 1.0
        else:
            to[cell, action, :4] = straight[first]
            open_ways = straight[first] != first
            chance[cell, action, :4] = open_ways * slip / max(1, open_ways.sum())
    return Model(to, chance, int(params[grids.GOAL]) if goal is None else goal)


def value_iteration(
    model: Model, reward: Callable[[NDArray[np.bool_]], Doubles], gamma: float, horizon: int
) -> tuple[Doubles, Longs]:
    """Return the value (C,) of each cell with `horizon` steps to go and its best action (C,).

    Parameters
    ----------
    model
        Of the board.
    reward
        Of arriving, from whether the goal is reached.
    gamma
        Discount per step, in [0, 1].
    horizon
        Steps until the end, at least 1; stops earlier when nothing changes any more.
    """
    arrived = model.to == model.goal
    gain = reward(arrived)
    value = np.zeros(len(model.to))
    for _ in range(horizon):
        action_value = (
            model.chance * (gain + gamma * np.where(arrived, 0.0, value[model.to]))
        ).sum(2)
        before, value = value, action_value.max(1)
        value[model.goal] = 0.0
        if np.array_equal(before, value):
            break
    return value, action_value.argmax(1).astype(np.int64)


def step_cost(arrived: NDArray[np.bool_]) -> Doubles:
    """Return -1 for every step."""
    return np.full(arrived.shape, -1.0)


def goal_gain(arrived: NDArray[np.bool_]) -> Doubles:
    """Return 1 for reaching the goal."""
    return arrived.astype(np.float64)


def front(problem: Scenario) -> Doubles:
    """Return the Pareto front (P, 2) of the sea, treasure and time undiscounted, richest last."""
    board = problem.params[grids.BOARD :]
    start = int(problem.params[grids.START])
    reached = [
        (board[cell], -float(steps_to(problem.params, int(cell))[start]))
        for cell in np.flatnonzero(board > 0)
    ]
    best = [
        a for a in reached if not any(b[0] >= a[0] and b[1] >= a[1] and b != a for b in reached)
    ]
    return np.array(sorted(best))


def hypervolume(points: Doubles, reference: tuple[float, float]) -> float:
    """Return the area that points (P, 2), larger is better, dominate above the reference."""
    area, highest = 0.0, reference[1]
    for first, second in sorted(points.tolist(), reverse=True):
        if first > reference[0] and second > highest:
            area += (first - reference[0]) * (second - highest)
            highest = second
    return area


def best_additive(payoff: Doubles) -> Doubles:
    """Return the table r_i + c_j that is nearest to a payoff in the mean of squares.

    What a value-decomposition network can represent at most, under uniform play (arXiv:1706.05296).
    """
    fit: Doubles = payoff.mean(1, keepdims=True) + payoff.mean(0, keepdims=True) - payoff.mean()
    return fit


def _exact(value: float, words: str, kpi: str = "return") -> Known:
    return Known(kpi=kpi, value=float(value), exact=True, words=words)


def _bound(value: float, words: str) -> tuple[Known, ...]:
    return (Known(kpi="return", value=value, exact=False, words=words),)


def _cartpole(problem: Scenario) -> tuple[Known, ...]:
    words = "1 a step until the time limit; a linear-quadratic regulator never falls"
    return (_exact(problem.time_limit, words), _exact(problem.time_limit, words, "length_steps"))


def _gridworld(problem: Scenario) -> tuple[Known, ...]:
    value, _ = value_iteration(board_model(problem), step_cost, 1.0, problem.time_limit)
    best = value[int(problem.params[grids.START])]
    words = "backward induction over the time limit; without slipping, the shortest path"
    return (_exact(best, words), _exact(-best, words, "length_steps"))


def _rooms(problem: Scenario) -> tuple[Known, ...]:
    words = "backward induction over the time limit, mean over starts, for the first goal"
    model = board_model(problem)
    starts = problem.params[grids.BOARD :] != grids.WALL
    starts[model.goal] = False
    found, _ = value_iteration(model, goal_gain, 1.0, problem.time_limit)
    length, _ = value_iteration(model, step_cost, 1.0, problem.time_limit)
    return (
        _exact(found[starts].mean(), words),
        _exact(-length[starts].mean(), words, "length_steps"),
    )


def _sea(problem: Scenario) -> tuple[Known, ...]:
    return (_exact(front(problem)[-1, 0], "the richest treasure; `front` has the others"),)


def _t_maze(problem: Scenario) -> tuple[Known, ...]:
    if problem.params[grids.WALKING] == 0:
        return (_exact(1.0, "turn as the cue said; without memory 0.5"),)
    # Whoever walks straight on never stands still.
    return (_exact(grids.T_RIGHT, "walk straight on and turn as the cue said"),)


def _bandit(problem: Scenario) -> tuple[Known, ...]:
    n_contexts = int(problem.params[games.N_CONTEXTS])
    means = problem.params[games.MEANS :].reshape(n_contexts, -1)
    return (_exact(means.max(1).mean(), "mean over contexts of the best arm's mean"),)


def _two_step(problem: Scenario) -> tuple[Known, ...]:
    return (_exact(problem.params[1:].max(), "enumeration of both tables"),)


def _matrix(problem: Scenario) -> tuple[Known, ...]:
    best = problem.params[3:].max() * problem.time_limit
    return (_exact(best, "the largest payoff in every step"),)


def _every_step(problem: Scenario) -> tuple[Known, ...]:
    return (_exact(problem.time_limit, "1 in every step until the time limit"),)


def _counter(problem: Scenario) -> tuple[Known, ...]:
    return (_exact(problem.params[1], "1 in every step; the mean length of an episode"),)


ANSWERS: dict[str, Callable[[Scenario], tuple[Known, ...]]] = {
    "cartpole": _cartpole,
    "acrobot": lambda _: _bound(0.0, "no step earns more than 0"),
    "pendulum": lambda _: _bound(0.0, "no step earns more than 0"),
    "mountain-car-continuous": lambda _: _bound(100.0, "the goal pays 100, forces cost"),
    "gridworld": _gridworld,
    "four-rooms": _rooms,
    "deep-sea-treasure": _sea,
    "t-maze": _t_maze,
    "bandit": _bandit,
    "two-step": _two_step,
    "matrix": _matrix,
    "masked": _every_step,
    "masked-multi": _every_step,
    "constant": _every_step,
    "counter": _counter,
    "speaker-listener": lambda _: _bound(0.0, "the reward is minus a squared distance"),
    "spread": lambda _: _bound(0.0, "the reward is minus distances and contacts"),
    "foraging": lambda _: _bound(1.0, "all food is loaded; rewards are shares of it"),
}
"""What is known, by problem."""
