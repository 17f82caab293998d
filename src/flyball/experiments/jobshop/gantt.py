# SPDX-License-Identifier: MIT
"""A Gantt chart twice: a picture that always works, and a chart to zoom into.

Colour never stands alone: late jobs are red and named in the table, important ones have a thick
outline, fixed work is hatched, due times are ticks.
"""

import io
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib import dates
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from flyball.worlds.jobshop import WORLD, Schedule

mpl.use("Agg")

HOUR_S = 3600

ON_TIME = ("#4f7cac", "#7ba0c4")
LATE = "#b3261e"
SETUP = "#e0a030"
CLOSED = "#e4e4e4"
OVERTIME = "#fff1c9"
FIXED = "#8a8a8a"
INK = "#1b1b1b"

PAUSE_HEIGHT = 0.5
"""A pause covers the middle of its bar; the coloured rims say whose it is."""

LABELLED = 40
"""Most machines whose names are written beside their row."""

DATES: Any = dates  # untyped in matplotlib

Gantt = Any  # the view's record; the world's face shows it by what `WORLD.gantt` returns


def png(schedule: Schedule, title: str, *, dpi: int = 110) -> bytes:
    """Return the chart as a PNG picture."""
    chart = WORLD.gantt(schedule)
    rows = len(chart.machines)
    figure = Figure(figsize=(11.0, min(14.0, 1.4 + 0.19 * rows)), dpi=dpi, layout="constrained")
    axes = figure.add_subplot()
    for stretches, colour in ((chart.closed, CLOSED), (chart.overtime, OVERTIME)):
        boxes = [(s.machine, s.start_s, s.end_s) for s in stretches]
        _draw(axes, chart, boxes, 1.0, {"facecolors": colour})
    for spans, style in _layers(chart):
        _draw(axes, chart, spans, 0.72, style)
    rests = [(s.machine, s.start_s, s.end_s) for s in chart.pauses]
    _draw(axes, chart, rests, PAUSE_HEIGHT, {"facecolors": CLOSED})
    _ticks(axes, chart)
    axes.axvline(_x(chart, [chart.now_s])[0], color=INK, linewidth=1.2)
    axes.set_xlim(*_x(chart, [chart.from_s, chart.to_s]))
    axes.set_ylim(rows - 0.5, -0.5)
    if rows <= LABELLED:
        axes.set_yticks(range(rows), chart.machines, fontsize=7)
    if chart.start is None:
        axes.set_xlabel("hours from the start", fontsize=8)
    else:
        locator = DATES.AutoDateLocator(minticks=4, maxticks=12)
        axes.xaxis_date()
        axes.xaxis.set_major_locator(locator)
        axes.xaxis.set_major_formatter(DATES.ConciseDateFormatter(locator))
    axes.tick_params(axis="x", labelsize=8)
    axes.set_title(title, fontsize=10, loc="left")
    figure.legend(handles=_legend(), loc="outside lower center", ncols=8, fontsize=7, frameon=False)
    out = io.BytesIO()
    figure.savefig(out, format="png", metadata={"Software": None})
    return out.getvalue()


def _layers(chart: Gantt) -> list[tuple[list[tuple[int, int, int]], dict[str, Any]]]:
    """Return the boxes of each kind of bar with their style, in drawing order."""
    setups = [
        (b.machine, b.setup_start_s, b.setup_end_s)
        for b in chart.bars
        if b.setup_end_s > b.setup_start_s
    ]
    layers: list[tuple[list[tuple[int, int, int]], dict[str, Any]]] = [
        (setups, {"facecolors": SETUP})
    ]
    for fixed in (False, True):
        for important in (False, True):
            for late, parity, colour in (
                (False, 0, ON_TIME[0]),
                (False, 1, ON_TIME[1]),
                (True, -1, LATE),
            ):
                boxes = [
                    (b.machine, b.start_s, b.end_s)
                    for b in chart.bars
                    if (b.fixed, b.important, b.late) == (fixed, important, late)
                    and parity in (-1, b.job % 2)
                ]
                style = {
                    "facecolors": colour,
                    "edgecolors": INK if important else "white",
                    "linewidths": 1.1 if important else 0.25,
                }
                layers.append((boxes, style | ({"hatch": "////"} if fixed else {})))
    return layers


def _draw(
    axes: Any, chart: Gantt, boxes: Sequence[tuple[int, int, int]], height: float, style: Any
) -> None:
    if not boxes:
        return
    data = np.array(boxes, dtype=np.float64)
    left, right = _x(chart, data[:, 1]), _x(chart, data[:, 2])
    low, high = data[:, 0] - height / 2, data[:, 0] + height / 2
    corners = np.stack(
        [np.stack(pair, -1) for pair in ((left, low), (left, high), (right, high), (right, low))], 1
    )
    axes.add_collection(PolyCollection(list(corners), **({"linewidths": 0} | style)), autolim=False)


def _ticks(axes: Any, chart: Gantt) -> None:
    """Draw a tick where each job is due, on the row of its last operation."""
    for late, colour in ((False, INK), (True, LATE)):
        dues = [d for d in chart.dues if (d.end_s > d.due_s) == late and d.due_s >= 0]
        x = _x(chart, [d.due_s for d in dues])
        axes.plot(x, [d.machine + 0.42 for d in dues], "^", color=colour, markersize=3.2, zorder=5)


def _x(chart: Gantt, at_s: Iterable[float]) -> Any:
    """Return times as matplotlib wants them: days of the calendar, or hours."""
    at = np.asarray(list(at_s), dtype=np.float64)
    if chart.start is None:
        return at / HOUR_S
    return DATES.date2num(chart.start) + at / 86400.0


