"""Owns what all SELECTs of an entity are made of: bound values, columns, conditions on keys."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field

import pyarrow as pa

from marea.ports import DIGEST, STAMP, Column
from marea.sql.aggregate import Aggregate, Relation, Stamp
from marea.sql.dialect import HASHES, Dialect, Parameter, Query

AT = "$at"  # the stamp that brought a row into a page: its own, or its related rows' latest
BEFORE_HORIZON = "$before"  # 1 when no transaction can still write a stamp as old as `$at`, else 0

BUCKETS = 1024

_MARK = "\x00"


@dataclass(slots=True)
class Text:
    """SQL under construction: values are marked where they stand and bound in that order."""

    dialect: Dialect
    values: list[Parameter] = field(default_factory=list)

    def bind(self, value: Parameter) -> str:
        """A mark for a value, to be written where it stands."""
        self.values.append(value)
        return f"{_MARK}{len(self.values) - 1}{_MARK}"

    def query(self, text: str) -> Query:
        """The finished query, its marks replaced by the placeholders of the dialect."""
        head, *rest = text.split(_MARK)
        out = [self.dialect.escape(head)]
        bound: list[Parameter] = []
        for index, following in zip(rest[::2], rest[1::2], strict=True):
            bound.append(self.values[int(index)])
            out.append(self.dialect.placeholder(len(bound)) + self.dialect.escape(following))
        return Query("".join(out), tuple(bound))


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of one entity's queries in one dialect.

    In every query the root table is `r`; SQL written by a user stands in parentheses.
    """

    dialect: Dialect
    aggregate: Aggregate
    salt: int | None = None
    """With what the digests are made that rows come with (`marea.sql.digests`); None: they have none."""

    def columns(self) -> tuple[Column, ...]:
        """The columns of a page of root rows, in order."""
        told = (text_column(STAMP), text_column(AT), integer_column(BEFORE_HORIZON))
        return (*self.aggregate.columns, *told, *self.digest_columns())

    def digest_columns(self) -> tuple[Column, ...]:
        """DIGEST, where rows come with it."""
        return () if self.salt is None else (integer_column(DIGEST),)

    def digest(self) -> list[str]:
        """What selects DIGEST of a root row alone, where rows come with it."""
        if self.salt is None:
            return []
        it = self.aggregate
        content = self.hashed("r", (*it.key, *it.columns), it.stamp, self.salt)
        return [f"{self.bucket()} * {HASHES} + {content} AS {self.quote(DIGEST)}"]

    def bucket(self) -> str:
        """The bucket of a root row: a number from 0, below `BUCKETS`, that its key alone decides."""
        return f"({self.dialect.hashed(self._typed('r', self.aggregate.key), 0)} % {BUCKETS})"

    def hashed(self, alias: str, columns: Sequence[Column], stamp: Stamp | None, salt: int) -> str:
        """The hash of a row: of these columns, none twice, and its stamp."""
        distinct = tuple(dict.fromkeys(columns))
        stamped = [(stamp.expression, stamp.native)] if stamp else []
        return self.dialect.hashed([*self._typed(alias, distinct), *stamped], salt)

    def related_hash(self, relation: Relation, salt: int) -> str:
        """The hash of a row of a relation, under `c`: of what is read of it, and where it belongs."""
        columns = (*self.own(relation), *relation.order, *relation.columns)
        return self.hashed("c", columns, relation.stamp, salt)

    def own(self, relation: Relation) -> tuple[Column, ...]:
        """The columns of a relation that join it to the table above."""
        return tuple(own for own, _ in relation.on)

    def _typed(self, alias: str, columns: Sequence[Column]) -> list[tuple[str, str]]:
        return list(zip(self.names(alias, columns), (column.native for column in columns), strict=True))

    def quote(self, name: str) -> str:
        """An identifier."""
        return self.dialect.quote(name)

    def table(self, relation: Relation) -> str:
        """The table of a relation."""
        return self.dialect.table(relation.table.name)

    def names(self, alias: str, columns: Sequence[Column]) -> list[str]:
        """Columns under an alias."""
        return [f"{alias}.{self.quote(column.name)}" for column in columns]

    def key_names(self) -> list[str]:
        """The key columns of the root rows."""
        return self.names("r", self.aggregate.key)

    def read(self, alias: str, columns: Sequence[Column]) -> list[str]:
        """What selects columns as the source reads them, each under its own name."""
        named = zip(self.names(alias, columns), columns, strict=True)
        return [f"{self.dialect.read(name, column)} AS {self.quote(column.name)}" for name, column in named]

    def where(self) -> str:
        """The filter of the entity, or nothing."""
        return f"({self.aggregate.where})" if self.aggregate.where else ""

    def stamp_text(self, stamp: Stamp | None) -> str:
        """A stamp as text, NULL where there is none."""
        return self.dialect.stamp_out(stamp.expression, stamp.native) if stamp else "NULL"

    def select(
        self, text: Text, at: Stamp | None = None, horizon: str | None = None, among: str | None = None
    ) -> str:
        """SELECT … FROM the root rows; `at` is the stamp that brings them, before `horizon` or not.

        `among`, a JSON array of keys, asks for these alone.
        """
        before = "0"
        if at and horizon is not None:
            limit = self.dialect.stamp_in(text.bind(horizon), at.native)
            before = f"CASE WHEN {at.expression} < {limit} THEN 1 ELSE 0 END"
        selects = [
            *self.read("r", self.aggregate.columns),
            f"{self.stamp_text(self.aggregate.stamp)} AS {self.quote(STAMP)}",
            f"{self.stamp_text(at)} AS {self.quote(AT)}",
            f"{before} AS {self.quote(BEFORE_HORIZON)}",
            *self.digest(),
        ]
        return f"SELECT {', '.join(selects)} FROM {self.rows(text, among)}"

    def roots(self) -> str:
        """The root table under its alias."""
        return f"{self.dialect.table(self.aggregate.table.name)} r"

    def rows(self, text: Text, among: str | None) -> str:
        """The root table, or those of its rows that are in a JSON array of keys."""
        if among is None:
            return self.roots()
        return self.listed(text, self.roots(), among, self.key_names(), self.aggregate.key)

    def key_values(self, text: Text, key: str) -> list[str]:
        """The parts of a key (JSON text) as values to compare its columns with."""
        parts = json.loads(key, parse_float=str)
        values = parts if isinstance(parts, list) else [parts]
        bound = [text.bind(self.dialect.key_value(value)) for value in values]
        return [
            self.dialect.key_in(mark, column) for mark, column in zip(bound, self.aggregate.key, strict=True)
        ]

    def _pairs(self, alias: str, parent: str, relation: Relation) -> str:
        """What joins a SELECT of a relation's values (j0, j1, …) to the table above."""
        columns = self.names(parent, [above for _, above in relation.on])
        return " AND ".join(f"{alias}.j{index} = {column}" for index, column in enumerate(columns))

    def listed(
        self, text: Text, rows: str, keys: str, names: Sequence[str], columns: Sequence[Column]
    ) -> str:
        """What follows FROM to keep the rows whose columns are in a JSON array of keys, as `k`."""
        listed = self.dialect.key_rows(text.bind(keys), columns)
        pairs = [f"{name} = k.marea_k{index}" for index, name in enumerate(names)]
        return self.dialect.looked_up(rows, f"{listed} k", " AND ".join(pairs))


