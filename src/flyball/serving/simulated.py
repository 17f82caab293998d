# SPDX-License-Identifier: MIT
"""A simulated plant that asks for decisions as a real one would, with a twin beside it.

Every copy of the Env is a unit, every episode a block. The twin is another Env of the same seeds
that a baseline runs: it meets the same events, so what it reaches tells what to expect of the
episode whoever is in control.
"""

from typing import Protocol

import numpy as np

from flyball.core.batch import Action, Doubles, Longs, Observation, Step
from flyball.core.decision import Outcome, Reply, Request
from flyball.core.protocols import Env, Policy


class Decides(Protocol):
    """A server, here or behind its API."""

    def decide(self, request: Request) -> Reply:
        """Return what is written to the plant."""
        ...

    def learn(self, outcome: Outcome) -> bool:
        """Keep what came of a block."""
        ...


class Simulated:
    """Units of a plant that exists in the computer only.

    Parameters
    ----------
    env
        B copies, an agent each with continuous values.
    step_s
        From one decision to the next, simulated s.
    server
        Decides, and learns what came of it.
    seed
        Names the episodes.
    twin
        If given: another Env of as many copies, and the baseline that runs it.
    """

    def __init__(
        self,
        env: Env,
        step_s: float,
        server: Decides,
        seed: int = 0,
        twin: tuple[Env, Policy] | None = None,
    ) -> None:
        self.env, self._step_s, self._server = env, step_s, server
        self._kpis = [kpi.name for kpi in env.spec.kpis]
        seeds = seed * 1_000_003 + np.arange(env.n_envs, dtype=np.int64)
        self._observation = env.reset(seeds)
        self._twin = Twin(*twin, seeds) if twin is not None else None
        self._episode = np.zeros(env.n_envs, np.int64)
        self._n = np.zeros(env.n_envs, np.int64)
        self._at_s = 0.0
        self._run = f"run {seed}"
        self._applied: list[list[float | None]] = [[] for _ in range(env.n_envs)]

    def step(self) -> list[Outcome]:
        """Ask for a decision for every unit, apply them, and tell what came of ended episodes."""
        seen = self._observation
        replies = [self._server.decide(self._request(seen, b)) for b in range(self.env.n_envs)]
        value = np.array([reply.value for reply in replies])[:, None]
        choice = np.zeros((self.env.n_envs, 1, 0), np.int32)
        after = self.env.step(Action(choice, value))
        self._applied = [list(map(float, own)) for own in after.applied.value[:, 0]]
        self._at_s += self._step_s
        self._n += 1
        ends = np.flatnonzero(after.terminated | after.truncated)
        told = [self._outcome(after, int(b)) for b in ends]
        for outcome in told:
            self._server.learn(outcome)
        self._observation = after.observation
        return told

    def _request(self, seen: Observation, b: int) -> Request:
        start = bool(seen.start[b])
        return Request(
            decision_id=f"{self._run} unit {b} {self._episode[b]}.{self._n[b]}",
            unit=f"unit {b}",
            at_s=self._at_s,
            obs=[float(x) for x in seen.obs[b, 0]],
            signals=_told(seen.signals[b]),
            age_s=[float(x) for x in seen.age_s[b]],
            quality=[bool(x) for x in seen.quality[b]],
            start=start,
            block=self._block(b),
            applied=[] if start else self._applied[b],
        )

    def _block(self, b: int) -> str:
        return f"{self._run} unit {b} episode {self._episode[b]}"

    def _outcome(self, after: Step, b: int) -> Outcome:
        block = self._block(b)
        figures = dict(zip(self._kpis, map(float, after.outcome[b]), strict=True))
        told: dict[str, float] = {}
        if self._twin is not None:
            expected = self._twin.outcome(b, int(self._episode[b]))
            told = dict(zip(self._kpis, map(float, expected), strict=True))
        self._episode[b] += 1
        self._n[b] = 0
        return Outcome(
            outcome_id=f"outcome of {block}",
            unit=f"unit {b}",
            block=block,
            metrics=figures,
            at_s=self._at_s,
            twin=told,
        )


def _told(signals: Doubles) -> list[float | None]:
    return [float(x) if np.isfinite(x) else None for x in signals]


class Twin:
    """What a baseline reaches in the same episodes: a control variate for whoever is in control.

    Parameters
    ----------
    env
        As many copies as the plant has, of its own.
    policy
        The baseline.
    seeds
        (B,) as the plant's.
    """

    def __init__(self, env: Env, policy: Policy, seeds: Longs) -> None:
        self._env, self._policy = env, policy
        self._observation = env.reset(seeds)
        self._memory = policy.initial(env.n_envs)
        self._episode = np.zeros(env.n_envs, np.int64)
        self._known: dict[tuple[int, int], Doubles] = {}

    def outcome(self, b: int, episode: int) -> Doubles:
        """Return the KPIs (Q,) of one episode of a copy; each is asked for once, in order."""
        while (b, episode) not in self._known:
            action, _, self._memory = self._policy.act(self._observation, self._memory, None)
            after = self._env.step(action)
            for row in np.flatnonzero(after.terminated | after.truncated):
                self._known[int(row), int(self._episode[row])] = after.outcome[row].copy()
                self._episode[row] += 1
            self._observation = after.observation
        return self._known.pop((b, episode))
