"""Owns what a run says of the dates it goes by: who writes unseen, which dates are still to come."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from marea.sql.aggregate import ROOT
from marea.sql.dates import COUNT, LOOKED_AT, Dates
from marea.sql.feeds import Feeds

if TYPE_CHECKING:
    from marea.capture.batch import BatchReader
    from marea.config.settings import EntitySettings
    from marea.ports import Writers


def remarks(entity: EntitySettings, writers: Writers, batches: BatchReader) -> Iterator[str]:
    """One sentence each, at the moment of a reader of batches; none of an entity whose dates are in order."""
    if writers.hidden:
        yield f"{entity.source.system}: what commits late may be missed: {writers.hidden}"
    feeds = Feeds(batches.pages.dialect, batches.pages.aggregate)
    for feed in feeds.feeds():
        if number := _ahead(feeds, feed, batches):
            yield (
                f"{entity.name}: {_rows(number)} of {_table(feeds, feed)} with a last-edit date in the "
                "future: every run compares them again until then; who wrote them has a wrong clock or zone"
            )


def _ahead(feeds: Feeds, feed: str, batches: BatchReader) -> int:
    """How many rows of a feed have a stamp in the future, as far as they are looked at."""
    query = Dates(feeds.dialect, *feeds.feed(feed), None).ahead()
    for page in batches.reader.stream(query, COUNT, 1) if query else ():
        return int(page.column(0)[0].as_py())
    return 0


def _rows(number: int) -> str:
    if number == 1:
        return "1 row"
    return f"{number:,} rows" if number < LOOKED_AT else f"{number:,} rows or more"


def _table(feeds: Feeds, feed: str) -> str:
    aggregate = feeds.aggregate
    return aggregate.table.name if feed == ROOT else aggregate.line(feed)[-1].table.name
