# SPDX-License-Identifier: MIT
"""The controller: which blocks are evidence, and who may act on them."""

from dataclasses import replace

import pytest

from flyball import releases
from flyball.core.decision import Outcome
from flyball.serving.controller import INTERVENTIONS, Controller, ControllerConfig, blocks_of
from flyball.serving.settings import settings
from flyball.serving.station import Station
from tests.serving.released import BOB, released, stage
from tests.serving.stand import Counting, Stand
from tests.serving.test_server import field
from tests.serving.test_station import PLAN, Plant


def stand():
    own = Stand().release()
    field(own, Counting("p1", 0.5), Counting("p2", 0.5), share=0.5, stage="canary", number=3)
    return own


def run(own, block, n=2):
    for k in range(n):
        reply = own.decide(start=k == 0, block=block)
    return reply


def end(own):
    """Begin another block, so that the one before it has ended."""
    own.decide(start=True, block="end")


def tell(own, block, **parts):
    given = {"metrics": {"lost": 1.0}, **parts}
    own.server.learn(Outcome(outcome_id=f"of {block}", unit="u1", block=block, **given))


def blocks(own, waited_s=float("-inf"), number=3):
    return {block.key: block for block in blocks_of(own.log, number, waited_s)}


def test_a_block_is_evidence_with_its_arm_its_odds_and_its_figures():
    own = stand()
    arm = run(own, "b").arm
    end(own)
    tell(own, "b", metrics={"lost": 2.5}, twin={"lost": 2.0})

    (block,) = blocks(own).values()

    assert (block.key, block.arm, block.stage, block.lost) == ("u1: b", arm, "canary", "")
    assert block.shares == {"champion": 0.5, "challenger": 0.5}
    assert block.outcome == {"lost": 2.5, INTERVENTIONS: 0.0}
    assert block.twin == {"lost": 2.0}


def test_a_block_without_an_outcome_waits_and_is_lost_when_patience_ends():
    own = stand()
    run(own, "b")
    end(own)
    ended_s = own.clock.now().timestamp()

    assert blocks(own, waited_s=ended_s) == {}
    (late,) = blocks(own, waited_s=ended_s + 1.0).values()

    assert late.lost == "its outcome never came"


def test_a_block_that_changed_hands_or_was_cut_short_is_lost_whatever_came_of_it():
    own = stand()
    for name, parts in (("switched", {}), ("short", {"complete": False})):
        run(own, name)
        if name == "switched":
            field(own, Counting("p3", 0.5), number=3)
            own.decide()
        end(own)
        tell(own, name, **parts)

    found = {key: block.lost for key, block in blocks(own).items()}

    assert found == {
        "u1: switched": "control changed hands before it ended",
        "u1: short": "it did not run to its end",
    }


def test_a_name_that_two_blocks_had_is_no_evidence_and_breaks_no_verdict():
    own = stand()
    for name in ("twice", "twice", "once"):
        run(own, name)
    end(own)
    for name in ("twice", "once"):
        tell(own, name)

    found = blocks(own)

    assert found["u1: twice"].lost == "2 blocks had its name"
    assert found["u1: once"].lost == ""
    verdict = releases.verdicts.judge(list(found.values()), PLAN, "challenger")
    assert verdict.decision == "hold"


def test_blocks_of_another_comparison_are_not_counted():
    own = stand()
    run(own, "b")
    end(own)
    tell(own, "b")

    assert blocks(own, number=2) == {}


def test_interventions_are_the_share_of_decisions_that_the_shield_changed():
    own = stand()
    field(own, Counting("p1", 1.5), number=3)  # 1.0 at first, by the rate; then what it wants

    run(own, "b", n=4)
    end(own)
    tell(own, "b")

    assert blocks(own)["u1: b"].outcome[INTERVENTIONS] == 0.25


@pytest.fixture
def plant(tmp_path):
    own = Plant(tmp_path)
    yield own
    own.station.close()


def canary(plant):
    digest = released(plant.station, 0.75, plant.folder)
    stage(plant.station, "begin", challenger=digest)
    stage(plant.station, "advance")


def controller(plant, holder, **parts):
    own = plant.station
    config = ControllerConfig(holder=holder, **parts)
    return Controller(own.site, own.log, own.registry, own.notice, config)


def now_s(plant):
    return plant.clock.now().timestamp()


def test_of_two_controllers_one_judges_until_its_lease_has_run_out(plant):
    canary(plant)
    first, second = controller(plant, "one"), controller(plant, "two")

    assert first.look(now_s(plant)).verdict is not None
    assert second.look(now_s(plant)).verdict is None

    plant.clock.advance(11.0)

    assert second.look(now_s(plant)).verdict is not None
    assert first.look(now_s(plant)).verdict is None


def test_two_servers_of_one_registry_are_two_holders(plant, tmp_path):
    canary(plant)
    shared = f"sqlite:///{plant.folder / 'serving' / 'registry.db'}"
    site = replace(Stand().site, plan=PLAN)
    own = settings(folder=tmp_path / "other", database=shared)
    other = Station(site, own, plant.clock)
    try:
        assert plant.station.controller.look(now_s(plant)).verdict is not None
        assert other.controller.look(now_s(plant)).verdict is None
    finally:
        other.close()


def test_whoever_was_overtaken_by_a_change_does_nothing_and_says_so(plant, monkeypatch):
    canary(plant)
    own = controller(plant, "one")
    monkeypatch.setattr(
        own, "_deed", lambda *_: stage(plant.station, "pause", by=BOB) and "advance"
    )

    found = own.look(now_s(plant))

    assert found.did == ""
    assert plant.kinds[-1] == "refused"
    assert "decided on generation" in plant.station.events[-1].facts["why"]
    assert plant.station.registry.staging("stand").step == 0


def test_a_plant_without_a_plan_or_a_canary_is_not_judged(plant):
    assert controller(plant, "one").look(now_s(plant)).verdict is None

    canary(plant)
    own = plant.station
    bare = Controller(Stand().site, own.log, own.registry, own.notice)

    assert bare.look(now_s(plant)).verdict is None
    with pytest.raises(ValueError, match="without a plan"):
        bare.verdict(1, 0.0)


def test_a_verdict_that_says_nothing_new_is_written_down_once(plant):
    canary(plant)
    own = controller(plant, "one")

    for _ in range(3):
        own.look(now_s(plant))

    assert len(plant.station.registry.paths.page("stand", 1)) == 1
