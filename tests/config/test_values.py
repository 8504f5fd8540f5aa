from __future__ import annotations

from collections.abc import Callable

import pytest

from marea.config import values
from marea.config.mistake import Mistake
from marea.config.settings import Schedule, Window

pytestmark = pytest.mark.unit

WEEK = (0, 1, 2, 3, 4, 5, 6)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("0s", 0), ("30s", 30), ("15m", 900), ("1h30m", 5400), ("2d", 172_800), ("250ms", 0.25), ("1.5h", 5400)],
)
def test_durations(text: str, seconds: float) -> None:
    assert values.duration(text) == seconds


@pytest.mark.parametrize(("text", "rate"), [("50/s", 50), ("600/min", 10), ("1800/h", 0.5), ("0.5/s", 0.5)])
def test_rates(text: str, rate: float) -> None:
    assert values.rate(text) == rate


@pytest.mark.parametrize(("text", "fraction"), [("10%", 0.1), ("0%", 0), ("100 %", 1), ("2.5%", 0.025)])
def test_percentages(text: str, fraction: float) -> None:
    assert values.percentage(text) == pytest.approx(fraction)


@pytest.mark.parametrize(
    ("text", "window"),
    [
        ("Sun 02:00-04:00", Window((6,), 120, 240)),
        ("mon-fri 22:00-02:30", Window((0, 1, 2, 3, 4), 1320, 150)),
        ("Sat-Mon 00:00-24:00", Window((5, 6, 0), 0, 1440)),
        ("2:00-4:00", Window(WEEK, 120, 240)),
    ],
)
def test_windows(text: str, window: Window) -> None:
    assert values.window(text) == window


@pytest.mark.parametrize(
    ("text", "schedule"),
    [
        ("every 15m", Schedule(every=900)),
        ("daily 03:00", Schedule(days=WEEK, at=180)),
        ("Sun 03:00", Schedule(days=(6,), at=180)),
        ("Mon-Fri 06:30", Schedule(days=(0, 1, 2, 3, 4), at=390)),
        ("never", Schedule()),
    ],
)
def test_schedules(text: str, schedule: Schedule) -> None:
    assert values.schedule(text) == schedule


@pytest.mark.parametrize(
    ("parse", "text"),
    [
        (values.duration, ""),
        (values.duration, "15"),
        (values.duration, "m15"),
        (values.duration, "1h 30m"),
        (values.duration, 15),
        (values.duration, "9" * 400 + "s"),
        (values.duration, "999999999d"),
        (values.duration, "3650d1s"),
        (values.schedule, "every 9999999h"),
        (values.rate, "0/s"),
        (values.rate, "50"),
        (values.rate, "-1/s"),
        (values.percentage, "101%"),
        (values.percentage, 0.1),
        (values.window, "Sun 25:00-26:00"),
        (values.window, "Sun 02:00"),
        (values.window, "02:00-02:00"),
        (values.schedule, "every"),
        (values.schedule, "every 0s"),
        (values.schedule, "daily 24:00"),
        (values.schedule, None),
    ],
)
def test_what_is_written_otherwise_is_a_mistake_with_a_way_out(
    parse: Callable[[object], object], text: object
) -> None:
    with pytest.raises(Mistake) as raised:
        parse(text)
    assert raised.value.hint
