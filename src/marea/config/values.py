"""Owns the small notations of a configuration: durations, rates, percentages, windows, schedules.

Each function takes the text as written and gives a value, or raises Mistake.
"""

from __future__ import annotations

import re

from marea.config.mistake import Mistake
from marea.config.settings import Schedule, Window

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
NEVER = Schedule()
LONGEST = 3650 * 86400.0
"""Seconds of the longest duration: every database can go back so far, and nobody means to wait longer."""

_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_PER = {"s": 1.0, "min": 60.0, "h": 3600.0}
_NUMBER = r"\d{1,9}(?:\.\d{1,9})?"
_PART = re.compile(rf"({_NUMBER})(ms|s|m|h|d)")
_DURATION = re.compile(rf"(?:{_PART.pattern})+")
_RATE = re.compile(rf"({_NUMBER})/(s|min|h)")
_PERCENTAGE = re.compile(rf"({_NUMBER}) ?%")
_TIME = r"([01]?\d|2[0-3]):([0-5]\d)"
_DAY = rf"({'|'.join(DAYS)})"
_WINDOW = re.compile(rf"(?:{_DAY}(?:-{_DAY})? )?{_TIME}-(?:{_TIME}|24:00)", re.IGNORECASE)
_DAILY = re.compile(rf"daily {_TIME}", re.IGNORECASE)
_WEEKLY = re.compile(rf"{_DAY}(?:-{_DAY})? {_TIME}", re.IGNORECASE)
_EVERY = re.compile(rf"every ({_DURATION.pattern})", re.IGNORECASE)


def duration(text: object) -> float:
    """Seconds of `30s`, `15m`, `1h30m` or `250ms`."""
    if not isinstance(text, str) or not _DURATION.fullmatch(text):
        raise Mistake("must be a duration", "write a number and its unit: 30s, 15m, 1h30m, 2d")
    seconds = sum(float(number) * _SECONDS[unit] for number, unit in _PART.findall(text))
    if seconds > LONGEST:
        raise Mistake("must be no longer than 3650d", "write a duration that is meant: 30s, 15m, 1h30m, 2d")
    return seconds


def rate(text: object) -> float:
    """Calls a second of `50/s` or `600/min`."""
    match = _RATE.fullmatch(text) if isinstance(text, str) else None
    if match is None or not float(match[1]):
        raise Mistake("must be a rate above zero", "write calls per unit of time: 50/s, 600/min, 10000/h")
    return float(match[1]) / _PER[match[2]]


def percentage(text: object) -> float:
    """The fraction that `10%` is: 0.1."""
    match = _PERCENTAGE.fullmatch(text) if isinstance(text, str) else None
    if match is None or float(match[1]) > 100:
        raise Mistake("must be a percentage from 0% to 100%", "write it with its sign: 10%")
    return float(match[1]) / 100


def window(text: object) -> Window:
    """The window that `Sun 02:00-04:00`, `Mon-Fri 22:00-02:00` or `02:00-04:00` (each day) is."""
    match = _WINDOW.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise Mistake(
            "must be a window of time",
            "write days and times: `Sun 02:00-04:00`, `Mon-Fri 22:00-02:00`, or `02:00-04:00` for each day",
        )
    first, last, *times = match.groups()
    start = _minutes(times[0], times[1])
    end = _minutes(times[2], times[3]) if times[2] else 24 * 60
    if start == end:
        raise Mistake("ends when it begins", "give the end of the window another time")
    return Window(_days(first, last), start, end)


def schedule(text: object) -> Schedule:
    """The schedule that `every 15m`, `daily 03:00`, `Mon-Fri 06:30` or `never` is."""
    text = text if isinstance(text, str) else ""
    if text.casefold() == "never":
        return NEVER
    if (match := _EVERY.fullmatch(text)) and (seconds := duration(match[1].casefold())):
        return Schedule(every=seconds)
    if match := _DAILY.fullmatch(text):
        return Schedule(days=_days(None, None), at=_minutes(match[1], match[2]))
    if match := _WEEKLY.fullmatch(text):
        return Schedule(days=_days(match[1], match[2]), at=_minutes(match[3], match[4]))
    raise Mistake(
        "must be a schedule", "write `every 15m`, `daily 03:00`, `Sun 03:00`, `Mon-Fri 06:30` or `never`"
    )


def _minutes(hours: str, minutes: str) -> int:
    return int(hours) * 60 + int(minutes)


def _days(first: str | None, last: str | None) -> tuple[int, ...]:
    if first is None:
        return tuple(range(7))
    start = DAYS.index(first.casefold())
    end = DAYS.index((last or first).casefold())
    return tuple((start + offset) % 7 for offset in range((end - start) % 7 + 1))
