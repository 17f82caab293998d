# SPDX-License-Identifier: MIT
"""Nobody comes to sit where control may go by the word of one person."""

import pytest

from flyball.releases.pointing import Pointing, pointed
from flyball.releases.refusals import ConflictError, RefusedError
from flyball.releases.roles import Person, Role
from flyball.releases.seats import Seats
from flyball.releases.staging import Stage, Staging
from tests.releases.made import ANN, BOB, OLE

A, B = "a" * 64, "b" * 64
SET_UP = {"baseline": "rule:fifo", "champion": "rule:fifo"}


def test_an_engineer_sets_up_a_plant_with_its_own_rule():
    first = pointed(Pointing("mill", "baseline", "rule:fifo"), {}, None, ANN)
    second = pointed(Pointing("mill", "champion", "rule:fifo"), first, None, ANN)

    assert second == SET_UP
    with pytest.raises(RefusedError, match="operator; allowed: engineer"):
        pointed(Pointing("mill", "baseline", "rule:fifo"), {}, None, OLE)


@pytest.mark.parametrize(
    ("name", "target"),
    [(name, own) for name in SET_UP for own in (A, "rule:other")] + [("previous", A)],
)
def test_everything_else_takes_an_approver_and_another_person(name, target):
    own = Pointing("mill", name, target, SET_UP.get(name, ""))
    with pytest.raises(RefusedError, match="engineer; allowed: approver"):
        pointed(own._replace(second=BOB), SET_UP, None, ANN)
    for second in (None, BOB, Person(" bob ", Role.ADMIN)):
        with pytest.raises(RefusedError, match="Bob alone; allowed: two people"):
            pointed(own._replace(second=second), SET_UP, None, BOB)
    with pytest.raises(RefusedError, match="Ole, operator; allowed: engineer"):
        pointed(own._replace(second=OLE), SET_UP, None, BOB)

    after = pointed(own._replace(second=ANN), SET_UP, None, BOB)

    assert after[name] == target
    assert after.get("previous") == {"champion": "rule:fifo", "previous": target}.get(name)


def test_a_release_in_an_empty_plant_takes_two_people_too():
    with pytest.raises(RefusedError):
        pointed(Pointing("mill", "champion", A), {}, None, ANN)


def test_what_moved_meanwhile_is_not_moved_again():
    with pytest.raises(ConflictError, match=r"expected at nobody; allowed: rule:fifo"):
        pointed(Pointing("mill", "champion", A, "", ANN), SET_UP, None, BOB)
    with pytest.raises(ConflictError, match="allowed: nobody"):
        pointed(Pointing("mill", "previous", A, B, ANN), SET_UP, None, BOB)


@pytest.mark.parametrize("name", ["challenger", "challenger_b", "latest", ""])
def test_challengers_are_not_pointed(name):
    with pytest.raises(RefusedError, match="begin a comparison"):
        pointed(Pointing("mill", name, A), SET_UP, None, BOB)


@pytest.mark.parametrize("stage", [Stage.SHADOW, Stage.CANARY])
def test_nothing_is_pointed_while_a_comparison_is_open(stage):
    state = Staging(plant="mill", seats=Seats(**SET_UP, challenger=B), stage=stage)

    with pytest.raises(ConflictError, match="an open comparison"):
        pointed(Pointing("mill", "champion", A, "rule:fifo", ANN), SET_UP, state, BOB)
