"""Owns the watermark capture: which records changed, learnt from the last-edit dates of their tables.

A feed is a table with a last-edit date. Its cursor never passes the horizon, the moment
before which no transaction can still commit a stamp (`marea.capture.horizon`): what lies
behind it is read again and costs one comparison. Cursors are texts in the source's own form
and clock; they are compared by the source alone. Nothing is held in the source from run to
run, and so nothing there is to be released (I2).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from marea.capture.batch import Batch, BatchReader
from marea.capture.capture import Capture
from marea.capture.horizon import Before, Mark, horizon, marked, numbered
from marea.capture.names import WATERMARK
from marea.capture.position import Feed, Position
from marea.capture.step import Step
from marea.model import Cause
from marea.ports import KEY
from marea.sql.aggregate import ROOT
from marea.sql.dialect import Query
from marea.sql.feeds import HORIZON, HORIZON_COLUMNS, LATEST, LATEST_COLUMNS, Cursor, Feeds
from marea.sql.parts import AT, BEFORE_HORIZON


@dataclass(frozen=True, slots=True)
class _End:
    """How far the cursor of a feed may move."""

    horizon: str | None
    latest: str | None
    """Its latest stamp before that."""

    @property
    def cursor(self) -> Cursor | None:
        return Cursor(self.latest) if self.latest is not None else None


class Watermark(Capture):
    """Reads what changed in one entity since a position; serves one run in one thread."""

    name = WATERMARK

    def __init__(self, batches: BatchReader, lag: float, dates: str) -> None:
        super().__init__(batches)
        self._sql = Feeds(batches.pages.dialect, batches.pages.aggregate)
        self._lag = lag
        self._dates = dates
        self._feeds = {feed: Feed(*self._sql.feed(feed)) for feed in batches.pages.aggregate.feeds()}

    def start(self, position: str | None) -> str:
        """Cursors that lie before anything a read from now on could miss."""
        before = Position.from_text(position) if position is not None else Position()
        ends = {feed: self._end(feed, before) for feed in self._feeds}
        cursors = {feed: end.cursor if end else None for feed, end in ends.items()}
        return self._at(cursors, self._marked(before)).to_text()

    def serves(self, position: str) -> bool:
        """Not where its cursors are of other dates: those say nothing about these."""
        return Position.from_text(position).feeds == self._feeds

    def changes(self, position: str, upto: str | None = None) -> Iterator[Step]:
        """The records whose root or related rows have a stamp behind the position; `upto` a key, or all."""
        before = Position.from_text(position)
        since = self._since(before)
        ends = {feed: self._end(feed, before) for feed in since}
        now = self._at(since, self._marked(before))
        for feed, end in ends.items():
            cause = Cause.LAST_EDIT if feed == ROOT else Cause.RELATED
            unsettled = False
            limit = end.horizon if end else None
            query = self._sql.changed(feed, since, limit, upto=upto)
            for batch in self._batches.read(query, cause):
                cursor = _cursor_after(batch, limit, now.cursors.get(feed))
                unsettled = cursor is not None and cursor.inclusive
                now = now.moved(feed, cursor)
                yield Step(batch, now.to_text())
            if end and not unsettled:
                # Also behind what an earlier feed has brought instead: else the next run read it again.
                # And back to what is left where the newest rows are gone: until then no run is quiet.
                now = now.moved(feed, end.cursor)
        yield Step(None, now.to_text())

    def newest_behind(self, position: Position) -> str | None:
        """The latest stamp of the root's rows up to a position, where that is older than it, else None.

        What is new does not count: rows behind the position say nothing of those before it.
        """
        cursor = position.cursors.get(ROOT)
        if cursor is None or ROOT not in self._feeds or position.feeds.get(ROOT) != self._feeds[ROOT]:
            return None
        for page in self._batches.reader.stream(self._sql.upto(ROOT, cursor), LATEST_COLUMNS, 1):
            latest: str | None = page.column(LATEST)[0].as_py()
            return latest if latest != cursor.stamp else None
        return None

    def brings(self, position: str, key: str) -> bool:
        """Whether `changes` would read the record of a key (JSON text)."""
        since = self._since(Position.from_text(position))
        found = (self._sql.changed(feed, since, None, f"[{key}]") for feed in since)
        return any(True for query in found for _ in self._batches.read(query, Cause.REQUEST))

    def _since(self, position: Position) -> dict[str, Cursor | None]:
        return {feed: _kept(position, feed, bound) for feed, bound in self._feeds.items()}

    def _at(self, cursors: Mapping[str, Cursor | None], marks: tuple[Mark, ...]) -> Position:
        return Position(cursors, self._feeds, marks, self._dates)

    def _marked(self, position: Position) -> tuple[Mark, ...]:
        before = self._batches.before
        return marked(before, position.marks) if before else position.marks

    def _end(self, feed: str, position: Position) -> _End | None:
        """How far a feed's cursor may move; None where that is not known."""
        before = self._batches.before
        query = self._horizon(feed, before, position) if before else None
        for page in self._batches.reader.stream(query, HORIZON_COLUMNS, 1) if query else ():
            return _End(page.column(HORIZON)[0].as_py(), page.column(LATEST)[0].as_py())
        return None

    def _horizon(self, feed: str, before: Before, position: Position) -> Query | None:
        """What asks for it; None where nothing is known of who writes."""
        if not self._sql.timed(feed):
            number = numbered(before, position.marks).get(feed)
            return self._sql.horizon_at(feed, number) if number is not None else None
        moment = horizon(before.writers, position.marks)
        # Down to the second: a column, or whoever writes it, may keep no fractions.
        return None if moment is None else self._sql.horizon(feed, math.floor(moment - self._lag))


def _cursor_after(batch: Batch, horizon: str | None, current: Cursor | None) -> Cursor | None:
    """The cursor once a batch is settled: behind its last row, but never behind the horizon."""
    if not batch.root.num_rows:
        return current
    if batch.root.column(BEFORE_HORIZON)[-1].as_py():
        return Cursor(batch.root.column(AT)[-1].as_py(), batch.root.column(KEY)[-1].as_py())
    return Cursor(horizon, inclusive=True) if horizon is not None else current


def _kept(position: Position, feed: str, bound: Feed) -> Cursor | None:
    """The cursor of a feed, unless it was read by another date: that one says nothing about this."""
    return position.cursors.get(feed) if position.feeds.get(feed, bound) == bound else None
