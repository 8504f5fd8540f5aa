"""Owns the PostgreSQL server of a benchmark: settings stated, nothing running by itself."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar
from urllib.parse import urlsplit

import psycopg

from servers import PostgresqlServer

SETTINGS = {
    "fsync": "on",
    "full_page_writes": "on",
    "wal_level": "replica",
    "shared_buffers": "1GB",
    "max_wal_size": "8GB",
    "checkpoint_timeout": "1h",
    "work_mem": "64MB",
    "maintenance_work_mem": "256MB",
    "autovacuum": "off",
}
"""Durable like a server in use. No vacuum or checkpoint happens inside a measurement: the
benchmark does both between them, for every contestant alike."""


class BenchServer(PostgresqlServer):
    """The newest installed PostgreSQL, else the wheel's, with settings of its own."""

    label = "bench"
    settings: ClassVar[Mapping[str, str]] = SETTINGS

    def initialise(self) -> None:
        installed = sorted(
            Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: int(path.parts[-3])
        )
        if not installed:
            super().initialise()
            return
        self.bin = installed[-1].parent
        self.data = self.folder / "data"
        options = ("-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8")
        self.run(str(self.bin / "initdb"), "-D", str(self.data), *options)

    def command(self) -> list[str]:
        chosen = [part for name, value in self.settings.items() for part in ("-c", f"{name}={value}")]
        return [*super().command(), *chosen]

    def fresh(self, database: str) -> str:
        """An empty database of this name, an older one dropped; gives its URL."""
        self.drop(database)
        self.execute(self.create_statement(database))
        return self.url(database)

    def settle(self, url: str) -> None:
        """Leaves nothing to do in the background: dead rows gone, statistics current, pages written."""
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("VACUUM (ANALYZE)")
            connection.execute("CHECKPOINT")

    def version(self) -> str:
        with psycopg.connect(self.url("postgres")) as connection:
            return connection.execute("SELECT split_part(version(), ' ', 2)").fetchone()[0]


def parts(url: str) -> tuple[str, int, str, str]:
    """Host, port, user and database of a URL, for the tools that want them one by one."""
    split = urlsplit(url)
    return split.hostname, split.port, split.username, split.path.lstrip("/")
