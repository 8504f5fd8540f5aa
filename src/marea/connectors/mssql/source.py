"""Owns SQL Server as a source. Never run against a server."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from marea.connectors.columns import Misfits, fit
from marea.connectors.mssql.catalogue import describe, describe_expression, tables
from marea.connectors.mssql.dialect import MssqlDialect
from marea.connectors.mssql.link import Link
from marea.connectors.mssql.options import Login
from marea.connectors.mssql.writers import writers
from marea.ports import Column, Table, Writers
from marea.sql.dialect import Query

if TYPE_CHECKING:
    import pyarrow as pa

T = TypeVar("T")


class MssqlSource:
    """A database to read from; each call has a connection of its own, which the driver pools."""

    def __init__(self, login: Login) -> None:
        self._login = login
        self._dialect = MssqlDialect()

    @property
    def dialect(self) -> MssqlDialect:
        """The SQL of SQL Server."""
        return self._dialect

    def describe(self, table: str) -> Table | None:
        """The table or view; other schemas than the login's own are named `schema.table`."""
        return self._ask(lambda link: describe(link, table))

    def tables(self) -> list[str]:
        """The tables and views of the login's default schema."""
        return self._ask(tables)

    def type_of(self, table: str, expression: str) -> Column:
        """The type of an expression, as the server plans it without running it."""
        select = f"SELECT {expression} AS [type] FROM {self._dialect.table(table)}"
        return self._ask(lambda link: describe_expression(link, select, expression))

    @contextmanager
    def snapshot(self) -> Iterator[MssqlReader]:
        """Reads under SNAPSHOT isolation where the database allows it (ALLOW_SNAPSHOT_ISOLATION)."""
        reader = MssqlReader(self._login)
        try:
            yield reader
        finally:
            reader.close()

    def execute(self, query: Query) -> int:
        """Runs one statement in a transaction of its own; gives the rows it changed."""

        def run(link: Link) -> int:
            changed = link.run(query.text, query.parameters)
            link.commit()
            return changed

        return self._ask(run)

    def writers(self, *, fresh: bool = False) -> Writers:
        """From the views of transactions and requests."""
        return self._ask(writers)

    def close(self) -> None:
        """Nothing is held open between calls."""

    def _ask(self, call: Callable[[Link], T]) -> T:
        link = Link(self._login)
        try:
            return call(link)
        finally:
            link.close()


class MssqlReader:
    """Reads of one snapshot, for one thread; every open stream has a connection, whose moment is its own.

    The transaction is rolled back at the end, so that nothing a query may have written stays.
    """

    def __init__(self, login: Login) -> None:
        self._login = login
        self._links: list[Link] = []
        first = Link(login)
        self._links.append(first)
        first.isolate()
        self._free = [first]

    def stream(self, query: Query, columns: Sequence[Column], rows: int) -> Iterator[pa.Table]:
        """The rows of a query as the columns' types, about `rows` at a time."""
        import pyarrow as pa

        link = self._free.pop() if self._free else self._begin()
        try:
            for batch in link.stream(query.text, query.parameters, rows):
                misfits = Misfits()
                yield misfits.on(fit(pa.Table.from_batches([batch]), columns, misfits))
        finally:
            if not link.lost:
                self._free.append(link)

    def close(self) -> None:
        """Ends every transaction."""
        for link in self._links:
            link.rollback()
            link.close()
        self._links, self._free = [], []

    def _begin(self) -> Link:
        link = Link(self._login)
        self._links.append(link)
        link.isolate()
        return link
