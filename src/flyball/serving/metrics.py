# SPDX-License-Identifier: MIT
"""Figures for Prometheus, read off when they are asked for: nothing of it is in the hot path."""

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from flyball import __version__
from flyball.serving.counting import BUCKETS_S
from flyball.serving.station import Station


class Figures(Collector):
    """Every figure of a station."""

    def __init__(self, station: Station) -> None:
        self._station = station

    def collect(self) -> Iterable[Metric]:
        """Yield the figures as they are now."""
        yield from self._decisions()
        yield from self._state()
        yield from self._stage()

    def _decisions(self) -> Iterable[Metric]:
        counts = self._station.server.counts  # counted on meanwhile: each is copied at once
        decided = CounterMetricFamily(
            "flyball_decisions",
            "Decisions by who made them and what became of them.",
            labels=("policy", "arm", "outcome"),
        )
        for labels, n in dict.copy(counts.decisions).items():
            decided.add_metric(labels, n)
        yield decided
        lost = CounterMetricFamily(
            "flyball_fallback", "Decisions that went to the fallback.", labels=("reason",)
        )
        for reason, n in dict.copy(counts.fallbacks).items():
            lost.add_metric((reason,), n)
        yield lost
        bent = CounterMetricFamily(
            "flyball_shield_interventions", "Actions bent by a limit.", labels=("constraint",)
        )
        for name, n in dict.copy(counts.bent).items():
            bent.add_metric((name,), n)
        yield bent
        below, buckets = 0, []
        for end, n in zip((*map(str, BUCKETS_S), "+Inf"), counts.latency, strict=True):
            below += n
            buckets.append((end, below))
        yield HistogramMetricFamily(
            "flyball_decision_latency_seconds",
            "From request to reply, in the server.",
            buckets=buckets,
            sum_value=counts.latency_s,
        )
        differing = GaugeMetricFamily(
            "flyball_shadow_disagreement_ratio",
            "Share of decisions in which an arm beside would have done something else.",
            labels=("arm",),
        )
        for arm, n in dict.copy(counts.shadowed).items():
            differing.add_metric((str(arm),), counts.disagreed[arm] / n)
        yield differing

    def _state(self) -> Iterable[Metric]:
        station, server = self._station, self._station.server
        info = InfoMetricFamily("flyball_policy", "Who is on the field.", labels=("arm",))
        for arm, pilot in server.lineup.pilots.items():
            info.add_metric((str(arm),), {"sha256": pilot.name, "version": __version__})
        yield info
        stopped = float(str(server.stop.mode) != "running")
        gauges = {
            "flyball_stopped": ("Whether the emergency stop keeps actions back.", stopped),
            "flyball_log_lost": ("Whether the log keeps nothing.", float(bool(server.lost))),
            "flyball_log_records": ("Records in the log.", float(station.log.head[0])),
            "flyball_units": ("Units that were decided for.", float(server.units())),
            "flyball_generation": ("Of the releases.", float(station.field.generation)),
        }
        for name, (words, value) in gauges.items():
            yield GaugeMetricFamily(name, words, value=value)

    def _stage(self) -> Iterable[Metric]:
        lineup, verdict = self._station.server.lineup, self._station.controller.said
        share = GaugeMetricFamily(
            "flyball_stage_share", "Share of the blocks of each challenger.", labels=("policy",)
        )
        for pilot, own in zip(lineup.challengers, lineup.shares, strict=False):
            share.add_metric((pilot.name,), own)
        yield share
        odds = GaugeMetricFamily(
            "flyball_stage_log_evalue", "Log of the odds won against no harm.", labels=("metric",)
        )
        bound = GaugeMetricFamily(
            "flyball_stage_harm_bound", "By how much the challenger is worse.",
            labels=("metric", "side"),
        )  # fmt: skip
        for finding in () if verdict is None else verdict.findings:
            odds.add_metric((finding.metric,), finding.log_e_harm)
            bound.add_metric((finding.metric, "least"), finding.least)
            bound.add_metric((finding.metric, "most"), finding.most)
        yield odds
        yield bound


def exposition(station: Station) -> bytes:
    """Return every figure in the text format of Prometheus."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(Figures(station))
    return generate_latest(registry)
