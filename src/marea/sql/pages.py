"""Owns the SELECTs that read an entity from its source: pages of root rows, related rows, horizons."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar

import pyarrow as pa

from marea.ports import STAMP, Column
from marea.sql.aggregate import ROOT, Aggregate, Relation, Stamp
from marea.sql.dates import LOOKED_AT
from marea.sql.dialect import Dialect, Parameter, Query

AT = "$at"  # the stamp that brought a row into a page: its own, or its related rows' latest
SETTLED = "$settled"  # 1 when no transaction can still write a stamp as old as `$at`, else 0
PARENT = "$parent"  # which key of the key list a related row belongs to, counted from 0
HORIZON = "$horizon"
LATEST = "$latest"
FOUND = "$found"

_MARK = "\x00"


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far a feed has been read: everything up to `stamp`, and up to `key` within it."""

    stamp: str
    key: str | None = None
    """The last key read at `stamp`, as JSON text; None: all rows of that stamp, or none of them."""
    inclusive: bool = False
    """Without a key: whether the rows of `stamp` itself are still to be read."""


@dataclass(slots=True)
class _Text:
    """SQL under construction: values are marked where they stand and bound in that order."""

    dialect: Dialect
    values: list[Parameter] = field(default_factory=list)

    def bind(self, value: Parameter) -> str:
        self.values.append(value)
        return f"{_MARK}{len(self.values) - 1}{_MARK}"

    def query(self, text: str) -> Query:
        head, *rest = text.split(_MARK)
        out = [self.dialect.escape(head)]
        bound: list[Parameter] = []
        for index, following in zip(rest[::2], rest[1::2], strict=True):
            bound.append(self.values[int(index)])
            out.append(self.dialect.placeholder(len(bound)) + self.dialect.escape(following))
        return Query("".join(out), tuple(bound))


