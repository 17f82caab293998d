# SPDX-License-Identifier: MIT
"""What an engineer would fly robots with: straight to the goal, and a braking barrier between two.

For two robots with way n from the other and closing speed v, the barrier

    h = sqrt(2 S (d - D)) + v_r,   S = what both can brake with,   v_r = n . (v_i - v_j)

says that both can still stop in time (Wang, Ames & Egerstedt, *Safety barrier certificates for
collisions-free multirobot systems*, IEEE T-RO 33, 2017). Keeping it from falling too fast is a
half-plane of accelerations, of which each robot takes half. The nearest acceleration in all
half-planes is found by Hildreth's sweeps. Ties are broken to the right.

It is good and no proof: too many half-planes at once leave nothing, a decision holds for a whole
step, and near D the barrier is steep. Only the six nearest others are seen.
"""

import numpy as np

from flyball.core.batch import Doubles
from flyball.worlds.classics.guarded.scenario import Scenario
from flyball.worlds.classics.guarded.swarm import N_SEEN

GAIN_PER_S = 4.0
"""How fast a barrier may fall, as a share of itself."""

BRAKING = 0.5
"""Share of the acceleration that braking counts on; the rest is left for turning."""

CAREFUL = 0.99
"""Share of the speed limit that is used."""

SWEEPS = 12
"""Of Hildreth's method."""

SIDESTEP = 0.8
"""How far a robot with others near leans to the right of its way, as a share of its speed."""

NEAR = 8.0
"""Others within so many separations are given way to. These numbers are the best of sixteen that
were tried on 40 robots in the circle, at steps of 0.1 s, with seeds 1000 and 1001."""


def to_goal(problem: Scenario, way: Doubles, speed: Doubles) -> Doubles:
    """Return the acceleration (..., 2) that goes to the goal as fast as it can stop there.

    Parameters
    ----------
    problem
        Of the robots.
    way, speed
        To the goal, m, and own velocity, m/s, each (..., 2).
    """
    plant, step_s = problem.plant, problem.step_s
    far = np.linalg.norm(way, axis=-1, keepdims=True)
    brake = BRAKING * plant.acceleration
    lead = brake * step_s  # it goes on for a step before it brakes
    fast = np.sqrt(lead * lead + 2.0 * brake * far) - lead
    fast = np.minimum(np.minimum(fast, 0.95 * plant.speed), far / (2.0 * step_s))
    wish = way / np.maximum(far, 1e-9) * fast
    push: Doubles = (wish - speed) / max(step_s, 0.3)
    return push


def leaning(problem: Scenario, way: Doubles, obs: Doubles) -> Doubles:
    """Return the way (B, N, 2), turned to the right where another is near and ahead."""
    away = obs[..., 4:].reshape(*obs.shape[:2], N_SEEN, 4)[..., :2]
    far = np.linalg.norm(away, axis=-1)
    ahead = (away * way[:, :, None]).sum(-1) > 0.0
    near = (far > 0.0) & (far < NEAR * problem.plant.separation) & ahead
    right = np.stack([way[..., 1], -way[..., 0]], axis=-1)
    lean = SIDESTEP * near.any(-1, keepdims=True)
    turned: Doubles = way + lean * right
    return turned


def keep_apart(problem: Scenario, wish: Doubles, obs: Doubles) -> Doubles:
    """Return the nearest acceleration (B, N, 2) to a wish that keeps every braking barrier.

    And the speed limit, if it was kept so far.

    Parameters
    ----------
    problem
        Of the robots.
    wish
        Accelerations (B, N, 2).
    obs
        What the robots see (B, N, F).
    """
    plant = problem.plant
    others = obs[..., 4:].reshape(*obs.shape[:2], N_SEEN, 4)
    away, drift = -others[..., :2], -others[..., 2:]
    far = np.linalg.norm(away, axis=-1)
    seen = far > 0.0  # columns without a robot are zeros
    far = np.where(seen, far, 1e9)
    normal = away / far[..., None]
    closing = (normal * drift).sum(-1)
    both = 2.0 * BRAKING * plant.acceleration
    reserve = 2.0 * plant.wind_bound / plant.rate**2 + plant.speed * problem.step_s * 0.1
    root = np.sqrt(2.0 * both * np.maximum(far - plant.separation - reserve, 0.01))
    turning = ((drift * drift).sum(-1) - closing * closing) / far
    least = -GAIN_PER_S * (root + closing) - turning - both * closing / root
    least = np.where(seen, 0.5 * least, -1e9)
    found, weight = wish.copy(), np.zeros(least.shape)
    for _ in range(SWEEPS):
        for k in range(N_SEEN):
            short = least[..., k] - (normal[..., k, :] * found).sum(-1)
            change = np.maximum(short, -weight[..., k])
            weight[..., k] += change
            found += change[..., None] * normal[..., k, :]
    return slowed(problem, capped(found, plant.acceleration), obs[..., 2:4])


def slowed(problem: Scenario, push: Doubles, speed: Doubles) -> Doubles:
    """Return accelerations (..., 2), changed where a step of them would pass the speed limit."""
    plant, step_s = problem.plant, problem.step_s
    most = CAREFUL * plant.speed
    after = speed + step_s * push
    fast = np.linalg.norm(after, axis=-1, keepdims=True) > most
    slower = capped((capped(after, most) - speed) / step_s, plant.acceleration)
    return np.where(fast, slower, push)


def capped(vector: Doubles, most: float) -> Doubles:
    """Return vectors (..., 2), shortened to a length."""
    length = np.linalg.norm(vector, axis=-1, keepdims=True)
    short: Doubles = vector * (most / np.maximum(length, most))
    return short
