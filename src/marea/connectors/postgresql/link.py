"""Owns one ADBC connection to PostgreSQL: its session's settings, its streams, its errors."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import adbc_driver_manager
import adbc_driver_postgresql
import pyarrow as pa

from marea.config.settings import SystemSettings
from marea.connectors.base import Address, address
from marea.connectors.failures import turned_away
from marea.errors import ConfigurationError, MareaError, RunStopped, SystemUnreachable

_SETTINGS = {
    "TimeZone": "UTC",
    "DateStyle": "ISO, YMD",
    "IntervalStyle": "postgres",
    "extra_float_digits": "1",
    "standard_conforming_strings": "on",
    "cursor_tuple_fraction": "1",
}
"""What every session reads and writes texts by."""

LOCK_WAIT = "30s"
"""How long a statement waits for a lock, unless the login or the url says how long."""

_GIVEN_WAIT = "nullif(current_setting('lock_timeout'), '0')"

SETTINGS = "SELECT " + ", ".join(
    [
        *(f"set_config('{name}', '{value}', false)" for name, value in _SETTINGS.items()),
        f"set_config('lock_timeout', coalesce({_GIVEN_WAIT}, '{LOCK_WAIT}'), false)",
    ]
)

_PASSING = ("08", "40", "53", "55", "57", "58")
"""Classes of SQLSTATE that say the server, not the statement, is the reason: it may work later."""

_DENIED = "42501"

_TURNED_AWAY = (
    (re.compile(r'^database ".*" does not exist'), "url", "correct the name of the database"),
    (re.compile(r'^role ".*" does not exist'), "user", "correct the name of the user"),
    (re.compile("password authentication failed"), "password", "correct the user or the password"),
    (re.compile("no password supplied"), "url", "give the password, e.g. `password: ${PGPASSWORD}`"),
)
"""What a server that lets nobody in says of its databases and logins, the option meant, the next step."""

_HINTS = {
    "translate host name": "check the host name of the system",
    "refused": "check that the server runs and that host and port are right",
    "pg_hba.conf": "the server does not let this user in from here: see its pg_hba.conf",
    "too many": "the server has no connection left for us",
    "lock timeout": "another program holds a lock on what was asked for; run again when it has ended",
}


def uri(system: SystemSettings) -> str:
    """The address libpq connects to: the system's, its login, and a limit to waiting."""
    where = address(system)
    parts = urlsplit(system.url)
    login = quote(where.user, safe="") + (f":{quote(where.password, safe='')}" if where.password else "")
    place = parts.netloc.rpartition("@")[2]
    given = {"connect_timeout": "10", "application_name": "marea", **dict(where.parameters)}
    netloc = f"{login}@{place}" if login else place
    return f"postgresql://{netloc}{parts.path}?{urlencode(given, quote_via=quote)}"


def refused(system: SystemSettings, message: str) -> MareaError:
    """The error for a connection that was not made."""
    where, said = address(system), words(message)
    for pattern, place, hint in _TURNED_AWAY:
        if pattern.search(said):
            return turned_away(system, f"{where.shown}: {where.clean(said)}", hint, place)
    return unreachable(system.name, where, message)


def unreachable(system: str, where: Address, message: str) -> SystemUnreachable:
    """The error for a connection that was lost, or that a server did not answer."""
    return SystemUnreachable(system, f"{where.shown}: {where.clean(words(message))}", hint=hint(message))


def hint(message: str) -> str:
    """What to do about a server that cannot serve, by its words."""
    return next((hint for text, hint in _HINTS.items() if text in message), "try again later")


def words(message: str) -> str:
    """What the server or libpq itself said, without what the driver put around it."""
    found = re.search(r"(?:ERROR|FATAL|PANIC):\s+(.*)", message)
    if found:
        return found[1].split("\n")[0].strip()
    return message.split("] ", 1)[-1].split("\n")[0].strip()


def passing(state: str) -> bool:
    """Whether an error of this SQLSTATE has its reason in the server and may be gone later."""
    return state.startswith(_PASSING)


def opened(system: SystemSettings) -> adbc_driver_manager.AdbcDatabase:
    """The driver's picture of the database, with its types: read once, connections to it are cheap then.

    Raises SystemUnreachable; ConfigurationError where the server has no such database, or no such login.
    """
    try:
        return _database(uri(system))
    except adbc_driver_manager.Error as error:
        raise refused(system, str(error)) from None


