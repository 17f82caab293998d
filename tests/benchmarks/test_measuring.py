# SPDX-License-Identifier: MIT
"""A figure says how sure it is, and meets its target only when all of its interval does."""

import json
import math

import pytest

from benchmarks.measuring import abba, absolute, against, interval, yardstick
from tools.evidence import KEYS, rows


def test_the_interval_of_a_mean_is_that_of_a_textbook():
    low, high = interval([1.0, 2.0, 3.0, 4.0])

    half = 3.182 * math.sqrt(5 / 3) / 2
    assert (low, high) == pytest.approx((2.5 - half, 2.5 + half), abs=5e-3)
    assert interval([7.0]) == (7.0, 7.0)


def test_rivals_take_turns_so_that_a_drift_of_the_machine_cancels():
    clock = iter(range(100))
    order = []

    def timed(name):
        def measure():
            order.append(name)
            return float(next(clock))

        return measure

    ours, peer = abba(timed("a"), timed("b"), 4)

    assert "".join(order) == "abbaabba"
    assert sum(ours) == sum(peer)


@pytest.mark.parametrize(
    ("better", "target", "met"),
    [("more", 1.0, True), ("more", 2.4, False), ("less", 2.6, False), ("less", 9.0, True)],
)
def test_a_target_is_met_by_the_whole_interval_not_by_the_mean(better, target, met):
    figure = absolute("speed", [2.4, 2.5, 2.6], better=better, target=target, note="")

    assert figure.met is met
    assert figure.low < 2.4 < 2.6 < figure.high


def test_a_ratio_is_the_geometric_mean_of_the_pairs():
    figure = against("speed", ([10.0, 40.0], [1.0, 1.0]), peer_name="twin", target=100.0, note="")

    assert figure.ratio == pytest.approx(20.0)
    assert figure.met is False
    assert figure.low < 20.0 < figure.high


def test_what_is_printed_is_a_record_that_evidence_keeps(capsys):
    absolute("speed", [1 / 3], better="more", target=None, note="one").print()

    said = capsys.readouterr().out
    assert json.loads(said)["ours"] == 0.333333
    assert [row.keys() for row in rows(said)] == [KEYS]


def test_the_yardstick_runs_at_the_speed_of_a_processor():
    assert 10 < yardstick() < 10_000
