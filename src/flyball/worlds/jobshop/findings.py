# SPDX-License-Identifier: MIT
"""What is wrong with a file, collected so that a planner sees everything at once."""

from collections.abc import Hashable
from dataclasses import replace

from flyball.core.errors import Problem, ScenarioError


class Findings:
    """Problems and notes in the order in which they were met.

    The same kind of problem in the same column is one Problem: its first place and how many more.
    A note is something worth knowing that does not stop the reading, such as a sheet that is
    not one of ours.
    """

    def __init__(self) -> None:
        self._problems: dict[Hashable, Problem] = {}
        self.notes: list[str] = []

    def __len__(self) -> int:
        return len(self._problems)

    def add(self, problem: Problem, group: Hashable = None) -> None:
        """Keep `problem`, or count it when `group` has been met before.

        Parameters
        ----------
        problem
            What is wrong.
        group
            What makes two problems alike, such as sheet, column and kind; None never groups.
        """
        key = group if group is not None else ("alone", len(self._problems))
        if not self.counted(key):
            self._problems[key] = problem

    def counted(self, group: Hashable) -> bool:
        """Count one more of `group` if it has been met, and say so; finding words takes time."""
        known = self._problems.get(group)
        if known is not None:
            self._problems[group] = replace(known, more=known.more + 1)
        return known is not None

    def note(self, text: str) -> None:
        """Keep a note, once."""
        if text not in self.notes:
            self.notes.append(text)

    def stop_if_any(self) -> None:
        """Raise when anything is wrong.

        Raises
        ------
        ScenarioError
            With every problem found so far.
        """
        if self._problems:
            raise ScenarioError(self._problems.values())
