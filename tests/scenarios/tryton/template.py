"""Owns the ERP as a database to be copied: made by Tryton once, kept as a dump, restored into a server."""

from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path

from by_hand import run_sql
from environments import alone
from scenarios.tryton import company
from scenarios.tryton.program import BUILD, HOME, MODULES, PACKAGES, Tryton, activate, programs
from servers import PostgresqlServer

READERS = {
    "tryton_reader": "",
    "tryton_monitor": "GRANT pg_read_all_stats TO tryton_monitor",
    "tryton_replica": "ALTER ROLE tryton_replica REPLICATION",
}
"""Logins that may read all tables, and what they may beside: see others' transactions, read the log."""


def restored(server: PostgresqlServer, folder: Path) -> str:
    """The name of a database with the ERP's first content, nobody connected to it. Raises NotInstalled."""
    programs()
    dump = BUILD / f"erp-{_digest(server)}.dump"
    with alone(dump):
        if not dump.exists():
            _make(server, dump, folder)
    name = server.create()
    url = server.url(name)
    _postgresql(server, "pg_restore", "--exit-on-error", "-d", url, dump)
    for reader, right in READERS.items():
        run_sql(url, f"CREATE ROLE {reader} LOGIN; {right}")
        run_sql(url, f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {reader}")
    return name


def _digest(server: PostgresqlServer) -> str:
    """Of all that the content of the ERP follows from."""
    sources = (PACKAGES.read_bytes(), (HOME / "company.py").read_bytes(), " ".join(MODULES).encode())
    version = _postgresql(server, "pg_dump", "--version")
    return hashlib.sha256(b"\0".join([*sources, version])).hexdigest()[:16]


def _make(server: PostgresqlServer, dump: Path, folder: Path) -> None:
    name = server.create()
    url = server.url(name)
    activate(url, folder)
    with Tryton(url, folder) as tryton:
        company.found(tryton)
    part = dump.with_suffix(".part")
    _postgresql(server, "pg_dump", "--format=custom", "-f", part, url)
    for old in BUILD.glob("erp-*.dump"):
        old.unlink()
    part.rename(dump)
    server.drop(name)


def _postgresql(server: PostgresqlServer, program: str, *words: object) -> bytes:
    command = [str(server.bin / program), *map(str, words)]
    return subprocess.run(command, check=True, capture_output=True, timeout=120).stdout
