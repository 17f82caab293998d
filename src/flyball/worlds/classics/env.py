# SPDX-License-Identifier: MIT
"""The stepping interface of the small problems."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from flyball.core.batch import Action, Longs, Observation, Options, Step
from flyball.core.spec import Spec
from flyball.worlds.classics.catalogue import scenario
from flyball.worlds.classics.kernels import LOOPS, OBSERVE, START, STEP
from flyball.worlds.classics.scenario import Scenario, require
from flyball.worlds.classics.state import (
    FINAL,
    Seen,
    State,
    allocate,
    named,
    out_of,
    seen_of,
    sizes,
    state_of,
)


class Classic:
    """A small problem with an exact answer, many rows at a time.

    **Description.** `docs/worlds/classics.md` has a table of all problems: observations, actions,
    reward, end, known answer, and the implementation that each was checked against.

    **Actions.** Discrete heads are `Categorical`, continuous ones `TanhGaussian` in native units.
    An illegal choice becomes the first legal one, a value out of range the nearest bound, NaN the
    middle; each is counted in `illegal`.

    **Observations.** As in the original; `mask` is True everywhere unless a problem forbids
    something.

    **Start.** Drawn anew for each episode from (seed, episode); seeds name rows, not the batch.

    **End.** Terminated where the problem says so; truncated after its time limit. An episode that
    terminates in its last allowed step is not truncated.

    **Memory.** Every array is allocated once. Two sets of observations take turns, so that the
    observation of the last call is still intact after `step`; all else is valid until the next
    call.

    **Versions.** 1: first.

    Parameters
    ----------
    problem
        From `scenario(name, **settings)`.
    n_envs
        B, the number of parallel copies, at least 1.

    Raises
    ------
    ConfigError
        When `n_envs` is below 1.
    """

    def __init__(self, problem: Scenario, n_envs: int) -> None:
        require(n_envs >= 1, f"{problem.name}.n_envs", n_envs, "1 or more", "8 to 256 are usual")
        self.scenario = problem
        self._n_envs = n_envs
        spec = problem.spec
        self._sizes = sizes(spec, n_envs, problem.n_real, problem.n_whole)
        self._memory = allocate(spec, self._sizes, problem.time_limit, problem.share)
        self._loop = LOOPS[problem.family]
        self._state = state_of(self._memory, self._sizes)
        self._out = out_of(self._memory, self._sizes)
        self._seen = tuple(seen_of(self._memory, self._sizes, which) for which in (0, 1))
        self._final = seen_of(self._memory, self._sizes, FINAL)
        self._observations = tuple(self._observation(seen) for seen in self._seen)
        final = self._observation(self._final)
        self._steps = tuple(self._result(after, final) for after in self._observations)
        self._now = 0

    @property
    def spec(self) -> Spec:
        """Names, units and ranges of everything."""
        return self.scenario.spec

    @property
    def n_envs(self) -> int:
        """B, the number of parallel copies."""
        return self._n_envs

    @property
    def state(self) -> State:
        """The state itself, to look at; `restore` is the way to change it."""
        return self._state

    def reset(self, seeds: Longs) -> Observation:
        """Start every row anew at episode 0; `seeds` has shape (B,), values at least 0."""
        self._state.seed[:] = seeds
        self._state.episode[:] = 0
        self._forget()
        now = self._turn()
        self._loop(self.scenario.params, self._memory, self._sizes, now, START)
        return self._observations[now]

    def step(self, action: Action) -> Step:
        """Apply one action to each row; a row that ends starts its next episode at once."""
        self._out.choice[...] = action.choice
        self._out.value[...] = action.value
        now = self._turn()
        self._loop(self.scenario.params, self._memory, self._sizes, now, STEP)
        return self._steps[now]

    def snapshot(self) -> dict[str, NDArray[Any]]:
        """Return a copy of everything that changes, as named arrays."""
        return named(self._state) | {"start": self._seen[self._now].start.copy()}

    def restore(self, snapshot: dict[str, NDArray[Any]]) -> Observation:
        """Go back to a snapshot of the same problem and size, bit for bit."""
        for name, array in self._state._asdict().items():
            array[...] = snapshot[name]
        self._forget()
        now = self._turn()
        self._loop(self.scenario.params, self._memory, self._sizes, now, OBSERVE)
        self._seen[now].start[:] = snapshot["start"]
        return self._observations[now]

    def _turn(self) -> int:
        """Take the other set of observation arrays and return its number."""
        self._now = 1 - self._now
        return self._now

    def _forget(self) -> None:
        """Clear what the last step left behind, which the next one would take for its own."""
        self._out.terminated[:] = False
        self._out.truncated[:] = False
        for array in self._final:
            array[...] = 0

    def _observation(self, seen: Seen) -> Observation:
        """Put the arrays that change beside those that never do."""
        b, n = self._n_envs, self._sizes.agents
        return Observation(
            obs=seen.obs,
            state=seen.state,
            mask=seen.mask,
            options=Options(
                np.zeros((0, 0), np.float32), np.zeros(b * n + 1, np.int64), np.zeros(0, np.int32)
            ),
            alive=np.ones((b, n), np.bool_),
            start=seen.start,
            signals=np.zeros((b, 0)),
            age_s=np.zeros((b, 0)),
            quality=np.zeros((b, 0), np.bool_),
        )

    def _result(self, observation: Observation, final: Observation) -> Step:
        """Return the Step that goes with one of the two sets of observations."""
        out = self._out
        return Step(
            observation=observation,
            final=final,
            reward=out.reward,
            cost=np.zeros((self._n_envs, 0)),
            outcome=out.outcome,
            terminated=out.terminated,
            truncated=out.truncated,
            elapsed_s=np.full(self._n_envs, self.scenario.step_s),
            applied=Action(out.choice, out.value),
            illegal=out.illegal,
        )


def make(name: str, n_envs: int, **settings: object) -> Classic:
    """Return `n_envs` copies of the problem called `name` (see `catalogue.scenario`)."""
    return Classic(scenario(name, **settings), n_envs)
