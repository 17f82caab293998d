# SPDX-License-Identifier: MIT
"""Prove what a policy is worth: train it, compare it, tune it and report it.

What is here works for any world and any algorithm; `jobshop` holds what is the job shop's own.
Names are imported when they are first used, so that planning and evaluating need no torch and
`flyball --help` needs nothing at all.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from flyball.experiments import algorithms, jobshop, proofs, report, site, train, tuning
    from flyball.experiments.evaluate import evaluate_run
    from flyball.experiments.experiment import experiment_of
    from flyball.experiments.machine import diagnose
    from flyball.experiments.runs import world_of
    from flyball.experiments.subject import problems

__all__ = [
    "algorithms",
    "diagnose",
    "evaluate_run",
    "experiment_of",
    "jobshop",
    "problems",
    "proofs",
    "report",
    "site",
    "train",
    "tuning",
    "world_of",
]

HOMES = {
    "diagnose": "machine",
    "evaluate_run": "evaluate",
    "experiment_of": "experiment",
    "problems": "subject",
    "world_of": "runs",
}
"""The file that each name of the face is in; the other names are files themselves."""


def __getattr__(name: str) -> Any:
    """Import a name of the face when it is first used."""
    if name not in __all__:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    home = import_module(f"{__name__}.{HOMES.get(name, name)}")
    return getattr(home, name) if name in HOMES else home
