# SPDX-License-Identifier: MIT
"""One HTML file that needs nothing else: no network, and no JavaScript but for zooming."""

import base64
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from flyball.core.evaluation import Evaluation
from flyball.experiments import runs
from flyball.experiments.jobshop import curve, gantt, tables
from flyball.experiments.jobshop.evaluate import Compared
from flyball.experiments.jobshop.rules import load_tuning
from flyball.experiments.jobshop.verdict import Verdict
from flyball.worlds.jobshop import Schedule

TEMPLATES = (Path(__file__).parent / "templates", Path(runs.__file__).parent / "templates")


def write_report(folder: Path, compared: Compared) -> Path:
    """Write ``report.html`` into a run folder and return its path."""
    path = folder / runs.REPORT
    runs.write_text(path, page(folder, compared))
    return path


def page(folder: Path, compared: Compared) -> str:
    """Return the report of a run as HTML."""
    evaluation = compared.evaluation
    charts = [_chart(name, schedule, evaluation) for name, schedule in compared.shown.items()]
    lines = runs.read_lines(folder / runs.METRICS)
    baselines = folder / runs.BASELINES
    rules = runs.read_json(baselines) if baselines.is_file() else {}
    learning = curve.png(lines, rules) if lines and rules else None
    shown = (evaluation.policy, evaluation.best_rule)
    return (
        _environment()
        .get_template("report.html.j2")
        .render(
            evaluation=evaluation,
            mark=tables.MARKS[Verdict(evaluation.verdict)],
            second=compared.second,
            hindsight=tables.hindsight(evaluation),
            tuning=load_tuning(folder / runs.RULES).words(),
            columns=list(tables.NAMES.values()),
            unit=tables.NAMES[evaluation.kpi],
            greedy=tables.greedy_rows(evaluation),
            timed=tables.timed_rows(evaluation, shown),
            charts=charts,
            learning=picture(learning) if learning else None,
            learning_words=_curve_words(lines, rules) if learning else "",
            limits=tables.limit_rows(),
            manifest=_manifest(folder, evaluation),
            plant=bool(runs.read_manifest(folder, "plant")["plant"]),
            script=_scripts(),
        )
    )


def gantt_page(schedule: Schedule, title: str, png: bytes, kpi: Mapping[str, float]) -> str:
    """Return one Gantt chart as an HTML page of its own."""
    chart = {
        "id": "plan",
        "title": title,
        "alt": words_of(schedule, kpi),
        "picture": picture(png),
        "figure": figure(gantt.interactive(schedule, title)),
    }
    figures = [(tables.NAMES[name], tables.number(value)) for name, value in kpi.items()]
    template = _environment().get_template("gantt.html.j2")
    return template.render(chart=chart, title=title, figures=figures, script=_scripts())


def _chart(name: str, schedule: Schedule, evaluation: Evaluation) -> dict[str, Any]:
    first = {kpi: values[0] for kpi, values in evaluation.method(name).kpi.items()}
    who = "the learned policy" if name == evaluation.policy else f"the best tuned rule, {name}"
    title = f"{evaluation.cases[0].capitalize()} planned by {who}"
    title += f": {tables.number(first['weighted_tardiness_h'])} weighted hours late, "
    title += f"{first['late_jobs']:.0f} late jobs"
    return {
        "id": "plan" if name == evaluation.policy else "rule",
        "title": title,
        "alt": words_of(schedule, first),
        "picture": picture(gantt.png(schedule, title)),
        "figure": figure(gantt.interactive(schedule, title)),
    }


def words_of(schedule: Schedule, kpi: Mapping[str, float]) -> str:
    """Return what a chart shows for somebody who cannot see it."""
    s = schedule.scenario
    return (
        f"Gantt chart of {s.n_jobs} jobs with {s.n_ops} operations on {s.n_machines} machines: "
        f"{kpi['late_jobs']:.0f} jobs late, {tables.number(kpi['weighted_tardiness_h'])} weighted "
        f"hours late, the last job ends after {tables.number(kpi['makespan_h'])} hours."
    )


def _curve_words(lines: list[dict[str, Any]], rules: Mapping[str, Mapping[str, float]]) -> str:
    kpi, unit = curve.shown_kpi(rules)
    first, last = lines[0]["kpi"][kpi], min(line["kpi"][kpi] for line in lines)
    best = min(found[kpi] for found in rules.values())
    return (
        f"Learning curve: {unit} on validation days, {tables.number(first)} at the first "
        f"measurement, {tables.number(last)} at the best; best tuned rule {tables.number(best)}."
    )


def picture(png: bytes) -> str:
    """Return a PNG as the address of an image that is part of the page."""
    return "data:image/png;base64," + base64.b64encode(png).decode()


def figure(data: Mapping[str, Any]) -> Markup:
    """Return plain data as JSON that may stand inside a script element."""
    text = json.dumps(data, allow_nan=False, separators=(",", ":"))
    return Markup(text.replace("<", "\\u003c").replace("&", "\\u0026"))  # noqa: S704


def _scripts() -> Markup:
    """Return plotly, once a page; it is the only script that is not ours."""
    return Markup(get_plotlyjs())  # noqa: S704


def _manifest(folder: Path, evaluation: Evaluation) -> list[tuple[str, str]]:
    manifest: dict[str, Any] = runs.read_json(folder / runs.MANIFEST)
    packages = manifest.get("packages", {})
    facts = evaluation.facts
    return [
        ("run", folder.name),
        ("plant", Path(manifest["plant"]).name if manifest.get("plant") else "generated shops"),
        ("data hash (SHA-256)", str(manifest.get("plant_hash") or "none")),
        ("scenario hash (SHA-256)", str(manifest.get("scenario_hash") or "none")),
        ("training began", str(manifest.get("started", "unknown"))),
        ("training budget", _budget(manifest)),
        ("training seed", str(manifest.get("seed"))),
        ("seed of the held-out days", str(facts["seed"])),
        ("days: greedy, with time", f"{facts['days']}, {facts['timed_days']}"),
        ("time for a schedule", f"{facts['time_s']:g} s"),
        ("threads of search, of CP-SAT", f"1, {facts['threads']}"),
        ("threads in training", str(manifest.get("threads"))),
        ("Flyball, Python", f"{manifest.get('flyball')}, {manifest.get('python')}"),
        ("packages", ", ".join(f"{name} {found}" for name, found in packages.items())),
        ("machine", str(manifest.get("machine"))),
        ("command", str(manifest.get("command"))),
    ]


def _budget(manifest: Mapping[str, Any]) -> str:
    if manifest.get("seconds"):
        return f"{manifest['seconds']:g} s"
    return f"{manifest.get('iterations')} iterations"


def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
