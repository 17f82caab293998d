# SPDX-License-Identifier: MIT
"""Public benchmark files: job shop (`jsp`), flexible (`fjsp`) and flexible with set-ups.

All are lines of whole numbers. Line 1: jobs, machines. Then a line for each job: pairs of machine
and duration (`jsp`), or the number of operations and for each its number of machines and as many
pairs (`fjsp`). With set-ups, one matrix a machine follows, from operation (row) to operation
(column). One unit of time is one hour, so that a makespan in hours is the published number.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from flyball.core.batch import Longs
from flyball.core.errors import Problem, ScenarioError
from flyball.worlds.jobshop.findings import Findings
from flyball.worlds.jobshop.scenario import NO_DUE_S, Scenario, always_open

UNIT_S = 3600
MAX_BYTES = 100 * 2**20
MAX_UNITS = 1_000_000
MAX_MACHINES = 100_000
NEVER = 1_000_000
"""What set-up files write where an operation cannot be on the machine."""

Line = tuple[int, list[int]]
"""Number in the file, from 1, and the numbers that stand on it."""

Route = list[list[tuple[int, int]]]
"""For each operation its (machine, duration) pairs as the file numbers them."""


@dataclass(frozen=True)
class _File:
    path: Path
    n_machines: int
    jobs: list[Route]
    rest: list[Line]


def read_benchmark(path: Path, findings: Findings) -> Scenario:
    """Read a public file; which of the three formats it is shows in its lines.

    Raises
    ------
    ScenarioError
        With every line that is wrong.
    """
    lines = _numbers(path, findings)
    findings.stop_if_any()
    n_jobs, n_machines = _size(path, lines)
    jobs, rest = lines[1 : 1 + n_jobs], lines[1 + n_jobs :]
    if len(jobs) < n_jobs:
        found = f"{len(jobs)} job lines"
        raise _error(path, lines[-1][0], found, f"{n_jobs}, as line 1 says", "complete the file")
    flexible = all(_flexible_route(line[1]) is not None for line in jobs)
    routes = [_route(path, line, findings, flexible=flexible) for line in jobs]
    findings.stop_if_any()
    file = _File(path, n_machines, routes, rest)
    first = _first_machine(file)
    return _scenario(file, first, _setups(file), own_groups=not flexible)


def _error(path: Path, line: int, found: str, allowed: str, fix: str) -> ScenarioError:
    where = f"{path.name} line {line}"
    return ScenarioError(Problem(where=where, found=found, allowed=allowed, fix=fix))


def _numbers(path: Path, findings: Findings) -> list[Line]:
    """Return the lines that hold anything; words that are no numbers go into `findings`."""
    if path.stat().st_size > MAX_BYTES:
        found = f"{path.stat().st_size / 2**20:.0f} MiB"
        raise _error(path, 1, found, f"at most {MAX_BYTES // 2**20} MiB", "name another file")
    lines: list[Line] = []
    text = path.read_bytes().decode("ascii", errors="replace")
    for number, line in enumerate(text.splitlines(), start=1):
        values: list[int] = []
        for word in line.split():
            value = _whole(word, first=not lines)
            if value is None:
                problem = Problem(
                    where=f"{path.name} line {number}",
                    found=f"'{word[:40]}'",
                    allowed=f"whole numbers from 0 to {MAX_UNITS}",
                    fix="name a jsp, fjsp or fjsp_sdst file, a workbook or a folder of CSV files",
                )
                findings.add(problem, "number")
            else:
                values.append(value)
        if values:
            lines.append((number, values))
    if not lines and not len(findings):
        fix = "name another file"
        raise _error(path, 1, "an empty file", "jobs and machines on line 1", fix)
    return lines


def _whole(word: str, *, first: bool) -> int | None:
    """Return a whole number; the first line may give mean alternatives such as 1.7."""
    if word.isdecimal() and len(word) <= 12:
        return int(word) if int(word) <= MAX_UNITS else None
    if first and word.replace(".", "", 1).isdecimal():
        return 0
    return None


def _size(path: Path, lines: Sequence[Line]) -> tuple[int, int]:
    number, values = lines[0]
    fits = len(values) in (2, 3) and values[0] > 0 and 0 < values[1] <= MAX_MACHINES
    if not fits:
        found = " ".join(map(str, values[:6]))
        allowed = "the numbers of jobs and machines"
        raise _error(path, number, found, allowed, "name a jsp, fjsp or fjsp_sdst file")
    return values[0], values[1]


def _flexible_route(values: Sequence[int]) -> Route | None:
    """Return the route of an `fjsp` line, None where the counts do not fit its length."""
    route: Route = []
    at = 1
    for _ in range(values[0]):
        n_pairs = values[at] if at < len(values) else 0
        pairs = values[at + 1 : at + 1 + 2 * n_pairs]
        if n_pairs == 0 or len(pairs) < 2 * n_pairs:
            return None
        route.append(list(zip(pairs[::2], pairs[1::2], strict=True)))
        at += 1 + 2 * n_pairs
    return route if at == len(values) and route else None


def _route(path: Path, line: Line, findings: Findings, *, flexible: bool) -> Route:
    number, values = line
    if flexible:
        return _flexible_route(values) or []
    if len(values) % 2:
        findings.add(
            Problem(
                where=f"{path.name} line {number}",
                found=f"{len(values)} numbers",
                allowed="pairs of machine and duration, or counts that fit the line (fjsp)",
                fix="correct the line",
            ),
            "pairs",
        )
        return []
    return [[pair] for pair in zip(values[::2], values[1::2], strict=True)]


def _first_machine(file: _File) -> int:
    """Return the number of the first machine, 0 or 1.

    Raises
    ------
    ScenarioError
        When a machine number is larger than the first line allows.
    """
    used = {machine for route in file.jobs for pairs in route for machine, _ in pairs}
    first = 1 if 0 not in used and max(used) == file.n_machines else 0
    if max(used) - first >= file.n_machines:
        found = f"machine {max(used)}"
        allowed = f"{file.n_machines} machines, numbered from 0 or from 1"
        raise _error(file.path, 1, found, allowed, "correct line 1 or the machine")
    for route in file.jobs:
        for pairs in route:
            if len({machine for machine, _ in pairs}) < len(pairs):
                raise _error(
                    file.path, 1, "a machine twice in one operation", "once", "correct the line"
                )
    return first


def _setups(file: _File) -> Longs | None:
    """Return set-up times (M, O + 1, O) in s, or None where the file ends after the jobs."""
    if not file.rest:
        return None
    n_ops = sum(len(route) for route in file.jobs)
    n_rows = file.n_machines * n_ops
    wrong = [number for number, values in file.rest if len(values) != n_ops]
    if len(file.rest) != n_rows or wrong:
        line = wrong[0] if wrong else file.rest[-1][0]
        found = f"{len(file.rest)} lines after the jobs"
        allowed = f"{n_rows} set-up lines of {n_ops} numbers, or none"
        raise _error(file.path, line, found, allowed, "complete the matrices or take them out")
    matrix = np.array([values for _, values in file.rest], dtype=np.int64)
    matrix = np.where(matrix >= NEVER, 0, matrix).reshape(file.n_machines, n_ops, n_ops) * UNIT_S
    return np.concatenate([matrix, np.zeros_like(matrix[:, :1])], axis=1)


def _scenario(file: _File, first: int, setups: Longs | None, *, own_groups: bool) -> Scenario:
    ops = [pairs for route in file.jobs for pairs in route]
    n_jobs, n_ops, n_machines = len(file.jobs), len(ops), file.n_machines
    own_groups = own_groups or setups is not None
    machines = tuple(f"M{first + machine}" for machine in range(n_machines))
    n_groups = n_machines if own_groups else 1
    # With set-ups every operation is a family of its own, as the matrices have it.
    families = ("any",) if setups is None else tuple(f"operation {op + 1}" for op in range(n_ops))
    if setups is None:
        setups = np.zeros((n_groups, 2, 1), dtype=np.int64)
    group = np.arange(n_machines) if own_groups else np.zeros(n_machines)
    return Scenario(
        name=file.path.stem,
        start=None,
        job_name=tuple(f"J{first + job}" for job in range(n_jobs)),
        customer=("",) * n_jobs,
        job_op=np.cumsum([0, *(len(route) for route in file.jobs)], dtype=np.int32),
        release_s=np.zeros(n_jobs, dtype=np.int64),
        due_s=np.full(n_jobs, NO_DUE_S, dtype=np.int64),
        weight=np.ones(n_jobs),
        important=np.zeros(n_jobs, dtype=np.bool_),
        op_name=tuple(str(first + step) for route in file.jobs for step in range(len(route))),
        op_family=(np.arange(n_ops) % len(families)).astype(np.int32),
        interruptible=np.zeros(n_ops, dtype=np.bool_),
        op_pair=np.cumsum([0, *(len(pairs) for pairs in ops)], dtype=np.int32),
        pair_machine=np.array([m - first for pairs in ops for m, _ in pairs], dtype=np.int32),
        pair_duration_s=np.array([d * UNIT_S for pairs in ops for _, d in pairs], dtype=np.int64),
        fixed_machine=np.full(n_ops, -1, dtype=np.int32),
        fixed_start_s=np.zeros(n_ops, dtype=np.int64),
        fixed_end_s=np.zeros(n_ops, dtype=np.int64),
        machine_name=machines,
        machine_group=group.astype(np.int32),
        machine_calendar=np.zeros(n_machines, dtype=np.int32),
        machine_family=np.full(n_machines, -1, dtype=np.int32),
        group_name=machines if own_groups else ("machines",),
        family_name=families,
        setup_s=setups,
        setup_interruptible=np.zeros(n_groups, dtype=np.bool_),
        calendars=always_open(),
    )
