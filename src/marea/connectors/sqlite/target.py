"""Owns SQLite as a target: its session, and its statements for a table that records land in."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import apsw

from marea.config.settings import SystemSettings
from marea.connectors.relational import RelationalTarget
from marea.connectors.session import Session
from marea.connectors.sqlite import catalogue
from marea.connectors.sqlite.address import path
from marea.connectors.sqlite.dialect import SqliteDialect, affinity
from marea.connectors.sqlite.file import opened, translated
from marea.connectors.sqlite.values import bound
from marea.connectors.statements import Landing, StandardStatements
from marea.ports import Column, Shape, Table

if TYPE_CHECKING:
    import pyarrow as pa


class SqliteStatements(StandardStatements):
    """What SQLite says differently."""

    strict = False

    def alters(self, type_: pa.DataType, column: Column) -> str:
        """A column inclined to numbers makes them of texts: a leading 0 is gone, 1e3 is 1000."""
        inclined = affinity(column.native) not in ("", "TEXT")
        return "makes numbers of texts, 01 and 1.0 one" if inclined and str(type_) == "string" else ""

    def order(self, verb: str, landing: Landing) -> str:
        """OR ABORT overrides an ON CONFLICT of the table, which ignores our row or takes another one's away.

        It overrides those of triggers too: it is said only where the table has one.
        """
        overridden = any(clause.startswith(catalogue.ON_CONFLICT) for clause in landing.table.yielding)
        return f"{verb} OR ABORT" if overridden else verb

    def bytewise(self, text: str) -> str:
        """Its bytes."""
        return f"CAST({text} AS BLOB)"

    def differs(self, one: str, other: str, landing: Landing) -> str:
        """Byte by byte, whatever a column's collation takes for equal."""
        left, right = self.qualified(one, landing.rest), self.qualified(other, landing.rest)
        pairs = zip(left, right, strict=True)
        return "(" + " OR ".join(f"{a} IS NOT {b} COLLATE BINARY" for a, b in pairs) + ")"

    def outdated(self, landing: Landing) -> str:
        """A row that differs: no trigger changes what an upsert compares with the row, before it does so."""
        return f" OR {self.differs('t', 's', landing)}" if landing.rest else ""


class SqliteSession(Session):
    """A connection that takes the write lock with its first statement that writes."""

    def __init__(self, system: SystemSettings) -> None:
        self._system = system
        self._connection = opened(system, write=True)

    def describe(self, name: str) -> Table | None:
        """From the pragmas, as the source does."""
        with translated(self._system, write=True):
            return catalogue.describe(self._connection, name)

    def tables(self) -> list[str]:
        """All tables but SQLite's own."""
        with translated(self._system, write=True):
            return catalogue.tables(self._connection)

    def execute(self, statement: str) -> int:
        """Runs one statement; what triggers change is not counted."""
        with translated(self._system, write=True):
            self._begin()
            self._connection.execute(statement)
            return int(self._connection.changes())

    def empty(self, table: str) -> bool:
        """Asks for one row."""
        with translated(self._system, write=True):
            return not list(self._connection.execute(f"SELECT 1 FROM {table} LIMIT 1"))

    def load(self, table: str, columns: Sequence[str], rows: pa.Table) -> int:
        """One prepared INSERT, bound row by row: none is lost, but in a table that is `yielding`."""
        names = ", ".join('"' + name.replace('"', '""') + '"' for name in columns)
        marks = ", ".join("?" * len(columns))
        with translated(self._system, write=True):
            self._begin()
            self._connection.executemany(f"INSERT INTO {table} ({names}) VALUES ({marks})", bound(rows))
        return int(rows.num_rows)

    def commit(self) -> None:
        """COMMIT, which also checks references that are deferred."""
        with translated(self._system, write=True):
            if self._connection.in_transaction:
                self._connection.execute("COMMIT")

    def rollback(self) -> None:
        """ROLLBACK."""
        with suppress(apsw.Error):
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")

    def close(self) -> None:
        """Closes."""
        with suppress(apsw.Error):
            self._connection.close(True)

    def _begin(self) -> None:
        if not self._connection.in_transaction:
            self._connection.execute("BEGIN IMMEDIATE")


class SqliteTarget(RelationalTarget):
    """The tables of a file, which the first connection makes where it is not there."""

    def __init__(self, system: SystemSettings) -> None:
        """Opens nothing yet."""
        super().__init__(system.name, lambda: SqliteSession(system), SqliteStatements(SqliteDialect()))
        self._file = Path(path(system))

    def would_make(self, shape: Shape) -> bool:
        """As any table; to ask whether a file lacks it, none is made."""
        if self._file.exists():
            return super().would_make(shape)
        makes, faults = self._options(shape)
        return makes and not faults
