# SPDX-License-Identifier: MIT
"""The arrays of the batch contract that a foreign environment is copied into, made once.

B copies · N agents · F features · S state features · A mask columns · H discrete and D continuous
heads. Two sets of observation arrays take turns, so that the observation of the last call is still
intact during `step`.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flyball.core.batch import Action, Bools, Doubles, Ints, Longs, Observation, Options, Step
from flyball.core.spec import AgentKind, Feature, Kpi, Objective, Spec
from flyball.interop.heads import continuous_heads, discrete_heads

KPIS = (
    Kpi("return", "reward", "max", "undiscounted sum of the rewards, mean over agents"),
    Kpi("length_steps", "steps", "max", "steps of the episode"),
)


def describe(world: str, version: int, kinds: Sequence[AgentKind], n_state: int = 0) -> Spec:
    """Return the Spec of a foreign environment: one objective, its reward."""
    return Spec(
        world=world,
        version=version,
        kinds=tuple(kinds),
        objectives=(Objective("reward", "reward", "max"),),
        kpis=KPIS,
        state=tuple(Feature(f"state[{k}]", "-", -np.inf, np.inf) for k in range(n_state)),
    )


class Batch:
    """Arrays to fill in a step, and what is counted over an episode.

    A step: `legal` for what the plant gets, `turn` to the other observation, fill that and
    `reward`, where rows ended also `final`, `terminated`, `truncated` and `start`, then `close`.

    Parameters
    ----------
    spec
        Of the environment.
    n_envs
        B.
    """

    def __init__(self, spec: Spec, n_envs: int) -> None:
        self.spec, self.n_envs = spec, n_envs
        n_agents = spec.n_agents
        self.starts = spec.choice_starts
        self._ranges(spec)
        self.masked = False
        """Whether any mask ever forbids anything; until then none is read."""
        self.sets = (_blank(spec, n_envs, self.starts), _blank(spec, n_envs, self.starts))
        for each in self.sets:
            each.mask[...] = self.own_columns()
            each.alive[...] = True
        self.now, self._other = self.sets
        self.final = _blank(spec, n_envs, self.starts)
        self.reward = np.zeros((n_envs, n_agents, 1))
        self.terminated = np.zeros(n_envs, dtype=np.bool_)
        self.truncated = np.zeros(n_envs, dtype=np.bool_)
        self._outcome = np.zeros((n_envs, len(KPIS)))
        self._illegal: Ints = np.zeros((n_envs, n_agents), dtype=np.int32)
        self._applied = Action(
            np.zeros((n_envs, n_agents, len(self.starts) - 1), dtype=np.int32),
            np.zeros((n_envs, n_agents, self._low.shape[1])),
        )
        # The same memory, so that what is below 0 is far above any size; made once, like the rest,
        # because a batch of few rows spends its time on calls, not on numbers.
        self._unsigned = self._applied.choice.view(np.uint32)
        self._bad = np.zeros(self._unsigned.shape, dtype=np.bool_)
        self._own_reward = self.reward[:, 0, 0]
        self._total = np.zeros(n_envs)
        self._clock = 0
        self._began: Longs = np.zeros(n_envs, dtype=np.int64)  # clock when the episode began
        self._turns = 0  # since any row last started
        self._stale = False  # whether rows ended in the last step, so that there is to clear
        self._faulty = False  # whether the last step counted anything illegal
        self._steps = tuple(self._step(each) for each in self.sets)

    def legal(self, action: Action) -> tuple[Ints, Doubles]:
        """Return choice (B, N, H) and value (B, N, D) that may be played, and count the others.

        A choice out of range or masked becomes the first legal one, a value out of range the
        nearest bound, NaN the middle of the range.
        """
        choice, value = self._applied.choice, self._applied.value
        if self._faulty:
            self._illegal[...] = 0
            self._faulty = False
        if choice.shape[2]:
            np.copyto(choice, action.choice, casting="unsafe")
            bad = np.greater_equal(self._unsigned, self._sizes, out=self._bad)
            if self._some_lack:
                bad &= self._has
            if self.masked:
                at = self._mask_at + np.where(bad, 0, choice) * self._has
                bad |= ~self.now.mask.reshape(-1)[at] & self._has
            if np.count_nonzero(bad):
                self._replace_choices(bad)
        if value.shape[2]:
            np.copyto(value, action.value, casting="unsafe")
            good = (value >= self._low) & (value <= self._high)
            if np.count_nonzero(good) < good.size:
                self._replace_values(~good)
        return choice, value

    def turn(self) -> Observation:
        """Return the observation to fill now; `now` and `legal` mean it from here on.

        Nothing has ended in it, and no row starts.
        """
        self.now, self._other = self._other, self.now
        self._turns += 1
        if self._turns <= len(self.sets):
            self.now.start[...] = False
        if self._stale:
            for array in (self.final.obs, self.final.state, self.final.mask, self.final.alive):
                array[...] = 0
            self._outcome[...] = 0.0
            self.terminated[...] = False
            self.truncated[...] = False
            self._stale = False
        return self.now

    def begin(self) -> None:
        """Start every row's episode: call it when `now` is what a reset shows."""
        self.now.start[...] = True
        self.now.alive[...] = True
        self._turns = 0
        self._total[...] = 0.0
        self._began[...] = self._clock

    def close(self, *, ended: bool, played: Bools | None = None) -> Step:
        """Count the step and return it.

        Parameters
        ----------
        ended
            Whether any row is marked in `terminated` or `truncated`.
        played
            (B,) which rows took the step; None: all of them.
        """
        self._total += self._own_reward if self.spec.n_agents == 1 else self._mean_reward()
        self._clock += 1
        if played is not None:
            self._began += ~played
            self._turns = 0
        if ended:
            rows = self.terminated | self.truncated
            self._outcome[rows, 0] = self._total[rows]
            self._outcome[rows, 1] = self._clock - self._began[rows]
            self._total[rows] = 0.0
            self._began[rows] = self._clock
            self._stale = True
            self._turns = 0
        return self._steps[0] if self.now is self.sets[0] else self._steps[1]

    def own_columns(self) -> NDArray[np.bool_]:
        """Return which mask columns (N, A) belong to an action that the agent has."""
        own = np.zeros((self.spec.n_agents, self.starts[-1]), dtype=np.bool_)
        for agent, sizes in enumerate(self._sizes.tolist()):
            for h, size in enumerate(sizes):
                first, stop = self.starts[h], self.starts[h + 1]
                own[agent, first : first + size if size <= stop - first else first] = True
        return own

    def snapshot(self) -> dict[str, NDArray[Any]]:
        """Return a copy of everything that the next step depends on."""
        return {name: array.copy() for name, array in self._arrays().items()} | {
            "masked": np.array([self.masked]),
            "length": self._clock - self._began,
        }

    def restore(self, snapshot: dict[str, NDArray[Any]]) -> Observation:
        """Go back to a snapshot; return its observation."""
        self.turn()
        for name, array in self._arrays().items():
            array[...] = snapshot[name]
        self._turns = 0
        self._began[...] = self._clock - snapshot["length"]
        self.masked = bool(snapshot["masked"][0])
        if self.masked:
            self._other.mask[...] = self.now.mask
        return self.now

    def _arrays(self) -> dict[str, NDArray[Any]]:
        now = self.now
        seen = {"obs": now.obs, "state": now.state, "mask": now.mask}
        who = {"alive": now.alive, "start": now.start}
        return seen | who | {"total": self._total}

    def _mean_reward(self) -> Doubles:
        mean: Doubles = self.reward[:, :, 0].mean(axis=1)
        return mean

    def _ranges(self, spec: Spec) -> None:
        """Write down what each agent's heads allow; a head that it does not have allows all."""
        deepest = len(self.starts) - 1
        widest = max(len(continuous_heads(kind.heads)) for kind in spec.kinds)
        self._sizes = np.full((spec.n_agents, deepest), np.iinfo(np.int32).max, np.uint32)
        self._low = np.full((spec.n_agents, widest), np.finfo(np.float64).min)
        self._high = np.full((spec.n_agents, widest), np.finfo(np.float64).max)
        agent = 0
        for kind in spec.kinds:
            own = slice(agent, agent + kind.count)
            for h, head in enumerate(discrete_heads(kind.heads)):
                self._sizes[own, h] = head.n
            for d, real in enumerate(continuous_heads(kind.heads)):
                self._low[own, d], self._high[own, d] = real.low, real.high
            agent += kind.count
        self._has_value = self._low > np.finfo(np.float64).min
        self._has = self._sizes < np.iinfo(np.int32).max
        self._some_lack = not self._has.all()
        row = np.arange(self.n_envs * spec.n_agents).reshape(self.n_envs, spec.n_agents, 1)
        self._mask_at = row * self.starts[-1] + np.array(self.starts[:-1], dtype=np.int64)

    def _replace_choices(self, bad: NDArray[np.bool_]) -> None:
        """Put the first legal choice in place of each bad one; count those of who acts."""
        self._faulty = True
        for b, n, h in np.argwhere(bad).tolist():
            first, stop = self.starts[h], self.starts[h + 1]
            legal = np.flatnonzero(self.now.mask[b, n, first:stop])
            self._applied.choice[b, n, h] = legal[0] if len(legal) else 0
            if self.now.alive[b, n] and len(legal):
                self._illegal[b, n] += 1

    def _replace_values(self, bad: NDArray[np.bool_]) -> None:
        """Put the nearest bound, or the middle for NaN, in place of each bad value."""
        self._faulty = True
        value = self._applied.value
        counted = bad & self._has_value & self.now.alive[:, :, None]
        self._illegal += counted.sum(axis=2, dtype=np.int32)
        middle = 0.5 * (self._low + self._high)
        nearest = np.clip(value, self._low, self._high)
        value[...] = np.where(np.isnan(value), middle, nearest)

    def _step(self, observation: Observation) -> Step:
        return Step(
            observation=observation,
            final=self.final,
            reward=self.reward,
            cost=np.zeros((self.n_envs, 0)),
            outcome=self._outcome,
            terminated=self.terminated,
            truncated=self.truncated,
            elapsed_s=np.ones(self.n_envs),
            applied=self._applied,
            illegal=self._illegal,
        )


def _blank(spec: Spec, n_envs: int, starts: tuple[int, ...]) -> Observation:
    """Return an observation of zeros."""
    n_agents = spec.n_agents
    width = max(len(kind.features) for kind in spec.kinds)
    return Observation(
        obs=np.zeros((n_envs, n_agents, width), dtype=np.float32),
        state=np.zeros((n_envs, len(spec.state)), dtype=np.float32),
        mask=np.zeros((n_envs, n_agents, starts[-1]), dtype=np.bool_),
        options=Options(
            np.zeros((0, 0), dtype=np.float32),
            np.zeros(n_envs * n_agents + 1, dtype=np.int64),
            np.zeros(0, dtype=np.int32),
        ),
        alive=np.zeros((n_envs, n_agents), dtype=np.bool_),
        start=np.zeros(n_envs, dtype=np.bool_),
        signals=np.zeros((n_envs, 0)),
        age_s=np.zeros((n_envs, 0)),
        quality=np.zeros((n_envs, 0), dtype=np.bool_),
    )
