# SPDX-License-Identifier: MIT
"""The learning curve in native units, with the rules as bands that it must get under."""

import io
from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.figure import Figure

from flyball.experiments.runs import ERROR

BANDS = 2
"""Rules that are drawn with the standard error of their mean as a band."""

POLICY, BEST, OTHER = "#1f4e79", "#b3261e", "#9a9a9a"


def png(lines: Sequence[Mapping[str, Any]], rules: Mapping[str, Mapping[str, float]]) -> bytes:
    """Return the curve as a PNG picture.

    Parameters
    ----------
    lines
        Measurements in order: stage, iteration, elapsed_s, kpi.
    rules
        KPIs of every tuned rule on the same validation days, the best first.
    """
    kpi, unit = shown_kpi(rules)
    figure = Figure(figsize=(9.0, 3.4), dpi=110, layout="constrained")
    axes = figure.add_subplot()
    minutes = [float(line["elapsed_s"]) / 60 for line in lines]
    hours = [float(line["kpi"][kpi]) for line in lines]
    axes.plot(minutes, hours, "-o", color=POLICY, markersize=3.5, label="learned policy (greedy)")
    ranked = sorted(rules.items(), key=lambda item: item[1][kpi])
    for place, (name, found) in enumerate(ranked[:4]):
        colour = BEST if place == 0 else OTHER
        style = "-" if place == 0 else ("--", "-.", ":")[place - 1]
        axes.axhline(found[kpi], color=colour, linestyle=style, linewidth=1.2, label=f"rule {name}")
        error = found.get(kpi + ERROR, 0.0) if place < BANDS else 0.0
        axes.axhspan(found[kpi] - error, found[kpi] + error, color=colour, alpha=0.13, linewidth=0)
    change = [k for k in range(1, len(lines)) if lines[k]["stage"] != lines[k - 1]["stage"]]
    for k in change:
        axes.axvline(minutes[k - 1], color="#666666", linewidth=0.8, linestyle=":")
    axes.set_xlim(left=0)
    axes.set_ylim(bottom=0 if min([*hours, 0.0]) >= 0 else None)
    axes.set_xlabel("training time in minutes", fontsize=8)
    axes.set_ylabel(unit, fontsize=8)
    axes.tick_params(labelsize=8)
    axes.legend(fontsize=7, frameon=False, ncols=2)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    out = io.BytesIO()
    figure.savefig(out, format="png", metadata={"Software": None})
    return out.getvalue()


def shown_kpi(rules: Mapping[str, Mapping[str, float]]) -> tuple[str, str]:
    """Return the figure that the curve shows, and its axis title."""
    if any(found["weighted_tardiness_h"] > 0 for found in rules.values()):
        return "weighted_tardiness_h", "weighted hours late a day"
    return "makespan_h", "hours until the last job ends"
