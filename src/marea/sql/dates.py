"""Owns the questions that tell whether the last-edit dates of a table can be trusted, each with a bound.

However large the table is, a question reads no more than `LOOKED_AT` of its rows: the first ones
as the database gives them, or those that an index leads to.
"""

from __future__ import annotations

import pyarrow as pa

from marea.ports import Column
from marea.sql.dialect import NO_DATE, Dialect, Query

LOOKED_AT = 100_000

LEADING = (Column("column_name", pa.string(), ""),)
SAMPLE = tuple(Column(name, pa.int64(), "") for name in ("seen", "undated", "ahead"))
FORMS = (Column("form", pa.string(), ""), Column("seen", pa.int64(), ""))
COUNT = (Column("seen", pa.int64(), ""),)


class Dates:
    """The questions about one table; `table`, `stamp` and `native` are as `Feeds.feed` gives them."""

    def __init__(self, dialect: Dialect, table: str, stamp: str, native: str, where: str | None) -> None:
        self._dialect = dialect
        self._table = table
        self._stamp = stamp
        self._native = native
        self._where = where

    def sample(self) -> Query:
        """One row `SAMPLE`: the rows looked at; of the filter, those without a date, and with one to come."""
        soon = self._soon()
        ahead = f"count(CASE WHEN kept = 1 AND s > {soon} AND {self._dated()} THEN 1 END)" if soon else "0"
        undated = "count(CASE WHEN kept = 1 AND s IS NULL THEN 1 END)"
        selects = f"count(*) AS seen, {undated} AS undated, {ahead} AS ahead"
        return self._query(f"SELECT {selects} FROM ({self._first()}) x")

    def forms(self) -> Query | None:
        """Rows `FORMS`, the most frequent first: how dates are written, where that decides their order."""
        form = self._dialect.form("s")
        if form is None:
            return None
        return self._query(
            f"SELECT {form} AS form, count(*) AS seen FROM ({self._first()}) x "
            f"WHERE s IS NOT NULL AND kept = 1 GROUP BY {form} ORDER BY count(*) DESC, {form}"
        )

    def undated(self) -> Query:
        """One row `COUNT`: the rows without a date, as an index finds them, those outside the filter too."""
        return self._counted(f"{self._stamp} IS NULL", "1 = 1")

    def ahead(self) -> Query | None:
        """One row `COUNT`: the rows with a date in the future, in the same way; None without a clock."""
        soon = self._soon()
        return self._counted(f"{self._stamp} > {soon}", self._dated()) if soon else None

    def _soon(self) -> str | None:
        return self._dialect.ahead(self._native)

    def _dated(self) -> str:
        """Whether `s` is a date at all, where its type does not say so."""
        form = self._dialect.form("s")
        return f"{form} <> '{NO_DATE}'" if form else "1 = 1"

    def _first(self) -> str:
        kept = f"CASE WHEN ({self._where}) THEN 1 ELSE 0 END" if self._where else "1"
        return self._dialect.limit(f"SELECT {self._stamp} AS s, {kept} AS kept FROM {self._table}", LOOKED_AT)

    def _counted(self, indexed: str, condition: str) -> Query:
        """Of the first rows that an index finds by the one condition, those that fulfil the other."""
        found = f"SELECT {self._stamp} AS s FROM {self._table} WHERE {indexed}"
        rows = self._dialect.limit(found, LOOKED_AT)
        return self._query(f"SELECT count(*) AS seen FROM ({rows}) x WHERE {condition}")

    def _query(self, text: str) -> Query:
        return Query(self._dialect.escape(text))