@dataclass(frozen=True, slots=True)
class Pages:
    """Composes the queries of one entity in one dialect.

    In every query the root table is `r`; SQL written by a user stands in parentheses.
    """

    dialect: Dialect
    aggregate: Aggregate

    # -- pages of root rows: the columns needed, then STAMP, AT, SETTLED ---------------

    def columns(self) -> tuple[Column, ...]:
        """The columns of a page of root rows, in order."""
        return (*self.aggregate.columns, _text(STAMP), _text(AT), _integer(SETTLED))

    def everything(self, after: str | None) -> Query:
        """All root rows in key order; with `after`, a key as JSON text, only those behind it."""
        text = _Text(self.dialect)
        conditions = [self._where()]
        if after is not None:
            conditions.append(_behind(self._key_names(), self._key_values(text, after)))
        return text.query(f"{self._select(text)}{_all(conditions)} ORDER BY {', '.join(self._key_names())}")

    def changed(
        self,
        feed: str,
        since: Mapping[str, Cursor | None],
        horizon: str | None,
        among: str | None = None,
    ) -> Query:
        """Root rows that changed in one feed since its cursor, in the order (stamp, key).

        `since` holds every feed's cursor as it was when the run began; None reads all rows
        that have a stamp. Rows that an earlier feed covers are left out, so that a record
        whose root and related rows changed is read once. `among`, a JSON array of keys, asks
        for these records alone.
        """
        text = _Text(self.dialect)
        if feed == ROOT:
            stamp = _of(self.aggregate.stamp)
            source = self._select(text, stamp, horizon)
        else:
            stamp = Stamp(f"f.{self._quote(AT)}", self._line(feed)[-1].stamp.native)  # type: ignore[union-attr]
            source = (
                f"{self._select(text, stamp, horizon)} JOIN {self._changed_roots(text, feed, since[feed])}"
            )
        if among is not None:
            source = f"{source} JOIN {self._key_join(text, among, self.aggregate.key, 'r')}"
        conditions = [self._where(), self._since(text, stamp, since[feed])]
        conditions += [self._not_in(text, earlier, since[earlier]) for earlier in self._before(feed)]
        order = ", ".join([stamp.expression, *self._key_names()])
        return text.query(f"{source}{_all(conditions)} ORDER BY {order}")

    def keys(self, keys: str) -> Query:
        """The root rows of a JSON array of keys, in no order; rows that are gone are missing."""
        text = _Text(self.dialect)
        select = self._select(text)
        return text.query(
            f"{select} JOIN {self._key_join(text, keys, self.aggregate.key, 'r')}{_all([self._where()])}"
        )

    def repeated(self, among: str | None) -> Query:
        """The key columns of keys that several root rows have; `among`, a JSON array, asks for these alone.

        Keys that the source takes for equal are one here, however they are spelt.
        """
        text = _Text(self.dialect)
        names = ", ".join(self._key_names())
        rows = self._roots()
        if among is not None:
            rows = f"{rows} JOIN {self._key_join(text, among, self.aggregate.key, 'r')}"
        selects = ", ".join(self._read("r", self.aggregate.key))
        return text.query(
            f"SELECT {selects} FROM {rows}{_all([self._where()])} GROUP BY {names} HAVING count(*) > 1"
        )

    def keyless(self) -> Query:
        """One row `COUNT`: how many of the first `LOOKED_AT` root rows have NULL in their key."""
        empty = " OR ".join(f"{name} IS NULL" for name in self._key_names())
        selects = f"CASE WHEN {empty} THEN 1 END AS one"
        rows = f"SELECT {selects} FROM {self._roots()}{_all([self._where()])}"
        first = self.dialect.limit(rows, LOOKED_AT)
        return _Text(self.dialect).query(f"SELECT count(one) AS seen FROM ({first}) x")

    def matching(self, condition: str) -> Query:
        """The root rows that fulfil a condition in the source's own SQL, in key order."""
        text = _Text(self.dialect)
        conditions = _all([self._where(), f"({condition})"])
        return text.query(f"{self._select(text)}{conditions} ORDER BY {', '.join(self._key_names())}")

    # -- rows of a relation: PARENT, the columns needed, STAMP when it has one ---------

    def related_columns(self, relation: Relation) -> tuple[Column, ...]:
        """The columns of `related`, in order."""
        stamp = (_text(STAMP),) if relation.stamp else ()
        return (_integer(PARENT), *relation.columns, *stamp)

    def related(self, relation: Relation, keys: str) -> Query:
        """The rows of a relation whose join values are in a JSON array of such values."""
        text = _Text(self.dialect)
        selects = [f"k.n AS {self._quote(PARENT)}", *self._read("c", relation.columns)]
        if relation.stamp:
            selects.append(f"{self._stamp_text(relation.stamp)} AS {self._quote(STAMP)}")
        joins = self._key_join(text, keys, tuple(own for own, _ in relation.on), "c")
        where = _all([f"({relation.where})" if relation.where else ""])
        return text.query(f"SELECT {', '.join(selects)} FROM {self._table(relation)} c JOIN {joins}{where}")

    # -- horizons: how far a cursor may move -------------------------------------------

    HORIZON_COLUMNS: ClassVar = (Column(HORIZON, pa.string(), ""), Column(LATEST, pa.string(), ""))

    def horizon(self, feed: str, lag: float) -> Query:
        """One row: a feed's horizon, and its latest stamp before the horizon.

        The horizon is the source's own clock. A stamp that is no time has no clock: its
        latest value takes the place, so that rows of that value are read again.
        """
        table, stamp, native = self.feed(feed)
        clock = self.dialect.clock(native, lag) or f"(SELECT max({stamp}) FROM {table})"
        settled = f"(SELECT max({stamp}) FROM {table} WHERE {stamp} < {clock})"
        last = self.dialect.stamp_out(settled, native)
        horizon = self.dialect.stamp_out(clock, native)
        selects = f"{horizon} AS {self._quote(HORIZON)}, {last} AS {self._quote(LATEST)}"
        return _Text(self.dialect).query(f"SELECT {selects}")

    def feed(self, name: str) -> tuple[str, str, str]:
        """A feed as SQL: its table under its alias, its stamp, and the stamp's type."""
        if name == ROOT:
            table, stamp = self._roots(), self.aggregate.stamp
        else:
            relation = self._line(name)[-1]
            table, stamp = f"{self._table(relation)} c", relation.stamp
        return table, _of(stamp).expression, _of(stamp).native

    # -- parts ---------------------------------------------------------------------------

    def _quote(self, name: str) -> str:
        return self.dialect.quote(name)

    def _table(self, relation: Relation) -> str:
        return self.dialect.table(relation.table.name)

    def _names(self, alias: str, columns: Sequence[Column]) -> list[str]:
        return [f"{alias}.{self._quote(column.name)}" for column in columns]

    def _key_names(self) -> list[str]:
        return self._names("r", self.aggregate.key)

    def _read(self, alias: str, columns: Sequence[Column]) -> list[str]:
        named = zip(self._names(alias, columns), columns, strict=True)
        return [f"{self.dialect.read(name, column)} AS {self._quote(column.name)}" for name, column in named]

    def _where(self) -> str:
        return f"({self.aggregate.where})" if self.aggregate.where else ""

    def _stamp_text(self, stamp: Stamp | None) -> str:
        return self.dialect.stamp_out(stamp.expression, stamp.native) if stamp else "NULL"

    def _select(self, text: _Text, at: Stamp | None = None, horizon: str | None = None) -> str:
        settled = "0"
        if at and horizon is not None:
            limit = self.dialect.stamp_in(text.bind(horizon), at.native)
            settled = f"CASE WHEN {at.expression} < {limit} THEN 1 ELSE 0 END"
        selects = [
            *self._read("r", self.aggregate.columns),
            f"{self._stamp_text(self.aggregate.stamp)} AS {self._quote(STAMP)}",
            f"{self._stamp_text(at)} AS {self._quote(AT)}",
            f"{settled} AS {self._quote(SETTLED)}",
        ]
        return f"SELECT {', '.join(selects)} FROM {self._roots()}"

    def _roots(self) -> str:
        return f"{self.dialect.table(self.aggregate.table.name)} r"

    def _since(self, text: _Text, stamp: Stamp, cursor: Cursor | None) -> str:
        if cursor is None or cursor.key is None:
            return _since(self.dialect, text, stamp, cursor)
        limit = self.dialect.stamp_in(text.bind(cursor.stamp), stamp.native)
        return _behind([stamp.expression, *self._key_names()], [limit, *self._key_values(text, cursor.key)])

    def _key_values(self, text: _Text, key: str) -> list[str]:
        parts = json.loads(key, parse_float=str)
        values = parts if isinstance(parts, list) else [parts]
        bound = [text.bind(self.dialect.key_value(value)) for value in values]
        return [
            self.dialect.key_in(mark, column) for mark, column in zip(bound, self.aggregate.key, strict=True)
        ]

    # -- changes in related tables -------------------------------------------------------

    def _line(self, feed: str) -> tuple[Relation, ...]:
        return next(line for line in self.aggregate.lineages() if line[-1].path == feed)

    def _before(self, feed: str) -> list[str]:
        feeds = self.aggregate.feeds()
        return feeds[: feeds.index(feed)]

    def _changed_rows(self, text: _Text, feed: str, cursor: Cursor | None) -> str:
        """A SELECT of the root's join values (j0, j1, …) and the latest stamp of their changed rows.

        The innermost table is filtered by its stamp; each table above hands its own join
        values up, so that a row of any depth leads to its root.
        """
        line = self._line(feed)
        relation = line[-1]
        stamp = _of(relation.stamp)
        loose = (
            Cursor(cursor.stamp, None, inclusive=cursor.inclusive or cursor.key is not None)
            if cursor
            else None
        )
        where = _all([f"({relation.where})" if relation.where else "", self._since(text, stamp, loose)])
        select = self._grouped(relation, f"{self._table(relation)} c{where}", stamp.expression)
        for above, below in zip(line[-2::-1], line[:0:-1], strict=True):
            pairs = self._pairs("x", "c", below)
            joined = f"{self._table(above)} c JOIN ({select}) x ON {pairs}"
            select = self._grouped(above, joined, f"x.{self._quote(AT)}")
        return select

    def _grouped(self, relation: Relation, source: str, at: str) -> str:
        names = self._names("c", [own for own, _ in relation.on])
        selects = [f"{name} AS j{index}" for index, name in enumerate(names)]
        columns = ", ".join([*selects, f"max({at}) AS {self._quote(AT)}"])
        return f"SELECT {columns} FROM {source} GROUP BY {', '.join(names)}"

    def _pairs(self, alias: str, parent: str, relation: Relation) -> str:
        columns = self._names(parent, [above for _, above in relation.on])
        return " AND ".join(f"{alias}.j{index} = {column}" for index, column in enumerate(columns))

    def _changed_roots(self, text: _Text, feed: str, cursor: Cursor | None) -> str:
        return f"({self._changed_rows(text, feed, cursor)}) f ON {self._pairs('f', 'r', self._line(feed)[0])}"

    def _not_in(self, text: _Text, feed: str, cursor: Cursor | None) -> str:
        """True for root rows that an earlier feed does not bring: NULL stamps are not brought."""
        if feed == ROOT:
            covered = self._since(text, _of(self.aggregate.stamp), cursor)
            return f"CASE WHEN {covered} THEN 1 ELSE 0 END = 0"
        line = self._line(feed)
        rows = self._changed_rows(text, feed, cursor)
        # Exactly what that feed brings, its cursor's key included: rows at the cursor are read by none.
        brought = self._since(text, Stamp(f"e.{self._quote(AT)}", _of(line[-1].stamp).native), cursor)
        pairs = self._pairs("e", "r", line[0])
        return f"NOT EXISTS (SELECT 1 FROM ({rows}) e WHERE {pairs} AND {brought})"

    def _key_join(self, text: _Text, keys: str, columns: Sequence[Column], alias: str) -> str:
        rows = self.dialect.key_rows(text.bind(keys), columns)
        pairs = [f"{name} = k.k{index}" for index, name in enumerate(self._names(alias, columns))]
        return f"{rows} k ON {' AND '.join(pairs)}"


