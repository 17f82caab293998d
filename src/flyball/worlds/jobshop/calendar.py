# SPDX-License-Identifier: MIT
"""Working times: weekly shifts, breaks, overtime, holidays and maintenance as windows.

Times of day are the plant's wall clock and a day has 24 hours; the two nights a year on which
clocks change are not treated apart. A shift belongs to the day on which it starts: a night shift
that begins on the eve of a holiday is worked to its end.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import numpy as np

from flyball.worlds.jobshop.scenario import FOREVER_S, Calendars

Span = tuple[int, int]
"""From and to, whole seconds since the start, from < to."""

DAY_S = 86_400
WEEK_S = 7 * DAY_S


@dataclass(frozen=True)
class Shift:
    """One row of a weekly pattern; `to_min` at or before `from_min` is on the next day."""

    days: frozenset[int]  # Monday is 0
    from_min: int  # after midnight
    to_min: int
    kind: str  # work, break or overtime

    @property
    def length_s(self) -> int:
        """How long it is, s; at most a day."""
        minutes = self.to_min - self.from_min
        return (minutes if minutes > 0 else minutes + 24 * 60) * 60


@dataclass(frozen=True)
class Pattern:
    """The week of one calendar; `always` is open day and night, whatever else it says."""

    shifts: tuple[Shift, ...]
    holidays: frozenset[date] = frozenset()
    always: bool = False


@dataclass(frozen=True)
class Windows:
    """When one machine works; see `Calendars` for the rules that hold between the spans."""

    open: tuple[Span, ...]
    overtime: tuple[Span, ...] = ()


def merged(spans: Iterable[Span]) -> list[Span]:
    """Return the union of `spans`, sorted, with none that touch."""
    union: list[Span] = []
    for start, end in sorted(spans):
        if union and start <= union[-1][1]:
            union[-1] = (union[-1][0], max(end, union[-1][1]))
        else:
            union.append((start, end))
    return union


def without(spans: Sequence[Span], cuts: Iterable[Span]) -> list[Span]:
    """Return sorted, disjoint `spans` less everything in `cuts`."""
    closed = merged(cuts)
    left: list[Span] = []
    at = 0
    for begin, end in spans:
        start = begin
        while at < len(closed) and closed[at][1] <= start:
            at += 1
        cut = at
        while cut < len(closed) and closed[cut][0] < end:
            if closed[cut][0] > start:
                left.append((start, closed[cut][0]))
            start = closed[cut][1]
            cut += 1
        if start < end:
            left.append((start, end))
    return left


def laid_out(
    pattern: Pattern, start: datetime, horizon_s: int, maintenance: Iterable[Span] = ()
) -> Windows:
    """Return the windows of a calendar in [0, horizon).

    Parameters
    ----------
    pattern
        Its week and its holidays.
    start
        Local time at t = 0.
    horizon_s
        Where the windows end, s; a calendar that is always open goes on for ever.
    maintenance
        When the machine is closed besides.
    """
    limits = [(horizon_s, FOREVER_S + 1), (-FOREVER_S, 0), *maintenance]
    if pattern.always:
        limits[0] = (FOREVER_S, FOREVER_S + 1)
        return Windows(tuple(without([(0, FOREVER_S)], limits)))
    spans: dict[str, list[Span]] = {"work": [], "break": [], "overtime": []}
    midnight = datetime.combine(start.date(), datetime.min.time())
    offset_s = int((midnight - start).total_seconds())
    for number in range(-1, horizon_s // DAY_S + 2):
        day = start.date() + timedelta(days=number)
        for shift in pattern.shifts:
            closed = day in pattern.holidays and shift.kind != "break"
            if day.weekday() in shift.days and not closed:
                begin = offset_s + number * DAY_S + shift.from_min * 60
                spans[shift.kind].append((begin, begin + shift.length_s))
    cuts = [*spans["break"], *limits]
    work = merged(spans["work"])
    extra = without(merged(spans["overtime"]), work)
    return Windows(
        open=tuple(without(merged(work + extra), cuts)), overtime=tuple(without(extra, cuts))
    )


def typical_week(pattern: Pattern) -> list[int]:
    """Return the lengths of the windows that open in a week without holidays, s.

    A calendar that never closes has one window as long as for ever.
    """
    monday = datetime(2024, 1, 1)  # noqa: DTZ001  the plant's wall clock has no zone
    bare = Pattern(pattern.shifts, always=pattern.always)
    spans = laid_out(bare, monday, 4 * WEEK_S).open
    if any(end - start > 2 * WEEK_S for start, end in spans):
        return [FOREVER_S]
    return [end - start for start, end in spans if WEEK_S <= start < 2 * WEEK_S]


def weeks_of(week: Sequence[int], work_s: int, *, interruptible: bool) -> float:
    """Return how many weeks of a calendar a piece of work takes up, at most.

    Parameters
    ----------
    week
        From `typical_week`.
    work_s
        Working time, s.
    interruptible
        Whether it may be spread over windows; otherwise each piece needs one window.
    """
    if work_s == 0:
        return 0.0
    if week == [FOREVER_S]:
        return work_s / WEEK_S
    if interruptible:
        return work_s / max(sum(week), 1)
    fits = sum(length // work_s for length in week)
    return 1 / fits if fits else float("inf")


def finish(spans: Sequence[Span], start_s: int, work_s: int) -> int:
    """Return when work that may pause ends, or -1 when the calendar is over before.

    Work of no length ends where it starts. O(log windows + windows used).
    """
    if work_s == 0:
        return start_s
    at = max(bisect_right(spans, (start_s, FOREVER_S + 1)) - 1, 0)
    left = work_s
    for begin, end in spans[at:]:
        usable = end - max(begin, start_s)
        if usable <= 0:
            continue
        if left <= usable:
            return max(begin, start_s) + left
        left -= usable
    return -1


def window_at(spans: Sequence[Span], time_s: int) -> Span | None:
    """Return the window that holds `time_s`, or None when it is closed then."""
    at = bisect_right(spans, (time_s, FOREVER_S + 1)) - 1
    return spans[at] if at >= 0 and spans[at][0] <= time_s < spans[at][1] else None


def packed(windows: Sequence[Windows], names: Sequence[str]) -> Calendars:
    """Return the windows of every calendar as flat arrays."""
    opens = [span for each in windows for span in each.open]
    extra = [span for each in windows for span in each.overtime]
    return Calendars(
        name=tuple(names),
        window=np.cumsum([0, *(len(each.open) for each in windows)], dtype=np.int32),
        open_s=np.array([span[0] for span in opens], dtype=np.int64),
        close_s=np.array([span[1] for span in opens], dtype=np.int64),
        overtime=np.cumsum([0, *(len(each.overtime) for each in windows)], dtype=np.int32),
        overtime_open_s=np.array([span[0] for span in extra], dtype=np.int64),
        overtime_close_s=np.array([span[1] for span in extra], dtype=np.int64),
    )
