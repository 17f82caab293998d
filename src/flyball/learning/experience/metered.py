# SPDX-License-Identifier: MIT
"""What an Env's steps cost, and what its latest episodes cost in all.

B parallel copies · C costs. A limit bounds the undiscounted sum of a cost over an episode,
whichever way that ends; a learner needs the mean of these sums, how sure it is, and how many
decisions an episode has, to know how far a change of its policy moves it.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from flyball.core.batch import Action, Bools, Doubles, Longs, Observation, Step
from flyball.core.protocols import Env
from flyball.core.spec import Spec
from flyball.learning.experience.finite import require_finite


class Bill(NamedTuple):
    """What episodes cost: those of the iteration, or more where these are few."""

    mean: Doubles  # (C,) undiscounted sum of an episode, native units
    error: Doubles  # (C,) standard error of the mean
    decisions: float  # of all agents in an episode, mean


class Metered:
    """An Env that also keeps what its steps cost; otherwise it is the Env that it holds."""

    def __init__(self, env: Env, episodes: int) -> None:
        """Meter an Env.

        Parameters
        ----------
        env
            With costs.
        episodes
            How many of the latest are kept for iterations in which fewer end.
        """
        n_costs = len(env.spec.costs)
        self.env = env
        self.sum = np.zeros((env.n_envs, 1 + n_costs))  # decisions and costs of running episodes
        self.acting = np.zeros(env.n_envs)
        self.latest = np.zeros((episodes, 1 + n_costs))
        self.n_latest = 0
        self.finished: list[Doubles] = []
        self.cost: list[Doubles] = []
        self.ended: list[Bools] = []

    @property
    def spec(self) -> Spec:
        """Of the Env."""
        return self.env.spec

    @property
    def n_envs(self) -> int:
        """B."""
        return self.env.n_envs

    @property
    def n_finished(self) -> int:
        """Episodes that have ended since `begin`."""
        return sum(len(rows) for rows in self.finished)

    def begin(self) -> None:
        """Forget the steps of the last iteration, but not its latest episodes."""
        rows = self._kept()
        self.latest[: len(rows)], self.n_latest = rows, len(rows)
        self.finished.clear()
        self.cost.clear()
        self.ended.clear()

    def _kept(self) -> Doubles:
        """Return the latest episodes (n, 1 + C), the latest last."""
        rows: Doubles = np.concatenate([self.latest[: self.n_latest], *self.finished])
        return rows[-len(self.latest) :]

    def bill(self) -> Bill | None:
        """Return what episodes cost; None before the first one has ended."""
        own = np.concatenate([self.latest[:0], *self.finished])
        rows = own if len(own) >= len(self.latest) else self._kept()
        if not len(rows):
            return None
        mean = rows.mean(0)
        error = rows.std(0, ddof=1) / np.sqrt(len(rows)) if len(rows) > 1 else np.abs(mean)
        return Bill(mean[1:], error[1:], float(mean[0]))

    def reset(self, seeds: Longs) -> Observation:
        """Start every row anew."""
        self.sum[:] = 0.0
        return self._seen(self.env.reset(seeds))

    def step(self, action: Action) -> Step:
        """Apply one action to each row and keep what it cost.

        Raises
        ------
        RunError
            When a cost is not finite.
        """
        step = self.env.step(action)
        require_finite("cost", step.cost)
        ended = step.terminated | step.truncated
        self.cost.append(step.cost.copy())
        self.ended.append(ended.copy())
        self.sum[:, 0] += self.acting
        self.sum[:, 1:] += step.cost
        self.finished.append(self.sum[ended])
        self.sum[ended] = 0.0
        self._seen(step.observation)
        return step

    def _seen(self, observation: Observation) -> Observation:
        self.acting = observation.alive.sum(1).astype(np.float64)
        return observation

    def snapshot(self) -> dict[str, NDArray[Any]]:
        """Return a copy of everything that changes."""
        rows, latest = self._kept(), np.zeros_like(self.latest)
        latest[: len(rows)] = rows
        own = {"sum": self.sum.copy(), "latest": latest, "n": np.array(len(rows))}
        return self.env.snapshot() | {f"metered.{name}": array for name, array in own.items()}

    def restore(self, snapshot: dict[str, NDArray[Any]]) -> Observation:
        """Go back to a snapshot, bit for bit."""
        own = {n: a for n, a in snapshot.items() if not n.startswith("metered.")}
        self.finished.clear()
        self.sum = snapshot["metered.sum"].copy()
        self.latest = snapshot["metered.latest"].copy()
        self.n_latest = int(snapshot["metered.n"])
        return self._seen(self.env.restore(own))
