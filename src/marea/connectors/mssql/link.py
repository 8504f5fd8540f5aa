"""Owns one connection to SQL Server through Microsoft's driver, its errors translated."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from marea.connectors.failures import Kind
from marea.connectors.mssql.failures import kind, translate
from marea.connectors.mssql.options import Login
from marea.sql.dialect import Parameter

if TYPE_CHECKING:
    import pyarrow as pa

SETUP = "SET XACT_ABORT ON; SET DATEFORMAT ymd; SET NOCOUNT OFF; SET LOCK_TIMEOUT 30000"
"""An error undoes the whole transaction, dates read the same in every language, waits for locks end."""

SNAPSHOTS = "SELECT snapshot_isolation_state FROM sys.databases WHERE database_id = DB_ID()"


class Link:
    """One connection in transactions; every method raises errors of `marea.errors` alone."""

    def __init__(self, login: Login, *, writing: bool = False) -> None:
        import mssql_python

        self.login = login
        self.lost = False
        self._writing = writing
        self._errors = (mssql_python.Error, mssql_python.Warning, RuntimeError, OSError)
        with self.translated():
            self._connection: Any = mssql_python.connect(login.connection_string, autocommit=False)
        self.run(SETUP)

    def rows(self, text: str, parameters: Sequence[Parameter] = ()) -> list[tuple[Any, ...]]:
        """Runs a query with ? placeholders and gives all its rows."""
        with self.translated(), self._cursor() as cursor:
            cursor.execute(text, *parameters)
            return [tuple(row) for row in cursor.fetchall()]

    def run(self, text: str, parameters: Sequence[Parameter] = ()) -> int:
        """Runs a statement with ? placeholders; gives the rows it changed."""
        with self.translated(), self._cursor() as cursor:
            cursor.execute(text, *parameters)
            return int(cursor.rowcount)

    def stream(self, text: str, parameters: Sequence[Parameter], rows: int) -> Iterator[pa.RecordBatch]:
        """The rows of a query as the driver's own Arrow batches."""
        with self._cursor() as cursor:
            with self.translated():
                cursor.execute(text, *parameters)
            while True:
                with self.translated():
                    batch = cursor.arrow_batch(rows)
                if not batch.num_rows:
                    return
                yield batch

    def isolate(self) -> None:
        """One moment for all reads where the database allows it, else what is committed at each read."""
        level = "SNAPSHOT" if self.rows(SNAPSHOTS) == [(1,)] else "READ COMMITTED"
        self.rollback()
        self.run(f"SET TRANSACTION ISOLATION LEVEL {level}")

    def commit(self) -> None:
        """Makes the transaction last."""
        with self.translated():
            self._connection.commit()

    def rollback(self) -> None:
        """Forgets the transaction; a connection on which this fails is lost."""
        try:
            self._connection.rollback()
        except self._errors:
            self.lost = True

    def close(self) -> None:
        """Gives the connection back. Repeatable."""
        self.lost = True
        with suppress(*self._errors):
            self._connection.close()

    @contextmanager
    def translated(self) -> Iterator[None]:
        """Turns the driver's errors into Marea's."""
        try:
            yield
        except self._errors as error:
            self.lost = self.lost or kind(error) is Kind.LOST
            raise translate(error, self.login, writing=self._writing) from None

    @contextmanager
    def _cursor(self) -> Iterator[Any]:
        with self.translated():
            cursor = self._connection.cursor()
        try:
            yield cursor
        finally:
            with suppress(*self._errors):
                cursor.close()
