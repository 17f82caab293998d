# SPDX-License-Identifier: MIT
from hypothesis import given
from hypothesis import strategies as st

from flyball.worlds.jobshop.pieces import Pieces, pieces, unit
from flyball.worlds.jobshop.timing import Hours
from tests.worlds.jobshop.small_shops import H, longs, shop, windows

DAY = Hours([1, 6, 12, 22], [4, 9, 20, 23])


@given(st.integers(1, 12), st.booleans())
def test_the_pieces_hold_every_start_once_with_its_length(length, may_pause):
    found = pieces(DAY, length, may_pause)

    got = {
        start: piece.size
        for piece in found
        for low, high in zip(*[iter(piece.starts.flattened_intervals())] * 2, strict=True)
        for start in range(low, high + 1)
    }
    want = {
        start: span[1] - start
        for start in range(30)
        if (span := DAY.work(start, length, may_pause)) is not None and span[0] == start
    }
    assert got == want
    assert len({piece.size for piece in found}) == len(found)


def test_work_without_length_may_start_at_any_moment():
    assert [piece.size for piece in pieces(DAY, 0, may_pause=True)] == [0]
    assert pieces(DAY, 0, may_pause=False)[0].starts is None


def test_a_machine_that_never_closes_needs_no_list_of_starts():
    assert pieces(Hours([0], [99]), 5, may_pause=True)[0].starts is None


def test_the_unit_divides_every_time():
    assert unit(shop([[{0: 1.5}], [{0: 2}]])) == H // 2
    assert unit(shop([[{0: 2}]], release_s=longs([90]))) == 90
    assert unit(shop([[{0: 2}]], calendars=windows([(0, 2.25), (3, 9)]))) == H // 4


def test_windows_beyond_the_horizon_are_left_out():
    scenario = shop([[{0: 1}]], calendars=windows([(0, 2), (3, 6), (9, 12)]))

    assert Pieces(scenario, 5 * H).hours[0].closes == [2, 5]
