# SPDX-License-Identifier: MIT
"""Set-up families: which there are, and whether those that operations name are known."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from flyball.core.errors import Problem
from flyball.worlds.jobshop.cells import Fault
from flyball.worlds.jobshop.findings import Findings
from flyball.worlds.jobshop.orders import Job, Operation
from flyball.worlds.jobshop.shop import MAX_SETUP_CELLS, Shop
from flyball.worlds.jobshop.tables import Row, Tables

NO_FAMILY = "(none)"
"""Family of operations that name none; they are done where no set-up is listed."""


@dataclass(frozen=True)
class Families:
    """The families in the order in which they are met."""

    name: list[str]
    number: dict[str, int]  # by name in lower case

    def of(self, name: str) -> int:
        """Return the number of a family, -1 where it is unknown; empty is `NO_FAMILY`."""
        return self.number.get((name or NO_FAMILY).lower(), -1)


def families(tables: Tables, plant: Shop, jobs: Sequence[Job], findings: Findings) -> Families:
    """Return every family; names that fit nothing go into `findings`."""
    named: dict[int, set[str]] = {}
    covered: set[int] = set()
    spelled: list[str] = []
    for row in plant.setups:
        group = plant.group.get(row.text("group").lower(), -1)
        ends = [row.text("from"), row.text("to")]
        named.setdefault(group, set()).update(name for name in ends if name not in ("*", "-"))
        if ends[1] == "*" and ends[0] == "*":
            covered.add(group)
        spelled += [name for name in ends if name not in ("*", "-")]
    for job in jobs:
        for operation in job.route:
            spelled.append(operation.family or NO_FAMILY)
            _check(operation, plant, named, covered, findings)
    result = _numbered(spelled)
    for machine in plant.machines:
        known = tables["operations"].known and tables["setups"].rows
        family = machine.set_up_for
        if family and result.of(family) < 0:
            if known:
                names = set(result.name) - {NO_FAMILY}
                machine.row.report_unknown(findings, "set_up_for", "family", names)
            else:
                _append(result, family)
    _check_size(plant, result, findings)
    return result


def _numbered(spelled: Iterable[str]) -> Families:
    result = Families([], {})
    for name in spelled:
        _append(result, name)
    return result


def _append(result: Families, name: str) -> None:
    if name.lower() not in result.number:
        result.number[name.lower()] = len(result.name)
        result.name.append(name)


def _check(
    operation: Operation,
    plant: Shop,
    named: dict[int, set[str]],
    covered: set[int],
    findings: Findings,
) -> None:
    """Report a family that no set-up row of the operation's groups names or covers."""
    row: Row = operation.row
    if "family" in row.faulty:
        return
    for group in sorted({plant.machines[machine].group for machine, _ in operation.pairs}):
        names = named.get(group, set())
        if group < 0 or not names or (group in covered and operation.family):
            continue
        if not operation.family:
            found = f"no family, though group '{plant.group_name[group]}' has set-up times"
            fix = "name the family; one that needs no set-up can have rows with 0 minutes"
            row.report(findings, "family", Fault("blank", found, ", ".join(sorted(names)), fix))
            return
        if operation.family.lower() not in {name.lower() for name in names}:
            row.report_unknown(findings, "family", "family", names)
            return


def _check_size(plant: Shop, result: Families, findings: Findings) -> None:
    cells = len(plant.group_name) * (len(result.name) + 1) * len(result.name)
    if cells > MAX_SETUP_CELLS and plant.setups:
        findings.add(
            Problem(
                where=plant.setups[0].where("group"),
                found=f"{len(result.name)} families in {len(plant.group_name)} groups",
                allowed=f"groups x families x families up to {MAX_SETUP_CELLS:,}",
                fix="use one family for operations that need no set-up between them",
            )
        )
