# SPDX-License-Identifier: MIT
"""A mass on a rail with walls, pushed by a bounded force nobody knows: exact, for tests of gates.

x' = v, v' = u + w with |w| <= W. It may not leave |x| <= 1 m nor |v| <= 2 m/s. The backup brakes.
"""

import numpy as np

from flyball.core.batch import Action, Observation, Options, Step
from flyball.core.envelope import Envelope, Reach
from flyball.core.limits import Box
from flyball.core.spec import AgentKind, Feature, Kpi, Objective, Signal, Spec, TanhGaussian
from flyball.safety.shield import Shield, ShieldConfig

WALL_M, FASTEST_M_PER_S, BRAKE, W = 1.0, 2.0, 4.0, 0.3
VALUES = (TanhGaussian("push", "m/s2", -BRAKE, BRAKE),)
LIMITS = (Box(name="push", unit="m/s2", value="push", low=-BRAKE, high=BRAKE),)


class Model:
    """The extreme trajectories of a box are those of its corners: the plant is monotone."""

    def __init__(self, force=W):
        self.force = force

    def reach(self, low, high, value, step_s):
        ends, margins = [], []
        for corner, sign in ((low, -1.0), (high, 1.0)):
            x, v, a = corner[:, 0], corner[:, 1], value[:, 0] + sign * self.force
            with np.errstate(all="ignore"):
                turn = np.where(v * a < 0, np.clip(-v / a, 0.0, step_s), 0.0)
                path = [x, x + v * step_s + 0.5 * a * step_s**2, x + v * turn + 0.5 * a * turn**2]
                speed = [v, v + a * step_s]
            margins += [WALL_M - sign * each for each in path]
            margins += [FASTEST_M_PER_S - sign * each for each in speed]
            ends.append(np.stack((path[1], speed[1]), 1) + sign * 1e-12)
        return Reach(ends[0], ends[1], np.min(margins, axis=0))


class Stoppable:
    """Where full braking against the worst force stops before the wall: x + v^2 / (2 (a - W)).

    Braking hard from its border stays inside it whatever the force does, so it is invariant.
    """

    def margin(self, low, high):
        sides = [
            WALL_M - (sign * x + np.maximum(sign * v, 0.0) ** 2 / (2.0 * (BRAKE - W)))
            for sign, (x, v) in ((-1.0, low.T), (1.0, high.T))
        ]
        fast = FASTEST_M_PER_S - np.maximum(-low[:, 1], high[:, 1])
        return np.min((*sides, fast), axis=0)


class Brake:
    """Of a stop and the hardest pushes, what ends deepest in the safe set."""

    def __init__(self, hold_s):
        self.hold_s = hold_s

    def value(self, low, high):
        middle = 0.5 * (low + high)
        stop = np.clip(-middle[:, 1] / self.hold_s, -BRAKE, BRAKE)
        best, found = np.full(len(low), -np.inf), np.full((len(low), 1), np.nan)
        for wish in (stop, np.full_like(stop, -BRAKE), np.full_like(stop, BRAKE)):
            reach = Model().reach(low, high, wish[:, None], self.hold_s)
            own = np.minimum(Stoppable().margin(reach.low, reach.high), reach.margin)
            better = own > best
            best[better], found[better, 0] = own[better], wish[better]
        return found


class Still:
    """At rest, but for rounding."""

    def margin(self, low, high):
        return 1e-6 - np.maximum(-low[:, 1], high[:, 1])


class Stop:
    """Brake as hard as may be, and to a stop in the last hold."""

    def value(self, low, high):
        return np.clip(-0.5 * (low + high)[:, 1:] / 0.1, -BRAKE, BRAKE)


def envelope(hold_s=0.1, horizon=1):
    return Envelope(
        limits=LIMITS,
        signals=("x", "v"),
        error=(0.0, 0.0),
        model=Model(),
        backup=Brake(hold_s),
        safe=Stoppable(),
        hold_s=hold_s,
        horizon=horizon,
    )


def moved(state, push, force, step_s):
    """Return states (n, 2) a step on, and the furthest |x| and |v| within it."""
    x, v, a = state[:, 0], state[:, 1], push + force
    times = np.linspace(0.0, step_s, 9)[:, None]
    path, speed = x + v * times + 0.5 * a * times**2, v + a * times
    return np.stack((path[-1], speed[-1]), 1), np.abs(path).max(0), np.abs(speed).max(0)


SPEC = Spec(
    world="rail",
    version=1,
    kinds=(
        AgentKind("carriage", 1, (Feature("x", "m", -1, 1), Feature("v", "m/s", -2, 2)), VALUES),
    ),
    objectives=(Objective("way", "m", "max"),),
    kpis=(Kpi("way", "m", "max", "way"),),
    signals=(Signal("x", "m", -1, 1), Signal("v", "m/s", -2, 2)),
)


class Rail:
    """The mass as an Env of B copies; episodes of 40 steps that start at rest in the middle."""

    spec = SPEC

    def __init__(self, n_envs, step_s=0.1):
        self.n_envs, self.step_s = n_envs, step_s
        self.state, self.far = np.zeros((n_envs, 2)), np.zeros(n_envs)
        self.count, self.force = np.zeros(n_envs, np.int64), np.zeros(n_envs)

    def reset(self, seeds):
        self.state[:], self.count[:] = 0.0, seeds % 40
        return self._observe(np.ones(self.n_envs, np.bool_))

    def _observe(self, start):
        n = self.n_envs
        nothing = Options(
            np.zeros((0, 0), np.float32), np.zeros(n + 1, np.int64), np.zeros(0, np.int32)
        )
        return Observation(
            obs=self.state[:, None].astype(np.float32),
            state=np.zeros((n, 0), np.float32),
            mask=np.zeros((n, 1, 0), np.bool_),
            options=nothing,
            alive=np.ones((n, 1), np.bool_),
            start=start,
            signals=self.state.copy(),
            age_s=np.zeros((n, 2)),
            quality=np.ones((n, 2), np.bool_),
        )

    def step(self, action):
        n = self.n_envs
        self.state, self.far, _ = moved(self.state, action.value[:, 0, 0], self.force, self.step_s)
        self.count += 1
        truncated = self.count >= 40
        final = self._observe(np.zeros(n, np.bool_))
        self.state[truncated], self.count[truncated] = 0.0, 0
        return Step(
            observation=self._observe(truncated),
            final=final,
            reward=np.zeros((n, 1, 1)),
            cost=np.zeros((n, 0)),
            outcome=np.zeros((n, 1)),
            terminated=np.zeros(n, np.bool_),
            truncated=truncated,
            elapsed_s=np.full(n, self.step_s),
            applied=action,
            illegal=np.zeros((n, 1), np.int32),
        )

    def snapshot(self):
        return {"state": self.state.copy(), "count": self.count.copy()}

    def restore(self, snapshot):
        self.state, self.count = snapshot["state"].copy(), snapshot["count"].copy()
        return self._observe(np.zeros(self.n_envs, np.bool_))


N = 50


def shield_of(n_envs=N, step_s=0.1, **settings):
    config = ShieldConfig(**settings)
    return Shield(SPEC, envelope(), n_envs=n_envs, step_s=step_s, config=config)


def push(value, n_envs=N):
    value = np.broadcast_to(np.asarray(value, float).reshape(-1, 1, 1), (n_envs, 1, 1))
    return Action(np.zeros((n_envs, 1, 0), np.int32), value.copy())
