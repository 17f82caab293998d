# SPDX-License-Identifier: MIT
"""Live progress: a bar on a terminal, else one plain line every few seconds."""

import sys
from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Self

from flyball.cli.telling import span
from flyball.core.clock import Clock, SystemClock

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

EVERY_S = 4.0

STAGES = {
    "tune": "tuning the rules",
    "imitate": "imitating the best rule of each shop",
    "improve": "improving by comparing its own schedules",
    "es": "improving by evolution",
    "ppo": "improving by reinforcement",
    "evaluate": "comparing",
    "choose": "trying every rule",
    "plan": "searching",
    "train": "training",
    "trial": "tuning",
}
"""What each stage is called."""

SHOWN = {"return": "return", "validation": "greedy", "best": "best"}
"""Figures that every world has, and what they are called in one word."""


class Shown:
    """Progress of a command; call it as ``Watch``: (stage, share, figures)."""

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        self._bar: Progress | None = None
        self._task: TaskID | None = None
        self._stage = ""
        self._began_s = self._said_s = self._clock.elapsed_s()
        self._decisions = self._steps = self._first_share = 0.0
        self._hours = ""

    def __enter__(self) -> Self:
        """Start a bar where there is a terminal."""
        if sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, Progress, TextColumn

            self._bar = Progress(
                TextColumn("{task.description}"),
                BarColumn(24),
                TextColumn("{task.percentage:3.0f} % {task.fields[words]}"),
                console=Console(stderr=True),
                transient=True,
            )
            self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.stop()

    def __call__(self, stage: str, share: float, figures: Mapping[str, float | str]) -> None:
        """Show how far a stage is."""
        if "best_rule_h" in figures:
            found, rule = figures["validation_h"], figures["best_rule_h"]
            self._hours = f"policy {float(found):.1f} h late, best rule {float(rule):.1f} h"
        if stage == "measure":
            return
        now_s = self._clock.elapsed_s()
        if stage != self._stage:
            self._stage, self._began_s, self._decisions = stage, now_s, 0.0
            # A resumed run begins in the middle: what came before is no part of any rate.
            self._first_share, self._steps = share, float(figures.get("steps", 0.0))
            self._said_s = now_s - EVERY_S
        self._decisions += float(figures.get("decisions", 0.0))
        words = self._words(share, now_s - self._began_s, figures)
        if self._bar is not None:
            self._draw(STAGES.get(stage, stage), share, words)
        elif now_s - self._said_s >= EVERY_S:
            self._said_s = now_s
            text = f"  {STAGES.get(stage, stage)}: {share:4.0%} {words}"
            sys.stderr.write(text.rstrip() + "\n")
            sys.stderr.flush()

    def _words(self, share: float, spent_s: float, figures: Mapping[str, float | str]) -> str:
        parts = []
        gone = share - self._first_share
        if gone > 0.02 and share < 1 and spent_s > 0.5:
            parts.append(f"{span(spent_s * (1 - share) / gone)} left")
        if "steps" in figures and spent_s > 0.5:
            rate = (float(figures["steps"]) - self._steps) / spent_s
            parts.append(f"{rate:,.0f} steps/s")
        elif self._decisions and spent_s > 0.5:
            parts.append(f"{self._decisions / spent_s:,.0f} decisions/s")
        for name, words in SHOWN.items():
            if name in figures:
                parts.append(f"{words} {float(figures[name]):.4g}")
        if "method" in figures:
            parts.append(str(figures["method"]))
        if "best_rule" in figures:
            parts.append(f"best so far {figures['best_rule']}, {float(figures['hours']):.1f} h")
        if "best_h" in figures:
            parts.append(f"best so far {float(figures['best_h']):.1f} weighted hours late")
        if self._hours and self._stage not in {"evaluate", "plan", "choose"}:
            parts.append(self._hours)
        return ", ".join(parts)

    def _draw(self, stage: str, share: float, words: str) -> None:
        if self._bar is None:
            return
        if self._task is None:
            self._task = self._bar.add_task(stage, total=1.0, words="")
        self._bar.update(self._task, description=stage, completed=share, words=words)
