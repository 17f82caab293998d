# SPDX-License-Identifier: MIT
"""A plant as it is served: what cannot be, and what is meant where nothing is said."""

from dataclasses import replace

import pytest

from flyball import safety
from flyball.core.errors import ConfigError
from flyball.core.spec import Categorical
from flyball.serving.site import plan_of
from tests.serving.stand import SPEC, Stand

SITE = Stand().site
KIND = SPEC.kinds[0]


@pytest.mark.parametrize(
    "kind",
    [replace(KIND, count=2), replace(KIND, heads=(*KIND.heads, Categorical("gear", 3)))],
    ids=["two agents", "a choice"],
)
def test_a_unit_is_one_agent_with_continuous_values(kind):
    with pytest.raises(ConfigError, match="one agent with continuous values") as found:
        replace(SITE, spec=replace(SPEC, kinds=(kind,)))

    (problem,) = found.value.problems
    assert problem.where == "plant stand"
    assert problem.found == f"{kind.count} agents of stand"


def test_values_are_those_of_the_spec_in_its_order():
    second = replace(KIND.heads[0], name="pull")
    own = replace(SITE, spec=replace(SPEC, kinds=(replace(KIND, heads=(second, *KIND.heads)),)))

    assert [each.name for each in own.values] == ["pull", "push"]


def test_a_value_of_which_nothing_is_said_holds_while_the_plant_is_stopped():
    said = replace(SITE, actions={"push": safety.actuators.GoTo(0.5)}, two_people=True)

    assert SITE.stopping().actions == {"push": safety.actuators.Hold()}
    assert said.stopping().actions == {"push": safety.actuators.GoTo(0.5)}
    assert (SITE.stopping().two_people, said.stopping().two_people) == (False, True)


def test_a_policy_that_leans_on_its_shield_costs_it_the_field_and_not_the_plant():
    events = {trip.event for trip in SITE.shield.trips}

    assert events
    assert events <= {"broken", "lost", "unseen"}
    assert len(SITE.shield.trips) < len(safety.ShieldConfig().trips)


def test_a_plan_judges_by_the_first_kpi_and_its_sense():
    plan = plan_of(SPEC, margin=0.2)

    own = plan.primary
    assert (own.name, own.unit, own.sense, own.margin) == ("lost", "m", "min", 0.2)
