"""Owns one psycopg connection to PostgreSQL: COPY into tables, and its errors in Marea's words."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

import psycopg
import pyarrow as pa
import pyarrow.csv

from marea.config.settings import SystemSettings
from marea.connectors.base import address
from marea.connectors.postgresql.binding import inline
from marea.connectors.postgresql.catalogue import TABLES, described, describing
from marea.connectors.postgresql.link import SETTINGS, hint, passing, refused, unreachable, uri, words
from marea.connectors.session import Contended, DuplicateKey, Session
from marea.errors import BatchRefused, ConfigurationError, MareaError, SystemUnreachable
from marea.ports import Table

_UNIQUE = "23505"
_READ_ONLY = "25006"  # a standby took over, or maintenance: the server will write again later
_CONTENDED = ("40001", "40P01")
_OURS = ("42", "0A", "3D", "3F", "26", "28", "2F")
"""Classes of SQLSTATE that no other data would mend: a missing table, a right that is not there."""


class PostgresqlSession(Session):
    """A connection in a transaction that begins by itself."""

    def __init__(self, system: SystemSettings) -> None:
        self._system = system.name
        self._where = address(system)
        try:
            self._connection = psycopg.connect(uri(system), prepare_threshold=None)
        except psycopg.Error as error:
            raise refused(system, str(error)) from None
        with self._errors():
            self._connection.execute(SETTINGS)
            self._connection.commit()

    def describe(self, name: str) -> Table | None:
        """From the catalogs, as the source does."""
        with self._errors():
            row = self._connection.execute(_text(inline(describing(name)))).fetchone()
        return described(row[0]) if row else None

    def tables(self) -> list[str]:
        """All of the database."""
        with self._errors():
            return sorted(row[0] for row in self._connection.execute(_text(TABLES)))

    def execute(self, statement: str) -> int:
        """Runs one statement; gives the rows it changed."""
        with self._errors():
            return self._connection.execute(_text(statement)).rowcount

    def empty(self, table: str) -> bool:
        """Asks for one row."""
        with self._errors():
            row = self._connection.execute(_text(f"SELECT EXISTS (SELECT 1 FROM {table})")).fetchone()
        return row is not None and not row[0]

    def load(self, table: str, columns: Sequence[str], rows: pa.Table) -> int:
        """COPY of CSV: NULL is nothing at all, the empty text is quoted; the server reads every type."""
        names = ", ".join('"' + name.replace('"', '""') + '"' for name in columns)
        statement = _text(f"COPY {table} ({names}) FROM STDIN (FORMAT csv)")
        with self._errors(), self._connection.cursor() as cursor:
            with cursor.copy(statement) as copy:
                copy.write(_csv(rows))
            return cursor.rowcount

    def commit(self) -> None:
        """COMMIT; when the connection breaks meanwhile nobody knows whether it was done."""
        with self._errors():
            self._connection.commit()

    def rollback(self) -> None:
        """ROLLBACK."""
        with suppress(psycopg.Error):
            self._connection.rollback()
        self.lost = self._connection.closed

    def close(self) -> None:
        """Closes."""
        with suppress(psycopg.Error):
            self._connection.close()

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except psycopg.Error as error:
            raise self._translated(error) from None

    def _translated(self, error: psycopg.Error) -> MareaError:
        state = error.sqlstate or ""
        text = self._where.clean(error.diag.message_primary or words(str(error)))
        if self._connection.closed or not state:
            self.lost = True
            return unreachable(self._system, self._where, text)
        if state in _CONTENDED:
            return Contended(self._system, text, hint="run again")
        if passing(state) or state == _READ_ONLY:
            return SystemUnreachable(self._system, text, hint=hint(text))
        if state.startswith(_OURS):
            return ConfigurationError.single(f"{self._system} refuses: {text}", hint="check names and rights")
        return _refused(error, state, text)


def _refused(error: psycopg.Error, state: str, text: str) -> BatchRefused:
    detail = error.diag.message_detail
    kind = DuplicateKey if state == _UNIQUE else BatchRefused
    context = (error.diag.context or "").split("\n")[0]
    place = f" ({context})" if context.startswith("COPY") else ""
    return kind(
        f"{text}{f': {detail}' if detail else ''}{place}", code=state, field=error.diag.column_name or ""
    )


def _text(statement: str) -> bytes:
    """A statement without placeholders: as bytes psycopg leaves its percent signs alone."""
    return statement.encode()


def _csv(rows: pa.Table) -> memoryview:
    sink = io.BytesIO()
    options = pyarrow.csv.WriteOptions(include_header=False, quoting_style="needed", batch_size=8_192)
    # In one piece: where a column begins with an empty one, the writer adds whatever its buffer held.
    pyarrow.csv.write_csv(_printable(rows).combine_chunks(), sink, options)
    return sink.getbuffer()


def _printable(rows: pa.Table) -> pa.Table:
    for index, field in enumerate(rows.schema):
        if pa.types.is_binary(field.type) or pa.types.is_large_binary(field.type):
            rows = rows.set_column(index, field.name, _hexadecimal(rows.column(index)))
        elif pa.types.is_null(field.type):
            rows = rows.set_column(index, field.name, rows.column(index).cast(pa.string()))
    return rows


def _hexadecimal(values: pa.ChunkedArray) -> pa.ChunkedArray:
    texts = [None if value is None else f"\\x{value.hex()}" for value in values.to_pylist()]
    return pa.chunked_array([pa.array(texts, pa.string())])
