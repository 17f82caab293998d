# SPDX-License-Identifier: MIT
"""How messages name the things and the times of a shop."""

from datetime import timedelta

from flyball.worlds.jobshop.scenario import Scenario

HOUR_S = 3600


def operation_name(scenario: Scenario, op: int) -> str:
    """Return the words for an operation and its job."""
    return f"job '{scenario.job_name[scenario.op_job[op]]}' operation '{scenario.op_name[op]}'"


def machine_name(scenario: Scenario, machine: int) -> str:
    """Return the words for a machine, also for one that does not exist."""
    if 0 <= machine < scenario.n_machines:
        return f"machine '{scenario.machine_name[machine]}'"
    return f"machine number {machine}, which does not exist"


def family_name(scenario: Scenario, family: int) -> str:
    """Return the words for a set-up family; -1 is nothing."""
    return f"family '{scenario.family_name[family]}'" if family >= 0 else "nothing"


def moment(scenario: Scenario, at_s: int) -> str:
    """Return a time as a date, or in hours where the scenario has no date or it lies too far."""
    if scenario.start is not None and abs(at_s) < 10**10:
        return f"{scenario.start + timedelta(seconds=int(at_s)):%Y-%m-%d %H:%M:%S}"
    return f"{at_s / HOUR_S:.10g} h"


def span_of(scenario: Scenario, from_s: int, to_s: int) -> str:
    """Return the words for a stretch of time."""
    return f"{moment(scenario, from_s)} to {moment(scenario, to_s)}"


def length(length_s: int) -> str:
    """Return a duration in hours, below an hour in minutes."""
    if abs(length_s) >= HOUR_S:
        return f"{length_s / HOUR_S:.10g} h"
    return f"{length_s / 60:.10g} min"
