# SPDX-License-Identifier: MIT
"""A finished schedule: where and when every operation runs."""

from dataclasses import dataclass

from flyball.core.batch import Ints, Longs
from flyball.worlds.jobshop.scenario import Scenario


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """What a method proposes for a Scenario; judged by `validator.check`, never by its maker.

    Fixed work keeps its machine, start and end, and has no set-up of its own
    (setup_start_s == setup_end_s == start_s) unless `setup_s` says it needs one.
    Times are whole seconds since the scenario's start; closed time inside an operation that may
    pause counts between its start and its end, not as work.
    """

    scenario: Scenario
    method: str  # who made it, as reports print it
    machine: Ints  # (O,)
    setup_start_s: Longs  # (O,) == start_s where no set-up is needed
    setup_end_s: Longs  # (O,)
    start_s: Longs  # (O,) start of processing
    end_s: Longs  # (O,)
