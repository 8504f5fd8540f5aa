"""Owns the SELECTs that find changes: what lies behind a cursor in each feed, and how far it may move."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from marea.sql.aggregate import ROOT, Relation, Stamp
from marea.sql.dialect import Dialect, Query
from marea.sql.parts import AT, Parts, Text, behind, filtered, text_column

HORIZON = "$horizon"
LATEST = "$latest"
FOUND = "$found"
HORIZON_COLUMNS = (text_column(HORIZON), text_column(LATEST))
"""What `Feeds.horizon` gives."""
LATEST_COLUMNS = (text_column(LATEST),)
"""What `Feeds.upto` gives."""


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far a feed has been read: everything up to `stamp`, and up to `key` within it."""

    stamp: str
    key: str | None = None
    """The last key read at `stamp`, as JSON text; None: all rows of that stamp, or none of them."""
    inclusive: bool = False
    """Without a key: whether the rows of `stamp` itself are still to be read."""


class Feeds(Parts):
    """Composes the queries for what changed in one entity. Rows come as `Parts.columns` says."""

    def feeds(self) -> list[str]:
        """The feeds in the order they are read in."""
        return self.aggregate.feeds()

    def stamp(self, feed: str) -> Stamp:
        """What orders the changes of a feed: an expression over the rows of its table, under its alias."""
        stamp = self.aggregate.stamp if feed == ROOT else self.aggregate.line(feed)[-1].stamp
        if stamp is None:
            raise ValueError("a table without a last-edit date is no feed")
        return stamp

    def changed(
        self,
        feed: str,
        since: Mapping[str, Cursor | None],
        horizon: str | None,
        among: str | None = None,
        upto: str | None = None,
    ) -> Query:
        """Root rows that changed in one feed since its cursor, in the order (stamp, key).

        `since` holds every feed's cursor as it was when the run began; None reads all rows
        that have a stamp. Rows that an earlier feed covers are left out, so that a record
        whose root and related rows changed is read once. `among`, a JSON array of keys, asks
        for these records alone, `upto`, a key as JSON text, for those that come no later in key order.
        """
        text = Text(self.dialect)
        stamp = self.stamp(feed)
        if feed == ROOT:
            source = self.select(text, stamp, horizon, among)
        else:
            stamp = replace(stamp, expression=f"f.{self.quote(AT)}")
            changed = self._changed_roots(text, feed, since[feed])
            source = f"{self.select(text, stamp, horizon, among)} JOIN {changed}"
        conditions = [self.where(), self._since(text, stamp, since[feed])]
        conditions += [self._not_in(text, earlier, since[earlier]) for earlier in self._before(feed)]
        if upto is not None:
            conditions.append(f"NOT ({behind(self.key_names(), self.key_values(text, upto))})")
        order = ", ".join([stamp.expression, *self.key_names()])
        return text.query(f"{source}{filtered(conditions)} ORDER BY {order}")

    # -- horizons: how far a cursor may move -------------------------------------------

    def timed(self, feed: str) -> bool:
        """Whether the stamps of a feed are times."""
        return self.dialect.moment(self.feed(feed)[2], "0") is not None

    def horizon(self, feed: str, moment: int) -> Query:
        """One row: a feed's horizon, and its latest stamp before the horizon.

        The horizon is a moment, in seconds since 1970. Raises ValueError for stamps that are no times.
        """
        limit = self.dialect.moment(self.stamp(feed).native, str(moment))
        if limit is None:
            raise ValueError(f"the stamps of {feed or 'the root'} are no times")
        return self._until(Text(self.dialect), feed, limit)

    def horizon_at(self, feed: str, stamp: str) -> Query:
        """As `horizon`, with a stamp for the moment: rows that have it are read again."""
        text = Text(self.dialect)
        # It stands in the text twice, and each mark is one value.
        bound = self.dialect.stamp_in(text.bind(stamp), self.stamp(feed).native)
        return self._until(text, feed, bound)

    def latest(self, feed: str) -> Query:
        """One row: a feed's latest stamp."""
        table, stamp, native = self.feed(feed)
        last = self.dialect.stamp_out(f"(SELECT max({stamp}) FROM {table})", native)
        return Text(self.dialect).query(f"SELECT {last} AS {self.quote(LATEST)}")

    def _until(self, text: Text, feed: str, limit: str) -> Query:
        table, stamp, native = self.feed(feed)
        settled = f"(SELECT max({stamp}) FROM {table} WHERE {stamp} < {limit})"
        last = self.dialect.stamp_out(settled, native)
        horizon = self.dialect.stamp_out(limit, native)
        selects = f"{horizon} AS {self.quote(HORIZON)}, {last} AS {self.quote(LATEST)}"
        return text.query(f"SELECT {selects}")

    def upto(self, feed: str, cursor: Cursor) -> Query:
        """One row: a feed's latest stamp that is no later than its cursor's."""
        table, stamp, native = self.feed(feed)
        text = Text(self.dialect)
        limit = self.dialect.stamp_in(text.bind(cursor.stamp), native)
        last = self.dialect.stamp_out(f"(SELECT max({stamp}) FROM {table} WHERE {stamp} <= {limit})", native)
        return text.query(f"SELECT {last} AS {self.quote(LATEST)}")

    def feed(self, name: str) -> tuple[str, str, str]:
        """A feed as SQL: its table under its alias, its stamp, and the stamp's type."""
        table = self.roots() if name == ROOT else f"{self.table(self.aggregate.line(name)[-1])} c"
        stamp = self.stamp(name)
        return table, stamp.expression, stamp.native

    def _since(self, text: Text, stamp: Stamp, cursor: Cursor | None) -> str:
        if cursor is None or cursor.key is None:
            return _since(self.dialect, text, stamp, cursor)
        limit = self.dialect.stamp_in(text.bind(cursor.stamp), stamp.native)
        return behind([stamp.expression, *self.key_names()], [limit, *self.key_values(text, cursor.key)])

    # -- changes in related tables -------------------------------------------------------

    def _before(self, feed: str) -> list[str]:
        feeds = self.feeds()
        return feeds[: feeds.index(feed)]

    def _changed_rows(self, text: Text, feed: str, cursor: Cursor | None) -> str:
        """A SELECT of the root's join values (j0, j1, …) and the latest stamp of their changed rows.

        The innermost table is filtered by its stamp; each table above hands its own join
        values up, so that a row of any depth leads to its root.
        """
        line = self.aggregate.line(feed)
        relation = line[-1]
        stamp = self.stamp(feed)
        loose = (
            Cursor(cursor.stamp, None, inclusive=cursor.inclusive or cursor.key is not None)
            if cursor
            else None
        )
        where = filtered([f"({relation.where})" if relation.where else "", self._since(text, stamp, loose)])
        select = self._grouped(relation, f"{self.table(relation)} c{where}", stamp.expression)
        for above, below in zip(line[-2::-1], line[:0:-1], strict=True):
            pairs = self._pairs("x", "c", below)
            joined = f"{self.table(above)} c JOIN ({select}) x ON {pairs}"
            select = self._grouped(above, joined, f"x.{self.quote(AT)}")
        return select

    def _grouped(self, relation: Relation, source: str, at: str) -> str:
        names = self.names("c", [own for own, _ in relation.on])
        selects = [f"{name} AS j{index}" for index, name in enumerate(names)]
        columns = ", ".join([*selects, f"max({at}) AS {self.quote(AT)}"])
        return f"SELECT {columns} FROM {source} GROUP BY {', '.join(names)}"

    def _changed_roots(self, text: Text, feed: str, cursor: Cursor | None) -> str:
        pairs = self._pairs("f", "r", self.aggregate.line(feed)[0])
        return f"({self._changed_rows(text, feed, cursor)}) f ON {pairs}"

    def _not_in(self, text: Text, feed: str, cursor: Cursor | None) -> str:
        """True for root rows that an earlier feed does not bring: NULL stamps are not brought."""
        if feed == ROOT:
            covered = self._since(text, self.stamp(ROOT), cursor)
            return f"CASE WHEN {covered} THEN 1 ELSE 0 END = 0"
        rows = self._changed_rows(text, feed, cursor)
        # Exactly what that feed brings, its cursor's key included: rows at the cursor are read by none.
        at = replace(self.stamp(feed), expression=f"e.{self.quote(AT)}")
        brought = self._since(text, at, cursor)
        pairs = self._pairs("e", "r", self.aggregate.line(feed)[0])
        return f"NOT EXISTS (SELECT 1 FROM ({rows}) e WHERE {pairs} AND {brought})"


