# SPDX-License-Identifier: MIT
"""One cell: from what stands in a file to a value with a type, or the reason why not.

A raw cell is None, a text, a number, a truth value, a date, a date with time, a time of day, a
length of time, or a `Fault` that its reader has already found.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from flyball.core.errors import nearest

Raw = Any
"""What a reader found in a cell: see above. Text from CSV, typed values from a workbook."""

MAX_TEXT = 200
DAY_MIN = 24 * 60

_NEXT_MIDNIGHT = date(1900, 1, 1)
"""What 24:00 is in a spreadsheet cell that is formatted as a time of day."""

_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")
_COMMA = re.compile(r"[+-]?\d{1,15},\d+")
_MOMENT = re.compile(r"(\d{4}-\d{2}-\d{2})(?:[ T](\d{2}:\d{2}(?::\d{2})?))?")
_CLOCK = re.compile(r"(\d{1,2}):(\d{2})(:00)?")
_UNSEEN = re.compile(r"[\x00-\x1f\x7f\u200b\ufeff\s]+")


@dataclass(frozen=True)
class Fault:
    """Why a cell has no value: its kind, what was found, what may stand there, what to do."""

    kind: str
    found: str
    allowed: str
    fix: str


Read = Callable[[Raw], Any]
"""From a raw cell that is not blank to its value, or to a `Fault`."""


def show(raw: Raw) -> str:
    """Return a raw cell as a message prints it."""
    if isinstance(raw, float) and raw.is_integer() and abs(raw) < 1e15:
        return str(int(raw))
    if isinstance(raw, str):
        text = tidy(raw)
        return f"'{text if len(text) <= 60 else text[:57] + '...'}'"
    if isinstance(raw, datetime):
        return raw.isoformat(" ", "minutes")
    return str(raw)


def tidy(text: str) -> str:
    """Return `text` with every run of white space and unseen characters as one blank."""
    return _UNSEEN.sub(" ", text).strip()


def is_blank(raw: Raw) -> bool:
    """Whether nothing stands in the cell."""
    return raw is None or (isinstance(raw, str) and not tidy(raw))


def text(raw: Raw) -> str | Fault:
    """Read a name or a remark; a whole number counts as text, so that job 1001 is '1001'."""
    if isinstance(raw, bool | date | time | timedelta):
        fix = "format the cell as text and type the name again"
        return Fault("text", f"{show(raw)} is not a text", "a name or a number", fix)
    if isinstance(raw, int | float):
        return show(float(raw))
    plain = tidy(str(raw))
    if len(plain) > MAX_TEXT:
        allowed = f"at most {MAX_TEXT} characters"
        return Fault("length", f"a text of {len(plain)} characters", allowed, "shorten it")
    return plain


def number(low: float, high: float, unit: str = "") -> Read:
    """Return the reader of a number in [low, high]; `unit` is what messages say after it."""
    allowed = f"a number from {low:g} to {high:g}{' ' + unit if unit else ''}"

    def read(raw: Raw) -> float | Fault:
        if isinstance(raw, bool | date | time | timedelta):
            fix = "type a number and set the cell's format to General"
            return Fault("number", f"{show(raw)} is not a number", allowed, fix)
        if isinstance(raw, str):
            plain = tidy(raw)
            if _COMMA.fullmatch(plain):
                fix = f"write {plain.replace(',', '.')} or make the cell a number"
                return Fault("comma", f"{show(raw)} has a decimal comma", allowed, fix)
            if not _NUMBER.fullmatch(plain):
                fix = "type a number such as 12.5, without a unit"
                return Fault("number", f"{show(raw)} is not a number", allowed, fix)
            raw = plain
        value = float(raw)
        if not low <= value <= high:
            found = f"{value:g}{' ' + unit if unit else ''}"
            return Fault("range", found, allowed, "correct the number or its unit")
        return value

    return read


def moment(raw: Raw) -> datetime | date | Fault:
    """Read a date, with or without a time of day: a date cell, or text in ISO order."""
    allowed = "a date cell or YYYY-MM-DD hh:mm"
    fix = "type it as 2026-03-20 14:00 or make the cell a date"
    value: datetime | date
    if isinstance(raw, datetime):
        value = (raw + timedelta(microseconds=500_000)).replace(microsecond=0)
    elif isinstance(raw, date):
        value = raw
    elif isinstance(raw, str) and (match := _MOMENT.fullmatch(tidy(raw))):
        try:
            day = date.fromisoformat(match[1])
            value = datetime.combine(day, time.fromisoformat(match[2])) if match[2] else day
        except ValueError:
            return Fault("date", f"{show(raw)} is not in the calendar", allowed, fix)
    else:
        return Fault("date", f"{show(raw)} is not a date", allowed, fix)
    if not 1990 <= value.year <= 2200:
        years = "a year from 1990 to 2200"
        return Fault("year", f"{show(value)}", years, "correct the year")
    return value


def day(raw: Raw) -> date | Fault:
    """Read a date; a time of day beside it is dropped."""
    value = moment(raw)
    return value.date() if isinstance(value, datetime) else value


def clock(raw: Raw) -> int | Fault:
    """Read a time of day as minutes after midnight, 0 to 1440."""
    allowed = "a time of day from 00:00 to 24:00"
    minutes = -1
    if isinstance(raw, time):
        minutes = raw.hour * 60 + raw.minute
    elif isinstance(raw, timedelta):
        minutes = round(raw.total_seconds() / 60)
    elif raw == _NEXT_MIDNIGHT:
        minutes = DAY_MIN
    elif isinstance(raw, str) and (match := _CLOCK.fullmatch(tidy(raw))):
        minutes = int(match[1]) * 60 + int(match[2]) if int(match[2]) < 60 else -1
    if not 0 <= minutes <= DAY_MIN:
        fix = "type it as 14:30 or format the cell as a time"
        return Fault("clock", f"{show(raw)} is not a time of day", allowed, fix)
    return minutes


def flag(raw: Raw) -> bool | Fault:
    """Read yes or no."""
    if isinstance(raw, bool):
        return raw
    words = {"yes": True, "y": True, "true": True, "x": True, "no": False, "n": False}
    words |= {"false": False, "1": True, "0": False}
    plain = (show(float(raw)) if isinstance(raw, int | float) else tidy(str(raw))).lower()
    if plain not in words:
        return Fault("flag", f"{show(raw)} is neither yes nor no", "yes or no", "write yes or no")
    return words[plain]


def choice(*options: str) -> Read:
    """Return the reader of one word out of `options`, in any case."""

    def read(raw: Raw) -> str | Fault:
        plain = tidy(str(raw)).lower()
        if plain not in options:
            allowed = ", ".join(options)
            return Fault("choice", show(raw), allowed, nearest(plain, options))
        return plain

    return read


def days(raw: Raw) -> frozenset[int] | Fault:
    """Read days of the week: ``Mon-Fri``, ``Mon, Wed, Sat-Sun`` or ``daily``; Monday is 0."""
    allowed = "Mon, Tue, Wed, Thu, Fri, Sat, Sun; ranges Mon-Fri; lists Mon, Wed; or daily"
    plain = tidy(str(raw)).lower()
    if plain in ("daily", "all"):
        return frozenset(range(7))
    found: set[int] = set()
    for part in re.split(r"[,;]", plain):
        ends = [_weekday(word.strip()) for word in part.replace("\u2013", "-").split("-")]
        if len(ends) > 2 or -1 in ends:
            return Fault("days", f"{show(raw)} are not days of the week", allowed, "write Mon-Fri")
        found.update((ends[0] + step) % 7 for step in range((ends[-1] - ends[0]) % 7 + 1))
    return frozenset(found)


def _weekday(word: str) -> int:
    """Return the number of a day's name of three letters or more, -1 where it is none."""
    names = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
    hits = [i for i, name in enumerate(names) if len(word) >= 3 and name.startswith(word)]
    return hits[0] if hits else -1
