# SPDX-License-Identifier: MIT
import json
from dataclasses import replace
from datetime import datetime

import numpy as np

from flyball.experiments.jobshop import gantt
from flyball.worlds.jobshop import RULES
from flyball.worlds.jobshop.plan import plan
from tests.experiments.jobshop.small_runs import small_plant
from tests.worlds.jobshop.small_shops import windows

PLAN = plan(small_plant(), RULES["SPT"]).schedule
DATED = replace(
    small_plant(),
    start=datetime(2026, 3, 2, 6),  # noqa: DTZ001
    calendars=windows([(0, 4), (5, 30), (31, 90)], overtime=(6, 8)),
    interruptible=np.ones(11, dtype=np.bool_),
)


def test_the_picture_is_a_png_and_the_same_for_the_same_plan():
    one = gantt.png(PLAN, "a plan")

    assert one.startswith(b"\x89PNG")
    assert one == gantt.png(PLAN, "a plan")


def test_a_plan_with_dates_breaks_and_overtime_is_drawn_too():
    schedule = plan(DATED, RULES["SPT"]).schedule

    assert gantt.png(schedule, "dated").startswith(b"\x89PNG")
    names = {trace["name"] for trace in gantt.interactive(schedule, "dated")["data"]}
    assert names >= {"closed", "overtime", "due"}


def test_the_chart_to_zoom_into_holds_every_operation_and_is_plain_data():
    figure = json.loads(json.dumps(gantt.interactive(PLAN, "a plan"), allow_nan=False))

    traces = {trace["name"]: trace for trace in figure["data"]}
    jobs = [traces[name] for name in ("late job", "job on time") if name in traces]
    assert sum(len(trace["y"]) for trace in jobs) == PLAN.scenario.n_ops
    assert len(traces["due"]["x"]) == 4


def test_late_jobs_are_red_and_important_ones_have_an_outline():
    traces = {trace["name"]: trace for trace in gantt.interactive(PLAN, "a plan")["data"]}

    assert set(traces["late job"]["marker"]["color"]) == {gantt.LATE}
    lines = [
        (text, width)
        for name in ("late job", "job on time")
        if name in traces
        for text, width in zip(
            traces[name]["text"], traces[name]["marker"]["line"]["width"], strict=True
        )
    ]
    assert all((width > 1) == ("(important)" in text) for text, width in lines)
    assert any(width > 1 for _, width in lines)
