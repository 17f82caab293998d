# SPDX-License-Identifier: MIT
from flyball.core.spec import Kpi
from flyball.experiments.curve import png, series
from flyball.experiments.runs import ERROR

RETURN = Kpi("return", "reward", "max", "")
LINES = [
    {"stage": "train", "iteration": 1, "steps": 10, "figures": {"kl": 0.1}},
    {"stage": "train", "iteration": 2, "steps": 20, "figures": {"return": 3.0}},
    {"stage": "validate", "iteration": 2, "steps": 20,
     "figures": {"return": 5.0, "return" + ERROR: 0.5}},
]  # fmt: skip


def test_a_series_holds_the_steps_at_which_its_figure_was_written():
    assert series(LINES, "train", "return") == ([20.0], [3.0])
    assert series(LINES, "validate", "return") == ([20.0], [5.0])
    assert series(LINES, "validate", "kl") == ([], [])


def test_the_picture_differs_with_what_is_known():
    bare = png(LINES, RETURN, {}, None)

    assert bare.startswith(b"\x89PNG")
    assert png(LINES, RETURN, {"LQR": 4.0}, None) != bare
    assert png(LINES, RETURN, {}, 6.0) != bare
    assert png([], RETURN, {}, None).startswith(b"\x89PNG")
