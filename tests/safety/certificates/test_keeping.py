# SPDX-License-Identifier: MIT
"""Which limits of a site a proved backup keeps, and which are refused by name when arming."""

from dataclasses import replace

import numpy as np
import pytest

from flyball.core.envelope import Envelope
from flyball.core.errors import ScenarioError
from flyball.core.limits import Barrier, Linear
from flyball.safety.certificates import Stated, armed, prove_finite, prove_polytope
from flyball.safety.certificates.keeping import Starts, unkept
from tests.safety.certificates.toys import Carriage, carriage_search, corridor, stated

CARRIAGE = Carriage()
RAIL = stated(CARRIAGE.affine(0.1), CARRIAGE, (0.004, 0.006))


@pytest.fixture(scope="module")
def certificate():
    return prove_polytope(RAIL, carriage_search(CARRIAGE, 0.2, contraction=0.98))


def barrier(bound, **signals):
    return Barrier(name="ramp", unit="m", bound=bound, signals=signals)


def total(bound, weight=1.0):
    return Linear(name="well", unit="l/s", bound=bound, values={"push": weight})


def arming(certificate, *limits):
    own = replace(RAIL.envelope, limits=(*RAIL.envelope.limits, *limits))
    return armed(certificate, RAIL._replace(envelope=own), "a.json")


def test_a_hard_barrier_that_the_certified_set_does_not_keep_is_named_with_how_far_it_goes(
    certificate,
):
    with pytest.raises(ScenarioError, match=r"limit 'ramp': a certified set .* can come to 0\.9"):
        arming(certificate, barrier(0.7, x0=1.0))

    soft = replace(barrier(0.7, x0=1.0), severity="soft", price=1.0)
    kept = barrier(1.0, x0=1.0)
    assert arming(certificate, soft, kept).limits[-2:] == (soft, kept)


def test_a_barrier_is_looked_at_at_every_step_of_a_hold_and_not_at_its_end_alone(certificate):
    # Whoever is stopped by the wall is slower at the end of the hold than half way.
    affine = replace(RAIL.envelope.affine, step_s=0.1)
    own = replace(RAIL.envelope, affine=affine)
    starts = Starts(np.array([[0.0, 0.5]]), np.array([[0.0, 0.5]]), np.array([[-6.0]]))

    class Turning:
        def reach(self, low, _, value, step_s):
            mid = low[:, 0] + low[:, 1] * step_s + 0.5 * value[:, 0] * step_s**2
            place = np.column_stack((mid, low[:, 1] + value[:, 0] * step_s))
            return type("R", (), {"low": place, "high": place})

    own = replace(own, model=Turning(), limits=(barrier(0.01, x0=1.0),))

    found = [str(each) for each in unkept(certificate, own, starts, "a.json")]

    # 0.5 * 0.1 - 3 * 0.01 = 0.02 m half way, and -0.02 m at the end.
    assert len(found) == 1
    assert "can come to 0.02 m; allowed: x0 stays below 0.01 m" in found[0]
    assert not list(unkept(certificate, replace(own, limits=(barrier(0.02, x0=1.0),)), starts, "a"))


def test_a_sum_that_the_backup_s_values_break_is_named_and_one_that_they_keep_is_known(certificate):
    most = np.max(certificate.proof["values"])

    assert arming(certificate, total(most)).limits[-1] == total(most)
    with pytest.raises(ScenarioError, match=r"limit 'well': a backup whose values come to 0\.9"):
        arming(certificate, total(0.5))
    with pytest.raises(ScenarioError, match="'well'"):
        arming(certificate, total(0.5, weight=-1.0))


def test_all_that_is_not_kept_is_told_at_once(certificate):
    with pytest.raises(ScenarioError) as caught:
        arming(certificate, total(0.5), barrier(0.5, x0=-1.0))

    assert len(caught.value.problems) == 2
    assert all("flyball certify --make" in str(each) for each in caught.value.problems)


def test_a_table_of_states_keeps_no_barrier():
    limit = Barrier(name="far", unit="-", bound=9.0, signals={"cell": 1.0})
    own = Envelope(limits=(limit,), signals=("cell",), error=(0.0,), finite=corridor())
    maze = Stated("maze", {"cells": 6.0}, (), own)

    with pytest.raises(ScenarioError, match="limit 'far': a table of states, which does not know"):
        armed(prove_finite(maze), maze, "a.json")