def _database(address: str) -> adbc_driver_manager.AdbcDatabase:
    # To find its library the driver imports a good part of the standard one; it lies beside it.
    library = Path(adbc_driver_postgresql.__file__).with_name("libadbc_driver_postgresql.so")
    options = {"driver": str(library), "uri": address}
    found: adbc_driver_manager.AdbcDatabase = (
        adbc_driver_manager.AdbcDatabase(**options)
        if library.is_file()
        else adbc_driver_postgresql.connect(address)
    )
    return found


class Link:
    """One connection, one stream at a time.

    `used` says that its last stream was not read to its end; `kept` that it has been idle.
    """

    def __init__(self, system: SystemSettings, database: adbc_driver_manager.AdbcDatabase) -> None:
        self._system = system.name
        self._where = address(system)
        self.used = False
        self.kept = False
        self._closed = False
        self._lock = threading.RLock()
        self._left_open = ExitStack()
        """What the running statement holds."""
        try:
            self._connection = adbc_driver_manager.AdbcConnection(database)
        except adbc_driver_manager.Error as error:
            raise refused(system, str(error)) from None
        try:
            self.run(SETTINGS)
        except MareaError:
            self.close()
            raise

    def run(self, text: str) -> pa.Table:
        """Runs a statement of a small result."""
        with self._statement(text, 1 << 20) as reader:
            return reader.read_all()

    def stream(self, text: str, bytes_hint: int) -> Iterator[pa.Table]:
        """The rows of a query in tables of about so many bytes."""
        self.used = True
        with self._statement(text, bytes_hint) as reader:
            while batch := self._next(reader):
                yield pa.Table.from_batches([batch])
        self.used = False

    def _next(self, reader: pa.RecordBatchReader) -> pa.RecordBatch | None:
        """The next batch; whoever closes the connection meanwhile waits for it."""
        with self._lock:
            if self._closed:
                raise RunStopped(f"a stream of {self._system} was read on after its snapshot had ended")
            return next(reader, None)

    def close(self) -> None:
        """Gives the connection back; nothing is raised."""
        with self._lock, suppress(adbc_driver_manager.Error):
            self._closed = True
            self._left_open.close()
            self._connection.close()

    @contextmanager
    def _statement(self, text: str, bytes_hint: int) -> Iterator[pa.RecordBatchReader]:
        try:
            with self._executed(text, bytes_hint) as reader:
                yield reader
        except adbc_driver_manager.Error as error:
            raise self._translated(error.sqlstate or "", str(error)) from None
        except (pa.ArrowException, OSError) as error:
            raise self._broken(str(error)) from None

    @contextmanager
    def _executed(self, text: str, bytes_hint: int) -> Iterator[pa.RecordBatchReader]:
        """The statement's result; the driver's own layer is used, as its DB-API one takes long to import."""
        with ExitStack() as stack:
            statement = stack.enter_context(adbc_driver_manager.AdbcStatement(self._connection))
            self._left_open = stack
            statement.set_options(**{"adbc.postgresql.batch_size_hint_bytes": str(bytes_hint)})
            statement.set_sql_query(text)
            stream, _ = statement.execute_query()
            yield stack.enter_context(pa.RecordBatchReader.from_stream(stream))

    def _translated(self, state: str, message: str) -> MareaError:
        if not state or passing(state):
            return unreachable(self._system, self._where, message)
        grant = f"let the login read it: GRANT SELECT ON … TO {self._where.user or 'the login'}"
        hint = grant if state == _DENIED else "correct the expression or condition"
        return ConfigurationError.single(f"{self._system} rejects the SQL: {words(message)}", hint=hint)

    def _broken(self, message: str) -> MareaError:
        """A stream that failed half way: because of its SQL if the connection still answers."""
        try:
            with self._executed("SELECT 1", 1 << 10):
                alive = True
        except adbc_driver_manager.Error as error:
            alive = error.sqlstate is not None and not passing(error.sqlstate)
        return self._translated("XX000" if alive else "", message)


def single(table: pa.Table) -> Any:
    """The first value of a result, None when it has no row."""
    return table.column(0)[0].as_py() if table.num_rows else None
