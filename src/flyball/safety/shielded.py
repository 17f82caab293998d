# SPDX-License-Identifier: MIT
"""An Env behind its Shield, for training and for trials: the Shield is part of the world.

On-policy methods learn from the proposed action and its log-probability, off-policy critics from
what was applied (`Step.applied`); both are kept, with both log-probabilities where somebody can
tell them, so that nothing is hidden: a policy that leans on its shield is seen to lean.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from flyball.core.batch import Action, Bools, Floats, Ints, Longs, Observation, Step
from flyball.core.errors import InvariantError
from flyball.core.protocols import Env
from flyball.core.spec import Spec
from flyball.safety.shield import Shield

Score = Callable[[Observation, Action], Floats]
"""Log-probability (B, N) that the policy gives an action, -inf where it never does that."""

Veto = Callable[[Observation, Action], Bools]
"""(B, N) what a learned critic does not want to be done."""


class Noted(NamedTuple):
    """What became of the last action; copies, B copies and N agents."""

    proposed: Action
    executed: Action
    changed: Bools  # (B, N)
    filtered: Ints  # (B, N) the filter's code
    gated: Ints  # (B, N) the gate's code
    log_prob: Floats  # (B, N) of what was proposed; NaN where nobody can tell
    log_prob_executed: Floats  # (B, N)


class Shielded:
    """The same Env, in which what is proposed passes a Shield before it is applied."""

    def __init__(self, env: Env, shield: Shield, *, score: Score | None = None) -> None:
        """Put them together.

        Parameters
        ----------
        env
            Its spec is the shield's.
        shield
            For as many copies.
        score
            Tells log-probabilities of proposed and executed actions.
        """
        self.env, self.shield, self.score = env, shield, score
        self.veto: Veto | None = None
        self.now_s = np.zeros(env.n_envs)
        self.noted: Noted | None = None
        self.decisions = np.zeros(env.n_envs, np.int64)
        self.changes = np.zeros(env.n_envs, np.int64)
        self._observation: Observation | None = None

    @property
    def spec(self) -> Spec:
        """Names, units and ranges of everything."""
        return self.env.spec

    @property
    def n_envs(self) -> int:
        """B, the number of parallel copies."""
        return self.env.n_envs

    @property
    def intervention_rate(self) -> float:
        """Share of all decisions since the last reset in which something else was applied."""
        n = int(self.decisions.sum())
        return float(self.changes.sum() / n) if n else 0.0

    def reset(self, seeds: Longs) -> Observation:
        """Start every row anew; `seeds` has shape (B,)."""
        observation = self.env.reset(seeds)
        self.now_s[:], self.decisions[:], self.changes[:] = 0.0, 0, 0
        self.shield.begin(self.now_s)
        self._observation = observation
        return observation

    def step(self, action: Action) -> Step:
        """Apply to each row what its shield makes of an action.

        Raises
        ------
        RuntimeError
            Before the first reset.
        """
        before = self._observation
        if before is None:
            msg = "reset comes before the first step"
            raise RuntimeError(msg)
        vetoed = self.veto(before, action) if self.veto is not None else None
        proposed = Action(action.choice.copy(), action.value.copy())
        found = self.shield.correct(before, proposed, self.now_s, vetoed)
        shape = before.alive.shape
        changed = found.changed.reshape(shape)
        self.noted = Noted(
            proposed,
            found.action,
            changed,
            found.filtered.reshape(shape).copy(),
            found.gated.reshape(shape).copy(),
            self._scored(before, proposed),
            self._scored(before, found.action),
        )
        self.decisions += 1
        self.changes += changed.any(1)
        step = self.env.step(found.action)
        if self.shield.gate is not None and not np.allclose(step.elapsed_s, self.shield.step_s):
            msg = f"a gate for steps of {self.shield.step_s} s before an Env of others"
            raise InvariantError(msg)
        self.now_s += step.elapsed_s
        ended = step.terminated | step.truncated
        if ended.any():
            self.shield.begin(self.now_s, ended)
        self._observation = step.observation
        return step

    def _scored(self, observation: Observation, action: Action) -> Floats:
        if self.score is None:
            return np.full(observation.alive.shape, np.nan, np.float32)
        return self.score(observation, action)

    def snapshot(self) -> dict[str, NDArray[Any]]:
        """Return a copy of everything that changes, as named arrays."""
        own = {"now_s": self.now_s, "decisions": self.decisions, "changes": self.changes}
        kept = {f"shielded.{name}": array.copy() for name, array in own.items()}
        return self.env.snapshot() | self.shield.snapshot() | kept

    def restore(self, snapshot: dict[str, NDArray[Any]]) -> Observation:
        """Go back to a snapshot, bit for bit, and return its observation."""
        self._observation = self.env.restore(snapshot)
        self.shield.restore(snapshot)
        self.now_s[:] = snapshot["shielded.now_s"]
        self.decisions[:] = snapshot["shielded.decisions"]
        self.changes[:] = snapshot["shielded.changes"]
        return self._observation
