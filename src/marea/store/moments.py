"""Owns how the state writes a moment: whole microseconds since 1970 in UTC, exact in every database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import overload

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SECOND = 1_000_000


def micros(moment: datetime) -> int:
    """An aware datetime as the state keeps it."""
    return (moment - EPOCH) // timedelta(microseconds=1)


@overload
def moment(value: int) -> datetime: ...
@overload
def moment(value: None) -> None: ...
def moment(value: int | None) -> datetime | None:
    """A kept moment as an aware datetime in UTC."""
    return None if value is None else EPOCH + timedelta(microseconds=value)
