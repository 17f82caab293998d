# SPDX-License-Identifier: MIT
"""Judges the staged comparison of a plant, and does what needs no person: roll back, and advance.

One controller acts, under a lease; the others stand by, and if it dies the field stays as it is.
It never promotes: that takes an approver and another person who began. What it decides goes by the
blocks that have ended; a block without an outcome is no evidence yet.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from math import inf
from typing import Any, NamedTuple

from flyball import releases
from flyball.core.journal import Record
from flyball.serving.server import Log, Notice
from flyball.serving.site import Site

INTERVENTIONS = "interventions"
"""Metric that the server knows itself: the share of decisions that the shield changed."""


@dataclass(frozen=True, kw_only=True)
class ControllerConfig:
    """Settings of a `Controller`."""

    holder: str = "controller"
    """Name of this process; no other has it."""

    lease_s: float = 10.0
    advances: bool = True
    """Whether it takes a canary from share to share; shadow is left by a person."""

    patience_s: float = 7 * 24 * 3600.0
    """How long after its end a block may stay without an outcome before it counts as lost, s."""


class Judged(NamedTuple):
    """What a controller found."""

    staging: Any
    verdict: releases.verdicts.Verdict | None  # None: nothing is compared, or somebody else judges
    did: str  # nothing, advance, roll back


class Controller:
    """Judges the comparison of one plant."""

    def __init__(
        self,
        site: Site,
        log: Log,
        registry: releases.Registry,
        notice: Notice,
        config: ControllerConfig | None = None,
    ) -> None:
        self._site, self._log, self._registry, self._notice = site, log, registry, notice
        self._config = config or ControllerConfig()
        self._me = releases.Person(self._config.holder, releases.Role.ENGINEER)
        self._said = ("", 0, 0)
        self.said: releases.verdicts.Verdict | None = None
        """The last verdict."""

    def look(self, now_s: float) -> Judged:
        """Judge what there is now, and act on it.

        Raises
        ------
        ReleaseError
            Where the registry does not answer.
        """
        plant = self._site.name
        lease = self._registry.leases.take(
            f"controller {plant}", self._config.holder, self._config.lease_s
        )
        staging = self._registry.staging(plant)
        if lease is None or self._site.plan is None or str(staging.stage) != "canary":
            return Judged(staging, None, "")
        generation = self._registry.generation()
        self.said = verdict = self.verdict(staging.number, now_s)
        self._keep(staging, verdict)
        deed = self._deed(staging, verdict)
        if deed:
            command = releases.staging.Command(
                deed=deed, verdict=verdict, automatic=True, why=verdict.reason
            )
            try:
                staging = self._registry.stage(
                    plant, command, self._me, generation=generation, lease=lease
                )
            except (releases.refusals.RefusedError, releases.refusals.ConflictError) as error:
                self._notice("refused", {"deed": deed, "why": str(error)})
                deed = ""
            else:
                self._notice(deed.replace("_", " "), {"why": verdict.reason})
        return Judged(staging, verdict, deed.replace("_", " "))

    def verdict(
        self, number: int, now_s: float, challenger: str = "challenger"
    ) -> releases.verdicts.Verdict:
        """Return what the blocks of a comparison say."""
        if self._site.plan is None:
            msg = "a plant without a plan has no verdicts"
            raise ValueError(msg)
        blocks = list(blocks_of(self._log, number, now_s - self._config.patience_s))
        return releases.verdicts.judge(blocks, self._site.plan, challenger)

    def _deed(self, staging: Any, verdict: releases.verdicts.Verdict) -> Any:
        if verdict.decision == "roll back":
            return "roll_back"
        last = staging.step + 1 >= len(staging.config.shares)
        return "advance" if self._config.advances and verdict.advance and not last else ""

    def _keep(self, staging: Any, verdict: releases.verdicts.Verdict) -> None:
        """Add a verdict to the path of its comparison, where it says something new."""
        said = (str(verdict.decision), verdict.blocks, staging.number)
        if said != self._said:
            record = verdict.as_json()
            record["path"] = record["path"][-1:]  # earlier moments stand in earlier records
            self._registry.paths.add(self._site.name, staging.number, record)
            self._said = said
        if verdict.decision == "promote":
            self._notice("ready to promote", {"why": verdict.reason})


def blocks_of(log: Log, number: int, waited_s: float = -inf) -> Iterator[Any]:
    """Yield the blocks of a comparison that have an outcome, or will have none.

    Parameters
    ----------
    log
        With what happened in each block, and what came of it.
    number
        Of the comparison.
    waited_s
        Blocks that ended before this moment without an outcome are lost.
    """
    told = outcomes_of(log.of_kind("outcome"))
    # By key: of a name that was used for several blocks nobody knows which its outcome is of.
    own = [record for record in log.of_kind("block") if record["number"] == number]
    again = Counter(record["key"] for record in own)
    for record in {record["key"]: record for record in own}.values():
        outcome = told.get((record["unit"], record["block"]))
        ended_s = float(record["ended_s"])
        if outcome is None and ended_s >= waited_s:
            continue
        yield releases.verdicts.Block(
            key=record["key"],
            arm=record["arm"],
            shares=dict(record["shares"]),
            stage=record["stage"],
            ended_s=ended_s,
            outcome=_figures(record, outcome),
            twin={} if outcome is None else _floats(outcome["twin"]),
            lost=_why_lost(record, outcome, again[record["key"]]),
            breaches=record["breaches"],
        )


def outcomes_of(records: Iterator[Record]) -> dict[tuple[str, str], Record]:
    """Return the last outcome of each unit's block."""
    return {(record["unit"], record["block"]): record for record in records}


def _why_lost(record: Record, outcome: Record | None, times: int) -> str:
    if times > 1:
        return f"{times} blocks had its name"
    if record["switched"]:
        return "control changed hands before it ended"
    if outcome is None:
        return "its outcome never came"
    return "" if outcome["complete"] else "it did not run to its end"


def _figures(record: Record, outcome: Record | None) -> dict[str, float]:
    own = {INTERVENTIONS: record["changed"] / max(1, record["decisions"])}
    return own if outcome is None else _floats(outcome["metrics"]) | own


def _floats(figures: Any) -> dict[str, float]:
    return {name: float(x) for name, x in figures.items()}
