# SPDX-License-Identifier: MIT
"""Whether a challenger is to take over: lots, blocks, bets and budgets; NumPy only.

The unit is the block, whose arm was drawn by lot; `judge` is the whole of it. What is assumed: the
lot is honest and tells nothing of the block, a block carries the consequences of its own decisions
(else make it longer, or its wash-out), and what is tested is that the challenger worsens some block
by more than agreed, or none. Nothing is assumed of noise, drift or correlation.
"""

from flyball.releases.verdicts.assigning import assign, switchback
from flyball.releases.verdicts.blocks import Block, Window, block
from flyball.releases.verdicts.budget import Budget
from flyball.releases.verdicts.drift import Usual
from flyball.releases.verdicts.judging import judge
from flyball.releases.verdicts.plan import Metric, Plan, Rung
from flyball.releases.verdicts.verdict import Verdict

__all__ = (
    "Block",
    "Budget",
    "Metric",
    "Plan",
    "Rung",
    "Usual",
    "Verdict",
    "Window",
    "assign",
    "block",
    "judge",
    "switchback",
)
