"""Owns the examination of an entity's key: whether its source gives each row one, and none twice."""

from __future__ import annotations

from collections.abc import Iterator

from marea.ports import Reader
from marea.sql.dates import COUNT
from marea.sql.pages import Pages


def doubts(pages: Pages, reader: Reader) -> Iterator[str]:
    """What keeps the key from naming each record once, one sentence each.

    Raises ConfigurationError, SystemUnreachable.
    """
    table = pages.aggregate.table.name
    key = ", ".join(column.name for column in pages.aggregate.key)
    keyless = next(reader.stream(pages.keyless(), COUNT, 1)).column(0)[0].as_py()
    if keyless:
        yield f"{keyless:,} of the first rows of {table} have no key ({key}): runs leave them out and say so"
    if not pages.aggregate.guarded:
        yield (
            f"no unique index makes sure that a key ({key}) is in {table} once: runs ask for keys that "
            "several rows have, and reject their records"
        )
