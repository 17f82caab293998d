# SPDX-License-Identifier: MIT
"""The stepping interface of the guarded plants."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from flyball.core.batch import Action, Doubles, Longs, Observation, Options, Step
from flyball.core.spec import Spec
from flyball.worlds.classics.guarded.catalogue import scenario
from flyball.worlds.classics.guarded.kernels import LOOPS, problem_of
from flyball.worlds.classics.guarded.scenario import Scenario
from flyball.worlds.classics.guarded.state import Seen, State, allocate, named
from flyball.worlds.classics.kernels import OBSERVE, START, STEP
from flyball.worlds.classics.scenario import require


class Guarded:
    """A plant that can be broken, many rows at a time.

    **Description.** `docs/worlds/guarded.md` has a table of all plants: observations, actions,
    reward, limits, disturbance, end, known answer. Limits are checked at every time, not only when
    a step ends; the disturbance is bounded and otherwise free.

    **Actions.** Continuous heads are `TanhGaussian` in native units, the grid's is `Categorical`.
    An illegal choice becomes the first legal one, a value out of range the nearest bound, NaN the
    middle; each is counted in `illegal`.

    **Observations.** What was measured, error included, and the task; `signals` hold what was
    measured as doubles, `state` the truth, for critics.

    **Cost.** For each limit the length of every step within which it was broken, s; none is
    allowed.

    **Start.** Drawn anew for each episode from (seed, episode), inside the limits. `restore` starts
    anywhere: change `real` in what `snapshot` returns.

    **End.** Terminated where a plant has left the range in which its equations hold; breaking a
    limit alone ends nothing. Truncated after its time limit.

    **Disturbance.** Drawn gust by gust from (seed, episode, time), whatever the length of a step;
    `disturb` sets it for the next step.

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
        self._problem = problem_of(problem)
        self._memory = allocate(problem, n_envs)
        self._loop = LOOPS[problem.name]
        memory = self._memory
        self._observations = tuple(self._observation(seen) for seen in (memory.even, memory.odd))
        final = self._observation(memory.final)
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
        return self._memory.state

    def reset(self, seeds: Longs) -> Observation:
        """Start every row anew at episode 0; `seeds` has shape (B,), values at least 0."""
        self.state.seed[:] = seeds
        self.state.episode[:] = 0
        return self._look(START)

    def disturb(self, wind: Doubles) -> None:
        """Set what disturbs the next step of every row; what follows is drawn again.

        Parameters
        ----------
        wind
            (B, P, W) for each of the P pieces of a step, as shares of the largest disturbances in
            [-1, 1]; `scenario.n_changes` is P, `scenario.n_winds` W.

        Raises
        ------
        ConfigError
            For another shape, or a share outside the range: then no proof would hold.
        """
        out = self._memory.out
        where, fits = f"{self.scenario.name} disturbance", np.shape(wind) == out.wind.shape
        require(
            fits, where, np.shape(wind), f"{out.wind.shape}", "give every row and piece its own"
        )
        bounded = bool((np.abs(wind) <= 1.0).all())
        require(bounded, where, "a share outside", "-1 to 1, finite", "raise the scenario's own")
        out.wind[...] = wind
        out.set_wind[:] = True

    def step(self, action: Action) -> Step:
        """Apply one action to each row; a row that ends starts its next episode at once."""
        out = self._memory.out
        out.choice[...] = action.choice
        out.value[...] = action.value
        self._now = 1 - self._now
        self._loop(self._problem, self._memory, self._now, STEP)
        return self._steps[self._now]

    def snapshot(self) -> dict[str, NDArray[Any]]:
        """Return a copy of everything that changes, as named arrays."""
        return named(self.state) | {"start": self._observations[self._now].start.copy()}

    def restore(self, snapshot: dict[str, NDArray[Any]]) -> Observation:
        """Go back to a snapshot of the same problem and size, bit for bit."""
        for name, array in self.state._asdict().items():
            array[...] = snapshot[name]
        observation = self._look(OBSERVE)
        observation.start[:] = snapshot["start"]
        return observation

    def _look(self, task: int) -> Observation:
        """Start or observe every row, and clear what the last step left behind."""
        out = self._memory.out
        for flags in (out.terminated, out.truncated, out.set_wind):
            flags[:] = False
        for array in self._memory.final:
            array[...] = 0
        self._now = 1 - self._now
        self._loop(self._problem, self._memory, self._now, task)
        return self._observations[self._now]

    def _observation(self, seen: Seen) -> Observation:
        """Put the arrays that change beside those that never do."""
        b, n = self._n_envs, self.spec.n_agents
        return Observation(
            obs=seen.obs,
            state=seen.state,
            mask=seen.mask,
            options=Options(
                np.zeros((0, 0), np.float32), np.zeros(b * n + 1, np.int64), np.zeros(0, np.int32)
            ),
            alive=np.ones((b, n), np.bool_),
            start=seen.start,
            signals=seen.signals,
            age_s=np.zeros(seen.signals.shape),
            quality=np.ones(seen.signals.shape, np.bool_),
        )

    def _result(self, observation: Observation, final: Observation) -> Step:
        """Return the Step that goes with one of the two sets of observations."""
        out = self._memory.out
        return Step(
            observation=observation,
            final=final,
            reward=out.reward,
            cost=out.cost,
            outcome=out.outcome,
            terminated=out.terminated,
            truncated=out.truncated,
            elapsed_s=np.full(self._n_envs, self.scenario.step_s),
            applied=Action(out.choice, out.value),
            illegal=out.illegal,
        )


def make(name: str, n_envs: int, **settings: object) -> Guarded:
    """Return `n_envs` copies of the plant called `name` (see `catalogue.scenario`)."""
    return Guarded(scenario(name, **settings), n_envs)
