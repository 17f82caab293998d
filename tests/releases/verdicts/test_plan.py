# SPDX-License-Identifier: MIT
import math

import pytest

from flyball.core.errors import ConfigError
from flyball.releases.verdicts.plan import INTERVENTIONS, Metric, Plan, Rung
from tests.releases.verdicts.plants import LATE


def metric(**changes):
    return Metric(**{"name": "late", "unit": "h", "sense": "min", "margin": 0.3, **changes})


def test_interventions_of_the_shield_are_watched_unless_it_is_said_otherwise():
    assert Plan(primary=LATE).metrics == (LATE, INTERVENTIONS)
    assert Plan(primary=LATE, guards=()).metrics == (LATE,)


def test_the_error_of_rolling_back_is_shared_and_that_of_promoting_is_not():
    plan = Plan(primary=LATE, guards=(INTERVENTIONS, metric(name="energy")), alpha=0.03)

    assert plan.alpha_harm == pytest.approx(0.01)
    assert plan.alpha_promote == pytest.approx(0.03)


def test_two_challengers_share_the_error():
    plan = Plan(primary=LATE, guards=(), alpha=0.02, challengers=2)

    assert plan.alpha_harm == plan.alpha_promote == pytest.approx(0.01)


def rungs(*shares, blocks=5):
    return tuple(Rung(stage=f"{share}", share=share, blocks=blocks) for share in shares)


@pytest.mark.parametrize(
    ("wrong", "where"),
    [
        ({"primary": metric(margin=-0.1)}, "metric late"),
        ({"primary": metric(margin=math.nan)}, "metric late"),
        ({"primary": metric(harm=0.4)}, "metric late"),
        ({"primary": metric(harm=-0.1)}, "metric late"),
        ({"primary": metric(span=(1.0, 1.0))}, "span"),
        ({"primary": metric(span=(0.0, math.inf))}, "span"),
        ({"guards": (metric(),)}, "two with one name"),
        ({"alpha": 0.0}, "alpha"),
        ({"alpha": 0.5}, "alpha"),
        ({"alpha": math.nan}, "alpha"),
        ({"ramp": ()}, "ramp"),
        ({"ramp": rungs(1.0)}, "ramp"),
        ({"ramp": rungs(0.5, 0.1)}, "ramp"),
        ({"ramp": rungs(0.5, blocks=-5)}, "negative"),
        ({"exposed": -1}, "negative"),
        ({"most": 50}, "most"),
        ({"lost": 1.0}, "lost"),
        ({"challengers": 3}, "challengers"),
        ({"looks": (200, 100, 600)}, "looks"),
        ({"looks": (100, 200)}, "looks"),
    ],
)
def test_a_plan_that_cannot_be_meant_is_refused_and_says_where(wrong, where):
    with pytest.raises(ConfigError, match=where):
        Plan(**{"primary": LATE, **wrong})
