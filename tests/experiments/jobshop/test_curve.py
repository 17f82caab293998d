# SPDX-License-Identifier: MIT
from flyball.experiments.jobshop.curve import png, shown_kpi

RULES = {
    "EDD": {"weighted_tardiness_h": 12.0, "makespan_h": 50.0},
    "SPT": {"weighted_tardiness_h": 20.0, "makespan_h": 48.0},
}
LINES = [
    {"stage": stage, "elapsed_s": 10.0 * k, "kpi": {"weighted_tardiness_h": 30.0 - k}}
    for k, stage in enumerate(["imitate", "imitate", "improve"])
]


def test_the_curve_is_a_picture_in_hours():
    assert png(LINES, RULES).startswith(b"\x89PNG")
    assert shown_kpi(RULES) == ("weighted_tardiness_h", "weighted hours late a day")


def test_where_nothing_is_ever_late_the_curve_shows_the_makespan():
    never = {name: kpi | {"weighted_tardiness_h": 0.0} for name, kpi in RULES.items()}

    assert shown_kpi(never)[0] == "makespan_h"
