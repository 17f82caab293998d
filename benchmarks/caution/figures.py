# SPDX-License-Identifier: MIT
"""From runs to figures: of each way its return and its breaches, with the filter on and off.

A mean hides who was hurt, so beside every mean stands the share of episodes with any breach, and
the deepest one. Behind the Shield there must be none: that is the line that has to hold.
"""

from collections.abc import Iterator, Sequence
from statistics import fmean

from measuring import Figure, absolute, interval
from parity.ledger import Row

from caution.setups import Setup

Kept = Sequence[tuple[Setup, Sequence[Row]]]
"""Each way on each plant, and the runs of it that count."""

FILTERS = {"on": "behind the Shield", "off": "alone"}


def figures(kept: Kept) -> Iterator[Figure]:
    """Yield all figures; a way that lacks runs appears in the last one only."""
    rules = {setup.plant: rows[0] for setup, rows in kept if setup.way == "rule" and rows}
    whole = [(setup, rows) for setup, rows in kept if len(rows) == setup.seeds]
    for setup, rows in whole:
        for filtered in FILTERS:
            yield returned(setup, rows, rules.get(setup.plant), filtered)
            yield broken(setup, rows, filtered)
        if setup.learned:
            yield on_the_way(setup, rows)
        yield from within_limits(setup, rows)
    lacking = [f"{setup.plant} {setup.way}" for setup, rows in kept if len(rows) < setup.seeds]
    yield Figure(
        metric="ways that still lack runs",
        ours=float(len(lacking)),
        n=len(kept),
        target=0.0,
        met=not lacking,
        note=", ".join(lacking) or "none",
    )


def returned(setup: Setup, rows: Sequence[Row], rule: Row | None, filtered: str) -> Figure:
    """Return the mean return of the greedy policies, beside the strongest rule's."""
    values = [row[filtered]["return"] for row in rows]
    low, high = interval(values) if setup.learned else (None, None)
    peer = rule[filtered]["return"] if rule is not None and setup.way != "rule" else None
    runs = f"runs {listed(values)}; " if setup.learned else f"rule '{rows[0]['rule']}'; "
    return Figure(
        metric=f"{setup.plant}, {setup.way}, {FILTERS[filtered]}: return",
        ours=fmean(values),
        peer=peer,
        peer_name=None if peer is None or rule is None else f"rule '{rule['rule']}'",
        ratio=None if peer is None else fmean(values) / peer,
        low=low,
        high=high,
        n=len(rows),
        note=runs + _words(rows, filtered),
    )


def broken(setup: Setup, rows: Sequence[Row], filtered: str) -> Figure:
    """Return the mean time in breach; behind the Shield no episode may have any."""
    values = [row[filtered]["breach_s"] for row in rows]
    low, high = interval(values) if setup.learned else (None, None)
    behind = filtered == "on"
    return Figure(
        metric=f"{setup.plant}, {setup.way}, {FILTERS[filtered]}: s in breach an episode",
        ours=fmean(values),
        low=low,
        high=high,
        n=len(rows),
        target=0.0 if behind else None,
        met=all(row[filtered]["breached"] == 0.0 for row in rows) if behind else None,
        note=f"runs {listed(values)}; {_words(rows, filtered)}",
    )


def on_the_way(setup: Setup, rows: Sequence[Row]) -> Figure:
    """Return the share of the training's steps within which a limit was broken."""
    shares = [row["breach_steps"] / row["steps"] for row in rows]
    low, high = interval(shares)
    changed = [point["changed"] for row in rows for point in row["curve"][-1:]]
    leans = f"; the Shield changed {fmean(changed):.1%} at the end" if setup.shielded else ""
    return Figure(
        metric=f"{setup.plant}, {setup.way}: share of training steps in breach",
        ours=fmean(shares),
        low=low,
        high=high,
        n=len(rows),
        target=0.0 if setup.shielded else None,
        met=all(row["breach_steps"] == 0 for row in rows) if setup.shielded else None,
        note=f"{rows[0]['steps']:,} steps, {fmean(row['cpu_s'] for row in rows):.0f} s of one core"
        + leans,
    )


def within_limits(setup: Setup, rows: Sequence[Row]) -> Iterator[Figure]:
    """Yield, of each cost with a limit to learn with, its mean at the end of the training."""
    for name, limit in setup.limits.items():
        values = [row["curve"][-1][f"episode_cost.{name}"] for row in rows]
        yield absolute(
            f"{setup.plant}, {setup.way}: '{name}' at the end of training, s an episode",
            values,
            better="less",
            target=limit,
            note=f"the last tenth, as it explores; runs {listed(values)}; the target is the limit "
            "that was stated",
        )


def listed(values: Sequence[float]) -> str:
    """Return values in words."""
    return " ".join(f"{value:.3g}" for value in values)


def _words(rows: Sequence[Row], filtered: str) -> str:
    """Return what a mean hides."""
    breached = fmean(row[filtered]["breached"] for row in rows)
    deepest = max(row[filtered]["deepest"] for row in rows)
    parts = [f"{breached:.1%} of episodes with a breach, deepest {deepest:.2g} of the limit"]
    if filtered == "on":
        changed = [row[filtered]["changed"] for row in rows]
        parts.append(f"the Shield changed {fmean(changed):.1%} of decisions")
    return "; ".join(parts)
