"""Owns MariaDB and MySQL as a target: the session of a batch, and how rows are sent."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from marea.connectors.mysql.catalogue import describe, require_transactions, tables
from marea.connectors.mysql.columns import literals
from marea.connectors.mysql.dialect import MysqlDialect
from marea.connectors.mysql.link import Link
from marea.connectors.mysql.options import Login
from marea.connectors.mysql.statements import MysqlStatements
from marea.connectors.relational import RelationalTarget
from marea.connectors.session import Session
from marea.errors import BatchRefused
from marea.ports import Table

if TYPE_CHECKING:
    import pyarrow as pa

STATEMENT_BYTES = 1_000_000
"""How long an INSERT grows: longer ones were no faster."""
OVERHEAD_BYTES = 1024
"""What a statement and its packet need beside the rows, at most; names add to it."""

UTC = "'+00:00'"
SERVER = "@@global.time_zone"


def mysql_target(login: Login) -> RelationalTarget:
    """Tables of a database as a target; connects when it is first needed."""
    statements = MysqlStatements(MysqlDialect(login.zone))
    return RelationalTarget(login.system, lambda: MysqlSession(login), statements)


class MysqlSession(Session):
    """One connection in transactions.

    Rows are sent as multi-row INSERTs: LOAD DATA LOCAL was a third faster, but most servers
    refuse it. Statements run in the server's own zone, so that a DATETIME the server fills in by
    itself (CURRENT_TIMESTAMP) reads like those of other writers; rows with instants are sent in UTC.
    """

    def __init__(self, login: Login) -> None:
        self._link = Link(login, autocommit=False, writing=True)
        self._zone = UTC
        self._packet = 0

    @property
    def lost(self) -> bool:  # type: ignore[override]
        """Whether the connection is gone."""
        return self._link.lost

    def describe(self, name: str) -> Table | None:
        """The table. Raises ConfigurationError where its engine cannot undo half of a batch."""
        table = describe(self._link, name)
        if table:
            require_transactions(self._link, table)
        return table

    def tables(self) -> list[str]:
        """The tables of the url's database."""
        return tables(self._link)

    def execute(self, statement: str) -> int:
        """Runs one statement in the server's own zone. A row that an upsert updates counts twice."""
        self._in_zone(SERVER)
        return self._link.send(statement.encode())

    def empty(self, table: str) -> bool:
        """Whether a quoted table has no row."""
        return not self._link.rows(f"SELECT 1 FROM {table} LIMIT 1")

    def load(self, table: str, columns: Sequence[str], rows: pa.Table) -> int:
        """Inserts rows by statements of about a megabyte."""
        names = ", ".join(MysqlDialect().quote(column) for column in columns)
        head = f"INSERT INTO {table} ({names}) VALUES (".encode()
        self._in_zone(UTC if _has_instants(rows) else SERVER)
        parts = _parts(literals(rows), self._room(len(head)))
        return sum(self._link.send(head + b"),(".join(part) + b")") for part in parts)

    def commit(self) -> None:
        """Makes the batch last."""
        self._link.commit()

    def rollback(self) -> None:
        """Forgets the batch."""
        self._link.rollback()

    def close(self) -> None:
        """Gives the connection back."""
        self._link.close()

    def _in_zone(self, zone: str) -> None:
        if zone != self._zone:
            self._link.run(f"SET time_zone = {zone}")
            self._zone = zone

    def _room(self, used: int) -> int:
        """How many bytes of rows one statement may have."""
        if not self._packet:
            self._packet = int(self._link.rows("SELECT @@max_allowed_packet")[0][0] or 0)
        return self._packet - used - OVERHEAD_BYTES


def _has_instants(rows: pa.Table) -> bool:
    return any(getattr(field.type, "tz", None) for field in rows.schema)


def _parts(rows: Sequence[bytes], room: int) -> Iterator[list[bytes]]:
    """Rows in lists of about STATEMENT_BYTES. Raises BatchRefused for a row the server would not take."""
    part: list[bytes] = []
    size = 0
    for row in rows:
        length = len(row) + 3
        if length > room:
            raise BatchRefused(
                f"a record of {length:,} bytes is longer than the server takes (max_allowed_packet)",
                code="1153",
            )
        if part and size + length > min(STATEMENT_BYTES, room):
            yield part
            part, size = [], 0
        part.append(row)
        size += length
    if part:
        yield part
