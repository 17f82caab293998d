# SPDX-License-Identifier: MIT
"""From a file to a plan: choose a method, search for the time given, write what people need."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

import flyball
from flyball.core.clock import Clock, SystemClock
from flyball.core.errors import ConfigError, Problem, nearest
from flyball.core.protocols import Policy
from flyball.experiments import runs
from flyball.experiments.jobshop import gantt
from flyball.experiments.jobshop.play import greedy, judged, warm_up
from flyball.experiments.jobshop.report import gantt_page
from flyball.experiments.jobshop.rules import setting
from flyball.experiments.runs import Watch
from flyball.policies import load
from flyball.worlds import jobshop
from flyball.worlds.jobshop import RULES, WORLD, Rule, Scenario, Schedule

Aim = Literal["lateness", "makespan"]

SHIPPED = Path(flyball.__file__).parent / "shipped" / "jobshop"
"""Where a policy that comes with the package lies, if one does."""

TRYING = 0.3
"""Share of the time for trying every rule once, when no method was named."""


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What a person wants planned, and how."""

    file: Path
    policy: str | None
    """A run folder, a bundle folder or the name of a rule; None: the best that is at hand."""

    time_s: float
    out: Path
    aim: Aim = "lateness"
    seed: int = 1


@dataclass(frozen=True)
class Planned:
    """A plan on disk."""

    schedule: Schedule
    kpi: dict[str, float]
    method: str
    """What made it, in words."""

    schedules: int
    elapsed_s: float
    files: tuple[Path, ...]
    notes: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """Return the figures as plain data."""
        return {
            "method": self.method,
            "kpi": self.kpi,
            "schedules": self.schedules,
            "elapsed_s": round(self.elapsed_s, 3),
            "files": [str(path) for path in self.files],
            "notes": list(self.notes),
        }


def plan_file(wish: Wish, watch: Watch, clock: Clock | None = None) -> Planned:
    """Plan the orders of a file and write the plan; nothing is written unless it is valid.

    Raises
    ------
    ScenarioError
        With every problem of the file.
    ConfigError, PolicyError
        When the method is not known or does not load.
    """
    clock = clock or SystemClock()
    method = named(wish.policy)
    reading = WORLD.examine(wish.file)
    shop = reading.scenario
    warm_up(clock)  # compiling is once on a machine; it must not eat the time for searching
    began_s = clock.elapsed_s()
    blind = without_dues(shop) if wish.aim == "makespan" else shop
    if method is None:
        method = best_at_hand(blind, TRYING * wish.time_s, watch, clock)
    words, policy = method
    left_s = max(0.0, wish.time_s - (clock.elapsed_s() - began_s))
    found = jobshop.plan(
        blind,
        policy,
        left_s,
        seed=wish.seed,
        clock=clock,
        progress=lambda share, best_h: watch("plan", share, {"best_h": best_h}),
    )
    schedule = replace(found.schedule, scenario=shop, method=words)
    kpi = judged(schedule, 0.0).kpi
    elapsed_s = clock.elapsed_s() - began_s
    return Planned(
        schedule=schedule,
        kpi=kpi,
        method=words,
        schedules=found.schedules,
        elapsed_s=elapsed_s,
        files=tuple(write_plan(schedule, kpi, wish.out)),
        notes=reading.notes,
    )


def write_plan(schedule: Schedule, kpi: Mapping[str, float], out: Path) -> list[Path]:
    """Write workbook, CSV and Gantt of a valid schedule, each whole or not at all."""
    title = f"{schedule.scenario.name}: planned by {schedule.method}"
    picture = gantt.png(schedule, title)
    page = gantt_page(schedule, title, picture, kpi)
    try:
        paths = WORLD.write(schedule, out)
        for name, content in (("gantt.png", picture), ("gantt.html", page.encode())):
            with runs.replacing(out / name) as draft:
                draft.write_bytes(content)
            paths.append(out / name)
    except OSError as error:
        raise ConfigError(
            Problem(
                where=f"--out {out}",
                found=f"cannot be written ({error.strerror or error})",
                allowed="a folder that can be written",
                fix="give another one with --out",
            )
        ) from error
    return paths


def named(name: str | None) -> tuple[str, Policy] | None:
    """Return the method that a person named, in words and as a policy; None where none was.

    Raises
    ------
    ConfigError
        When it is neither a rule nor a folder.
    PolicyError
        When the folder holds no policy for this world.
    """
    if name is None:
        return None
    for rule in RULES.values():
        if rule.name.lower() == name.lower():
            return f"rule {rule.name}", rule
    folder = Path(name)
    if not folder.is_dir():
        names = [rule.name for rule in RULES.values()]
        newest = runs.newest(folder.parent if folder.parent.is_dir() else Path("runs"))
        fix = f"did you mean {newest}?" if newest and "/" in name else nearest(name, names)
        raise ConfigError(
            Problem(
                where="--policy",
                found=f"'{name}' is neither a folder nor a rule",
                allowed="a run folder, or one of " + ", ".join(names),
                fix=fix,
            )
        )
    bundle = folder / runs.BUNDLE if (folder / runs.BUNDLE).is_dir() else folder
    return f"learned policy of {folder.name}", load(bundle, WORLD.spec)


def best_at_hand(shop: Scenario, time_s: float, watch: Watch, clock: Clock) -> tuple[str, Policy]:
    """Return the best of the shipped policy and the rules on this very shop.

    Parameters
    ----------
    shop
        The orders to plan.
    time_s
        Time for trying, s; at least one method is tried whatever it is.
    watch, clock
        For progress and for the time.
    """
    methods: list[tuple[str, Policy]] = []
    if (SHIPPED / "manifest.json").is_file():
        methods.append(("shipped policy", load(SHIPPED, WORLD.spec)))
    for patience in (False, True):
        for rule in ranked():
            methods.append((rule.name, replace(rule, patience=patience)))
    began_s = clock.elapsed_s()
    costs: list[float] = []
    for k, (name, policy) in enumerate(methods):
        if k and clock.elapsed_s() - began_s > time_s:
            break
        watch("choose", k / len(methods), {"method": name})
        kpi = greedy([shop], policy, name, clock)[0].kpi
        costs.append(kpi["weighted_tardiness_h"] + 1e-3 * kpi["makespan_h"])
    name, policy = methods[int(np.argmin(costs))]
    if isinstance(policy, Rule):
        words = setting(policy)
        name = f"rule {name} with random restarts" + (f" ({words})" if words else "")
    return name, policy


ORDER = ("ATCS", "ATC", "slack", "CR", "EDD", "FDD/MWKR", "MOR", "MWR", "SPT", "first-fit", "FIFO")
"""The rules that are tried first; what has no due dates falls to MOR and MWR."""


def ranked() -> list[Rule]:
    """Return the rules, the most promising first."""
    return [RULES[name] for name in ORDER]


def without_dues(shop: Scenario) -> Scenario:
    """Return the shop with every job due never, so that only the end of all work counts."""
    return replace(shop, due_s=np.full_like(shop.due_s, WORLD.no_due_s))
