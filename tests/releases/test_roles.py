# SPDX-License-Identifier: MIT
import pytest

from flyball.releases.refusals import RefusedError
from flyball.releases.roles import Person, Role, require


@pytest.mark.parametrize("needed", Role)
@pytest.mark.parametrize("own", Role)
def test_a_role_may_do_what_those_below_it_may_and_no_more(own, needed):
    if own >= needed:
        require(Person("Ann", own), needed, "promote")
        return
    with pytest.raises(RefusedError, match=f"promote: Ann, {own.name.lower()}; allowed: "):
        require(Person("Ann", own), needed, "promote")


@pytest.mark.parametrize("name", ["", " ", "a\x00b", "a\nb", "\ud800", "a" * 201])
def test_nobody_may_do_nothing(name):
    with pytest.raises(RefusedError, match="look: nobody's name"):
        require(Person(name, Role.ADMIN), Role.VIEWER, "look")
