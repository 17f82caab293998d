# SPDX-License-Identifier: MIT
"""The report of a run on any problem: one HTML file that needs nothing else, verdict first."""

import base64
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from flyball.core.batch import Doubles
from flyball.core.evaluation import Evaluation, Scores, paired
from flyball.core.spec import Kpi
from flyball.experiments import curve, runs
from flyball.experiments.evaluate import REFERENCES, half_width, ranked
from flyball.experiments.runs import VALIDATE
from flyball.experiments.verdict import Verdict, number, signed, small

TEMPLATES = Path(__file__).parent / "templates"
CURVE = "curve.png"

MARKS = {
    Verdict.BETTER: "good",
    Verdict.AS_GOOD: "good",
    Verdict.NOT_PROVEN: "open",
    Verdict.WORSE: "bad",
    Verdict.BREAKS: "bad",
}
"""Style of each verdict; the word itself is always printed beside the colour."""


class Row(NamedTuple):
    """One method in the decision table, in words."""

    name: str
    figures: tuple[str, ...]  # a column each: means with half of their intervals
    difference: str  # to the best rival
    worst: str
    spent: str


def write_report(folder: Path, evaluation: Evaluation) -> Path:
    """Write ``curve.png`` and ``report.html`` into a run folder; return the report's path."""
    lines = runs.read_lines(folder / runs.METRICS)
    kpi = kpi_of(evaluation)
    rivals = {
        each.name: each.mean(kpi.name)
        for each in ranked(evaluation)
        if each.kind != "policy" and (each.name not in REFERENCES or each.name == "random")
    }
    picture = curve.png(lines, kpi, rivals, evaluation.facts["optimum"])
    with runs.replacing(folder / CURVE) as draft:
        draft.write_bytes(picture)
    manifest = runs.read_manifest(folder)
    page = (
        _environment()
        .get_template("run.html.j2")
        .render(
            evaluation=evaluation,
            algorithm=str(manifest.get("algorithm", "an unknown algorithm")),
            mark=MARKS[Verdict(evaluation.verdict)],
            columns=columns(evaluation),
            rows=rows(evaluation),
            learning="data:image/png;base64," + base64.b64encode(picture).decode(),
            learning_words=_words(lines, kpi),
            manifest=_manifest(folder, manifest),
        )
    )
    path = folder / runs.REPORT
    runs.write_text(path, page)
    return path


def kpi_of(evaluation: Evaluation) -> Kpi:
    """Return the figure that an evaluation is about."""
    facts = evaluation.facts
    return Kpi(evaluation.kpi, facts["unit"], facts["sense"], "")


def rows(evaluation: Evaluation) -> list[Row]:
    """Return the methods as rows of the table, the best first."""
    theirs = evaluation.method(evaluation.best_rule).of(evaluation.kpi)
    found = []
    for each in ranked(evaluation):
        d = paired(each.of(evaluation.kpi), theirs)
        own = each.name == evaluation.best_rule
        text = f"{signed(d.mean)} ({signed(d.low)} to {signed(d.high)})"
        found.append(
            Row(
                name=each.name,
                figures=_figures(evaluation, each),
                difference="compared with this" if own else text,
                worst=number(_worst(evaluation, each)),
                spent=f"{1000 * each.spent_s:.1f} ms",
            )
        )
    return found


def text(evaluation: Evaluation) -> list[str]:
    """Return the decision table as lines of text, the best method first."""
    found = rows(evaluation)
    head = Row("", tuple(columns(evaluation)), "difference", "worst", "time")
    cells = [(row.name, *row.figures, row.difference, row.worst) for row in (head, *found)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(cells[0]))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in cells
    ]


def columns(evaluation: Evaluation) -> list[str]:
    """Return what stands above the figures: KPIs, costs with their limits, and the Shield's part.

    The limits of costs stand in the evaluation's facts.
    """
    limits = [
        f"{each['name']} (limit {each['limit']:g} {each['unit']})"
        for each in evaluation.facts.get("limits", ())
    ]
    leaning = ["changed by the Shield"] if _shielded(evaluation) else []
    return [*evaluation.methods[0].kpi, *limits, *leaning]


def _shielded(evaluation: Evaluation) -> bool:
    return any(each.changed for each in evaluation.methods)


def _figures(evaluation: Evaluation, scores: Scores) -> tuple[str, ...]:
    """Return the figures of a method in the order of `columns`."""
    found = [_mean(scores.of(name)) for name in scores.kpi]
    found += [_mean(np.array(spent)) for spent in scores.cost.values()]
    if _shielded(evaluation):
        found.append(f"{100 * np.mean(scores.changed):.3g} %" if scores.changed else "no Shield")
    return tuple(found)


def _mean(values: Doubles) -> str:
    return f"{small(float(values.mean()))} ± {small(half_width(values))}"


def _worst(evaluation: Evaluation, scores: Scores) -> float:
    values = scores.of(evaluation.kpi)
    return float(values.min() if evaluation.facts["sense"] == "max" else values.max())


def _words(lines: Sequence[Mapping[str, Any]], kpi: Kpi) -> str:
    _, found = curve.series(lines, VALIDATE, kpi.name)
    if not found:
        return "Nothing was measured."
    best = max(found) if kpi.sense == "max" else min(found)
    return (
        f"Learning curve: mean {kpi.name} on validation episodes, {number(found[0])} at the first "
        f"of {len(found)} measurings, {number(best)} at the best, {number(found[-1])} at the last."
    )


def _manifest(folder: Path, manifest: Mapping[str, Any]) -> list[tuple[str, str]]:
    packages = manifest.get("packages", {})
    return [
        ("run", folder.name),
        ("algorithm", str(manifest.get("algorithm"))),
        ("training began", str(manifest.get("started", "unknown"))),
        ("training seed", str(manifest.get("seed"))),
        ("threads in training", str(manifest.get("threads"))),
        ("Flyball, Python", f"{manifest.get('flyball')}, {manifest.get('python')}"),
        ("packages", ", ".join(f"{name} {found}" for name, found in packages.items())),
        ("machine", str(manifest.get("machine"))),
        ("command", str(manifest.get("command"))),
        ("settings", runs.SETTINGS),
    ]


def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
