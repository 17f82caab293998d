# SPDX-License-Identifier: MIT
"""Every error a user can cause, and the one that only we can.

::

    FlyballError                 carries one or more `Problem` records
     ├─ ConfigError              a setting, an option or a name on the command line
     ├─ ScenarioError            data that describe a plant: workbook, CSV, benchmark file
     ├─ PolicyError              a policy bundle that is damaged, too new or made for another world
     ├─ RunError                 a run folder that is missing, damaged or in use; a run that broke
     ├─ ScheduleError            a schedule that breaks a rule of the plant; never written
     ├─ SolverError              a solver that is missing or has no answer
     └─ ReleaseError             a release, a key or a registry that is not what it should be
    InvariantError               a fault of ours; please report it
"""

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One thing that is wrong, in the five parts that a person needs."""

    where: str
    """File, sheet and cell, key or option: ``orders.xlsx Jobs!D7``."""

    found: str
    """What stands there, with its unit."""

    allowed: str
    """What may stand there."""

    fix: str
    """What to do about it."""

    more: int = 0
    """How many more places have the same problem."""

    def __str__(self) -> str:
        more = f" ({self.more} more like it)" if self.more else ""
        return f"{self.where}: {self.found}; allowed: {self.allowed}; fix: {self.fix}{more}"


class FlyballError(Exception):
    """Something a user can cause and mend; `problems` holds every one that was found."""

    def __init__(self, problems: Problem | Iterable[Problem]) -> None:
        self.problems: tuple[Problem, ...] = (
            (problems,) if isinstance(problems, Problem) else tuple(problems)
        )
        super().__init__("\n".join(str(problem) for problem in self.problems))


class ConfigError(FlyballError):
    """A setting, an option or a name on the command line is wrong."""


class ScenarioError(FlyballError):
    """The data that describe a plant are wrong."""


class PolicyError(FlyballError):
    """A policy bundle is damaged, too new, or made for another world."""


class RunError(FlyballError):
    """A run folder is missing, damaged or in use; or what was to be learned from is no number."""


class ScheduleError(FlyballError):
    """A schedule breaks a rule of the plant; it is never written."""


class SolverError(FlyballError):
    """A solver is missing or found no answer."""


class InvariantError(Exception):
    """Something that cannot happen did: a fault of Flyball, not of its user."""


def nearest(name: str, names: Sequence[str]) -> str:
    """Return a sentence that names the nearest allowed spelling, or all of them.

    Parameters
    ----------
    name
        What was written.
    names
        What would have been allowed.
    """
    close = difflib.get_close_matches(name, names, n=1)
    if close:
        return f"did you mean '{close[0]}'?"
    return "choose one of " + ", ".join(sorted(names))
