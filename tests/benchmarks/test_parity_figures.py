# SPDX-License-Identifier: MIT
"""A cell is met by the whole interval, and one without all its runs is never passed over."""

import pytest
from parity.cells import Cell
from parity.figures import Compared, figures


def compared(ours, theirs, *, judged=True, name="x", seeds=5):
    cell = Cell(
        name=name, algorithm="ppo", problem="CartPole-v1", steps=1000, seeds=seeds, settings={},
        source="zoo", judged=judged,
    )  # fmt: skip
    rows = [[{"score": score, "cpu_s": 2.0} for score in side] for side in (ours, theirs)]
    return Compared(cell=cell, chance={"score": 20.0}, ours=rows[0], theirs=rows[1])


def test_equal_sides_meet_the_margin_and_a_side_that_lost_does_not():
    good, bad = [480.0, 490.0, 500.0, 500.0, 500.0], [300.0, 310.0, 320.0, 330.0, 340.0]

    same, _, _ = figures({"x": compared(good, good)})
    lost, _, _ = figures({"x": compared(bad, good)})

    assert same.met is True
    assert same.low >= -0.1
    assert same.ratio == pytest.approx(1.0)
    assert lost.met is False
    assert lost.high < -0.1
    assert (lost.ours, lost.peer) == (320.0, pytest.approx(1490 / 3))


def test_a_cell_that_is_only_reported_has_no_target_and_is_not_part_of_the_whole():
    good, bad = [500.0] * 5, [30.0] * 5

    _, reported, whole, _ = figures(
        {"x": compared(good, good), "y": compared(bad, good, judged=False, name="y")}
    )

    assert (reported.target, reported.met) == (None, None)
    assert (whole.ours, whole.n) == (1.0, 5)


def test_a_cell_that_lacks_a_run_is_a_figure_that_misses_its_target():
    good = [500.0] * 5

    *_, lacking = figures({"x": compared(good, good), "y": compared(good[:4], good, name="y")})

    assert (lacking.ours, lacking.met, lacking.note) == (1.0, False, "y")