def newest(dialect: Dialect, table: str, stamp: Stamp, cursor: Cursor | None) -> Query:
    """At most one row FOUND: 1 when a feed has a stamp behind its cursor, 0 when its latest is the cursor's.

    None when all its stamps are older, or it has none. Needs no binding, and one entry of an index.
    `table` and the stamp are as `Pages.feed` gives them. The entity's filter is not asked:
    what lies outside it is sorted out by the read that follows.
    """
    text = Text(dialect)
    loose = (
        replace(cursor, key=None, inclusive=cursor.inclusive or cursor.key is not None) if cursor else None
    )
    behind = f"CASE WHEN {_since(dialect, text, stamp, loose)} THEN 1 ELSE 0 END"
    at = _since(dialect, text, stamp, replace(loose, inclusive=True) if loose else None)
    found = (
        f"SELECT {behind} AS {dialect.quote(FOUND)} FROM {table} WHERE {at} ORDER BY {stamp.expression} DESC"
    )
    return text.query(dialect.limit(found, 1))


def _since(dialect: Dialect, text: Text, stamp: Stamp, cursor: Cursor | None) -> str:
    """Stamps behind a cursor that stands at no key."""
    if cursor is None:
        return f"{stamp.expression} IS NOT NULL"
    limit = dialect.stamp_in(text.bind(cursor.stamp), stamp.native)
    return f"{stamp.expression} {'>=' if cursor.inclusive else '>'} {limit}"
