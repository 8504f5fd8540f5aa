"""Owns the cheap question that most runs end with: whether anything is new."""

from __future__ import annotations

import pyarrow as pa

from marea.capture.position import Position
from marea.errors import ConfigurationError
from marea.ports import Column, Reader
from marea.sql.aggregate import Stamp
from marea.sql.dialect import Dialect
from marea.sql.feeds import FOUND, anything_new

_COLUMNS = (Column(FOUND, pa.int64(), ""),)


def nothing_new(position: Position, dialect: Dialect, reader: Reader) -> bool:
    """Whether no feed has a stamp behind the position, asked without binding the entity.

    False when it cannot be told: nothing was bound yet, a first load is on its way, or the
    source no longer has what was bound.
    """
    if position.sweep is not None or not position.feeds:
        return False
    try:
        return not any(_has_new(position, name, dialect, reader) for name in position.feeds)
    except ConfigurationError:
        return False


def _has_new(position: Position, name: str, dialect: Dialect, reader: Reader) -> bool:
    feed = position.feeds[name]
    query = anything_new(dialect, feed.table, Stamp(feed.stamp, feed.native), position.cursors.get(name))
    return any(page.num_rows for page in reader.stream(query, _COLUMNS, 1))
