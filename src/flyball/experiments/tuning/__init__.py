# SPDX-License-Identifier: MIT
"""Search for good settings of an algorithm on a problem, with Optuna in one SQLite file.

A trial trains with one proposal of settings from several seeds side by side; one that falls behind
the others at the same point of its budget is given up. Trials train and are measured on episodes
that no verdict is ever given on.
"""

from flyball.experiments.tuning.found import TuneConfig, Tuned
from flyball.experiments.tuning.picture import importances, write_picture
from flyball.experiments.tuning.spaces import space_of
from flyball.experiments.tuning.study import tune

__all__ = ["TuneConfig", "Tuned", "importances", "space_of", "tune", "write_picture"]
