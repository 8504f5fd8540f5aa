"""Owns one connection to a MariaDB or MySQL server: how it is set up, and how rows come over it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import pymysql
from pymysql.constants import CLIENT
from pymysql.converters import encoders
from pymysql.cursors import SSCursor

from marea.connectors.failures import Kind
from marea.connectors.mysql.failures import kind, number_of, refused_login, translate
from marea.connectors.mysql.options import Login
from marea.connectors.mysql.tls import Connection, tls
from marea.connectors.mysql.wire import take
from marea.errors import ConfigurationError
from marea.sql.dialect import Parameter

OLDEST = {True: (10, 6, 0), False: (8, 0, 17)}
"""The first MariaDB (True) and MySQL (False) that know JSON_TABLE and what else the SQL counts on."""

MODES = "STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION,ERROR_FOR_DIVISION_BY_ZERO,NO_AUTO_VALUE_ON_ZERO"
"""Nothing is cut or bent to fit, and the meaning of quotes in a user's SQL does not depend on the server."""

LOCK_SECONDS = 30
"""How long a statement waits at most for a lock; the server itself would wait for a day, or for a year."""

SETUP = (
    f"SET time_zone = '+00:00', sql_mode = '{MODES}', "
    f"lock_wait_timeout = LEAST(@@lock_wait_timeout, {LOCK_SECONDS}), "
    f"innodb_lock_wait_timeout = LEAST(@@innodb_lock_wait_timeout, {LOCK_SECONDS}), "
    # A stream waits while its last rows are delivered: the server must not take that for a dead reader.
    "net_write_timeout = 7200, wait_timeout = 28800"
)
CONNECT_SECONDS = 10
READ_SECONDS = 7200
"""A statement that gives no byte for so long is lost: the network stalled."""

_WRITERS: Any = encoders
"""How values become literals; nothing is converted on the way back."""

Row = tuple[str | None, ...]


class Link:
    """One connection; every method raises errors of `marea.errors` alone. Serves one thread at a time.

    `lost` says that the connection is gone, `mariadb` what kind of server it is.
    """

    def __init__(self, login: Login, *, autocommit: bool, writing: bool = False) -> None:
        self.login = login
        self.lost = False
        self._writing = writing
        self._connection = self._connect(autocommit)
        try:
            self._check_version()
            self._check_zone()
        except BaseException:
            self.close()
            raise

    def rows(self, text: str, parameters: Sequence[Parameter] = ()) -> list[Row]:
        """Runs a query with %s placeholders and gives all its rows."""
        with self.translated(), self._connection.cursor() as cursor:
            cursor.execute(text, tuple(parameters))
            return list(cursor.fetchall())

    def fields(self, text: str) -> Sequence[Any]:
        """A query's columns as the driver tells: `type_code`, `length`, `scale`, `flags`, `charsetnr`."""
        with self.translated(), self._connection.cursor() as cursor:
            cursor.execute(text, ())
            return list(cursor._result.fields)

    def run(self, text: str, parameters: Sequence[Parameter] = ()) -> int:
        """Runs a statement with %s placeholders; gives the rows it matched."""
        with self.translated(), self._connection.cursor() as cursor:
            return int(cursor.execute(text, tuple(parameters)))

    def send(self, statement: bytes) -> int:
        """Runs a statement that is complete, in UTF-8; gives the rows it changed."""
        with self.translated():
            self._connection.query(statement)
            return int(self._connection.affected_rows())

    def commit(self) -> None:
        """Makes the transaction last."""
        with self.translated():
            self._connection.commit()

    def rollback(self) -> None:
        """Forgets the transaction; a connection on which this fails is lost."""
        try:
            self._connection.rollback()
        except (pymysql.Error, OSError):
            self.lost = True

    def close(self) -> None:
        """Gives the connection back. Repeatable."""
        self.lost = True
        with suppress(pymysql.Error, OSError):
            self._connection.close()

    def stream(
        self, text: str, parameters: Sequence[Parameter], size: int
    ) -> Iterator[list[list[bytes | None]]]:
        """The rows of a query in lists of `size`, as the server's own bytes.

        Until the last row is read the connection does nothing else: when the stream is left
        before, the connection is closed, since the server cannot be asked to stop.
        """
        with self.translated():
            cursor: Any = self._connection.cursor(SSCursor)
            cursor.execute(text, tuple(parameters))
        result, read = cursor._result, self._connection._read_packet
        try:
            while result.unbuffered_active:
                with self.translated():
                    rows = take(result, read, size)
                if rows:
                    yield rows
        finally:
            if result.unbuffered_active:
                result.unbuffered_active = False
                self.close()
            cursor.close()

    @contextmanager
    def translated(self) -> Iterator[None]:
        """Turns the driver's errors into Marea's."""
        try:
            yield
        except (pymysql.Error, OSError) as error:
            self.lost = self.lost or kind(number_of(error)) is Kind.LOST
            raise translate(error, self.login, writing=self._writing) from None

    # -- setting up ----------------------------------------------------------------------

    def _connect(self, autocommit: bool) -> Any:
        login, address = self.login, self.login.address
        try:
            return Connection(
                host=address.host or None,
                port=address.port or 3306,
                user=address.user or None,
                password=address.password.encode(),
                database=address.database,
                unix_socket=login.unix_socket,
                charset=login.charset,
                autocommit=autocommit,
                conv=_WRITERS,
                init_command=SETUP,
                connect_timeout=CONNECT_SECONDS,
                read_timeout=READ_SECONDS,
                write_timeout=READ_SECONDS,
                client_flag=CLIENT.FOUND_ROWS,
                program_name="marea",
                **tls(login),
            )
        except (pymysql.Error, OSError, RuntimeError) as error:
            raise refused_login(error, login) from None

    def _check_version(self) -> None:
        """Raises ConfigurationError for a server that is too old."""
        text = str(self._connection.server_version)
        mariadb = self.mariadb = "mariadb" in text.lower()
        numbers = re.findall(r"(\d+)\.(\d+)\.(\d+)", text.removeprefix("5.5.5-"))
        version = tuple(int(part) for part in numbers[0]) if numbers else ()
        if version < OLDEST[mariadb]:
            oldest = ".".join(map(str, OLDEST[mariadb]))
            raise ConfigurationError.single(
                f"system {self.login.system} is {text}, which is too old",
                hint=f"{'MariaDB' if mariadb else 'MySQL'} {oldest} or later is needed",
            )

    def _check_zone(self) -> None:
        """Raises ConfigurationError for a zone whose name the server does not know."""
        zone = self.login.zone
        if zone and self.rows("SELECT CONVERT_TZ('2024-01-01', '+00:00', %s)", (zone,)) == [(None,)]:
            raise ConfigurationError.single(
                f"system {self.login.system} does not know the timezone {zone}",
                hint="load the server's time zone tables (mariadb-tzinfo-to-sql), or write an offset",
            )


def open_link(login: Login) -> Link:
    """A connection that reads: one snapshot after another, or single statements."""
    link = Link(login, autocommit=True)
    link.run("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ")
    return link
