"""The decision to try again, and the pace: pure functions of time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marea.connectors.rest.rate import Bucket
from marea.connectors.rest.retry import Failure, Policy, decide, retry_after

pytestmark = pytest.mark.unit

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
POLICY = Policy(attempts=4, first=1.0, longest=3.0, patience=60.0, throttle=120.0, outage=5.0)


def test_waits_double_up_to_a_limit_and_end() -> None:
    failure = Failure("timeout", "")
    waits = [decide(failure, attempt, 0.0, POLICY) for attempt in (1, 2, 3, 4)]
    assert waits == [1.0, 2.0, 3.0, None]


def test_patience_ends_earlier() -> None:
    assert decide(Failure("timeout", ""), 1, 59.5, POLICY) is None


def test_what_cannot_help_is_not_tried_again() -> None:
    assert decide(Failure("tls", "", again=False), 1, 0.0, POLICY) is None


@pytest.mark.parametrize(
    ("asked", "attempt", "elapsed", "wait"),
    [
        (10.0, 50, 100.0, 10.0),
        (10.0, 1, 115.0, None),
        (0.0, 9, 0.0, 1.0),
        (None, 9, 0.0, 3.0),
        (None, 9, 119.0, None),
    ],
)
def test_a_slower_pace_is_no_attempt(
    asked: float | None, attempt: int, elapsed: float, wait: float | None
) -> None:
    assert decide(Failure("http 429", "", asked=asked), attempt, elapsed, POLICY) == wait


@pytest.mark.parametrize(("asked", "attempt", "wait"), [(5.0, 1, 5.0), (5.1, 1, None), (5.0, 4, None)])
def test_maintenance_is_waited_for_only_briefly(asked: float, attempt: int, wait: float | None) -> None:
    assert decide(Failure("http 503", "", away=True, asked=asked), attempt, 0.0, POLICY) == wait


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("120", 120.0),
        (" 0 ", 0.0),
        (format_datetime(NOW + timedelta(seconds=90), usegmt=True), 90.0),
        (format_datetime(NOW - timedelta(seconds=90), usegmt=True), 0.0),
        ("Sun, 22 Nov 2026 13:01:30 +0100", 90.0),
        ("soon", None),
        ("-5", None),
        ("", None),
        (None, None),
    ],
)
def test_retry_after_in_seconds_and_as_a_date(header: str | None, seconds: float | None) -> None:
    assert retry_after(header, NOW) == seconds


@pytest.mark.property
@given(st.floats(0.5, 500.0), st.lists(st.floats(0.0, 0.2), min_size=2, max_size=200))
def test_never_more_than_the_rate(rate: float, pauses: list[float]) -> None:
    bucket, now, moments = Bucket(rate), 1000.0, []
    for pause in pauses:
        now += pause
        moments.append(now + bucket.reserve(now))
    burst = max(1.0, 0.1 * rate)
    for first, start in enumerate(moments):
        for count, end in enumerate(moments[first:], 1):
            assert count <= burst + (end - start) * rate + 1e-6


def test_a_bucket_loses_no_pace_to_callers_that_come_late() -> None:
    bucket = Bucket(100.0)
    assert [bucket.reserve(0.0) for _ in range(12)][-1] == pytest.approx(0.02)
    assert bucket.reserve(10.0) == 0.0


def test_without_a_rate_only_a_hold_waits() -> None:
    bucket = Bucket(None)
    assert [bucket.reserve(5.0) for _ in range(3)] == [0.0, 0.0, 0.0]
    bucket.hold(7.0)
    assert [bucket.reserve(6.0) for _ in range(3)] == [1.0, 1.0, 1.0]
    assert bucket.reserve(8.0) == 0.0
