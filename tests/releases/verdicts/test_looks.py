# SPDX-License-Identifier: MIT
import math

import numpy as np
import pytest

from flyball.core.errors import InvariantError
from flyball.releases.verdicts.forecasting import centred
from flyball.releases.verdicts.looks import bounds, passed, passing, spent, standardised
from tests.releases.verdicts.plants import matrices

FIFTHS = [0.2, 0.4, 0.6, 0.8, 1.0]


def test_five_looks_have_the_published_bounds_of_lan_and_demets():
    found = bounds(FIFTHS, 0.05, both=True)

    assert found == pytest.approx([4.877, 3.357, 2.680, 2.290, 2.031], abs=6e-4)


def test_bounds_of_o_brien_and_fleming_and_of_pocock_pass_as_published():
    # Jennison and Turnbull (1999), tables 2.1 and 2.3: five looks, two-sided 5 %.
    o_brien_fleming = [2.040 * math.sqrt(5 / look) for look in range(1, 6)]

    assert sum(passing(o_brien_fleming, FIFTHS, both=True)) == pytest.approx(0.05, abs=1e-4)
    assert sum(passing([2.413] * 5, FIFTHS, both=True)) == pytest.approx(0.05, abs=1e-4)


@pytest.mark.parametrize("shares", [[1.0], [0.5, 1.0], [0.1, 0.15, 0.7, 1.0]])
@pytest.mark.parametrize("alpha", [0.05, 0.01])
def test_all_looks_together_spend_the_error_and_no_more(shares, alpha):
    assert sum(passing(bounds(shares, alpha), shares, both=False)) == pytest.approx(alpha, abs=1e-6)


def test_one_look_is_the_common_test():
    assert bounds([1.0], 0.05) == pytest.approx([1.6449], abs=1e-4)


def test_early_looks_spend_next_to_nothing():
    assert spent(0.1, 0.05) < 1e-8
    assert spent(1.0, 0.05) == pytest.approx(0.05)


def test_shares_that_do_not_rise_are_refused():
    with pytest.raises(InvariantError, match="rise"):
        bounds([0.5, 0.5, 1.0], 0.05)
    with pytest.raises(InvariantError, match="rise"):
        bounds([0.5, 1.1], 0.05)


def test_few_looks_find_harm_that_is_not_there_about_as_often_as_said():
    outcome, arm, share = matrices(41, 2000, 200)
    found = centred(outcome, arm, share, np.zeros_like(outcome))

    often = passed(standardised(found, 0.0, 1), [80, 120, 160, 200], 0.05).any(axis=1).mean()

    assert 0.03 < often <= 0.05 + 3.0 * math.sqrt(0.05 * 0.95 / 2000)


def test_between_looks_nothing_passes():
    outcome, arm, share = matrices(42, 20, 120, effect=2.0)
    z = standardised(centred(outcome, arm, share, np.zeros_like(outcome)), 0.0, 1)

    found = passed(z, [60, 200], 0.05)

    assert found[:, 59].any()
    assert not np.delete(found, 59, axis=1).any()
