# SPDX-License-Identifier: MIT
"""Slow, obvious twins of the forecast and of the bets: one block, one number at a time."""

import math
import statistics

from flyball.releases.verdicts import betting, forecasting


def centred(outcome, arm, share, twin):
    """Return rows (surprise, spread or None) of one comparison."""
    rows, history = [], []  # history: (outcome freed of half the difference, twin)
    errors = [0.0] * 4
    sizes, told, information = [], 0.0, 0.0
    difference = 0.0
    first = _tamed(outcome[: forecasting.WARM_UP])
    for t in range(len(outcome)):
        ways = [*_long(history, twin[t]), *_short(history, twin[t])]
        handicapped = [error * (1.0 + forecasting.TIE * k) for k, error in enumerate(errors)]
        expected = ways[handicapped.index(min(handicapped))]
        surprise = outcome[t] - expected
        spread = None
        if t >= forecasting.WARM_UP:
            spread = forecasting.SPREAD_OF_MEAN * sum(sizes) / len(sizes)
            far = forecasting.FAR * spread
            learnt = max(-far, min(far, surprise)) if far else surprise
        else:
            learnt = first[t] - expected
        rows.append((surprise, spread))
        freed = expected + learnt - difference * (arm[t] - 0.5)
        if t:
            errors = [
                0.98 * old + (freed - way) ** 2 for old, way in zip(errors, ways, strict=True)
            ]
            sizes.append(abs(learnt))
            told += (arm[t] - share[t]) * learnt
            information += share[t] * (1 - share[t])
            difference = told / (information + forecasting.SHRINK)
        history.append((freed, twin[t]))
    return rows


def _tamed(outcome):
    """Return outcomes, none further from their median than so many spreads."""
    middle = statistics.median(outcome)
    spread = forecasting.SPREAD_OF_MEDIAN * statistics.median(abs(y - middle) for y in outcome)
    far = forecasting.FAR * spread if spread else math.inf
    return [max(middle - far, min(middle + far, y)) for y in outcome]


def _long(history, x):
    """Expect the mean of all, with a slope fitted to how each block left the mean before it."""
    if not history:
        return 0.0, 0.0
    pairs = []
    for n in range(1, len(history)):
        y_mean = sum(y for y, _ in history[:n]) / n
        x_mean = sum(x for _, x in history[:n]) / n
        pairs.append((history[n][0] - y_mean, history[n][1] - x_mean, 1.0))
    y_mean = sum(y for y, _ in history) / len(history)
    x_mean = sum(x for _, x in history) / len(history)
    return y_mean, y_mean + _slope(pairs, len(history)) * (x - x_mean)


def _short(history, x):
    """Expect a mean that forgets, with a slope that forgets too."""
    if not history:
        return 0.0, 0.0
    y_level, x_level = history[0]
    pairs = []
    for n in range(1, len(history)):
        y, x_now = history[n]
        pairs = [(a, b, w * 0.98) for a, b, w in pairs] + [(y - y_level, x_now - x_level, 1.0)]
        gain = max(1.0 / (n + 1), 1.0 - forecasting.MEMORY)
        y_level += gain * (y - y_level)
        x_level += gain * (x_now - x_level)
    return y_level, y_level + _slope(pairs, len(history)) * (x - x_level)


def _slope(pairs, n):
    xy = sum(w * a * b for a, b, w in pairs)
    xx = sum(w * b * b for _, b, w in pairs)
    prior = forecasting.SLOPE_BLOCKS / n * xx
    return (xy + prior) / (xx + prior) if xx > 0 else 0.0


def wealth(rows, arm, share, shift, side, margin=0.0):
    """Return the wealth after the last block."""
    if margin > 0:
        stakes, weights = None, (1.0,)
    else:
        stakes, weights = betting.STAKES, betting.WEIGHTS
    total = 0.0
    for k, weight in enumerate(weights):
        own = weight
        for (surprise, spread), a, p in zip(rows, arm, share, strict=True):
            if spread is None:
                continue
            if stakes:
                stake = stakes[k]
            else:
                unit = betting.TOWARDS_NONE * margin / spread if spread else math.inf
                stake = min(max(unit, betting.LEAST), betting.MOST)
            away = side * (surprise - shift * (a - 0.5))
            cut = betting.STAKE / max(p, 1 - p)
            bet = stake * away / spread if spread else math.copysign(cut, away) if away else 0.0
            own *= 1 + max(-cut, min(cut, bet)) * (a - p)
        total += own
    return total
