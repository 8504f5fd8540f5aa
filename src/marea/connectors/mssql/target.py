"""Owns SQL Server as a target. Never run against a server."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

import pyarrow as pa

from marea.connectors.mssql.catalogue import describe, tables
from marea.connectors.mssql.dialect import MssqlDialect
from marea.connectors.mssql.link import Link
from marea.connectors.mssql.options import Login
from marea.connectors.mssql.statements import MssqlStatements
from marea.connectors.relational import RelationalTarget
from marea.connectors.session import Session

if TYPE_CHECKING:
    from marea.ports import Table

STATEMENT_ROWS = 5_000
"""Rows one statement carries: a JSON text of some megabytes."""


def mssql_target(login: Login) -> RelationalTarget:
    """Tables of a database as a target; connects when it is first needed."""
    return RelationalTarget(login.system, lambda: MssqlSession(login), MssqlStatements(MssqlDialect()))


class MssqlSession(Session):
    """One connection in transactions.

    Rows travel as one JSON parameter a statement: the driver's bulk copy opens a connection of
    its own, which sees neither this transaction nor its temporary tables.
    """

    def __init__(self, login: Login) -> None:
        self._link = Link(login, writing=True)

    @property
    def lost(self) -> bool:  # type: ignore[override]
        """Whether the connection is gone."""
        return self._link.lost

    def describe(self, name: str) -> Table | None:
        """The table."""
        return describe(self._link, name)

    def tables(self) -> list[str]:
        """The tables of the login's default schema."""
        return tables(self._link)

    def execute(self, statement: str) -> int:
        """Runs one statement."""
        return self._link.run(statement)

    def empty(self, table: str) -> bool:
        """Whether a quoted table has no row."""
        return not self._link.rows(f"SELECT TOP (1) 1 FROM {table}")

    def load(self, table: str, columns: Sequence[str], rows: pa.Table) -> int:
        """Inserts rows by INSERT … SELECT from OPENJSON."""
        statement = insert(table, columns, rows.schema)
        starts = range(0, rows.num_rows, STATEMENT_ROWS)
        texts = (json_rows(rows.slice(start, STATEMENT_ROWS)) for start in starts)
        return sum(self._link.run(statement, (text,)) for text in texts)

    def commit(self) -> None:
        """Makes the batch last."""
        self._link.commit()

    def rollback(self) -> None:
        """Forgets the batch."""
        self._link.rollback()

    def close(self) -> None:
        """Gives the connection back."""
        self._link.close()


def insert(table: str, columns: Sequence[str], fields: pa.Schema) -> str:
    """The statement that inserts the rows of one JSON parameter into a quoted table."""
    dialect = MssqlDialect()
    typed = [
        f"c{index} {dialect.native(field.type, key=False).partition(' COLLATE')[0]} '$[{index}]'"
        for index, field in enumerate(fields)
    ]
    names = ", ".join(dialect.quote(column) for column in columns)
    values = ", ".join(f"c{index}" for index in range(len(columns)))
    return (
        f"INSERT INTO {table} ({names}) SELECT {values} "
        f"FROM OPENJSON(CAST(? AS nvarchar(max))) WITH ({', '.join(typed)}) AS j"
    )


def json_rows(rows: pa.Table) -> str:
    """Rows as a JSON array of arrays; every value is a text that the server parses by its column's type."""
    columns = [_texts(column) for column in rows.columns]
    return json.dumps([list(row) for row in zip(*columns, strict=True)], ensure_ascii=False)


def _texts(column: pa.ChunkedArray) -> list[object]:
    type_ = column.type
    if pa.types.is_binary(type_) or pa.types.is_large_binary(type_):
        import base64

        return [None if value is None else base64.b64encode(value).decode() for value in column.to_pylist()]
    if pa.types.is_boolean(type_):
        return list(column.to_pylist())
    if pa.types.is_timestamp(type_) and type_.tz:
        naive = column.cast(pa.timestamp("us", "UTC")).cast(pa.timestamp("us")).cast(pa.string())
        return [None if value is None else f"{value}+00:00" for value in naive.to_pylist()]
    if pa.types.is_decimal(type_):
        return [None if value is None else format(value, "f") for value in column.to_pylist()]
    return list(column.cast(pa.string()).to_pylist())
