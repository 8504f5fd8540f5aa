"""Owns the examination of last-edit dates: what in a table would hide a change from an incremental run.

It runs for `marea check` alone. A run with nothing new asks one indexed question a table; to ask
for rows without a date as well would cost as much again where an index serves it, a pass over the
table where none does, and could not tell new rows from those the first load has delivered.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from marea.engine.entity.private import NAME_IN_SQL
from marea.ports import Column, Source
from marea.sql.aggregate import ROOT, Aggregate
from marea.sql.dates import COUNT, FORMS, LEADING, LOOKED_AT, SAMPLE, Dates
from marea.sql.dialect import NO_DATE, Query
from marea.sql.feeds import Feeds

if TYPE_CHECKING:
    from marea.ports import Reader

GROWING = ("int", "uint", "decimal")
"""Beginnings of the types of numbers that may stand for a date, as a counter of changes does."""


def warnings(
    source: Source, aggregate: Aggregate, modified: Mapping[str, str | None]
) -> dict[str, tuple[str, ...]]:
    """Feed -> what its dates hide, one sentence each; `modified` has the dates as they are configured.

    Raises ConfigurationError, SystemUnreachable.
    """
    with source.snapshot() as reader:
        feeds = [_Feed(source, reader, aggregate, feed, modified[feed] or "") for feed in aggregate.feeds()]
        return {feed.name: tuple(feed.warnings()) for feed in feeds}


class _Feed:
    """A table with a last-edit date."""

    def __init__(
        self, source: Source, reader: Reader, aggregate: Aggregate, feed: str, modified: str
    ) -> None:
        relations = {line[-1].path: line[-1] for line in aggregate.lineages()}
        described = aggregate.table if feed == ROOT else relations[feed].table
        where = aggregate.where if feed == ROOT else relations[feed].where
        table, stamp, native = Feeds(source.dialect, aggregate).feed(feed)
        self.name = feed
        self._source = source
        self._reader = reader
        self._modified = modified
        self._native = native
        self._table = described.name
        self._columns = described.columns
        self._column = described.column(modified)
        self._dates = Dates(source.dialect, table, stamp, native, where)

    def warnings(self) -> Iterator[str]:
        seen, undated, ahead = self._ask(self._dates.sample(), SAMPLE)[0].values()
        large, indexed = seen >= LOOKED_AT, self._indexed()
        if large and indexed:
            undated = max(undated, self._counted(self._dates.undated()))
            ahead = max(ahead, self._counted(self._dates.ahead()))
        of = f"the first {LOOKED_AT:,} rows" if large and not indexed else "its rows"
        yield from self._kind()
        if undated:
            have, them = _number(undated)
            yield (
                f"{_rows(undated)} of {of} {have} no last-edit date: the first load delivers {them}, and no "
                f"later run sees {them}; {self._instead()}"
            )
        if ahead:
            have, them = _number(ahead)
            yield (
                f"{_rows(ahead)} of {of} {have} a last-edit date in the future: every run reads {them} again "
                f"until then; correct the clock or the zone of whoever wrote {them}"
            )
        yield from self._forms(of)
        if large and indexed is False:
            yield (
                f"no index begins with {self._modified}, and the table has {LOOKED_AT:,} rows or more: "
                f"every run reads all of it; CREATE INDEX … ON {self._table} ({self._modified})"
            )

    def _instead(self) -> str:
        """What to do about rows without a date: the first other date of the table may stand for it."""
        named = {word.casefold() for word in NAME_IN_SQL.findall(self._modified)}
        known = self._source.dialect.now(self._native) is not None
        for column in self._columns if known else ():
            if column.native == self._native and column.name.casefold() not in named:
                return f"`modified: coalesce({self._modified}, {column.name})` takes another date instead"
        return "set one in the source"

    def _kind(self) -> Iterator[str]:
        """A warning where the stamp is neither a time nor a number that grows."""
        if self._source.dialect.now(self._native) is not None:
            return
        kind = str(self._source.type_of(self._table, self._modified).type)
        if not kind.startswith(GROWING) and "rowversion" not in self._native:
            yield (
                f"{self._modified} is {self._native or 'of no declared type'}, which is no date: its values "
                "are compared as the database orders them, and none tells how far behind the present it is"
            )

    def _forms(self, of: str) -> Iterator[str]:
        query = self._dates.forms()
        found = self._ask(query, FORMS) if query else []
        declared = self._source.dialect.now(self._native) is not None  # else its type is told already
        if declared and [row["form"] for row in found] == [NO_DATE]:
            yield (
                f"{self._modified} holds no date in any of {of} ({_rows(found[0]['seen'])}): its texts are "
                "compared letter by letter; name the column that says when a row was last changed"
            )
        if len(found) > 1:
            forms = "; ".join(f"{row['form']} ({_rows(row['seen'])})" for row in found)
            yield (
                f"the dates of {of} are written in {len(found)} ways, which do not sort together, so that "
                f"changes are missed: {forms}"
            )

    def _indexed(self) -> bool | None:
        """Whether an index begins with the date; None where that cannot be told: an expression, a view."""
        if self._column is None:
            return None
        query = self._source.dialect.leading_columns(self._table)
        leading = [row["column_name"] for row in self._ask(query, LEADING)]
        return self._column.name in leading if leading else None

    def _counted(self, query: Query | None) -> int:
        return int(self._ask(query, COUNT)[0]["seen"]) if query else 0

    def _ask(self, query: Query, columns: Sequence[Column]) -> list[dict[str, Any]]:
        pages = self._reader.stream(query, columns, 1_000)
        return [row for page in pages for row in page.to_pylist()]


def _number(rows: int) -> tuple[str, str]:
    """The verb and the pronoun for so many rows."""
    return ("has", "it") if rows == 1 else ("have", "them")


def _rows(number: int) -> str:
    return f"{number:,} or more" if number >= LOOKED_AT else f"{number:,}"
