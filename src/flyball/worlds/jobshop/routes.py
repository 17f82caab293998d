# SPDX-License-Identifier: MIT
"""Routes are chains: which operation of a job comes after which."""

from collections.abc import Mapping, Sequence

from flyball.worlds.jobshop.cells import Fault
from flyball.worlds.jobshop.findings import Findings
from flyball.worlds.jobshop.shop import twice
from flyball.worlds.jobshop.tables import Row


def in_order(rows: Sequence[Row], findings: Findings) -> list[Row]:
    """Return the rows of one job in the order of its chain."""
    by_name: dict[str, Row] = {}
    for row in rows:
        name = row.text("operation")
        if name.lower() in by_name:
            row.report(findings, "operation", twice("operation", name, by_name[name.lower()]))
        elif name:
            by_name[name.lower()] = row
    before: dict[str, str] = {}
    last = ""
    for name, row in by_name.items():
        before[name] = _predecessor(row, last, by_name, findings)
        last = name
    return _followed(by_name, before, findings)


def _predecessor(row: Row, last: str, by_name: Mapping[str, Row], findings: Findings) -> str:
    """Return the operation before `row` in lower case, empty for the first."""
    after = row.text("after")
    if not after:
        return last
    if after == "-":
        return ""
    if after.lower() in by_name:
        return after.lower()
    parts = [part.strip().lower() for part in after.replace(",", ";").split(";")]
    if len(parts) > 1 and all(part in by_name for part in parts):
        found = f"'{after}' joins {len(parts)} branches"
        fault = Fault("join", found, "one operation: a route is a chain", "name one of them")
        row.report(findings, "after", fault)
    else:
        names = (other.text("operation") for other in by_name.values())
        row.report_unknown(findings, "after", "operation", names)
    return last


def _followed(
    by_name: Mapping[str, Row], before: Mapping[str, str], findings: Findings
) -> list[Row]:
    after: dict[str, str] = {}
    for name, previous in before.items():
        if previous in after:
            row = by_name[name]
            other = by_name[after[previous]].text("operation")
            what = f"'{by_name[previous].text('operation')}'" if previous else "the start"
            found = f"a fork: '{row.text('operation')}' and '{other}' both follow {what}"
            fix = f"write after '{other}' or another one"
            row.report(findings, "after", Fault("fork", found, "one operation after another", fix))
            return list(by_name.values())
        after[previous] = name
    names: list[str] = []
    name = after.get("", "")
    while name:
        names.append(name)
        name = after.get(name, "")
    left = by_name.keys() - names
    if left:
        row = next(row for name, row in by_name.items() if name in left)
        found = f"operation '{row.text('operation')}' follows itself in a cycle"
        fix = "correct the column after; - starts a route"
        row.report(findings, "after", Fault("cycle", found, "a chain without a cycle", fix))
        return list(by_name.values())
    return [by_name[name] for name in names]
