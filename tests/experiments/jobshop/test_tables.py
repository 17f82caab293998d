# SPDX-License-Identifier: MIT
import math

import pytest

from flyball.core.evaluation import Difference, Evaluation, Kind, Scores
from flyball.experiments.jobshop.tables import (
    NAMES,
    greedy_rows,
    hindsight,
    interval,
    limit_rows,
    number,
    second_sentence,
    seconds,
    timed_rows,
)
from flyball.worlds.jobshop import SPEC


def scores(name: str, kind: Kind, late: list[float], *, time_s: float = 0.0) -> Scores:
    kpi = {kpi: tuple(late) for kpi in NAMES}
    return Scores(name=name, kind=kind, setting="", time_s=time_s, kpi=kpi, spent_s=0.02)


NAN = math.nan
EVALUATION = Evaluation(
    world="jobshop", scenario="small", cases=("day 1", "day 2", "day 3"),
    kpi="weighted_tardiness_h", policy="policy", best_rule="EDD", verdict="not proven",
    sentence="Not proven.", facts={"missing": {}},
    methods=(
        scores("EDD", "rule", [4.0, 6.0, 20.0]),
        scores("policy", "policy", [3.0, 5.0, 10.0]),
        scores("policy + search", "search", [2.0, 4.0, NAN], time_s=5.0),
        scores("CP-SAT", "solver", [3.0, 3.0, NAN], time_s=5.0),
    ),
)  # fmt: skip


def test_every_figure_of_the_world_has_a_name_for_people():
    assert list(NAMES) == [kpi.name for kpi in SPEC.kpis]


def test_methods_of_one_pass_stand_in_order_of_the_figure():
    rows = greedy_rows(EVALUATION)

    assert [row.name for row in rows] == ["policy", "EDD"]
    assert rows[0].figures[0] == "6.0"
    assert rows[0].better == "100 %"
    assert (rows[1].difference, rows[1].verdict) == ("compared with this", "")


def test_methods_with_time_are_compared_with_the_solver_on_the_days_they_met():
    rows = timed_rows(EVALUATION, ("EDD", "policy"))

    assert {row.name: row.figures[0] for row in rows} == {
        "policy + search": "3.0", "CP-SAT": "3.0", "policy": "4.0", "EDD": "5.0",
    }  # fmt: skip
    assert next(row for row in rows if row.name == "CP-SAT").verdict == ""


def test_without_methods_with_time_there_is_no_second_table():
    alone = Evaluation(**{**vars(EVALUATION), "methods": EVALUATION.methods[:2]})

    assert timed_rows(alone, ("EDD",)) == []
    assert second_sentence(alone) == ""


def test_the_second_sentence_is_about_the_solver_at_equal_time():
    assert second_sentence(EVALUATION).startswith("Given 5 s for each schedule, on 2 of these days")


def test_an_interval_that_has_no_end_is_left_out():
    found = Difference(
        ours=1, theirs=2, mean=-1.0, low=-math.inf, high=math.inf, better_share=1, worse_share=0,
        cases=1,
    )  # fmt: skip

    assert interval(found) == "-1.0"


@pytest.mark.parametrize(
    ("value", "words"), [(12.34, "12.3"), (1234.5, "1,234"), (math.nan, "not met")]
)
def test_figures_are_written_as_tables_print_them(value: float, words: str):
    assert number(value) == words


def test_short_times_are_in_milliseconds():
    assert (seconds(0.0123), seconds(4.96)) == ("12 ms", "5.0 s")


def test_a_rule_that_was_better_in_hindsight_is_named():
    lucky = scores("SPT", "rule", [1.0, 1.0, 1.0])
    other = Evaluation(**{**vars(EVALUATION), "methods": (*EVALUATION.methods, lucky)})

    assert hindsight(EVALUATION) == ""
    assert "In hindsight SPT was the best rule on these very days, 1.0" in hindsight(other)


def test_every_limit_has_a_row():
    assert len(limit_rows()) >= 10
