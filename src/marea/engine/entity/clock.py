"""Owns the engine's sense of time, which tests replace."""

from __future__ import annotations

import time
from collections.abc import Callable

Clock = Callable[[], int]
"""Microseconds since 1970 in UTC."""


def system_clock() -> int:
    """The machine's clock."""
    return time.time_ns() // 1000
