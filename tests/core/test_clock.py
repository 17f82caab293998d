# SPDX-License-Identifier: MIT
from datetime import UTC, datetime, timedelta

from flyball.core.clock import ManualClock, SystemClock


def test_a_manual_clock_stands_still_until_it_is_moved():
    start = datetime(2026, 3, 29, 0, 59, tzinfo=UTC)
    clock = ManualClock(start)

    assert clock.elapsed_s() == 0.0
    assert clock.now() == start

    clock.advance(90.0)
    clock.advance(0.5)

    assert clock.elapsed_s() == 90.5
    assert clock.now() == start + timedelta(seconds=90.5)


def test_the_system_clock_never_goes_back_and_knows_its_zone():
    clock = SystemClock()

    readings = [clock.elapsed_s() for _ in range(100)]

    assert readings == sorted(readings)
    assert clock.now().tzinfo is UTC
    assert abs(clock.now() - datetime.now(UTC)) < timedelta(seconds=5)
