# SPDX-License-Identifier: MIT
"""The job shop's own experiments: rules tuned, imitated and improved on, days judged, plans made.

Names are imported when they are first used, so that planning and evaluating need no torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from flyball.experiments.jobshop.evaluate import EvaluateConfig, evaluate_run
    from flyball.experiments.jobshop.play import warm_up
    from flyball.experiments.jobshop.report import write_report
    from flyball.experiments.jobshop.schedule import Wish, plan_file
    from flyball.experiments.jobshop.train import Asked, asked_of, start_run, train_run, warm_run

__all__ = [
    "Asked",
    "EvaluateConfig",
    "Wish",
    "asked_of",
    "evaluate_run",
    "plan_file",
    "start_run",
    "train_run",
    "warm_run",
    "warm_up",
    "write_report",
]

HOMES = {
    "Asked": "train",
    "EvaluateConfig": "evaluate",
    "Wish": "schedule",
    "asked_of": "train",
    "evaluate_run": "evaluate",
    "plan_file": "schedule",
    "start_run": "train",
    "train_run": "train",
    "warm_run": "train",
    "warm_up": "play",
    "write_report": "report",
}
"""The file that each name of the face is in."""


def __getattr__(name: str) -> Any:
    """Import a name of the face when it is first used."""
    if name not in HOMES:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    return getattr(import_module(f"{__name__}.{HOMES[name]}"), name)
