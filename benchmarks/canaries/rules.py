# SPDX-License-Identifier: MIT
"""Rules that decide a release: ours, and those that it is compared with.

Each takes releases (R, T) and returns where harm is called and where safety is, (R, T) booleans;
`ended` says what came of it.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from canaries.plants import Releases
from flyball.core.batch import Bools, Doubles
from flyball.releases.verdicts.forecasting import Centred, centred
from flyball.releases.verdicts.judging import Paths, first_call, paths
from flyball.releases.verdicts.mixture import log_evidence, log_mixture, sums
from flyball.releases.verdicts.plan import PLAIN, Metric, Plan

MARGIN = 0.3
LEAST_BLOCKS = 100
PRIOR = 0.3
METRIC = Metric(name="outcome", unit="sigma", sense="min", margin=MARGIN)


class Ended(NamedTuple):
    """What came of every release, (R,)."""

    rolled_back: Bools
    promoted: Bools
    blocks: Doubles
    exposed: Doubles


def plan(alpha: float, looks: Sequence[int] = ()) -> Plan:
    """Return the plan of one metric that all releases are judged by."""
    return Plan(primary=METRIC, guards=(), alpha=alpha, looks=tuple(looks))


def ours(blocks: Centred, by: Plan) -> Paths:
    """Return what `judge` sees."""
    return paths(blocks, METRIC, by)


def at(found: Paths, alpha: float) -> Paths:
    """Return what `judge` would see at another alpha, from evidence that does not depend on it."""
    limit = -np.log(alpha)
    safe = (found.log_e_safe >= limit) & (found.plain >= PLAIN)
    return found._replace(harmful=found.log_e_harm >= limit, safe=safe)


def looked(blocks: Centred, looks: Sequence[int], alpha: float) -> tuple[Bools, Bools]:
    """Return where a plan with looks calls."""
    found = paths(blocks, METRIC, plan(alpha, looks))
    return found.harmful, found.safe


def seen(drawn: Releases) -> Centred:
    """Return blocks as `judge` prepares them."""
    return centred(drawn.outcome, drawn.arm, drawn.share, drawn.twin)


def ended(harmful: Bools, safe: Bools, drawn: Releases, least: int = LEAST_BLOCKS) -> Ended:
    """Return the first decision of every release, by the function that `judge` decides with."""
    ready = np.broadcast_to(np.arange(1, drawn.arm.shape[1] + 1) >= least, drawn.arm.shape)
    none = np.zeros_like(drawn.arm)
    path = Paths(seen_nothing(drawn), none, none, none, harmful, safe)
    code, after = first_call([path], ready)
    exposed = np.take_along_axis(np.cumsum(drawn.arm, axis=1), after[:, None] - 1, axis=1)[:, 0]
    return Ended(code == 2, code == 1, after.astype(np.float64), exposed)


def seen_nothing(drawn: Releases) -> Centred:
    """Return blocks without a forecast; `first_call` does not read them."""
    none = np.zeros_like(drawn.arm)
    return Centred(none, none, drawn.arm, drawn.share, none, none > 0)


def lot_mixture(blocks: Centred, alpha: float, rho: float = 5.0) -> tuple[Bools, Bools]:
    """Return where the normal mixture with the lot's own variance calls."""
    of = sums(blocks)
    limit = -np.log(alpha)
    return log_evidence(of, 0.0, 1, rho) >= limit, log_evidence(of, MARGIN, -1, rho) >= limit


def published(drawn: Releases, sigma: float, alpha: float) -> tuple[Bools, Bools]:
    """Return where the published gate calls: known noise, running mean, normal mixture."""
    freed = drawn.outcome - drawn.twin
    before = np.cumsum(freed, axis=1) - freed
    count = np.arange(freed.shape[1])
    mean = np.divide(before, count, out=np.zeros_like(before), where=count > 0)
    total = np.cumsum((freed - mean) * (drawn.arm - drawn.share), axis=1)
    weight = np.cumsum(drawn.share * (1.0 - drawn.share), axis=1)
    limit, rho = -np.log(alpha), PRIOR**-2
    harm = log_mixture(total / sigma**2, weight / sigma**2, rho)
    safe = log_mixture((MARGIN * weight - total) / sigma**2, weight / sigma**2, rho)
    return harm >= limit, safe >= limit


def gaps(drawn: Releases) -> tuple[Doubles, Doubles]:
    """Return the difference of the arms' means so far and its standard error at noise 1, (R, T)."""
    n_new = np.cumsum(drawn.arm, axis=1)
    n_old = np.cumsum(1.0 - drawn.arm, axis=1)
    new = np.cumsum(drawn.outcome * drawn.arm, axis=1) / np.maximum(n_new, 1.0)
    old = np.cumsum(drawn.outcome * (1.0 - drawn.arm), axis=1) / np.maximum(n_old, 1.0)
    known = (n_new > 0) & (n_old > 0)
    error = np.sqrt(1.0 / np.maximum(n_new, 1.0) + 1.0 / np.maximum(n_old, 1.0))
    return np.where(known, new - old, 0.0), error


def mixed_pool(drawn: Releases, alpha: float) -> Bools:
    """Return where a normal mixture calls that pools the arms' means over all stages."""
    gap, error = gaps(drawn)
    information = 1.0 / error**2
    return log_mixture(gap * information, information, PRIOR**-2) >= -np.log(alpha)


def peeking(drawn: Releases, z: float, every: int = 1) -> Bools:
    """Return where a common z test, looked at every so many blocks from the tenth on, calls."""
    gap, error = gaps(drawn)
    block = np.arange(1, gap.shape[1] + 1)
    return (gap / error > z) & (block >= 10) & (block % every == 0)


def threshold(drawn: Releases, window: int, most: float, failures: int) -> Bools:
    """Return where a window whose mean gap is above a constant has failed so often.

    As rollout controllers do that query a metric, compare it and count.
    """
    n_windows = drawn.arm.shape[1] // window
    shape = (drawn.arm.shape[0], n_windows, window)
    arm = drawn.arm[:, : n_windows * window].reshape(shape)
    outcome = drawn.outcome[:, : n_windows * window].reshape(shape)
    new = (outcome * arm).sum(axis=2) / np.maximum(arm.sum(axis=2), 1.0)
    old = (outcome * (1.0 - arm)).sum(axis=2) / np.maximum((1.0 - arm).sum(axis=2), 1.0)
    failed = np.cumsum(new - old > most, axis=1) >= failures
    called = np.zeros(drawn.arm.shape, dtype=np.bool_)
    called[:, window - 1 : n_windows * window : window] = failed
    return called
