"""Owns the cheap question that most runs end with: whether anything is new, or what was read is gone."""

from __future__ import annotations

from enum import Enum

import pyarrow as pa

from marea.capture.position import Position
from marea.errors import ConfigurationError
from marea.ports import Column, Reader
from marea.sql.aggregate import Stamp
from marea.sql.dialect import Dialect
from marea.sql.feeds import FOUND, newest

_COLUMNS = (Column(FOUND, pa.int64(), ""),)


class Found(Enum):
    """The latest stamp of a feed, beside how far it was read."""

    NEW = 1
    SAME = 0
    OLDER = -1
    """Or there is none any more, where there was one."""


def nothing_new(position: Position, dialect: Dialect, reader: Reader) -> bool:
    """Whether the latest stamp of each feed is that of the position, asked without binding the entity.

    False when it cannot be told: nothing was bound yet, a first load is on its way, or the
    source no longer has what was bound.
    """
    if position.sweep is not None or not position.feeds:
        return False
    try:
        return all(latest(position, name, dialect, reader) is Found.SAME for name in position.feeds)
    except ConfigurationError:
        return False


def latest(position: Position, name: str, dialect: Dialect, reader: Reader) -> Found:
    """What the latest stamp of a feed says. Raises ConfigurationError where the source has no such feed."""
    feed, cursor = position.feeds[name], position.cursors.get(name)
    query = newest(dialect, feed.table, Stamp(feed.stamp, feed.native), cursor)
    for page in reader.stream(query, _COLUMNS, 1):
        return Found(page.column(FOUND)[0].as_py())
    return Found.SAME if cursor is None else Found.OLDER
