"""Owns MariaDB and MySQL as a source: descriptions, snapshots, streams of typed columns."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from marea.capabilities import Right
from marea.connectors.mysql.catalogue import describe, native_of, tables
from marea.connectors.mysql.columns import arrow_type, columns_of
from marea.connectors.mysql.dialect import MysqlDialect
from marea.connectors.mysql.link import Link, open_link
from marea.connectors.mysql.options import Login
from marea.connectors.mysql.rights import rights
from marea.connectors.mysql.writers import FRESH_SECONDS, asked, writers
from marea.connectors.noting import VIEW, Noter, unwatchable
from marea.errors import ConfigurationError
from marea.ports import Column, Table, Writers
from marea.sql.dialect import Query

if TYPE_CHECKING:
    import pyarrow as pa

    from marea.capabilities import Watched
    from marea.connectors.mysql.binlog import MysqlLog
    from marea.connectors.mysql.triggers import MysqlTriggers
    from marea.connectors.triggers import Made, Triggers


BEGIN = "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY"
AT_ONCE = 3
"""Connections a snapshot begins with: for a root table, a related table read beside it, and one to spare."""


class MysqlSource(Noter):
    """A database to read from. Connections are opened when needed and kept; any thread may use it."""

    def __init__(self, login: Login) -> None:
        self.login = login
        self._dialect = MysqlDialect(login.zone)
        self._idle: list[Link] = []
        self._lock = threading.RLock()
        self._writers: Writers | None = None
        self._told = 0.0

    @property
    def dialect(self) -> MysqlDialect:
        """The SQL of MariaDB and MySQL, with the zone this system's DATETIME columns are in."""
        return self._dialect

    def captures(self) -> tuple[str, ...]:
        """The log costs the source less; MySQL has none that a snapshot tells its place in."""
        with self.link() as link:
            return ("log", *super().captures()) if link.mariadb else super().captures()

    def log(self, watched: Sequence[Watched]) -> MysqlLog:
        """The binlog, of which nothing is kept for us."""
        from marea.connectors.mysql.binlog import MysqlLog

        return MysqlLog(self, watched)

    def lacking(self, capture: str, watched: Sequence[Watched]) -> list[str]:
        """Of the log what its administrator sets."""
        if capture != "log":
            return super().lacking(capture, watched)
        from marea.connectors.mysql.binlog import lacks

        with self.link() as link:
            return [f"{text}: {hint}" for text, hint in lacks(link, watched)]

    def installing(self, capture: str, watched: Sequence[Watched]) -> list[str]:
        """Of the log nothing: it is the server's own."""
        return super().installing(capture, watched) if capture != "log" else []

    def removing(self, capture: str, watched: Sequence[Watched]) -> list[str]:
        """Of the log nothing."""
        return super().removing(capture, watched) if capture != "log" else []

    def describe(self, table: str) -> Table | None:
        """The table or view; other databases of the server are named `database.table`."""
        with self.link() as link:
            return describe(link, table)

    def tables(self) -> list[str]:
        """The tables and views of the url's database."""
        with self.link() as link:
            return tables(link)

    def type_of(self, table: str, expression: str) -> Column:
        """The type of an expression; that of a column where it is one."""
        described = self.describe(table)
        column = described.column(expression.strip(" `")) if described else None
        if column:
            return column
        text = f"SELECT {expression} AS {self._dialect.quote('type')} FROM {self._dialect.table(table)}"
        with self.link() as link:
            fields = link.fields(self._dialect.escape(self._dialect.limit(text, 0)))
        if len(fields) != 1:
            raise ConfigurationError.single(f"{expression} is not one expression")
        native = native_of(fields[0])
        return Column(expression, arrow_type(native, tiny_bool=self.login.tiny_bool), native)

    @contextmanager
    def snapshot(self) -> Iterator[MysqlReader]:
        """A consistent read-only snapshot, whose clock stands still from before it began."""
        reader = MysqlReader(self)
        try:
            yield reader
        finally:
            reader.close()

    def rights(self, tables: Sequence[str]) -> list[Right]:
        """From what the server tells of privileges and of its log."""
        with self.link() as link:
            return rights(link, tables)

    def execute(self, query: Query) -> int:
        """Runs one statement in a transaction of its own; gives the rows it matched."""
        with self.link() as link:
            return link.run(query.text, query.parameters)

    def let_go(self, queries: Sequence[Query]) -> None:
        """One by one, without locks on the gaps between them, which would stop who notes."""
        with self.link() as link:
            [(logged, form)] = link.rows("SELECT @@log_bin, @@binlog_format")
            for query in queries:
                if not (logged == "1" and form == "STATEMENT"):  # which knows no other isolation
                    link.run("SET TRANSACTION ISOLATION LEVEL READ COMMITTED")
                link.run(query.text, query.parameters)

    def carry_out(self, statements: Sequence[str]) -> None:
        """One by one: the server keeps no transaction over them."""
        from marea.connectors.mysql.triggers import RIGHTS

        with self.link() as link:
            try:
                for statement in statements:
                    link.send(statement.encode())
            except ConfigurationError as error:
                where = self._dialect.quote(self.login.address.database)
                hint = f"let the login make it: GRANT {RIGHTS} ON {where}.* TO {self._named(link)}"
                raise ConfigurationError([replace(fault, hint=hint) for fault in error.faults]) from None

    def script(self, statements: Sequence[str]) -> str:
        """For the server's own client, which must not end a statement at the semicolons within a trigger."""
        return "\n".join(["DELIMITER $$", *(f"{statement}$$" for statement in statements), "DELIMITER ;"])

    def _triggers(self, watched: Sequence[Watched]) -> MysqlTriggers:
        from marea.connectors.mysql.triggers import ELSEWHERE, GRANTED, IS_VIEW, MysqlTriggers
        from marea.sql.noted import CHANGES

        database = self.login.address.database
        if elsewhere := [one.table.name for one in watched if "." in one.table.name]:
            raise unwatchable(elsewhere, *ELSEWHERE)
        with self.link() as link:
            if views := [one.table.name for one in watched if link.rows(IS_VIEW, (database, one.table.name))]:
                raise unwatchable(views, *VIEW)
            login = self._named(link)
            granted = link.rows(GRANTED, (database, database, CHANGES, login)) == [("2",)]
        return MysqlTriggers(self._dialect, database, login, granted=granted)

    def _made(self, triggers: Triggers) -> dict[str, Made]:
        from marea.connectors.triggers import Made

        with self.link() as link:
            try:
                rows = link.rows(triggers.made().text)
            except ConfigurationError:  # there is nothing that tells of them
                return {}
        return {str(name): Made(str(place), str(mark)) for name, mark, place in rows}

    def _named(self, link: Link) -> str:
        return str(link.rows(f"SELECT {self._dialect.login}")[0][0])

    def close(self) -> None:
        """Gives back every idle connection. Repeatable."""
        with self._lock:
            idle, self._idle = self._idle, []
        for link in idle:
            link.close()

    @contextmanager
    def link(self) -> Iterator[Link]:
        """A connection for single statements."""
        link = self.take()
        try:
            yield link
        finally:
            self.give(link)

    def writers(self, *, fresh: bool = False) -> Writers:
        """The transactions that are open; unless `fresh`, what was asked a moment ago holds still."""
        if fresh:
            time.sleep(FRESH_SECONDS)
        with self._lock, self.link() as link:
            if fresh or self._writers is None or time.monotonic() - self._told > FRESH_SECONDS:
                self._writers = writers(link)
                self._told = time.monotonic()
            return self._writers

    def now(self) -> float:
        """The server's time, in seconds since 1970."""
        with self.link() as link:
            return asked(link)

    def take(self) -> Link:
        """An idle connection, or a new one."""
        with self._lock:
            if self._idle:
                return self._idle.pop()
        return open_link(self.login)

    def give(self, link: Link) -> None:
        """Keeps a connection for later; where one was lost the idle ones are suspect too."""
        if link.lost:
            link.close()
            self.close()
            return
        with self._lock:
            self._idle.append(link)


