# SPDX-License-Identifier: MIT
"""The curves of all trainings in one picture."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Picture
from parity.ledger import Row

from caution.figures import Kept
from caution.setups import PLANTS, Setup

LABELS = {
    "ppo": "PPO",
    "ppo-lagrangian": "PPO-Lagrangian",
    "cpo": "CPO",
    "ppo-shield": "PPO behind the Shield",
}
COLOURS = {"ppo": "#8a8a8a", "ppo-lagrangian": "#d08a00", "cpo": "#7a4fa3", "ppo-shield": "#0b6e4f"}
HEIGHTS = {"return": "return of an episode", "breach_s": "s in breach an episode"}


def draw(kept: Kept, path: Path) -> None:
    """Draw return and time in breach against steps, a column for each plant, into a file."""
    mpl.rcParams["font.size"] = 9
    picture = Picture(figsize=(4.0 * len(PLANTS), 5.6), layout="constrained")
    axes = picture.subplots(len(HEIGHTS), len(PLANTS), sharex=True, squeeze=False)
    for column, plant in enumerate(PLANTS):
        for line, (name, label) in enumerate(HEIGHTS.items()):
            own: Axes = axes[line, column]
            for setup, rows in kept:
                if setup.plant == plant and setup.way != "greedy":
                    _curves(own, setup, rows, name)
            own.set_ylabel(label)
            own.spines[["top", "right"]].set_visible(False)
        axes[0, column].set_title(plant)
        axes[-1, column].set_xlabel("thousand steps")
    labelled = dict(zip(*reversed(axes[0, 0].get_legend_handles_labels()), strict=True))
    picture.legend(labelled.values(), labelled, loc="outside lower center", ncols=5, frameon=False)
    picture.savefig(path, dpi=110, metadata={"Software": None})


def _curves(own: Axes, setup: Setup, rows: Sequence[Row], name: str) -> None:
    """Draw every training as a thin line and their mean as a thick one; a rule as a level."""
    if not setup.learned:
        for row in rows:
            own.axhline(
                row["off"][name], color="black", linewidth=0.8, linestyle=":", label="strong rule"
            )
        return
    colour = COLOURS[setup.way]
    lines = [[point[name] for point in row["curve"]] for row in rows]
    steps = [[point["steps"] / 1000.0 for point in row["curve"]] for row in rows]
    for x, y in zip(steps, lines, strict=True):
        own.plot(x, y, color=colour, linewidth=0.6, alpha=0.5)
    if lines and len({len(each) for each in lines}) == 1:
        mean = [sum(each) / len(each) for each in zip(*lines, strict=True)]
        own.plot(steps[0], mean, color=colour, linewidth=2.0, label=LABELS[setup.way])
