# SPDX-License-Identifier: MIT
import re
import shutil
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flyball.worlds.jobshop import hours
from flyball.worlds.jobshop.hours import CALENDAR_OVER, OK, open_time, overtime, work
from flyball.worlds.jobshop.state import pack
from tests.worlds.jobshop.odd_shops import odd_shop
from tests.worlds.jobshop.reference import CalendarOver, overlap, spans
from tests.worlds.jobshop.reference import work as plain_work
from tests.worlds.jobshop.small_shops import shop, windows

ROOM = Path(hours.__file__).parent

# Kernels that are inlined exist compiled inside others only; here their Python is tested.
plain = {f.__name__: getattr(f, "py_func", f) for f in (work, overtime, open_time)}

# Open 0-4 and 6-8 h, then 10-20 h; overtime 1-3 h.
SHOPS = pack([shop([[{0: 1}]], calendars=windows([(0, 4), (6, 8), (10, 20)], overtime=(1, 3)))])
H = 3600


@pytest.mark.parametrize(
    ("from_h", "length_h", "pauses", "start_h", "end_h", "window"),
    [
        (0, 4, False, 0, 4, 0),  # ends exactly at a close
        (0, 4, True, 0, 4, 0),
        (1, 4, True, 1, 7, 1),
        (1, 4, False, 10, 14, 2),  # 6-8 is too short
        (1, 2, False, 1, 3, 0),
        (4, 1, True, 6, 7, 1),  # a machine is closed at the instant that it closes
        (4, 1, False, 6, 7, 1),
        (5, 0, True, 5, 5, 0),  # work of length 0 ignores the calendar
        (5, 0, False, 5, 5, 0),
        (3, 3, True, 3, 8, 1),  # pauses, and ends exactly at the next close
        (3, 13, True, 3, 20, 2),
    ],
)
def test_work_starts_and_ends_as_its_hours_say(from_h, length_h, pauses, start_h, end_h, window):
    got = plain["work"](SHOPS, 0, 0, from_h * H, length_h * H, pauses)

    assert got == (OK, start_h * H, end_h * H, window)


@pytest.mark.parametrize(
    ("from_h", "length_h", "pauses"), [(3, 14, True), (1, 11, False), (20, 1, True), (99, 1, False)]
)
def test_work_that_the_calendar_has_no_room_for_is_told_by_a_code(from_h, length_h, pauses):
    code, *_ = plain["work"](SHOPS, 0, 0, from_h * H, length_h * H, pauses)

    assert code == CALENDAR_OVER


@given(st.integers(0, 400), st.integers(0, 2000), st.integers(0, 60), st.booleans())
def test_work_agrees_with_plain_python_in_odd_calendars(seed, from_units, units, pauses):
    scenario = odd_shop(seed)
    shops, c = pack([scenario]), scenario.calendars
    unit_s = max(1, int(scenario.pair_duration_s.max()) // 3)
    for calendar in range(3):
        opened = spans(c.window[calendar], c.window[calendar + 1], c.open_s, c.close_s)
        args = from_units * unit_s // 7, units * unit_s, pauses
        first = int(c.window[calendar])

        code, start, end, _ = plain["work"](shops, calendar, first, *args)

        try:
            expected = (OK, *plain_work(opened, *args))
        except CalendarOver:
            expected = (CALENDAR_OVER, args[0], args[0])
        assert (code, start, end) == expected


@given(st.integers(0, 400), st.integers(-500, 2000), st.integers(0, 900))
def test_overtime_and_open_time_are_overlaps_with_their_windows(seed, from_units, units):
    scenario = odd_shop(seed)
    shops, c = pack([scenario]), scenario.calendars
    unit_s = max(1, int(scenario.pair_duration_s.max()) // 3)
    from_s, to_s = from_units * unit_s // 7, (from_units + units) * unit_s // 7
    for n in range(3):
        opened = spans(c.window[n], c.window[n + 1], c.open_s, c.close_s)
        extra = spans(c.overtime[n], c.overtime[n + 1], c.overtime_open_s, c.overtime_close_s)

        assert plain["open_time"](shops, n, from_s, to_s) == overlap(opened, from_s, to_s)
        assert plain["overtime"](shops, n, from_s, to_s) == overlap(extra, from_s, to_s)


def loaded(folder):
    """Return a copy of the module `hours` that lives among the files of `folder`."""
    spec = spec_from_file_location("hours_of_a_copy", folder / "hours.py")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def key_of(module):
    """Return the key under which code of one signature is kept."""
    cache = module.RoomCache(plain["open_time"])
    return cache._index_key("signature", Codegen())


class Codegen:
    def magic_tuple(self):
        return ("a processor",)


@pytest.fixture
def copy(tmp_path):
    for name in hours.KERNEL_FILES:
        shutil.copy(ROOM / name, tmp_path / name)
    return tmp_path


@pytest.mark.parametrize("name", hours.KERNEL_FILES)
def test_a_change_in_any_file_of_kernels_makes_the_cache_stale(copy, name):
    before = key_of(loaded(copy))

    with (copy / name).open("a", encoding="utf-8") as file:
        file.write("# one line more\n")

    assert key_of(loaded(copy)) != before


def test_the_cache_lives_on_where_nothing_changed(copy):
    assert key_of(loaded(copy)) == key_of(hours)


def test_every_file_with_kernels_of_the_room_is_watched_by_the_cache():
    decorated = {
        path.name
        for path in ROOM.glob("*.py")
        if re.search(r"^@(inlined|compiled)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    }

    assert decorated | {"state.py"} == set(hours.KERNEL_FILES)
