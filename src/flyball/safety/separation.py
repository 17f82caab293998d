# SPDX-License-Identifier: MIT
"""The gate for many bodies that must keep apart: every one holds a committed stop at all times.

The reference of a body is a double integrator, known exactly; the body is within its tube. A new
acceleration passes if "one step of it, then brake" stays apart, in continuous time, from what every
other body is committed to: its own new step where that has passed already, else its stop. So all
committed stops are compatible after every decision, and by induction no pair ever comes closer than
the separation, whatever is proposed and however many meet at one place. (Pairwise barrier rows with
a bounded acceleration become infeasible together; see `docs/how-to`.)

B copies · N bodies · K dimensions.
"""

from typing import Any

import numpy as np

from flyball.core.batch import Bools, Doubles, Ints, Longs
from flyball.core.envelope import Bodies
from flyball.core.errors import ConfigError, Problem
from flyball.safety.gate import COMMITTED, EASED, LOST, PASSED, Gated, Region
from flyball.safety.kernels import kernel
from flyball.safety.paths import Path, Rules, chart, compatible

SLACK_M = 1e-6
"""What is kept beyond the separation, so that rounding eats none of it."""

LEAST_SHARE = 0.2
"""Of a wish: below it a body brakes."""


@kernel
def first_push(speed: Doubles, rules: Rules, out: Doubles) -> None:
    """Write the acceleration (K,) of the first tick of a stop."""
    fast = 0.0
    for k in range(len(speed)):
        fast += speed[k] ** 2
    fast = np.sqrt(fast)
    strength = min(rules.acceleration, fast / rules.step_s)
    for k in range(len(speed)):
        out[k] = -strength * speed[k] / fast if fast > 0.0 else 0.0


@kernel
def _clear(all_: Path, length: Doubles, i: int, own: Path, row: int, least: float) -> bool:
    """Return whether a path of body i keeps apart from the paths of all others.

    Parameters
    ----------
    all_, length
        Paths of all bodies, and how long they are at most.
    own, row
        The path of body i.
    least
        Distance to keep, m.
    """
    for j in range(len(length) - 1):
        if j == i:
            continue
        gap = 0.0
        for k in range(own.place.shape[2]):
            gap += (own.place[row, 0, k] - all_.place[j, 0, k]) ** 2
        far = np.sqrt(gap) - length[i] - length[j] >= least
        if not far and not compatible(own, row, all_, j, least):
            return False
    return True


@kernel
def tame(speed: Doubles, push: Doubles, rules: Rules, out: Doubles) -> bool:
    """Write an acceleration (K,) cut to what a body can do; return whether it was left whole.

    Who is within the speed limit gets to the nearest allowed speed with no more than was asked for;
    who is too fast already slows down as hard as may be.
    """
    size, fast = 0.0, 0.0
    for k in range(len(push)):
        size += push[k] ** 2
    share = rules.acceleration / np.sqrt(size) if size > rules.acceleration**2 else 1.0
    for k in range(len(push)):
        out[k] = share * push[k]
        fast += (speed[k] + out[k] * rules.step_s) ** 2
    fast = np.sqrt(fast)
    if fast > rules.speed:
        for k in range(len(push)):
            nearest = (speed[k] + out[k] * rules.step_s) * (rules.speed / fast)
            out[k] = (nearest - speed[k]) / rules.step_s
        size = 0.0
        for k in range(len(push)):
            size += out[k] ** 2
        if size > rules.acceleration**2:
            for k in range(len(push)):
                out[k] *= rules.acceleration / np.sqrt(size)
    return bool(share == 1.0 and not fast > rules.speed)


@kernel
def _ask(state: Doubles, wish: Doubles, i: int, rules: Rules, paths: Path, length: Doubles) -> int:
    """Give body i as much of its wish (K,) as leaves all paths apart; return the code.

    Row N of `paths` and `length` is room for what is tried.
    """
    n, n_dims = len(state), len(wish)
    held, whole = length[i], True
    tried, out = np.empty(n_dims), np.empty(n_dims)
    stop = paths.push[i, 0].copy()
    share = 1.0
    while share > LEAST_SHARE:
        for k in range(n_dims):
            tried[k] = wish[k] if share == 1.0 else stop[k] + share * (wish[k] - stop[k])
        whole = tame(state[i, n_dims:], tried, rules, out)
        length[i] = chart(paths, n, state[i, :n_dims], state[i, n_dims:], out, rules)
        if _clear(paths, length, i, paths, n, rules.apart):
            paths.start[i], paths.place[i] = paths.start[n], paths.place[n]
            paths.speed[i], paths.push[i] = paths.speed[n], paths.push[n]
            return PASSED if whole and share == 1.0 else EASED
        share *= 0.5
    length[i] = held
    return COMMITTED


@kernel
def admit(state: Doubles, proposed: Doubles, order: Longs, rules: Rules, out: Doubles) -> Ints:
    """Let every body of one copy do what keeps all committed stops apart; return codes (N,).

    Parameters
    ----------
    state
        (N, 2 K) place and speed of the references.
    proposed
        (N, K); what is no number brakes.
    order
        (N,) who is asked first.
    out
        (N, K) what is applied.
    """
    n, n_dims = proposed.shape
    shape = (n + 1, 4, n_dims)
    paths = Path(np.zeros((n + 1, 4)), np.zeros(shape), np.zeros(shape), np.zeros(shape))
    code, length, stop = np.full(n, COMMITTED, np.int32), np.zeros(n + 1), np.empty(n_dims)
    for i in range(n):
        first_push(state[i, n_dims:], rules, stop)
        length[i] = chart(paths, i, state[i, :n_dims], state[i, n_dims:], stop, rules)
    for i in range(n):
        if not _clear(paths, length, i, paths, i, rules.apart - SLACK_M):
            code[i] = LOST
    for i in order:
        number = True
        for k in range(n_dims):
            number = number and np.isfinite(proposed[i, k])
        if number:
            found = _ask(state, proposed[i], i, rules, paths, length)
            if found != COMMITTED:
                code[i] = found
    for i in range(n):
        out[i] = paths.push[i, 0]
        if code[i] == PASSED:
            out[i] = proposed[i]
    return code


