# SPDX-License-Identifier: MIT
"""Which settings mattered: a bar each, beside how the trials went."""

import io
from pathlib import Path

import optuna
from matplotlib.figure import Figure

from flyball.experiments import runs
from flyball.experiments.tuning.found import Tuned
from flyball.experiments.tuning.study import open_study

ENOUGH = 4
"""Complete trials below which no setting can be told from another."""

BAR, COMPLETE, BEST = "#1f4e79", "#9db8d2", "#b3261e"


def importances(tuned: Tuned) -> dict[str, float]:
    """Return the share of each setting in what made trials good, the largest first.

    By PED-ANOVA (Watanabe et al., arXiv:2304.10255); empty where too few trials are complete.
    """
    complete = [each for each in tuned.trials if each.state == "complete"]
    if len(complete) < ENOUGH or len({each.value for each in complete}) < 2:
        return {}
    found = optuna.importance.get_param_importances(open_study(tuned.study))
    return {name: float(share) for name, share in found.items()}


def write_picture(tuned: Tuned) -> Path | None:
    """Write the picture beside the study; return its path, or None where nothing can be told."""
    found = importances(tuned)
    if not found:
        return None
    path = tuned.study.with_suffix(".importance.png")
    with runs.replacing(path) as draft:
        draft.write_bytes(png(tuned, found))
    return path


def png(tuned: Tuned, found: dict[str, float]) -> bytes:
    """Return importances and the history of the trials as a PNG picture."""
    figure = Figure(figsize=(9.0, 3.6), dpi=110, layout="constrained")
    bars, history = figure.subplots(1, 2)
    names = list(found)[::-1]
    bars.barh(names, [found[name] for name in names], color=BAR)
    bars.set_xlabel("share in what made trials good", fontsize=8)
    complete = [each for each in tuned.trials if each.state == "complete"]
    numbers = [each.number for each in complete]
    values = [float(each.value or 0.0) for each in complete]
    history.plot(numbers, values, "o", color=COMPLETE, markersize=4, label="complete trial")
    pick = max if tuned.sense == "max" else min
    best = [pick(values[: k + 1]) for k in range(len(values))]
    history.step(numbers, best, where="post", color=BEST, label="best so far")
    history.set_xlabel("trial", fontsize=8)
    history.set_ylabel(f"{tuned.kpi} on validation episodes", fontsize=8)
    history.legend(fontsize=7, frameon=False)
    for axes in (bars, history):
        axes.tick_params(labelsize=8)
        for side in ("top", "right"):
            axes.spines[side].set_visible(False)
    out = io.BytesIO()
    figure.savefig(out, format="png", metadata={"Software": None})
    return out.getvalue()
