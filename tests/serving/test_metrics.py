# SPDX-License-Identifier: MIT
"""Figures for Prometheus: a set that is fixed, text that parses, counts that are the server's."""

import asyncio
import threading

import pytest
from prometheus_client.parser import text_string_to_metric_families

from flyball.core.decision import Arm
from flyball.serving.counting import BUCKETS_S
from flyball.serving.lineup import Lineup
from flyball.serving.metrics import exposition
from tests.serving.calling import Called
from tests.serving.stand import Counting

NAMES = {
    "flyball_decisions": "counter",
    "flyball_fallback": "counter",
    "flyball_shield_interventions": "counter",
    "flyball_decision_latency_seconds": "histogram",
    "flyball_shadow_disagreement_ratio": "gauge",
    "flyball_policy_info": "gauge",
    "flyball_stopped": "gauge",
    "flyball_log_lost": "gauge",
    "flyball_log_records": "gauge",
    "flyball_units": "gauge",
    "flyball_generation": "gauge",
    "flyball_stage_share": "gauge",
    "flyball_stage_log_evalue": "gauge",
    "flyball_stage_harm_bound": "gauge",
}
"""What dashboards and alarms are built on: another name or kind breaks them."""


@pytest.fixture
def called(tmp_path):
    own = Called(tmp_path)
    asyncio.run(own.release())
    yield own
    own.station.close()


def figures(called):
    """Return kinds by name, and samples by name and labels, as Prometheus would read them."""
    text = exposition(called.station).decode()
    families = list(text_string_to_metric_families(text))
    samples = {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in families
        for sample in family.samples
    }
    return {family.name: family.type for family in families}, samples


def lineup(called, challenger, share=0.25):
    server = called.station.server
    server.install(
        Lineup(
            fallback=server.fallback, champion=server.fallback, challengers=(challenger,),
            shares=(share,), stage="canary",
        )
    )  # fmt: skip


def decide(called, n=3, **parts):
    return asyncio.run(called.decide(n, **parts))


def test_the_names_and_kinds_are_those_that_people_rely_on(called):
    assert figures(called)[0] == NAMES


def test_decisions_are_counted_by_who_made_them_and_what_became_of_them(called):
    decide(called)

    _, found = figures(called)

    own = ("flyball_decisions_total", ("arm", "champion"))
    assert found[*own, ("outcome", "as proposed"), ("policy", "steady")] == 1.0
    assert found[*own, ("outcome", "stopped"), ("policy", "steady")] == 2.0
    assert found["flyball_units",] == 1.0
    assert found["flyball_log_records",] == called.station.log.head[0]


def test_buckets_hold_all_that_was_as_quick_or_quicker(called):
    called.station.server.counts.latency[:] = [0] * (len(BUCKETS_S) + 1)
    for elapsed_s in (0.0, 0.0015, 0.0015, 9.0):
        called.station.server.counts.took(elapsed_s)

    _, found = figures(called)

    name = "flyball_decision_latency_seconds"
    buckets = [found[f"{name}_bucket", ("le", str(end))] for end in (*BUCKETS_S, "+Inf")]
    assert buckets == [1, 1, 1, 1, 3, 3, 3, 3, 3, 3, 3, 4]
    assert found[f"{name}_count",] == 4


def test_what_an_arm_beside_would_have_done_and_its_share_are_told(called):
    lineup(called, Counting("p2", 0.5))
    counts = called.station.server.counts
    counts.shadowed[Arm.CHALLENGER], counts.disagreed[Arm.CHALLENGER] = 4, 1

    _, found = figures(called)

    assert found["flyball_shadow_disagreement_ratio", ("arm", "challenger")] == 0.25
    assert found["flyball_stage_share", ("policy", "p2")] == 0.25


def test_a_stop_and_a_lost_log_are_1(called):
    before = figures(called)[1]
    called.station.server.stop.trip("drill", 9.0)
    called.station.server.lost = "no room"

    after = figures(called)[1]

    for name in ("flyball_stopped", "flyball_log_lost"):
        assert (before[name,], after[name,]) == (0.0, 1.0)


@pytest.mark.parametrize("name", ['quo"te', "back\\slash", "line\nbreak", "é 炉", 'x"} 1\nevil 1'])
def test_a_name_cannot_write_into_the_figures(called, name):
    lineup(called, Counting(name, 0.5))
    called.station.server.counts.bent[name] += 1

    kinds, found = figures(called)

    assert kinds == NAMES
    assert found["flyball_shield_interventions_total", ("constraint", name)] == 1.0
    assert found["flyball_stage_share", ("policy", name)] == 0.25


def test_figures_are_read_while_decisions_are_counted(called):
    counts, ended, n = called.station.server.counts, threading.Event(), 0

    def count():
        k = 0
        while not ended.is_set():
            k = (k + 1) % 5000
            counts.bent[f"limit {k}"] += 1
            counts.bent.pop(f"limit {k - 2500}", None)

    thread = threading.Thread(target=count)
    thread.start()
    try:
        for n in range(1, 11):  # noqa: B007 - how many were read
            exposition(called.station)
    finally:
        ended.set()
        thread.join()

    assert n == 10
