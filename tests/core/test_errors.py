# SPDX-License-Identifier: MIT
import pytest

from flyball.core import errors
from flyball.core.errors import FlyballError, InvariantError, Problem, ScenarioError, nearest

LATE = Problem(
    where="orders.xlsx Jobs!D7",
    found="due date 3 May, before the release",
    allowed="a day after 5 May",
    fix="correct one of the two",
    more=3,
)


def test_a_problem_says_all_five_parts():
    assert str(LATE) == (
        "orders.xlsx Jobs!D7: due date 3 May, before the release; allowed: a day after 5 May; "
        "fix: correct one of the two (3 more like it)"
    )


def test_a_problem_that_stands_alone_counts_no_others():
    alone = Problem(where="a", found="b", allowed="c", fix="d")

    assert str(alone) == "a: b; allowed: c; fix: d"


def test_an_error_prints_every_problem_on_a_line_of_its_own():
    other = Problem(where="Jobs!B2", found="empty", allowed="a name", fix="name the job")

    error = ScenarioError(problem for problem in (LATE, other))

    assert error.problems == (LATE, other)
    assert str(error).splitlines() == [str(LATE), str(other)]


def test_an_error_of_one_problem_needs_no_list():
    assert ScenarioError(LATE).problems == (LATE,)


def test_everything_a_user_can_cause_is_a_flyball_error_and_our_own_fault_is_not():
    tree = {line.split()[1] for line in errors.__doc__.splitlines() if "─ " in line}
    caused = {each.__name__ for each in FlyballError.__subclasses__()}

    assert caused == tree
    assert not issubclass(InvariantError, FlyballError)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("clipp", "did you mean 'clip'?"),
        ("Gama", "did you mean 'gamma'?"),
        ("zzz", "choose one of clip, gamma"),
        ("", "choose one of clip, gamma"),
    ],
)
def test_a_wrong_name_is_answered_with_the_nearest_or_with_all(name, said):
    assert nearest(name, ["gamma", "clip"]) == said