class MysqlReader:
    """Reads of one snapshot, for one thread.

    A connection streams one query at a time, and the server cannot share a snapshot between
    connections: a snapshot therefore begins with three, one directly after the other, and takes
    further ones when more streams are open at once. What was committed between two of these
    moments is seen by one stream and not by the other; who writes was asked before the first,
    so that the next run reads it again.
    """

    def __init__(self, source: MysqlSource) -> None:
        self._source = source
        self._now = source.now()
        self._links: list[Link] = []
        self._free: list[Link] = []
        with ExitStack() as undo:
            undo.callback(self.close)
            for _ in range(AT_ONCE):
                self._free.append(self._begin())
            undo.pop_all()

    def stream(self, query: Query, columns: Sequence[Column], rows: int) -> Iterator[pa.Table]:
        """The rows of a query as the columns' types, about `rows` at a time.

        By the free connection that began first: what is asked first is seen at no later a moment.
        """
        link = min(self._free, key=self._links.index) if self._free else self._begin()
        if link in self._free:
            self._free.remove(link)
        try:
            for page in link.stream(query.text, query.parameters, rows):
                yield columns_of(page, columns)
        finally:
            if not link.lost:
                self._free.append(link)

    def close(self) -> None:
        """Ends the snapshot; connections that still stream are closed."""
        for link in self._links:
            if link in self._free:
                self._end(link)
            else:
                link.close()
            self._source.give(link)
        self._links, self._free = [], []

    def _begin(self) -> Link:
        link = self._source.take()
        self._links.append(link)
        link.run(f"SET timestamp = {self._now}")
        link.run(BEGIN)
        return link

    def _end(self, link: Link) -> None:
        link.rollback()
        if not link.lost:
            link.run("SET timestamp = DEFAULT")
