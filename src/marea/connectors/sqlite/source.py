"""Owns SQLite as a source: one read transaction on a file opened read-only."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import TYPE_CHECKING, Any

from marea.config.settings import SystemSettings
from marea.connectors.noting import VIEW, Noter, unwatchable
from marea.connectors.sqlite import catalogue
from marea.connectors.sqlite.dialect import SqliteDialect
from marea.connectors.sqlite.file import opened, translated
from marea.connectors.sqlite.values import arranged, bytewise, decoded
from marea.connectors.sqlite.writers import writers
from marea.errors import ConfigurationError
from marea.ports import Column, Table
from marea.sql.dialect import Parameter, Query

if TYPE_CHECKING:
    import apsw
    import pyarrow as pa

    from marea.capabilities import Watched
    from marea.connectors.sqlite.triggers import SqliteTriggers
    from marea.connectors.triggers import Made, Triggers
    from marea.ports import Reader, Writers

HINDRANCE = (
    "not in WAL mode: programs that write to the file wait while a run reads and delivers; "
    "to end this say there once: PRAGMA journal_mode=WAL"
)


class SqliteSource(Noter):
    """A SQLite file that is only read, but for `execute`."""

    def __init__(self, system: SystemSettings) -> None:
        self._system = system
        self.dialect = SqliteDialect()

    def describe(self, table: str) -> Table | None:
        """From the pragmas; views too."""
        with self._connection() as connection:
            return catalogue.describe(connection, table)

    def type_of(self, table: str, expression: str) -> Column:
        """As declared for a column, or for the columns of one type that an expression chooses among."""
        with self._connection() as connection:
            found = catalogue.describe(connection, table)
            if found is None:
                raise ConfigurationError.single(f'{self._system.name} has no table "{table}"')
            column = found.column(expression)
            if column:
                return column
            connection.execute(f"SELECT ({expression}) FROM {self.dialect.table(found.name)} AS r LIMIT 0")
        native = catalogue.expression_type(found, expression)
        return Column(expression, catalogue.arrow_type(native), native)

    def tables(self) -> list[str]:
        """All tables but SQLite's own."""
        with self._connection() as connection:
            return catalogue.tables(connection)

    def writers(self, *, fresh: bool = False) -> Writers:
        """By taking the right to write, which is given back at once."""
        return writers(self._system)

    @contextmanager
    def snapshot(self) -> Iterator[Reader]:
        """One read transaction; a writer of a file that is not in WAL mode waits for its end."""
        with self._connection() as connection:
            with translated(self._system):
                connection.execute("BEGIN")
                list(connection.execute("SELECT 1 FROM sqlite_schema LIMIT 1"))
            yield _Snapshot(self._system, connection)

    def execute(self, query: Query) -> int:
        """One statement in a transaction of its own, on a connection that may write."""
        with self._connection(write=True) as connection:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute(query.text, query.parameters)
            changed = connection.changes()
            connection.execute("COMMIT")
            return changed

    def hindrance(self) -> str:
        """Outside WAL mode a writer waits for the end of a read transaction."""
        with self._connection() as connection:
            mode = str(connection.pragma("journal_mode"))
        return "" if mode == "wal" else HINDRANCE

    def let_go(self, queries: Sequence[Query]) -> None:
        """In one transaction."""
        self._write([(query.text, query.parameters) for query in queries])

    def carry_out(self, statements: Sequence[str]) -> None:
        """All in one transaction."""
        self._write([(statement, ()) for statement in statements])

    def script(self, statements: Sequence[str]) -> str:
        """For the program sqlite3."""
        return "\n".join(["BEGIN IMMEDIATE;", *(f"{statement};" for statement in statements), "COMMIT;"])

    def _write(self, statements: Sequence[tuple[str, tuple[Parameter, ...]]]) -> None:
        with self._connection(write=True) as connection:
            connection.execute("BEGIN IMMEDIATE")
            for text, parameters in statements:
                connection.execute(text, parameters)
            connection.execute("COMMIT")

    def _triggers(self, watched: Sequence[Watched]) -> SqliteTriggers:
        from marea.connectors.sqlite.triggers import SqliteTriggers

        with self._connection() as connection:
            views = [one.table.name for one in watched if not catalogue.is_table(connection, one.table.name)]
        if views:
            raise unwatchable(views, *VIEW)
        return SqliteTriggers(self.dialect)

    def _made(self, triggers: Triggers) -> dict[str, Made]:
        from marea.connectors.triggers import Made

        with self._connection() as connection:
            rows = list(connection.execute(triggers.made().text))
        return {str(name): Made(str(place), str(mark)) for name, mark, place in rows}

    def close(self) -> None:
        """Nothing stays open between calls."""

    @contextmanager
    def _connection(self, *, write: bool = False) -> Iterator[apsw.Connection]:
        connection = opened(self._system, write=write)
        try:
            with translated(self._system):
                yield connection
        finally:
            connection.close(True)


class _Snapshot:
    """The reader of one snapshot; its streams take turns on the one connection."""

    def __init__(self, system: SystemSettings, connection: apsw.Connection) -> None:
        self._system = system
        self._connection = connection
        self._lock = threading.Lock()

    def stream(self, query: Query, columns: Sequence[Column], rows: int) -> Iterator[pa.Table]:
        """The rows of a query, fetched by so many; from one on that has a text in no encoding, as bytes."""
        done, cursor = 0, self._begun(query.text, query)
        fetched = self._fetched(cursor, rows)
        while fetched:
            yield arranged(fetched, columns)
            done += len(fetched)
            fetched = self._fetched(cursor, rows)
        if fetched is None:
            yield from self._as_bytes(query, columns, rows, done)

    def _as_bytes(self, query: Query, columns: Sequence[Column], rows: int, done: int) -> Iterator[pa.Table]:
        """The rows of a query after so many: what is no text comes as the bytes it is, which fit no text."""
        cursor = self._begun(bytewise(query.text, len(columns), done), query)
        encoding = str(self._connection.pragma("encoding"))
        while fetched := self._fetched(cursor, rows):
            yield arranged([decoded(row, encoding) for row in fetched], columns)

    def _begun(self, text: str, query: Query) -> apsw.Cursor:
        cursor = self._connection.cursor()
        with self._lock, translated(self._system):
            cursor.execute(text, query.parameters)
        return cursor

    def _fetched(self, cursor: apsw.Cursor, rows: int) -> list[tuple[Any, ...]] | None:
        """The next rows, none at the end; None where the driver cannot make texts of all of them."""
        with self._lock, translated(self._system):
            try:
                return list(islice(cursor, rows))
            except UnicodeDecodeError:
                return None