def spelt(dialect: Dialect, columns: Sequence[Column], keys: str) -> Query:
    """The columns of a JSON array of keys as the source itself reads and writes them."""
    text = Text(dialect)
    listed = dialect.key_rows(text.bind(keys), columns)
    selects = [
        f"{dialect.read(f'k.marea_k{index}', column)} AS {dialect.quote(column.name)}"
        for index, column in enumerate(columns)
    ]
    return text.query(f"SELECT {', '.join(selects)} FROM {listed} k")


def text_column(name: str) -> Column:
    """A column of text that no table has."""
    return Column(name, pa.string(), "")


def integer_column(name: str) -> Column:
    """A column of whole numbers that no table has."""
    return Column(name, pa.int64(), "")


def filtered(conditions: Sequence[str]) -> str:
    """WHERE and all conditions that are not empty, or nothing."""
    present = [condition for condition in conditions if condition]
    return f" WHERE {' AND '.join(present)}" if present else ""


def behind(names: Sequence[str], values: Sequence[str]) -> str:
    """(names) > (values) in key order, spelt out: not every database compares rows by an index."""
    if len(names) == 1:
        return f"{names[0]} > {values[0]}"
    inner = behind(names[1:], values[1:])
    return f"{names[0]} >= {values[0]} AND ({names[0]} > {values[0]} OR ({inner}))"
