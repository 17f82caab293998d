# SPDX-License-Identifier: MIT
"""Made-up plants: blocks of champion and challenger as their records."""

import numpy as np

from flyball.releases.verdicts import Block, Metric, Plan, assign

LATE = Metric(name="late", unit="h", sense="min", margin=0.3)
PLAN = Plan(primary=LATE, guards=())
STAGES = (("10 %", 0.1, 40), ("25 %", 0.25, 40), ("50 %", 0.5, 10_000))


def stage(t):
    """Return name and share of the stage that block t belongs to."""
    for name, share, blocks in STAGES:
        if t < blocks:
            return name, share
        t -= blocks
    raise ValueError(t)


def run(n_blocks, effect=0.0, seed=0, *, noise=0.3, metric="late", twin=False, level=100.0):
    """Return blocks of a plant that drifts slowly; the challenger adds `effect`."""
    rng = np.random.default_rng(seed)
    found = []
    for t in range(n_blocks):
        name, share = stage(t)
        drawn = assign(f"shift {t}", f"salt {seed}", {"challenger": share})
        known, unknown = rng.standard_normal(2)
        figure = level + 0.01 * t + noise * unknown + (known if twin else 0.0)
        figure += effect if drawn.arm == "challenger" else 0.0
        found.append(
            Block(
                key=drawn.key,
                arm=drawn.arm,
                shares=drawn.shares,
                stage=name,
                ended_s=28_800.0 * (t + 1),
                outcome={metric: figure},
                twin={metric: known} if twin else {},
            )
        )
    return found


def matrices(seed, n_releases, n_blocks, *, effect=0.0, noise="normal", correlation=0.0):
    """Return outcome, arm, share, each (R, T), block noise of spread 1."""
    rng = np.random.default_rng(seed)
    share = np.array([stage(t)[1] for t in range(n_blocks)])
    arm = (rng.random((n_releases, n_blocks)) < share).astype(float)
    draws = (
        rng.standard_t(3, (n_releases, n_blocks)) / np.sqrt(3)
        if noise == "heavy"
        else rng.standard_normal((n_releases, n_blocks))
    )
    for t in range(1, n_blocks):
        draws[:, t] = correlation * draws[:, t - 1] + np.sqrt(1 - correlation**2) * draws[:, t]
    return draws + effect * arm, arm, np.broadcast_to(share, arm.shape)
