"""Owns the watermark capture: which records changed, learnt from the last-edit dates of their tables.

A feed is a table with a last-edit date. Its cursor never passes the horizon, the point
before which no transaction can still write a stamp: what lies behind it is read again and
costs one comparison. Cursors are texts in the source's own form and clock; they are
compared by the source alone. Nothing is held in the source from run to run, and so nothing
there is to be released (I2).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from marea.capture.batch import Batch, BatchReader
from marea.capture.position import Feed, Position, Sweep
from marea.model import Cause
from marea.ports import KEY
from marea.sql.aggregate import ROOT
from marea.sql.feeds import HORIZON, HORIZON_COLUMNS, LATEST, LATEST_COLUMNS, Cursor, Feeds
from marea.sql.parts import AT, SETTLED


@dataclass(frozen=True, slots=True)
class Step:
    """What one batch amounts to: its aggregates, and where the position stands once they are settled.

    A step without a batch moves the position alone; one without a position leaves it.
    """

    batch: Batch | None
    position: Position | None


class Watermark:
    """Reads what changed in one entity since a position; serves one run in one thread."""

    def __init__(self, batches: BatchReader, lag: float, dates: str) -> None:
        self.pages = batches.pages
        self._sql = Feeds(self.pages.dialect, self.pages.aggregate)
        self._batches = batches
        self._lag = lag
        self._dates = dates
        self._feeds = {feed: Feed(*self._sql.feed(feed)) for feed in self.pages.aggregate.feeds()}

    def first_load(self, position: Position | None, cause: Cause) -> Iterator[Step]:
        """All records in key order, continued where an earlier process stopped.

        What that one has passed and has changed since is then brought as changes are.
        It begins anew where its cursors are of other dates: those say nothing about these.
        """
        begun = position.sweep if position and position.feeds == self._feeds else None
        sweep = begun or Sweep(None, self._starting_cursors())
        for batch in self._batches.everything(sweep.after, cause):
            if batch.root.num_rows:
                sweep = Sweep(batch.root.column(KEY)[-1].as_py(), sweep.cursors)
            yield Step(batch, Position(sweep=sweep, feeds=self._feeds, dates=self._dates))
        loaded = Position(sweep.cursors, feeds=self._feeds, dates=self._dates)
        yield Step(None, loaded)
        if begun and begun.after is not None:
            # What lies behind was read just now, at the same moment: read again it would count twice (I5).
            yield from self.changes(loaded, upto=begun.after)

    def full(self, cause: Cause, position: Position) -> Iterator[Step]:
        """All records in key order; the position moves at the end alone, to before the read."""
        cursors = self._starting_cursors()
        for batch in self._batches.everything(None, cause):
            yield Step(batch, position)
        yield Step(None, Position(cursors, feeds=self._feeds, dates=self._dates))

    def changes(self, position: Position, upto: str | None = None) -> Iterator[Step]:
        """The records whose root or related rows have a stamp behind the position; `upto` a key, or all."""
        since = self._since(position)
        position = Position(since, feeds=self._feeds, dates=self._dates)
        ends = {feed: self._horizon(feed) for feed in since}
        for feed, (horizon, latest) in ends.items():
            cause = Cause.LAST_EDIT if feed == ROOT else Cause.RELATED
            unsettled = False
            query = self._sql.changed(feed, since, horizon, upto=upto)
            for batch in self._batches.read(query, cause):
                cursor = _cursor_after(batch, horizon, position.cursors.get(feed))
                unsettled = cursor is not None and cursor.inclusive
                position = position.moved(feed, cursor)
                yield Step(batch, position)
            if not unsettled:
                # Also behind what an earlier feed has brought instead: else the next run read it again.
                # And back to what is left where the newest rows are gone: until then no run is quiet.
                position = position.moved(feed, Cursor(latest) if latest is not None else None)
        yield Step(None, position)

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

    def brings(self, position: Position, key: str) -> bool:
        """Whether `changes` would read the record of a key (JSON text)."""
        since = self._since(position)
        found = (self._sql.changed(feed, since, None, f"[{key}]") for feed in since)
        return any(True for query in found for _ in self._batches.read(query, Cause.REQUEST))

    def _since(self, position: Position) -> dict[str, Cursor | None]:
        return {feed: _kept(position, feed, bound) for feed, bound in self._feeds.items()}

    def _starting_cursors(self) -> Mapping[str, Cursor | None]:
        """Cursors that lie before anything a read from now on could miss."""
        found = {}
        for feed in self._feeds:
            _, latest = self._horizon(feed)
            found[feed] = Cursor(latest) if latest is not None else None
        return found

    def _horizon(self, feed: str) -> tuple[str | None, str | None]:
        """A feed's horizon, and its latest stamp before it."""
        query = self._sql.horizon(feed, self._lag)
        for page in self._batches.reader.stream(query, HORIZON_COLUMNS, 1):
            return page.column(HORIZON)[0].as_py(), page.column(LATEST)[0].as_py()
        return None, None


def _cursor_after(batch: Batch, horizon: str | None, current: Cursor | None) -> Cursor | None:
    """The cursor once a batch is settled: behind its last row, but never behind the horizon."""
    if not batch.root.num_rows:
        return current
    if batch.root.column(SETTLED)[-1].as_py():
        return Cursor(batch.root.column(AT)[-1].as_py(), batch.root.column(KEY)[-1].as_py())
    return Cursor(horizon, inclusive=True) if horizon is not None else current


def _kept(position: Position, feed: str, bound: Feed) -> Cursor | None:
    """The cursor of a feed, unless it was read by another date: that one says nothing about this."""
    return position.cursors.get(feed) if position.feeds.get(feed, bound) == bound else None
