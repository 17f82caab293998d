# SPDX-License-Identifier: MIT
"""One plant in operation: stopped, released, attacked, and its decisions made again."""

import numpy as np
import pytest

from flyball.core.batch import Action
from flyball.core.errors import ConfigError, RunError
from flyball.core.journal import MemoryJournal
from flyball.safety.actuators import GoTo
from flyball.safety.keeper import Keeper
from flyball.safety.latch import Mode
from flyball.safety.shield import Shield, ShieldConfig
from flyball.safety.stop import EmergencyStop, StopConfig
from flyball.safety.trips import Trip
from tests.safety.rail import BRAKE, FASTEST_M_PER_S, SPEC, VALUES, WALL_M, Rail, W, envelope


class Site:
    """A rail under a keeper."""

    def __init__(self, gate=True, journal=None, **tag):
        self.journal = journal or MemoryJournal()
        self.keeper = keeper_of(self.journal, gate=gate, **tag)
        self.rail, self.now_s, self.kept = Rail(1), 0.0, []
        self.rail.count[:] = -(10**9)  # no end
        self.seen = self.rail._observe(np.ones(1, np.bool_))
        self.keeper.begin(0.0)

    def step(self, wish, force=0.0):
        kept = self.keeper.decide(self.seen, np.array([wish]), self.now_s, policy="p1")
        self.rail.force = np.array([force])
        action = Action(np.zeros((1, 1, 0), np.int32), kept.value[None, None])
        self.seen = self.rail.step(action).observation
        self.now_s += 0.1
        self.kept.append(kept)
        assert self.rail.far[0] <= WALL_M
        assert abs(self.rail.state[0, 1]) <= FASTEST_M_PER_S
        return kept

    def release(self):
        self.step(0.0)
        self.keeper.stop.clear("ann", f"a{self.now_s}", self.now_s)
        self.step(0.0)
        self.keeper.stop.release("bob", f"b{self.now_s}", self.now_s)


def keeper_of(journal, gate=True, **tag):
    shield = Shield(SPEC, envelope(), n_envs=1, step_s=0.1, config=ShieldConfig(gate=gate))
    config = StopConfig(actions={"push": GoTo(0.0)}, **tag)
    stop = EmergencyStop(lambda: journal, config, VALUES, SPEC.signals, now_s=0.0)
    return Keeper(shield, stop, journal, certificate="c1")


def test_until_it_is_released_in_two_steps_no_wish_of_a_policy_is_written():
    site = Site()
    for _ in range(3):
        kept = site.step(3.0)
        assert kept.mode == Mode.TRIPPED
        assert kept.value[0] == 0.0
    site.release()

    kept = site.step(3.0)

    assert kept.mode == Mode.RUNNING
    assert kept.value[0] == 3.0
    assert kept.reasons == ()


@pytest.mark.parametrize("force", [-W, W])
def test_stopped_at_full_speed_the_backup_holds_the_plant_off_the_wall(force):
    site = Site()
    site.release()
    for _ in range(4):
        site.step(BRAKE, force)
    assert site.rail.state[0, 1] > 1.0
    site.keeper.stop.trip("somebody pressed the button", site.now_s)

    codes = {site.step(BRAKE, force).gated for _ in range(40)}

    assert site.kept[-1].mode == Mode.TRIPPED
    assert site.kept[-1].reasons == ("somebody pressed the button",)
    assert codes - {"passed"}  # doing nothing would have met the wall


def test_proposals_that_are_no_numbers_trip_and_are_named():
    site = Site()
    site.release()
    site.step(1.0)
    for _ in range(30):
        kept = site.step(np.nan)

    assert kept.mode == Mode.TRIPPED
    assert any("nonfinite" in reason for reason in kept.reasons)


def test_every_decision_can_be_made_again_bit_for_bit():
    site, rng = Site(), np.random.default_rng(0)
    site.release()
    for k in range(80):
        if k == 40:
            site.keeper.stop.trip("test", site.now_s)
        wish = rng.choice([BRAKE, -BRAKE, 0.3, np.inf, np.nan], p=[0.5, 0.2, 0.2, 0.05, 0.05])
        site.step(wish, W * rng.choice([-1.0, 1.0]))
    records = list(site.journal.records())

    replayed = keeper_of(MemoryJournal()).again(records)

    assert replayed.difference is None
    assert replayed.n_same == len(site.kept)


