"""Owns the xmin capture: which rows transactions wrote since the last snapshot, dated or not.

PostgreSQL keeps with each row the number of the transaction that wrote it. Every table is read through
once, there; only what changed leaves the server. A row that is gone leaves nothing behind.
"""

from __future__ import annotations

from collections.abc import Iterator

from marea.capture.batch import BatchReader
from marea.capture.capture import Capture
from marea.capture.names import XMIN
from marea.capture.step import Step
from marea.capture.transactions import Numbers, moment
from marea.model import Cause
from marea.sql.feeds import Cursor
from marea.sql.transactions import Transactions


class Xmin(Capture):
    """Reads what transactions wrote of one entity since a position; serves one run in one thread."""

    name = XMIN

    def __init__(self, batches: BatchReader) -> None:
        super().__init__(batches)
        pages = batches.pages
        self._now = moment(pages.dialect, batches.reader)
        self._sql = Transactions(pages.dialect, pages.aggregate, next=self._now.next)
        self._tables = {feed: self._sql.feed(feed)[0] for feed in self._sql.feeds()}

    def start(self, position: str | None) -> str:
        """From the oldest transaction on that is open now, whatever was read before."""
        return Numbers(self._now.oldest, self._now.server, self._tables).to_text()

    def serves(self, position: str) -> bool:
        """Not where it is of other tables, or its numbers are not those of this server."""
        known = Numbers.from_text(position)
        return known.tables == self._tables and not known.lost(self._now)

    def lost(self, position: str) -> str:
        """Where the server is another one, or was put back."""
        return Numbers.from_text(position).lost(self._now)

    def changes(self, position: str, upto: str | None = None) -> Iterator[Step]:
        """The records of which a row of any table was written since."""
        since = self._since(position)
        for feed in since:
            query = self._sql.changed(feed, since, None, upto=upto)
            for batch in self._batches.read(query, Cause.XMIN):
                yield Step(batch, None)
        # Rows come in no order that a run could go on from: the position moves when all are settled (I1).
        yield Step(None, self.start(position))

    def brings(self, position: str, key: str) -> bool:
        """Whether any row of its record was written since."""
        since = self._since(position)
        found = (self._sql.changed(feed, since, None, f"[{key}]") for feed in since)
        return any(True for query in found for _ in self._batches.read(query, Cause.REQUEST))

    def _since(self, position: str) -> dict[str, Cursor | None]:
        cursor = Cursor(str(Numbers.from_text(position).since), inclusive=True)
        return dict.fromkeys(self._tables, cursor)
