"""Owns PostgreSQL as a source: one snapshot shared by as many connections as there are streams."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

import pyarrow as pa

from marea.capabilities import Right
from marea.config.settings import SystemSettings
from marea.connectors.base import address
from marea.connectors.columns import Misfits, fit, plain, regroup, without
from marea.connectors.postgresql.binding import inline, literal
from marea.connectors.postgresql.catalogue import TABLES, arrow_type, described, describing
from marea.connectors.postgresql.dialect import PostgresqlDialect
from marea.connectors.postgresql.link import Link, opened, single, unreachable
from marea.connectors.postgresql.rights import rights
from marea.connectors.postgresql.watching import Watching
from marea.connectors.postgresql.writers import writers
from marea.errors import ConfigurationError, SystemUnreachable
from marea.ports import Column, Table, Writers
from marea.sql.dialect import Query

if TYPE_CHECKING:
    from adbc_driver_manager import AdbcDatabase

    from marea.ports import Reader

T = TypeVar("T")

_BYTES_A_ROW = 256
_IDLE = 3
"""Connections kept between snapshots."""

# ADBC moves the epoch without a look at the limits: infinity, and what lies behind the year 294246,
# comes out before the first day PostgreSQL has, 4714-11-24 BC.
_FIRST_DAY = -2_440_588
_FIRST_MICROSECOND = _FIRST_DAY * 86_400_000_000


class PostgresqlSource(Watching):
    """A database read through ADBC. Methods may be called from several threads."""

    def __init__(self, system: SystemSettings) -> None:
        super().__init__(system.name)
        self._system = system
        self._idle: list[Link] = []
        self._database: AdbcDatabase | None = None
        self._lock = threading.Lock()
        zone = system.options.get("timezone")
        self.dialect = PostgresqlDialect(None if zone is None else str(zone))

    def describe(self, table: str) -> Table | None:
        """From the catalogs; views, partitioned and foreign tables too."""
        text = single(self.ask(inline(describing(table))))
        return described(text) if text else None

    def type_of(self, table: str, expression: str) -> Column:
        """As described for a column, else by asking the server for the expression's type."""
        found = self.describe(table)
        if found is None:
            raise ConfigurationError.single(f'{self._system.name} has no table "{table}"')
        column = found.column(expression)
        if column:
            return column
        native = single(self.ask(_typing(self.dialect.table(found.name), expression)))
        return Column(expression, arrow_type(native), native)

    def tables(self) -> list[str]:
        """Tables the login may read, those outside the search path with their schema."""
        return sorted(self.ask(TABLES).column(0).to_pylist())

    def writers(self, *, fresh: bool = False) -> Writers:
        """From the views of sessions, locks and prepared transactions."""
        return self._asked(writers)

    @contextmanager
    def snapshot(self) -> Iterator[Reader]:
        """One REPEATABLE READ, READ ONLY transaction; others join it for further streams."""
        reader = _Snapshot(self)
        try:
            yield reader
        finally:
            reader.close()

    def rights(self, tables: Sequence[str]) -> list[Right]:
        """From the catalogs."""
        return self._asked(lambda link: rights(link, self.dialect, tables))

    def execute(self, query: Query) -> int:
        """One statement in a transaction of its own, through psycopg, which counts the rows."""
        return self._written([inline(query)])

    def _written(self, statements: Sequence[str]) -> int:
        """Runs statements in one transaction of their own; gives the rows they changed."""
        from marea.connectors.postgresql.session import PostgresqlSession

        session = PostgresqlSession(self._system)
        try:
            changed = sum([session.execute(statement) for statement in statements])
            session.commit()
        finally:
            session.close()
        return changed

    def close(self) -> None:
        """Gives back every idle connection. Repeatable."""
        with self._lock:
            links, self._idle = self._idle, []
            self._database = None  # it ends with the last of its connections
        for link in links:
            link.close()

    def take(self) -> Link:
        """An idle connection, or a new one."""
        with self._lock:
            if self._idle:
                return self._idle.pop()
            if self._database is None:
                self._database = opened(self._system)
            database = self._database
        return Link(self._system, database)

    def give(self, link: Link) -> None:
        """Keeps a connection that is in order for the next one who needs it."""
        with self._lock:
            keep = link.kept = len(self._idle) < _IDLE and not link.used
            if keep:
                self._idle.append(link)
        if not keep:
            link.close()

    def lost(self, message: str) -> SystemUnreachable:
        """The error for a connection that broke."""
        return unreachable(self._system.name, address(self._system), message)

    def ask(self, text: str) -> pa.Table:
        """Runs a statement of a small result, on its own."""
        return self._asked(lambda link: link.run(text))

    def _asked(self, ask: Callable[[Link], T]) -> T:
        """What a connection answers that is kept for the next question."""
        link = self.take()
        try:
            result = ask(link)
        except SystemUnreachable:
            link.close()
            self.close()
            if link.kept:  # it may have died long ago: a new one tells whether the server is away
                return self._asked(ask)
            raise
        except ConfigurationError:
            self.give(link)
            raise
        self.give(link)
        return result


