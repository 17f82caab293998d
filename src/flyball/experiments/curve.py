# SPDX-License-Identifier: MIT
"""The learning curve of a run: the greedy policy while it learns, rivals and optimum beside it."""

import io
from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.figure import Figure

from flyball.core.spec import Kpi
from flyball.experiments.runs import ERROR, TRAIN, VALIDATE

POLICY, TRAINING, RIVAL, OPTIMUM = "#1f4e79", "#9db8d2", "#b3261e", "#2e7d32"


def png(
    lines: Sequence[Mapping[str, Any]],
    kpi: Kpi,
    rivals: Mapping[str, float],
    optimum: float | None,
) -> bytes:
    """Return the curve as a PNG picture.

    Parameters
    ----------
    lines
        Of ``metrics.jsonl``, in order.
    kpi
        What is drawn.
    rivals
        Mean of each, the best first; three are drawn.
    optimum
        The known one, if any.
    """
    figure = Figure(figsize=(9.0, 3.6), dpi=110, layout="constrained")
    axes = figure.add_subplot()
    steps, training = series(lines, TRAIN, kpi.name)
    axes.plot(steps, training, color=TRAINING, linewidth=1.0, label="while training, exploring")
    steps, means = series(lines, VALIDATE, kpi.name)
    _, errors = series(lines, VALIDATE, kpi.name + ERROR)
    axes.plot(steps, means, "-o", color=POLICY, markersize=3.5, label="learned policy (greedy)")
    if len(errors) == len(means):
        low = [mean - error for mean, error in zip(means, errors, strict=True)]
        high = [mean + error for mean, error in zip(means, errors, strict=True)]
        axes.fill_between(steps, low, high, color=POLICY, alpha=0.15, linewidth=0)
    for (name, mean), style in zip(rivals.items(), ("-", "--", ":"), strict=False):
        axes.axhline(mean, color=RIVAL, linestyle=style, linewidth=1.1, label=name)
    if optimum is not None:
        axes.axhline(optimum, color=OPTIMUM, linestyle=(0, (2, 4)), label="known optimum")
    axes.set_xlim(left=0)
    axes.set_xlabel("steps of the world", fontsize=8)
    axes.set_ylabel(f"{kpi.name} ({kpi.unit})", fontsize=8)
    axes.tick_params(labelsize=8)
    axes.legend(fontsize=7, frameon=False, ncols=2)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    out = io.BytesIO()
    figure.savefig(out, format="png", metadata={"Software": None})
    return out.getvalue()


def series(
    lines: Sequence[Mapping[str, Any]], stage: str, name: str
) -> tuple[list[float], list[float]]:
    """Return steps and values of one figure of a stage, where it was written."""
    own = [line for line in lines if line["stage"] == stage and name in line["figures"]]
    return (
        [float(line["steps"]) for line in own],
        [float(line["figures"][name]) for line in own],
    )
