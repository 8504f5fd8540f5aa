"""Owns the SELECTs that find changes by who wrote a row: what transactions from a number on wrote."""

from __future__ import annotations

from dataclasses import dataclass, field

import pyarrow as pa

from marea.ports import Column
from marea.sql.aggregate import ROOT, Stamp
from marea.sql.dialect import Dialect, Query
from marea.sql.feeds import Feeds
from marea.sql.parts import text_column

MOMENT = (Column("oldest", pa.int64(), ""), Column("next", pa.int64(), ""), text_column("server"))
"""What `Dialect.transactions` gives."""

NUMBER = "bigint"


@dataclass(frozen=True, slots=True)
class Transactions(Feeds):
    """As `Feeds`, for every table: the number of the transaction that wrote a row is its stamp."""

    next: int = field(kw_only=True)
    """The first number that no transaction has yet, as the snapshot has it."""

    def feeds(self) -> list[str]:
        """The root, then all relations, dated or not."""
        return [path for path, _ in self.aggregate.tables()]

    def stamp(self, feed: str) -> Stamp:
        """The number of the transaction that wrote a row."""
        return numbered(self.dialect, "r" if feed == ROOT else "c", self.next)


def numbered(dialect: Dialect, row: str, next_: int) -> Stamp:
    """The number of the transaction that wrote a row of an alias. Raises ValueError where rows have none."""
    number = dialect.transaction(row, next_)
    if number is None:
        raise ValueError(f"rows of {dialect.name} do not tell who wrote them")
    return Stamp(number, NUMBER)


def written(dialect: Dialect, table: str, since: int, next_: int) -> Query:
    """A row where any row of a table was written by a transaction of a number from `since` on; else none.

    `table` is as `Feeds.feed` gives it, its alias the last word.
    """
    stamp = numbered(dialect, table.rpartition(" ")[2], next_)
    return Query(dialect.limit(f"SELECT 1 AS found FROM {table} WHERE {stamp.expression} >= {since}", 1))