class _Snapshot:
    """The reader of one snapshot: the connection that took it, and those that joined."""

    def __init__(self, source: PostgresqlSource) -> None:
        self._source = source
        self._lock = threading.Lock()
        self._free: list[Link] = []
        self._all: list[Link] = []
        first_link = self._joined("SELECT pg_catalog.pg_export_snapshot() AS name")
        self._free.append(first_link)

    def _joined(self, statement: str) -> Link:
        """A connection in a transaction of this snapshot."""
        link = self._source.take()
        try:
            link.run("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            result = link.run(statement)
        except SystemUnreachable:
            link.close()
            self._source.close()
            if link.kept:
                return self._joined(statement)
            raise
        except BaseException:
            link.close()
            raise
        if result.num_rows:
            self._name = str(single(result))
        self._all.append(link)
        return link

    def _further(self) -> Link:
        """One more connection of this snapshot, which ends with the connection that took it."""
        try:
            return self._joined(f"SET TRANSACTION SNAPSHOT {literal(self._name)}")
        except ConfigurationError:  # the statement is ours: what it lacks is the snapshot
            raise self._source.lost("the connection that took the snapshot is gone") from None

    def stream(self, query: Query, columns: Sequence[Column], rows: int) -> Iterator[pa.Table]:
        """The rows of a query, as they come over the wire."""
        with self._lock:
            link = self._free.pop() if self._free else None
        if link is None:
            link = self._further()
        tables = link.stream(inline(query), rows * _BYTES_A_ROW)
        yield from regroup((_checked(table, columns) for table in tables), rows)
        with self._lock:
            self._free.append(link)

    def close(self) -> None:
        """Ends the transactions; a connection in the middle of a stream, or broken, is not kept."""
        with self._lock:
            free, links = self._free, self._all
            self._free, self._all = [], []
        for link in links:
            if link in free and _ended(link):
                self._source.give(link)
            else:
                link.close()


def _ended(link: Link) -> bool:
    try:
        link.run("COMMIT")
    except (SystemUnreachable, ConfigurationError):
        return False
    return True


def _checked(table: pa.Table, columns: Sequence[Column]) -> pa.Table:
    misfits = Misfits()
    for index, column in enumerate(columns):
        if pa.types.is_timestamp(column.type) or pa.types.is_date32(column.type):
            table = _finite(table, index, column, misfits)
    return misfits.on(fit(table, columns, misfits))


def _finite(table: pa.Table, index: int, column: Column, misfits: Misfits) -> pa.Table:
    """The table with null for the moments that the driver moved out of its own calendar."""
    import pyarrow.compute as pc

    day = pa.types.is_date32(column.type)
    values = plain(table.column(index))
    numbers = values.cast(pa.int32() if day else pa.int64())
    limit = _FIRST_DAY if day else _FIRST_MICROSECOND
    least = pc.min(numbers).as_py()
    if least is None or least >= limit:
        return table
    rows = pc.indices_nonzero(pc.less(numbers, limit)).to_pylist()
    for row in rows:
        misfits.add(row, column, "infinity", "a time after the year 294246 is read as infinity too")
    return table.set_column(index, table.schema.field(index).name, without(values, rows))


def _typing(table: str, expression: str) -> str:
    """The type of an expression over a table, without reading from it."""
    rowless = f"SELECT ({expression}) AS e FROM {table} AS r WHERE false"
    return (
        "SELECT CAST(pg_catalog.pg_typeof(q.e) AS text) AS native "
        f"FROM (SELECT 1) AS one LEFT JOIN ({rowless}) AS q ON true"
    )
