# SPDX-License-Identifier: MIT
import math

import numpy as np
import pytest

from flyball.core.errors import ConfigError
from flyball.releases.verdicts.drift import STAKE, STAKES, Usual, changed, log_detector

USUAL = Usual(level=5.0, spread=2.0, tolerance=0.0, blocks_between_alarms=200.0)


def first_alarms(residual, usual=USUAL):
    alarm = changed(residual, usual) != 0.0
    return np.where(alarm.any(axis=1), alarm.argmax(axis=1) + 1, residual.shape[1])


@pytest.mark.parametrize("law", ["normal", "heavy", "coin"])
def test_without_a_change_false_alarms_are_as_rare_as_said(law):
    rng = np.random.default_rng(51)
    shape = (400, 1500)
    noise = {
        "normal": rng.standard_normal,
        "heavy": lambda size: rng.standard_t(3, size) / math.sqrt(3.0),
        "coin": lambda size: rng.choice([-1.0, 1.0], size),
    }[law](shape)

    runs = first_alarms(5.0 + 2.0 * noise)

    # Runs cut at the end only lower the mean.
    assert runs.mean() >= 200.0 * (1.0 - 3.0 / math.sqrt(400))


def test_wandering_within_the_tolerance_is_no_change():
    rng = np.random.default_rng(52)
    usual = Usual(level=5.0, spread=2.0, tolerance=1.0, blocks_between_alarms=200.0)
    wave = 5.0 + 0.9 * np.sin(np.arange(2000) / 50.0)

    runs = first_alarms(wave + 2.0 * rng.standard_normal((200, 2000)), usual)

    assert runs.mean() >= 500.0


@pytest.mark.parametrize("side", [-1.0, 1.0])
def test_a_change_either_way_is_found_and_named(side):
    rng = np.random.default_rng(53)
    residual = 5.0 + 2.0 * rng.standard_normal((200, 200))
    residual[:, 50:] += 2.0 * side

    found = changed(residual, USUAL)

    late = found[:, 50:]
    assert (late != 0.0).any(axis=1).all()
    delay = (late != 0.0).argmax(axis=1)
    assert np.median(delay) < 20
    signs = late[np.arange(200), delay]
    assert (signs == side).mean() > 0.95


def test_the_detector_is_the_sum_of_all_bettors():
    rng = np.random.default_rng(54)
    residual = 5.0 + 2.0 * rng.standard_normal(12)

    found = np.exp(log_detector(residual, USUAL))

    for side, row in ((1.0, found[0]), (-1.0, found[1])):
        for t in range(12):
            total = 0.0
            for stake in STAKES:
                for start in range(t + 1):
                    wealth = 1.0
                    for each in residual[start : t + 1]:
                        bet = stake * side * (each - 5.0) / 2.0
                        wealth *= 1.0 + max(-STAKE, min(STAKE, bet))
                    total += wealth / len(STAKES)
            assert row[t] == pytest.approx(total)


def test_blocks_that_are_no_number_raise_no_alarm_by_themselves():
    assert not changed(np.full(150, np.nan), USUAL).any()


def test_unit_and_zero_of_the_metric_do_not_matter():
    residual = 5.0 + 2.0 * np.random.default_rng(55).standard_normal(100)
    moved = Usual(level=0.005, spread=0.002, tolerance=0.0, blocks_between_alarms=200.0)

    np.testing.assert_allclose(
        log_detector(residual, USUAL), log_detector(residual / 1000.0, moved), atol=1e-9
    )


@pytest.mark.parametrize(
    "wrong",
    [
        {"spread": 0.0},
        {"spread": -1.0},
        {"level": math.nan},
        {"tolerance": -1.0},
        {"blocks_between_alarms": 0.0},
        {"spread": math.inf},
    ],
)
def test_what_cannot_be_usual_is_refused(wrong):
    sound = {"level": 0.0, "spread": 1.0, "tolerance": 0.0, "blocks_between_alarms": 100.0}

    with pytest.raises(ConfigError, match="what is usual"):
        Usual(**{**sound, **wrong})