def anything_new(dialect: Dialect, table: str, stamp: Stamp, cursor: Cursor | None) -> Query:
    """One row when a feed has a stamp behind its cursor, none otherwise; needs no binding.

    `table` and the stamp are as `Pages.feed` gives them. The entity's filter is not asked:
    what lies outside it is sorted out by the read that follows.
    """
    text = _Text(dialect)
    loose = (
        replace(cursor, key=None, inclusive=cursor.inclusive or cursor.key is not None) if cursor else None
    )
    found = f"SELECT 1 AS {dialect.quote(FOUND)} FROM {table} WHERE {_since(dialect, text, stamp, loose)}"
    return text.query(dialect.limit(found, 1))


def _since(dialect: Dialect, text: _Text, stamp: Stamp, cursor: Cursor | None) -> str:
    """Stamps behind a cursor that stands at no key."""
    if cursor is None:
        return f"{stamp.expression} IS NOT NULL"
    limit = dialect.stamp_in(text.bind(cursor.stamp), stamp.native)
    return f"{stamp.expression} {'>=' if cursor.inclusive else '>'} {limit}"


def _text(name: str) -> Column:
    return Column(name, pa.string(), "")


def _integer(name: str) -> Column:
    return Column(name, pa.int64(), "")


def _of(stamp: Stamp | None) -> Stamp:
    if stamp is None:
        raise ValueError("a table without a last-edit date is no feed")
    return stamp


def _all(conditions: Sequence[str]) -> str:
    present = [condition for condition in conditions if condition]
    return f" WHERE {' AND '.join(present)}" if present else ""


def _behind(names: Sequence[str], values: Sequence[str]) -> str:
    """(names) > (values) in key order, spelt out: not every database compares rows by an index."""
    if len(names) == 1:
        return f"{names[0]} > {values[0]}"
    inner = _behind(names[1:], values[1:])
    return f"{names[0]} >= {values[0]} AND ({names[0]} > {values[0]} OR ({inner}))"
