# SPDX-License-Identifier: MIT
"""Production scheduling: a flexible job shop as a sequence of dispatching decisions.

Jobs visit machine groups along routes; an operation may have several machines of different speed;
machines need set-ups between families, keep working hours, and may be held by work that is running
or frozen. Whenever a machine is free and work for it is queued, a Policy chooses what starts next.
The aim is that jobs that matter are on time.

References
----------
Pinedo, *Scheduling: Theory, Algorithms, and Systems*; Zhang et al., *Learning to dispatch for job
shop scheduling via deep reinforcement learning*, NeurIPS 2020; Corsini et al., *Self-labeling the
job shop scheduling problem*, NeurIPS 2024. `docs/worlds/jobshop.md` is the world's page.
"""

from flyball.worlds.jobshop.baselines import RULES, Rule
from flyball.worlds.jobshop.env import SPEC, JobShop
from flyball.worlds.jobshop.plan import plan
from flyball.worlds.jobshop.scenario import Scenario
from flyball.worlds.jobshop.schedule import Schedule
from flyball.worlds.jobshop.tuning import Trial, Tuned, outcomes, tune
from flyball.worlds.jobshop.world import WORLD

__all__ = [
    "RULES",
    "SPEC",
    "WORLD",
    "JobShop",
    "Rule",
    "Scenario",
    "Schedule",
    "Trial",
    "Tuned",
    "outcomes",
    "plan",
    "tune",
]
