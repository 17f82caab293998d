# SPDX-License-Identifier: MIT
from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from flyball.releases.moments import moment, read

zones = st.integers(-14, 14).map(lambda hours: timezone(timedelta(hours=hours)))
moments = st.datetimes(datetime(1900, 1, 2), datetime(9999, 12, 30), timezones=zones)  # noqa: DTZ001


@given(moments, moments)
def test_moments_come_back_and_their_texts_sort_as_they_passed(one, other):
    assert read(moment(one)) == one
    assert len(moment(one)) == 27
    assert (moment(one) < moment(other)) == (one < other)


def test_a_moment_is_written_in_utc():
    at = datetime(2026, 3, 1, 1, 0, tzinfo=timezone(timedelta(hours=2)))

    assert moment(at) == "2026-02-28T23:00:00.000000Z"
    assert read(moment(at)).tzinfo is UTC
