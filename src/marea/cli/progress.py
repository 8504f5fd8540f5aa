"""Owns the line on stderr that a person watches while a run goes on: records, rate, time left."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

from marea.cli.common import seconds
from marea.engine.project import Project

BLINK = 0.2  # seconds between two lines: more often nobody can read
CLEAR = "\r\x1b[K"


class Line:
    """One line, written over and over; a callable as `Project.sync` wants it."""

    def __init__(self, stream: TextIO, now: Callable[[], float] = time.monotonic) -> None:
        self._stream = stream
        self._now = now
        self._shown = float("-inf")
        self._entity = ""
        self._since = (now(), 0)
        self._totals: dict[str, int] = {}

    def expect(self, entity: str, total: int) -> None:
        """Learns how many records an entity has."""
        self._totals[entity] = total

    def __call__(self, entity: str, settled: int) -> None:
        """Shows how far an entity is, unless it was shown just now; a new entity is shown at once."""
        now = self._now()
        new = entity != self._entity
        if new:
            self._entity, self._since = entity, (now, settled)
        if new or now - self._shown >= BLINK:
            self._shown = now
            self._stream.write(CLEAR + self.text(entity, settled))
            self._stream.flush()

    def text(self, entity: str, settled: int) -> str:
        """The line as it stands."""
        total = self._totals.get(entity)
        amount = f"{settled:,} of {total:,}" if total else f"{settled:,}"
        began, first = self._since
        took = self._now() - began
        rate = (settled - first) / took if took > 0 else 0.0
        parts = [f"{entity}  {amount} records", f"{rate:,.0f}/s" if rate else ""]
        if total and rate and total > settled:
            parts.append(f"{seconds((total - settled) / rate)} left")
        return "  ".join(part for part in parts if part)

    def clear(self) -> None:
        """Leaves nothing behind."""
        self._stream.write(CLEAR)
        self._stream.flush()


@contextmanager
def watched(project: Project, names: list[str], *, full: bool, selects: bool) -> Iterator[Line | None]:
    """A progress line while a person watches stderr; None where nobody does."""
    if not sys.stderr.isatty():
        yield None
        return
    line = Line(sys.stderr)
    if not selects:
        found = project.totals(names, full=full)
        threading.Thread(target=_count, args=(found, line), name="marea-count", daemon=True).start()
    try:
        yield line
    finally:
        line.clear()


def _count(found: Iterator[tuple[str, int]], line: Line) -> None:
    # The run itself says what is wrong; without totals the line only lacks the time left.
    try:
        for entity, total in found:
            line.expect(entity, total)
    except Exception:  # noqa: S110
        pass
