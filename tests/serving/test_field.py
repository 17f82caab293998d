# SPDX-License-Identifier: MIT
"""The field: who sits where as the registry says, and what happens to whom cannot be loaded."""

import shutil
from dataclasses import replace

import pytest

from flyball import releases
from flyball.serving.pilot import Baseline
from tests.serving.released import ANN, released, stage
from tests.serving.stand import Steady
from tests.serving.test_station import Plant


@pytest.fixture
def plant(tmp_path):
    own = Plant(tmp_path)
    yield own
    own.station.close()


def control(plant, monkeypatch, *, champion, previous=""):
    """Let the registry say who is in control and who was before."""
    registry = plant.station.registry
    own = registry.staging("stand")
    seats = replace(own.seats, champion=champion, previous=previous)
    monkeypatch.setattr(registry, "staging", lambda _: replace(own, seats=seats))
    generation = registry.generation() + 1
    monkeypatch.setattr(registry, "generation", lambda: generation)
    return plant.station.field.refresh()


def names(plant):
    return {str(arm): own.name for arm, own in plant.station.server.lineup.pilots.items()}


def told(plant):
    return [
        event.facts["target"] for event in plant.station.events if event.kind == "cannot be loaded"
    ]


def test_a_challenger_comes_onto_the_field_and_leaves_it_by_the_registry(plant):
    digest = released(plant.station, 0.75, plant.folder)

    stage(plant.station, "begin", challenger=digest)
    assert names(plant) == {"fallback": "steady", "champion": "steady", "challenger": digest}
    stage(plant.station, "retire")

    assert names(plant) == {"fallback": "steady", "champion": "steady"}


def test_without_a_change_nothing_is_swapped(plant):
    before = plant.station.server.lineup

    assert not plant.station.field.refresh()

    assert plant.station.server.lineup is before


def test_a_change_at_another_plant_leaves_everybody_and_every_block_alone(plant):
    digest = released(plant.station, 0.75, plant.folder)
    stage(plant.station, "begin", challenger=digest)
    stage(plant.station, "advance")
    before = plant.decide(start=True)
    pilots = dict(plant.station.server.lineup.pilots)

    plant.station.registry.set_up("elsewhere", "other", by=ANN)
    assert plant.station.field.refresh()
    after = plant.decide()

    assert dict(plant.station.server.lineup.pilots) == pilots
    assert (after.arm, after.policy) == (before.arm, before.policy)
    assert not plant.station.log.find(after.decision_id)["switched"]
    assert after.generation > before.generation


def test_a_champion_that_cannot_be_loaded_is_replaced_by_who_was_before(plant, monkeypatch):
    digest = released(plant.station, 0.75, plant.folder)

    control(plant, monkeypatch, champion="0" * 64, previous=digest)

    assert names(plant)["champion"] == digest
    assert told(plant) == ["0" * 64]


def test_where_nobody_before_can_be_loaded_the_baseline_takes_over(plant, monkeypatch):
    control(plant, monkeypatch, champion="0" * 64, previous="1" * 64)

    assert names(plant)["champion"] == "steady"
    assert told(plant) == ["0" * 64, "1" * 64]
    assert plant.decide(start=True).policy == "steady"


def test_another_rule_of_the_plant_may_be_in_control(plant, monkeypatch):
    site = replace(plant.station.site, rules={"brisk": Steady(0.5)})
    monkeypatch.setattr(plant.station.server, "site", site)

    control(plant, monkeypatch, champion="rule:brisk")

    champion = plant.station.server.lineup.champion
    assert isinstance(champion, Baseline)
    assert champion.name == "rule:brisk"
    assert plant.decide(start=True).value == [0.5]


def test_a_rule_that_the_plant_has_not_is_told(plant, monkeypatch):
    control(plant, monkeypatch, champion="rule:none")

    assert names(plant)["champion"] == "steady"
    assert told(plant) == ["rule:none"]


def test_whoever_was_struck_off_does_not_come_back_with_the_next_generation(plant):
    digest = released(plant.station, 0.75, plant.folder)
    stage(plant.station, "begin", challenger=digest)
    plant.station.server.struck[digest] = "a guard"

    plant.station.registry.set_up("elsewhere", "other", by=ANN)
    plant.station.field.refresh()
    assert "challenger" not in names(plant)

    del plant.station.server.struck[digest]
    plant.station.registry.set_up("elsewhere2", "other", by=ANN)
    plant.station.field.refresh()

    assert names(plant)["challenger"] == digest


def test_a_release_whose_signer_is_no_longer_trusted_does_not_take_the_field(plant):
    digest = released(plant.station, 0.75, plant.folder)
    shutil.rmtree(plant.station.settings.folder / "trust")
    (plant.station.settings.folder / "trust").mkdir()

    stage(plant.station, "begin", challenger=digest)

    assert plant.station.server.lineup.challengers == ()
    assert told(plant) == [digest]
    assert plant.decide().policy == "steady"


def test_a_release_with_one_bit_changed_does_not_take_the_field(plant):
    digest = released(plant.station, 0.75, plant.folder)
    (graph,) = (plant.station.settings.folder / "vault").rglob("policy.onnx")
    content = bytearray(graph.read_bytes())
    content[len(content) // 2] ^= 1
    graph.chmod(0o600)
    graph.write_bytes(content)

    stage(plant.station, "begin", challenger=digest)

    assert plant.station.server.lineup.challengers == ()
    assert told(plant) == [digest]


def test_a_registry_that_is_gone_changes_nothing_on_the_field_and_is_told_once(plant, monkeypatch):
    digest = released(plant.station, 0.75, plant.folder)
    stage(plant.station, "begin", challenger=digest)
    error = releases.refusals.StoreError(releases.refusals.problem("database", "gone", "it", "x"))

    def gone():
        raise error

    with monkeypatch.context() as broken:
        broken.setattr(plant.station.registry, "generation", gone)
        plant.station.field.refresh()
        plant.station.field.refresh()
        assert plant.station.field.facts()["registry"].startswith("database: gone")
    plant.station.field.refresh()

    assert plant.kinds.count("registry lost") == plant.kinds.count("registry found") == 1
    assert [pilot.name for pilot in plant.station.server.lineup.challengers] == [digest]
    assert plant.station.field.facts()["registry"] == "answers"


def test_it_watches_by_itself_until_it_is_closed(plant):
    digest = released(plant.station, 0.75, plant.folder)
    thread = plant.station.field.watch(0.01)
    command = releases.staging.Command(deed="begin", why="test", challenger=digest)

    plant.station.registry.stage("stand", command, ANN)
    for _ in range(500):
        if "challenger" in names(plant):
            break
        thread.join(0.01)
    plant.station.field.close()
    thread.join(5.0)

    assert names(plant)["challenger"] == digest
    assert not thread.is_alive()
