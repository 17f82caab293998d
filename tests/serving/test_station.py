# SPDX-License-Identifier: MIT
"""From a release in shadow to control and back, as evidence and guards decide."""

import time
from dataclasses import replace

import pytest

from flyball import releases
from flyball.core.clock import ManualClock
from flyball.core.decision import Outcome, Request
from flyball.serving.settings import settings
from flyball.serving.station import Station
from tests.serving.released import BOB, released, stage
from tests.serving.stand import Stand

LOST = releases.verdicts.Metric(name="lost", unit="m", sense="min", margin=0.5)
PLAN = releases.verdicts.Plan(primary=LOST)


class Plant:
    """A station of the small plant, released and with time that a test moves."""

    def __init__(self, folder):
        self.folder, self.n = folder, 0
        self.clock = ManualClock()
        site = replace(Stand().site, plan=PLAN)
        self.station = Station(site, settings(folder=folder / "serving"), self.clock)
        for step in (self.station.server.stop.clear, self.station.server.stop.release):
            self.decide()
            step("ann", step.__name__, float(self.n))

    def decide(self, start=False, block=""):
        self.n += 1
        request = Request(
            decision_id=f"d{self.n}", unit="u", at_s=float(self.n), obs=[0.5], signals=[0.5],
            start=start, block=block,
        )  # fmt: skip
        return self.station.server.decide(request)

    def block(self, lost):
        """Run a block of three decisions; `lost` says what came of it by who controlled it."""
        name = f"b{self.n}"
        replies = [self.decide(start=k == 0, block=name) for k in range(3)]
        self.clock.advance(60.0)
        metrics = {"lost": lost[str(replies[0].arm)]}
        told = Outcome(outcome_id=name, unit="u", block=name, metrics=metrics)
        assert self.station.server.learn(told)
        return replies[0]

    @property
    def kinds(self):
        return [event.kind for event in self.station.events]


@pytest.fixture
def plant(tmp_path):
    own = Plant(tmp_path)
    yield own
    own.station.close()


def test_a_new_plant_is_run_by_its_rule_and_a_release_beside_it_only_proposes(plant):
    digest = released(plant.station, 0.75, plant.folder)
    assert plant.decide().policy == "steady"

    stage(plant.station, "begin", challenger=digest)
    reply = plant.decide(start=True)

    assert (reply.arm, reply.policy, reply.value, reply.stage) == (
        "champion",
        "steady",
        [0.0],
        "shadow",
    )
    record = plant.station.log.find(reply.decision_id)
    assert record["proposals"]["challenger"] == [0.75]


def test_a_challenger_that_does_harm_is_rolled_back_by_its_blocks(plant):
    digest = released(plant.station, 0.75, plant.folder)
    stage(plant.station, "begin", challenger=digest)
    stage(plant.station, "advance")

    for k in range(400):
        noise = ((k * 7919) % 100) / 100.0
        plant.block({"champion": noise, "challenger": 4.0 + noise})
        if k % 10 == 9:
            found = plant.station.controller.look(plant.clock.now().timestamp())
            if found.did == "roll back":
                break
    plant.station.field.refresh()

    assert found.did == "roll back"
    assert found.verdict.exposed < 40
    assert plant.station.server.lineup.challengers == ()
    assert plant.station.registry.staging("stand").stage == "rolled back"
    assert plant.decide(start=True).policy == "steady"


def test_a_better_challenger_climbs_and_takes_over_only_when_a_second_person_says_so(plant):
    digest = released(plant.station, 0.75, plant.folder)
    stage(plant.station, "begin", challenger=digest)
    stage(plant.station, "advance")

    deeds = []
    for k in range(400):
        noise = ((k * 7919) % 100) / 100.0
        plant.block({"champion": 4.0 + noise, "challenger": noise})
        if k % 10 == 9:
            found = plant.station.controller.look(plant.clock.now().timestamp())
            plant.station.field.refresh()
            deeds.append(found.did)
            if found.verdict.decision == "promote":
                break

    assert found.verdict.decision == "promote"
    assert deeds.count("advance") == 2
    assert plant.station.registry.staging("stand").control == "rule:steady"

    stage(plant.station, "promote", by=BOB, verdict=found.verdict)

    assert plant.decide(start=True).policy == digest
    assert plant.decide().value == [0.75]

    stage(plant.station, "roll_back", by=releases.Person("cy", releases.Role.OPERATOR))

    assert plant.decide().policy == "steady"


def test_whoever_a_guard_takes_off_the_field_is_rolled_back_in_the_registry_too(plant):
    digest = released(plant.station, 3.0, plant.folder)  # beyond the limit of 2
    stage(plant.station, "begin", challenger=digest)
    stage(plant.station, "advance")
    plant.station.server.install(replace(plant.station.server.lineup, shares=(1.0,)))

    for k in range(200):
        plant.decide(start=k == 0)
    plant.station.look()

    assert "off the field" in plant.kinds
    assert plant.station.registry.staging("stand").stage == "rolled back"
    assert digest in plant.station.server.struck
    assert plant.decide(start=True).policy == "steady"


def test_a_file_in_the_folder_stops_the_plant_while_nothing_else_answers(plant):
    assert plant.decide().stop == "running"
    (plant.station.settings.folder / "STOP").write_text("drill")

    plant.station.look()

    assert plant.decide().stop == "tripped"


def test_the_file_is_heeded_by_a_thread_that_outlives_what_it_meets(plant, monkeypatch):
    def stumbles(_):
        msg = "a fault of ours"
        raise ZeroDivisionError(msg)

    with monkeypatch.context() as broken:
        broken.setattr(plant.station.controller, "look", stumbles)
        plant.station.start()
        waited(lambda: "station stumbled" in plant.kinds)
    (plant.station.settings.folder / "STOP").write_text("drill")

    waited(lambda: plant.station.server.stop.mode == "tripped")


def waited(comes_true, longest_s=10.0):
    ends_s = time.monotonic() + longest_s
    while not comes_true():
        assert time.monotonic() < ends_s
        time.sleep(0.01)
