# SPDX-License-Identifier: MIT
"""The page of a release for people: what it does, what it is worth, what it is not for."""

from collections.abc import Iterable, Mapping
from typing import Any

LISTED = 12
"""Rows of a table that are shown; the manifest holds all."""


def summary_of(evaluation: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a manifest holds of an evaluation: the verdict, and means instead of cases."""
    kept = ("world", "scenario", "kpi", "policy", "best_rule", "verdict", "sentence")
    summary = {key: evaluation[key] for key in kept if key in evaluation}
    if "cases" in evaluation:
        summary["cases"] = len(evaluation["cases"])
    methods = [
        {"name": method.get("name"), "kind": method.get("kind"), "mean": _means(method)}
        for method in evaluation.get("methods", ())
    ]
    return summary | {"methods": methods}


def _means(method: Mapping[str, Any]) -> dict[str, float | None]:
    means: dict[str, float | None] = {}
    for kpi, figures in method.get("kpi", {}).items():
        met = [each for each in figures if each is not None]
        means[kpi] = float(f"{sum(met) / len(met):.6g}") if met else None
    return means


def card_of(plain: Mapping[str, Any]) -> str:
    """Return the page as Markdown.

    Parameters
    ----------
    plain
        A manifest's fields but `files`, as plain data.
    """
    lineage, policy, evaluation = plain["lineage"], plain["policy"], plain["evaluation"]
    parts = [
        f"# {plain['purpose']}",
        f"A policy for {plain['world']}, version {plain['version']}.",
        "## What it is worth",
        evaluation.get("sentence") or "Nothing was compared.",
        _worth(evaluation),
        "## What it is not for",
        _list(plain["not_for"]) or "Nothing was stated.",
        "## What it sees and sets",
        _interface(plain["interface"]),
        "## What it was trained to reach",
        _table(("objective", "unit", "sense"), plain["objectives"]),
        "## Limits that it runs within",
        _list(plain["limits"]) or "None were stated.",
        "## Where it comes from",
        _list(
            [
                f"trained by {policy.get('algorithm')}, seeds {_said(lineage['seeds'])}",
                f"code {lineage['code'] or 'not stated'}",
                *(f"data {name}: SHA-256 {own}" for name, own in lineage["data"].items()),
                f"parent {lineage['parent'] or 'none'}",
                *(f"{name}: {_said(own)}" for name, own in policy.get("settings", {}).items()),
            ]
        ),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _worth(evaluation: Mapping[str, Any]) -> str:
    kpi = evaluation.get("kpi")
    rows = [
        (method["name"], method["kind"], _said(method["mean"].get(kpi)))
        for method in evaluation.get("methods", ())
    ]
    if not rows:
        return ""
    cases = f"\n\nMeans over {evaluation['cases']} held-out cases." if "cases" in evaluation else ""
    return _table(("method", "kind", str(kpi)), rows) + cases


def _interface(interface: Mapping[str, Any]) -> str:
    parts = []
    for kind in interface["kinds"]:
        rows: list[tuple[str, str, str]] = []
        rows += [(name, "feature", unit) for name, unit in kind["features"]]
        for head in kind["heads"]:
            bounds = f", {head['low']:g} to {head['high']:g}" if "low" in head else ""
            choices = f", one of {head['n']}" if "n" in head else ""
            rows.append((head["name"], head["type"] + bounds + choices, head.get("unit", "-")))
            rows += [(name, "of a candidate", unit) for name, unit in head.get("features", ())]
        parts.append(f"{kind['count']} of {kind['name'] or 'one kind'}\n")
        parts.append(_table(("name", "what", "unit"), rows))
    if interface["signals"]:
        parts.append("\nSignals that its limits read\n")
        parts.append(_table(("signal", "unit"), interface["signals"]))
    return "\n".join(parts)


def _table(head: tuple[str, ...], rows: Iterable[Iterable[Any]]) -> str:
    listed = [tuple(map(_cell, row)) for row in rows]
    if not listed:
        return ""
    lines = [head, tuple("---" for _ in head), *listed[:LISTED]]
    text = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    more = len(listed) - LISTED
    return text + (f"\n\nand {more} more, in the manifest" if more > 0 else "")


def _cell(value: Any) -> str:
    return " ".join(str(value).split()).replace("|", "\\|")


def _list(lines: Iterable[str]) -> str:
    return "\n".join(f"- {' '.join(line.split())}" for line in lines)


def _said(value: Any) -> str:
    if value is None:
        return "not met"
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, list | tuple):
        return ", ".join(map(_said, value)) or "none"
    return str(value)
