# SPDX-License-Identifier: MIT
"""The hard limits of a shop in words: what no schedule may break, and who enforces it.

All are hard: the simulator cannot break them, and the validator, which shares no code with it,
judges every schedule of every method before anybody sees it.
"""

from dataclasses import dataclass

from flyball.core.protocols import Severity


@dataclass(frozen=True, kw_only=True)
class Limit:
    """A hard limit of the shop: named, with its unit, and the validator's rule behind it."""

    name: str
    unit: str
    """Unit in which a breach is measured."""

    source: str
    """Where a user states it: sheets and columns of the workbook."""

    rule: str
    """The function of `validator` that enforces it."""

    words: str
    severity: Severity = "hard"

    def explain(self) -> str:
        """Say in one sentence what the limit protects."""
        return self.words


LIMITS: tuple[Limit, ...] = (
    Limit(
        name="eligible machine",
        unit="operations",
        source="Operations: machines or machine group",
        rule="_eligibility",
        words="An operation runs only on a machine that can do it.",
    ),
    Limit(
        name="route",
        unit="s",
        source="Operations: order within the job",
        rule="_route",
        words="An operation starts only when the one before it in its job has ended.",
    ),
    Limit(
        name="release",
        unit="s",
        source="Jobs: release",
        rule="_route",
        words="A job starts only when its material is there, and nothing is planned in the past.",
    ),
    Limit(
        name="one at a time",
        unit="s",
        source="Machines",
        rule="_overlap",
        words="A machine does one operation or one set-up at a time.",
    ),
    Limit(
        name="processing time",
        unit="s",
        source="Operations: minutes; Machines: speed",
        rule="_processing",
        words="An operation gets exactly its working time on the chosen machine.",
    ),
    Limit(
        name="working hours",
        unit="s",
        source="Shifts, breaks, holidays, maintenance",
        rule="_fault",
        words="Work and set-ups happen in open time; what may not pause fits in one piece.",
    ),
    Limit(
        name="set-up",
        unit="s",
        source="Setups: minutes from family to family",
        rule="_setup",
        words="A machine is set up for a family before it works on it, for the whole time needed.",
    ),
    Limit(
        name="room before fixed work",
        unit="s",
        source="Operations: fixed start and end; Setups",
        rule="_change",
        words="Work before a fixed operation leaves room for the set-up that it needs.",
    ),
    Limit(
        name="fixed work",
        unit="operations",
        source="Operations: running or frozen",
        rule="_fixed",
        words="Running and frozen operations keep their machine, start and end.",
    ),
    Limit(
        name="every operation once",
        unit="operations",
        source="Operations",
        rule="_shape",
        words="Every operation of every job is planned exactly once.",
    ),
)
"""Every hard limit of a shop."""
