# SPDX-License-Identifier: MIT
"""The door: nobody known, too small a role, too often; in this order."""

import pytest

from flyball.core.clock import ManualClock
from flyball.releases import Role
from flyball.serving.access import Access, Keys
from flyball.serving.door import Door, Refused


class Entrance:
    def __init__(self, folder, per_s=2.0):
        self.clock = ManualClock()
        keys = Keys(folder / "keys.json")
        self.keys = {role: keys.add(role.name.lower(), role, self.clock) for role in Role}
        self.door = Door(Access(keys=keys, clock=self.clock), self.clock, per_s)

    def admit(self, own, wanted):
        key = self.keys.get(own, "fb_nobody's")
        return self.door.admit({b"x-api-key": key.encode()}, wanted)

    def refused(self, own, wanted):
        with pytest.raises(Refused) as found:
            self.admit(own, wanted)
        (problem,) = found.value.problems
        assert problem.where
        assert problem.allowed
        assert problem.fix
        return found.value.status, problem.found


@pytest.fixture
def entrance(tmp_path):
    return Entrance(tmp_path)


@pytest.mark.parametrize("wanted", list(Role))
@pytest.mark.parametrize("own", list(Role))
def test_a_role_opens_what_asks_for_it_or_less(tmp_path, own, wanted):
    entrance = Entrance(tmp_path)

    if own >= wanted:
        assert entrance.admit(own, wanted) == (own.name.lower(), own)
    else:
        assert entrance.refused(own, wanted) == (403, f"{own.name.lower()}, {own.name.lower()}")


def test_nobody_is_told_that_a_key_is_missing_and_not_which_there_are(entrance):
    status, found = entrance.refused("nobody", Role.VIEWER)

    assert (status, found) == (401, "no key that is known")


def test_whoever_asks_too_often_waits_and_nobody_else_does(entrance):
    for _ in range(4):
        entrance.admit(Role.VIEWER, Role.VIEWER)

    assert entrance.refused(Role.VIEWER, Role.VIEWER)[0] == 429
    entrance.admit(Role.OPERATOR, Role.VIEWER)
    entrance.clock.advance(0.5)

    entrance.admit(Role.VIEWER, Role.VIEWER)


def test_refusals_of_strangers_and_of_small_roles_use_up_nothing(entrance):
    for _ in range(10):
        entrance.refused("nobody", Role.VIEWER)
        entrance.refused(Role.VIEWER, Role.ADMIN)

    entrance.admit(Role.VIEWER, Role.VIEWER)
