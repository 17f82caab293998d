# SPDX-License-Identifier: MIT
"""The stepping interface of the job shop."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flyball.core.batch import Action, Longs, Observation, Options, Step
from flyball.core.errors import InvariantError, Problem, ScenarioError
from flyball.core.spec import AgentKind, Kpi, Objective, OptionsHead, Spec
from flyball.worlds.jobshop import kernels
from flyball.worlds.jobshop.features import FEATURES, FULL, N_FEATURES, NO_SPOT
from flyball.worlds.jobshop.hours import CALENDAR_OVER
from flyball.worlds.jobshop.rows import Results, observe_rows, start_rows, step_rows
from flyball.worlds.jobshop.scenario import Scenario
from flyball.worlds.jobshop.schedule import Schedule
from flyball.worlds.jobshop.state import allocate, pack

SPEC = Spec(
    world="jobshop",
    version=1,
    kinds=(AgentKind("dispatcher", 1, (), (OptionsHead("assign", FEATURES),)),),
    objectives=(
        Objective("weighted_tardiness_h", "h", "min"),
        Objective("makespan_h", "h", "min"),
        Objective("setup_h", "h", "min"),
        Objective("overtime_h", "h", "min"),
    ),
    kpis=(
        Kpi("weighted_tardiness_h", "h", "min", "hours late, times weight, summed over jobs"),
        Kpi("days_late", "days", "min", "days of 24 h late, summed over jobs"),
        Kpi("late_jobs", "jobs", "min", "jobs that end after their due time"),
        Kpi("makespan_h", "h", "min", "end of the last operation"),
        Kpi("setup_h", "h", "min", "time spent on set-ups"),
        Kpi("overtime_h", "h", "min", "work in windows that cost extra"),
        Kpi("utilisation_spread", "points", "min", "standard deviation of machine utilisation"),
    ),
)
"""Names and units of everything that crosses the contract."""


class JobShop:
    """A flexible job shop as a sequence of dispatching decisions.

    **Description.** Whenever a deciding group of machines (a *cell*: machines that share
    operations) has an idle, open machine and a queued operation for it, the policy is asked which
    operation to start on which machine, or to wait for the cell's next event. An operation starts
    as early as set-up, calendar and fixed work allow. The episode ends when the last operation is
    assigned, so that every episode has as many assignments as the shop has free operations.

    **Actions.** One options head: the index of a candidate in the own rows of `options`. Its `id`
    is the number of the (operation, machine) pair in the Scenario, -1 for waiting. An index out of
    range is counted in `illegal` and taken as 0.

    **Observations.** 26 features for each candidate, see `features.FEATURES`.

    **Reward.** Four objectives in hours, all to be minimised: weighted tardiness (as the rise of
    its lower bound, so that its sum over the episode is exact), makespan, set-up, overtime.

    **Start.** Row b plays scenario (seed + episode * STRIDE) modulo the pool.

    **End.** Terminated when all is assigned; never truncated.

    **Versions.** 1: first.

    Parameters
    ----------
    scenarios
        The pool; at least one, each with at least one operation that is not fixed.
    n_envs
        B, the number of parallel copies.

    Raises
    ------
    ScenarioError
        When a scenario has nothing to plan, or its calendars end before its work.
    """

    def __init__(self, scenarios: Sequence[Scenario], n_envs: int) -> None:
        self.scenarios = tuple(scenarios)
        _require_work(self.scenarios)
        self._shops = pack(self.scenarios)
        self._state = allocate(self._shops, n_envs)
        self._n_envs = n_envs
        self._features = np.zeros((32 * n_envs, N_FEATURES), dtype=np.float32)
        self._ids = np.zeros(32 * n_envs, dtype=np.int32)
        self._offset = np.zeros(n_envs + 1, dtype=np.int64)
        families = max(len(scenario.family_name) for scenario in self.scenarios)
        self._families = np.zeros(families, dtype=np.int64)
        self._results = Results(
            reward=np.zeros((n_envs, len(SPEC.objectives))),
            outcome=np.zeros((n_envs, len(SPEC.kpis))),
            terminated=np.zeros(n_envs, dtype=np.bool_),
            start=np.zeros(n_envs, dtype=np.bool_),
            elapsed_s=np.zeros(n_envs),
            illegal=np.zeros(n_envs, dtype=np.int32),
            code=np.zeros(n_envs, dtype=np.int32),
        )
        self._truncated = np.zeros(n_envs, dtype=np.bool_)
        self._cost = np.zeros((n_envs, 0))
        self._no_value = np.zeros((n_envs, 1, 0))
        # The axes that this world does not use have length zero; made once, a step takes less.
        self._nothing = Observation(
            obs=np.zeros((n_envs, 1, 0), dtype=np.float32),
            state=np.zeros((n_envs, 0), dtype=np.float32),
            mask=np.zeros((n_envs, 1, 0), dtype=np.bool_),
            options=Options(
                self._features[:0], np.zeros(n_envs + 1, dtype=np.int64), self._ids[:0]
            ),
            alive=np.ones((n_envs, 1), dtype=np.bool_),
            start=self._results.start,
            signals=np.zeros((n_envs, 0)),
            age_s=np.zeros((n_envs, 0)),
            quality=np.zeros((n_envs, 0), dtype=np.bool_),
        )

    @property
    def spec(self) -> Spec:
        """Names, units and ranges of everything."""
        return SPEC

    @property
    def n_envs(self) -> int:
        """B, the number of parallel copies."""
        return self._n_envs

    def reset(self, seeds: Longs) -> Observation:
        """Start every row anew at episode 0; `seeds` has shape (B,), values at least 0."""
        self._state.seed[:] = seeds
        self._state.episode[:] = 0
        self._state.last_shop[:] = -1
        start_rows(self._shops, self._state, self._results)
        self._raise_codes()
        return self._observe()

    def step(self, action: Action) -> Step:
        """Apply one choice to each row; a row that ends starts its next episode at once."""
        choice = action.choice[:, 0, 0].astype(np.int32)
        step_rows(self._shops, self._state, choice, self._ids, self._offset, self._results)
        self._raise_codes()
        results = self._results
        return Step(
            observation=self._observe(),
            final=self._nothing,
            reward=results.reward[:, None, :],
            cost=self._cost,
            outcome=results.outcome,
            terminated=results.terminated,
            truncated=self._truncated,
            elapsed_s=results.elapsed_s,
            applied=Action(choice[:, None, None], self._no_value),
            illegal=results.illegal[:, None],
        )

    def snapshot(self) -> dict[str, NDArray[Any]]:
        """Return a copy of the state arrays by name."""
        return {key: value.copy() for key, value in self._state._asdict().items()} | {
            "start": self._results.start.copy()
        }

    def restore(self, snapshot: dict[str, NDArray[Any]]) -> Observation:
        """Go back to a snapshot of an Env with the same pool and size, bit for bit."""
        for key, value in self._state._asdict().items():
            value[...] = snapshot[key]
        self._results.start[:] = snapshot["start"]
        return self._observe()

    def schedule(self, row: int, method: str) -> Schedule | None:
        """Return the schedule of the episode that `row` ended last; None before the first end."""
        number = int(self._state.last_shop[row])
        if number < 0:
            return None
        scenario = self.scenarios[number]
        times = self._state.last_s[row, : scenario.n_ops].copy()
        return Schedule(
            scenario=scenario,
            method=method,
            machine=self._state.last_machine[row, : scenario.n_ops].copy(),
            setup_start_s=times[:, 0],
            setup_end_s=times[:, 1],
            start_s=times[:, 2],
            end_s=times[:, 3],
        )

    def _observe(self) -> Observation:
        """Write the candidates of every row, in longer buffers where they do not fit."""
        while True:
            self._offset[:] = -1  # so that the row that failed shows: the last that was begun
            code = observe_rows(
                self._shops, self._state, self._features, self._ids, self._offset, self._families
            )
            if code != FULL:
                break
            self._features = np.zeros((2 * len(self._ids), N_FEATURES), dtype=np.float32)
            self._ids = np.zeros(2 * len(self._ids), dtype=np.int32)
        if code == NO_SPOT:
            row = np.flatnonzero(self._offset >= 0)[-1]
            raise _calendar_over([self.scenarios[self._state.shop[row]]])
        last = int(self._offset[-1])
        return self._observation(Options(self._features[:last], self._offset, self._ids[:last]))

    def _observation(self, options: Options) -> Observation:
        """Put the candidates beside what never changes."""
        fixed = self._nothing
        return Observation(
            obs=fixed.obs,
            state=fixed.state,
            mask=fixed.mask,
            options=options,
            alive=fixed.alive,
            start=self._results.start,
            signals=fixed.signals,
            age_s=fixed.age_s,
            quality=fixed.quality,
        )

    def _raise_codes(self) -> None:
        """Turn the kernels' codes into the user's error."""
        if not self._results.code.any():
            return
        rows = np.flatnonzero(self._results.code == CALENDAR_OVER)
        if len(rows):
            raise _calendar_over([self.scenarios[self._state.shop[row]] for row in rows])
        if np.any(self._results.code == kernels.ENDED):
            msg = "a scenario without free operations passed the check at construction"
            raise InvariantError(msg)


def _require_work(scenarios: Sequence[Scenario]) -> None:
    """Refuse an empty pool and scenarios in which nothing is left to decide."""
    names = [s.name for s in scenarios if not np.any(s.fixed_machine < 0)]
    if names or not scenarios:
        raise ScenarioError(
            Problem(
                where=", ".join(names) or "pool of scenarios",
                found="nothing to plan: every operation is running, frozen or finished",
                allowed="at least one operation that is not fixed",
                fix="add open operations",
            )
        )


def _calendar_over(scenarios: Sequence[Scenario]) -> ScenarioError:
    """Return the error of a calendar that ends before the work does."""
    names = sorted({scenario.name for scenario in scenarios})
    return ScenarioError(
        Problem(
            where=", ".join(names),
            found="a calendar that ends before the work does",
            allowed="calendars that reach beyond the last operation",
            fix="lengthen the horizon of the calendars",
        )
    )