@kernel
def brake(state: Doubles, rules: Rules, out: Doubles) -> None:
    """Write what every body (N, K) does that goes on with its stop; 0 for one that nobody knows.

    Bodies whose committed stops keep apart go on keeping apart.
    """
    n_dims = out.shape[1]
    for i in range(len(state)):
        known = True
        for k in range(2 * n_dims):
            known = known and np.isfinite(state[i, k])
        out[i] = 0.0
        if known:
            first_push(state[i, n_dims:], rules, out[i])


@kernel
def closest(place: Doubles) -> Doubles:
    """Return (N,) the distance of each body (N, K) from its nearest neighbour, m."""
    n, n_dims = place.shape
    found = np.full(n, np.inf)
    for i in range(n):
        for j in range(i):
            gap = 0.0
            for k in range(n_dims):
                gap += (place[i, k] - place[j, k]) ** 2
            gap = np.sqrt(gap)
            found[i], found[j] = min(found[i], gap), min(found[j], gap)
    return found


class SeparationGate:
    """Committed stops of N bodies in each of B copies; the face is that of `Gate`, a body a row."""

    def __init__(self, bodies: Bodies, *, n_envs: int, step_s: float) -> None:
        """Know nobody yet.

        Parameters
        ----------
        bodies
            Sizes and limits.
        n_envs
            B.
        step_s
            From one decision to the next, s, always.

        Raises
        ------
        ConfigError
            For numbers that are no sizes.
        """
        own = (step_s, bodies.acceleration, bodies.speed, bodies.separation)
        if not (all(0.0 < each < np.inf for each in own) and 0.0 <= bodies.tube < np.inf):
            raise ConfigError(
                Problem(
                    where="bodies",
                    found=f"step {own[0]} s, acceleration {own[1]} m/s2, speed {own[2]} m/s, "
                    f"separation {own[3]} m, tube {bodies.tube} m",
                    allowed="numbers above 0, and a tube of at least 0 m",
                    fix="state them in these units",
                )
            )
        least = bodies.separation + 2.0 * bodies.tube + SLACK_M
        self.bodies, self.n_envs = bodies, n_envs
        self.rules = Rules(*map(float, (step_s, bodies.acceleration, bodies.speed, least)))
        self.state = np.full((n_envs, bodies.n, 2 * bodies.n_dims), np.nan)
        self.waited = np.zeros((n_envs, bodies.n), np.int64)

    def begin(self, rows: Longs) -> None:
        """Forget the copies that rows (n,) belong to."""
        envs = np.unique(rows // self.bodies.n)
        self.state[envs], self.waited[envs] = np.nan, 0

    def decide(self, measured: Region, proposed: Doubles, before: Doubles) -> Gated:  # noqa: ARG002
        """Return what the bodies may do now (see `Gate.decide`).

        A reference is what was commanded, so it is known without being measured; who waited
        longest is asked first.

        Parameters
        ----------
        measured
            Of B copies (B, 2 K N), body after body.
        proposed
            (B * N, K).
        before
            (B * N, K) applied last; not needed.
        """
        n, k = self.bodies.n, self.bodies.n_dims
        seen = 0.5 * (measured.low + measured.high).reshape(self.state.shape)
        known: Bools = np.asarray(np.isfinite(seen).all(-1))
        state = np.where(known[..., None], seen, self.state)
        own: Bools = np.asarray(np.isfinite(self.state).all(-1)) & known
        off: Doubles = np.abs(seen - self.state).max(-1)
        doubted: Bools = own & ~np.asarray(off <= SLACK_M)
        wish = proposed.reshape(self.n_envs, n, k)
        applied, code = np.zeros_like(wish), np.zeros((self.n_envs, n), np.int32)
        margin = np.full((self.n_envs, n), np.nan)
        for b in range(self.n_envs):
            if not np.isfinite(state[b]).all():
                # Where a body is that was never seen nobody knows, so that nothing is certified.
                code[b] = LOST
                brake(state[b], self.rules, applied[b])
                continue
            order = np.argsort(-self.waited[b], kind="stable")
            code[b] = admit(state[b], wish[b], order, self.rules, applied[b])
            margin[b] = closest(state[b, :, :k]) - (self.rules.apart - SLACK_M)
        self.waited = np.where(code <= EASED, 0, self.waited + 1)
        step_s = self.rules.step_s
        place, speed = state[..., :k], state[..., k:]
        self.state[..., :k] = place + (speed + 0.5 * applied * step_s) * step_s
        self.state[..., k:] = speed + applied * step_s
        rows = (self.n_envs * n,)
        return Gated(
            applied.reshape(*rows, k),
            code.reshape(rows),
            margin.reshape(rows),
            doubted.reshape(rows),
            np.full(rows, np.inf),
            np.full(rows, np.inf),
        )

    def snapshot(self) -> dict[str, Any]:
        """Return a copy of everything that is remembered."""
        return {"gate.state": self.state.copy(), "gate.waited": self.waited.copy()}

    def restore(self, snapshot: dict[str, Any]) -> None:
        """Go back to a snapshot."""
        self.state, self.waited = snapshot["gate.state"].copy(), snapshot["gate.waited"].copy()
