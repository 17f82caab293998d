# SPDX-License-Identifier: MIT
"""The simulated plant: what it asks, what it tells, and what its twin expects."""

from types import SimpleNamespace

import numpy as np
import pytest

from flyball.core.envelope import Envelope
from flyball.serving.pilot import Baseline
from flyball.serving.simulated import Simulated, Twin
from flyball.serving.site import Site
from flyball.serving.unit import Unit, faults
from flyball.worlds import classics

NAME = "inverted-pendulum"
SCENARIO, RULES = classics.scenario(NAME), classics.policies(NAME)
*_, BEST = RULES
SITE = Site(
    name="pendulum", spec=SCENARIO.spec, envelope=Envelope(limits=()), step_s=SCENARIO.step_s,
    fallback=RULES[BEST], fallback_name=BEST,
)  # fmt: skip


class Obedient:
    """A server that does what a rule says, and keeps what it was asked and told."""

    def __init__(self, rule=BEST):
        self.pilot = Baseline(rule, RULES[rule], SITE.spec)
        self.asked, self.told, self._units = [], [], {}

    def decide(self, request):
        unit = self._units.setdefault(request.unit, Unit(request.unit, SITE, None))
        if request.start:
            self._units[request.unit] = unit = Unit(request.unit, SITE, None)
        unit.see(request)
        self.asked.append(request)
        return SimpleNamespace(value=unit.propose(self.pilot).value.tolist())

    def learn(self, outcome):
        self.told.append(outcome)
        return True


def run(n_outcomes=4, rule=BEST, seed=7, twin=True, n_envs=2):
    """Run until so many episodes have ended."""
    server = Obedient(rule)
    own = (classics.make(NAME, n_envs), RULES[BEST]) if twin else None
    plant = Simulated(classics.make(NAME, n_envs), SITE.step_s, server, seed, own)
    for _ in range(2000):
        if len(server.told) >= n_outcomes:
            return server
        plant.step()
    pytest.fail("no episode ends")


def test_a_rule_in_control_reaches_just_what_its_twin_expects():
    for outcome in run().told:
        assert outcome.twin == outcome.metrics
        assert outcome.metrics.keys() == {kpi.name for kpi in SITE.spec.kpis}


def test_the_twin_is_what_the_rule_would_have_reached_in_the_same_episodes():
    reached = {outcome.block: outcome.metrics for outcome in run().told}

    expected = {outcome.block: outcome for outcome in run(rule="random").told}

    both = reached.keys() & expected.keys()
    assert len(both) >= 2
    assert all(expected[block].twin == reached[block] for block in both)
    assert any(expected[block].metrics != reached[block] for block in both)


def test_a_twin_may_be_asked_for_a_late_copy_first():
    seeds = np.array([3, 4], np.int64)
    first, second = (Twin(classics.make(NAME, 2), RULES[BEST], seeds) for _ in range(2))

    ahead = [first.outcome(0, 0), first.outcome(0, 1), first.outcome(1, 0)]
    other = [second.outcome(1, 0), second.outcome(0, 0), second.outcome(0, 1)]

    np.testing.assert_array_equal(ahead, [other[1], other[2], other[0]])


def test_no_id_is_used_twice_and_every_request_is_one_that_a_server_takes():
    server = run()

    for names in (
        [request.decision_id for request in server.asked],
        [outcome.outcome_id for outcome in server.told],
        [outcome.block for outcome in server.told],
    ):
        assert len(set(names)) == len(names)
    assert [fault for request in server.asked for fault in faults(request, SITE, "")] == []


def test_two_runs_of_one_seed_ask_the_same_and_another_seed_asks_something_else():
    first, second, other = run(), run(), run(seed=8)

    assert first.asked == second.asked
    assert first.told == second.told
    assert first.asked[0].obs != other.asked[0].obs
    assert first.asked[0].decision_id != other.asked[0].decision_id


def test_an_episode_begins_with_a_start_and_an_outcome_is_of_the_block_that_ended():
    server = run(n_outcomes=2, n_envs=1)
    blocks = [request.block for request in server.asked]

    for k, request in enumerate(server.asked):
        assert request.start == (k == 0 or request.block != blocks[k - 1])
        assert request.start == (request.applied == [])
    assert [outcome.block for outcome in server.told] == list(dict.fromkeys(blocks))


def test_time_goes_on_by_a_step_whatever_ends():
    server = run(n_envs=1)

    np.testing.assert_allclose(np.diff([each.at_s for each in server.asked]), SITE.step_s)


def test_without_a_twin_nothing_is_expected():
    assert all(outcome.twin == {} for outcome in run(twin=False).told)
