"""Owns the cheap question that most runs end with: whether anything is new, or what was read is gone."""

from __future__ import annotations

import pyarrow as pa

from marea.capture.position import Position
from marea.errors import ConfigurationError
from marea.ports import Column, Reader
from marea.sql.aggregate import Stamp
from marea.sql.dialect import Dialect
from marea.sql.feeds import FOUND, newest

_COLUMNS = (Column(FOUND, pa.int64(), ""),)


def nothing_new(position: Position, dialect: Dialect, reader: Reader) -> bool:
    """Whether the latest stamp of each feed is that of the position, asked without binding the entity.

    False when it cannot be told: nothing was bound yet, or the source no longer has what was bound.
    """
    if not position.feeds:
        return False
    try:
        return all(_unmoved(position, name, dialect, reader) for name in position.feeds)
    except ConfigurationError:
        return False


def _unmoved(position: Position, name: str, dialect: Dialect, reader: Reader) -> bool:
    """Whether a feed's latest stamp is that of its cursor. Raises ConfigurationError where there is none."""
    feed, cursor = position.feeds[name], position.cursors.get(name)
    query = newest(dialect, feed.table, Stamp(feed.stamp, feed.native), cursor)
    for page in reader.stream(query, _COLUMNS, 1):
        return not page.column(FOUND)[0].as_py()
    return cursor is None
