# SPDX-License-Identifier: MIT
"""What judges the filter judges rightly; the speeds themselves are not tested."""

import sys

import numpy as np
import pytest
from filtering import ours, rival
from filtering.problems import (
    ADMISSIBLE,
    SIZES,
    Problems,
    cost,
    kept,
    random_problems,
    violation,
)


def alone(proposed, price=np.inf, bound=0.0):
    """Return one program: two values within [-1, 1] whose sum stays below a bound."""
    row, two = np.ones((1, 1, 2)), np.ones((1, 2))
    return Problems(-two, two, row, np.array([[bound]]), np.array([price]), np.array([proposed]))


@pytest.mark.parametrize("size", SIZES)
def test_programs_have_an_answer_and_the_stated_share_is_admissible_already(size):
    problems = random_problems(1024, *size)

    admissible = kept(problems, problems.proposed)

    assert admissible.mean() == pytest.approx(ADMISSIBLE, abs=0.05)
    assert violation(problems, ours.together(problems)()) <= 1e-9
    again = random_problems(1024, *size)
    assert all((one == two).all() for one, two in zip(problems, again, strict=True))


def test_the_worst_violation_is_of_box_and_hard_rows_and_nan_keeps_none():
    problems = alone([0.0, 0.0], bound=0.5)

    found = [violation(problems, np.array([each])) for each in
             ([0.5, 0.0], [0.5, 0.25], [-1.5, 0.0], [np.nan, 0.0])]  # fmt: skip

    assert found == [0.0, 0.25, 0.5, np.inf]
    assert violation(alone([0.0, 0.0], price=1.0), np.array([[0.5, 0.25]])) == 0.0


def test_a_soft_row_costs_its_price_and_a_hard_one_nothing():
    value = np.array([[0.5, 0.25]])

    assert cost(alone([0.5, 0.5], price=2.0), value) == pytest.approx(0.5 * 0.0625 + 2.0 * 0.75)
    assert cost(alone([0.5, 0.5]), value) == pytest.approx(0.5 * 0.0625)


@pytest.mark.parametrize("price", [np.inf, 0.1, 10.0])
def test_the_gap_is_nothing_at_an_optimum(price):
    problems = alone([0.5, 0.25], price)

    assert ours.worst_gap(problems) < 1e-10


def test_the_gap_shows_an_action_that_is_not_the_nearest(monkeypatch):
    problems = alone([0.5, 0.25])
    project = ours.project

    def lazy(work, limits, proposed, refuge, out):
        code = project(work, limits, proposed, refuge, out)
        out -= 0.1
        return code

    monkeypatch.setattr(ours, "project", lazy)

    assert ours.worst_gap(problems) > 0.01


@pytest.mark.parametrize("decides", [ours.one_by_one, ours.whole])
def test_every_decision_is_timed(decides):
    took = decides(random_problems(4, 3, 1))(10)

    assert took.shape == (10,)
    assert (took > 0.0).all()


def test_a_rival_answers_every_program_and_its_own_processor_time_counts(tmp_path, monkeypatch):
    script = tmp_path / "nobody.py"
    script.write_text(
        "import sys\nfrom pathlib import Path\nimport numpy as np\n"
        "path = Path(sys.argv[2])\n"
        "np.save(path.with_name('daqp.npy'), 2.0 * np.load(path)['proposed'])\n"
        "print('ready', flush=True)\n"
        "for line in sys.stdin: print(int(line) / 50.0, 3.0, 9.0, flush=True)\n"
    )
    monkeypatch.setattr(rival, "PEERS", sys.executable)
    monkeypatch.setattr(rival, "SCRIPT", script)
    problems = random_problems(4, 3, 1)

    with rival.rival("daqp", rival.store(problems, tmp_path)) as them:
        found = them.decide(100)

    assert found == (50.0, 3.0, 9.0)
    np.testing.assert_array_equal(them.answers, 2.0 * problems.proposed)


def test_a_rival_that_cannot_start_is_named(tmp_path, monkeypatch):
    (tmp_path / "broken.py").write_text("raise SystemExit(3)\n")
    monkeypatch.setattr(rival, "PEERS", sys.executable)
    monkeypatch.setattr(rival, "SCRIPT", tmp_path / "broken.py")
    path = rival.store(random_problems(1, 3, 1), tmp_path)

    says = pytest.raises(RuntimeError, match=r"broken.py osqp ended before it was ready, with 3")

    with says, rival.rival("osqp", path):
        pass