def _legend() -> list[Any]:
    return [
        Patch(facecolor=ON_TIME[0], label="job on time"),
        Patch(facecolor=LATE, label="late job"),
        Patch(facecolor="white", edgecolor=INK, linewidth=1.3, label="important"),
        Patch(facecolor=ON_TIME[1], hatch="////", edgecolor="white", label="fixed"),
        Patch(facecolor=SETUP, label="set-up"),
        Patch(facecolor=CLOSED, label="closed"),
        Patch(facecolor=OVERTIME, label="overtime"),
        Line2D([], [], marker="^", color=INK, linestyle="", markersize=4, label="due"),
    ]


def interactive(schedule: Schedule, title: str) -> dict[str, Any]:
    """Return the chart as a plotly figure in plain data: traces and layout."""
    chart = WORLD.gantt(schedule)
    traces = [
        _trace(chart, [(s.machine, s.start_s, s.end_s) for s in chart.closed], "closed", CLOSED, 1),
        _trace(
            chart,
            [(s.machine, s.start_s, s.end_s) for s in chart.overtime],
            "overtime",
            OVERTIME,
            1,
        ),
        _trace(
            chart,
            [(b.machine, b.setup_start_s, b.setup_end_s) for b in chart.bars],
            "set-up",
            SETUP,
            0.72,
        ),
        *(_jobs(chart, late=late) for late in (False, True)),
        _trace(
            chart,
            [(s.machine, s.start_s, s.end_s) for s in chart.pauses],
            "pause",
            CLOSED,
            PAUSE_HEIGHT,
        ),
        _due_trace(chart),
    ]
    rows = len(chart.machines)
    axis = {"title": {"text": "hours from the start"}} if chart.start is None else {"type": "date"}
    span = [_plotly(chart, chart.from_s), _plotly(chart, chart.to_s)]
    now = _plotly(chart, chart.now_s)
    layout = {
        "title": {"text": title, "x": 0, "font": {"size": 15}},
        "barmode": "overlay",
        "bargap": 0,
        "height": max(320, 130 + 21 * rows),
        "margin": {"l": 90, "r": 10, "t": 44, "b": 60},
        "xaxis": axis | {"range": span},
        "yaxis": {
            "tickvals": list(range(rows)),
            "ticktext": list(chart.machines),
            "range": [rows - 0.5, -0.5],
            "fixedrange": True,
        },
        "legend": {"orientation": "h", "y": -0.06},
        "plot_bgcolor": "white",
        "dragmode": "zoom",
        "shapes": [
            {"type": "line", "x0": now, "x1": now, "y0": 0, "y1": 1, "yref": "paper"}
            | {"line": {"color": INK, "width": 1.5}}
        ],
    }
    return {"data": [trace for trace in traces if trace["y"]], "layout": layout}


def _trace(
    chart: Gantt, boxes: Sequence[tuple[int, int, int]], name: str, colour: str, width: float
) -> dict[str, Any]:
    boxes = [box for box in boxes if box[2] > box[1]]
    return {
        "type": "bar",
        "orientation": "h",
        "name": name,
        "y": [box[0] for box in boxes],
        "base": [_plotly(chart, box[1]) for box in boxes],
        "x": [_length(chart, box[2] - box[1]) for box in boxes],
        "width": width,
        "marker": {"color": colour, "line": {"width": 0}},
        "hoverinfo": "name",
    }


def _jobs(chart: Gantt, *, late: bool) -> dict[str, Any]:
    bars = [b for b in chart.bars if b.late == late and b.end_s > b.start_s]
    boxes = [(b.machine, b.start_s, b.end_s) for b in bars]
    trace = _trace(chart, boxes, "late job" if late else "job on time", LATE, 0.72)
    marks = [" (important)" * b.important + " (fixed)" * b.fixed for b in bars]
    trace["text"] = [
        f"{b.job_name}, {b.operation}{mark}" for b, mark in zip(bars, marks, strict=True)
    ]
    trace["hovertemplate"] = "%{text}<br>from %{base}<extra></extra>"
    trace["textposition"] = "none"
    trace["marker"] = {
        "color": [LATE if b.late else ON_TIME[b.job % 2] for b in bars],
        "line": {
            "color": [INK if b.important else "#ffffff" for b in bars],
            "width": [1.6 if b.important else 0.4 for b in bars],
        },
        "pattern": {"shape": ["/" if b.fixed else "" for b in bars]},
    }
    del trace["hoverinfo"]
    return trace


def _due_trace(chart: Gantt) -> dict[str, Any]:
    dues = [d for d in chart.dues if d.due_s >= 0]
    return {
        "type": "scatter",
        "mode": "markers",
        "name": "due",
        "x": [_plotly(chart, d.due_s) for d in dues],
        "y": [d.machine + 0.4 for d in dues],
        "text": [f"{d.job_name} due" for d in dues],
        "hoverinfo": "text+x",
        "marker": {
            "symbol": "triangle-up",
            "size": 7,
            "color": [LATE if d.end_s > d.due_s else INK for d in dues],
        },
    }


def _plotly(chart: Gantt, at_s: float) -> str | float:
    if chart.start is None:
        return at_s / HOUR_S
    return str((chart.start + timedelta(seconds=int(at_s))).isoformat())


def _length(chart: Gantt, length_s: float) -> float:
    return length_s / HOUR_S if chart.start is None else length_s * 1000.0