def test_a_decision_that_was_changed_afterwards_is_found():
    site = Site()
    site.release()
    for _ in range(10):
        site.step(BRAKE)
    records = [dict(record) for record in site.journal.records()]
    decisions = [record for record in records if record["kind"] == "decision"]
    decisions[7]["applied"] = [float(np.nextafter(decisions[7]["applied"][0], 9.0))]

    replayed = keeper_of(MemoryJournal()).again(records)

    assert replayed.difference.sequence == 7
    assert replayed.difference.part == "applied"


def test_a_decision_that_cannot_be_recorded_is_not_given():
    class Full(MemoryJournal):
        def append(self, record):
            if record.get("kind") == "decision":
                raise RunError([])
            return super().append(record)

    site = Site(journal=Full())
    with pytest.raises(RunError):
        site.step(0.5)
    assert site.keeper.shield.filter.history.last_s[0] == 0.0
    assert site.keeper.stop.mode == Mode.TRIPPED
    assert "a decision could not be recorded" in site.keeper.stop.reasons[0]


def test_after_a_restart_it_goes_on_from_what_was_applied_last():
    site = Site()
    site.release()
    site.step(1.5)

    again = keeper_of(site.journal)
    again.begin(site.now_s)

    assert again.shield.filter.history.last[0, 0] == 1.5
    assert again.stop.mode == Mode.RUNNING


def test_what_bent_an_action_is_named_with_its_price():
    site = Site(gate=False)
    site.release()

    kept = site.step(100.0)

    assert list(kept.binding) == ["range of push"]
    assert kept.binding["range of push"] > 0.0
    assert (kept.filtered, kept.gated) == ("bent", "none")


def test_a_shield_of_many_plants_is_refused():
    shield = Shield(SPEC, envelope(), n_envs=2, step_s=0.1)
    with pytest.raises(ConfigError, match="keeper shield: 2 rows"):
        Keeper(shield, None, MemoryJournal())


@pytest.mark.parametrize("gate", [True, False])
def test_stopped_and_blind_the_actuators_go_where_they_should(gate):
    site = Site(gate=gate)
    site.release()
    site.step(1.5)
    site.keeper.begin(site.now_s)  # a restart: nothing is committed
    site.keeper.stop.trip("pressed", site.now_s)
    site.seen.quality[:] = False

    kept = site.keeper.decide(site.seen, np.array([1.5]), site.now_s)

    assert kept.value.tolist() == [0.0]


def test_a_trip_while_the_record_is_written_stops_that_very_decision():
    site = Site()
    site.release()
    append = site.journal.append

    def pressed(record):
        if record.get("kind") == "decision" and not record["stopped"]:
            site.keeper.stop.trip("pressed", site.now_s)
        return append(record)

    site.journal.append = pressed
    kept = site.step(3.0)

    assert kept.mode == Mode.TRIPPED
    assert kept.value[0] != 3.0


@pytest.mark.parametrize("shape", [(0, 2), (1, 5), (2, 2)])
def test_signals_of_another_shape_are_survived(shape):
    site = Site()
    site.release()
    site.seen.signals = np.zeros(shape)

    assert np.isfinite(site.keeper.decide(site.seen, np.array([1.0]), site.now_s).value).all()


def test_a_site_says_itself_when_so_much_goes_wrong_that_its_plant_stops():
    journal = MemoryJournal()
    config = ShieldConfig(trips=(Trip(event="intervened", of=1),))
    shield = Shield(SPEC, envelope(), n_envs=1, step_s=0.1, config=config)
    stop = EmergencyStop(
        lambda: journal, StopConfig(actions={"push": GoTo(0.0)}), VALUES, now_s=0.0
    )
    site = Site(journal=journal)
    site.keeper = Keeper(shield, stop, journal)
    site.keeper.begin(0.0)
    site.release()

    assert site.step(0.0).mode == Mode.RUNNING
    assert site.step(1e9).mode == Mode.TRIPPED


@pytest.mark.parametrize("tag", [{"tag": "x", "healthy": False}, {}])
def test_a_stop_by_its_tag_is_judged_once_and_any_other_twice(tag):
    site, judged = Site(**tag), []
    site.release()
    site.step(2.0)
    if not tag:
        site.seen.signals[:] = 5.0, 0.0  # beyond the wall: lost
    judge = site.keeper.shield.judge
    site.keeper.shield.judge = lambda *given: judged.append(1) or judge(*given)

    kept = site.keeper.decide(site.seen, np.array([3.0]), site.now_s)

    assert kept.mode == Mode.TRIPPED
    assert len(judged) == (1 if tag else 2)
    assert kept.value[0] != 3.0
    site.keeper.shield.judge = judge
    assert keeper_of(MemoryJournal()).again(site.journal.records()).difference is None
