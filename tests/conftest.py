"""Owns what every test may ask for: fresh databases of real servers; and the count of each kind of test."""

from __future__ import annotations

import os
import signal
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from absent import left_out
from process import Server, ServerMissing
from room import in_memory
from servers import SERVERS

# A busy machine is no fault of what is tested.
settings.register_profile("marea", deadline=None)
settings.load_profile("marea")

if "TMPDIR" not in os.environ:
    tempfile.tempdir = in_memory()

# Who started the tests in the background ignores these, and so would every process that a test starts.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)

KINDS = ("unit", "contract", "integration", "crash", "hazard", "property", "soak")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Each test tells its kinds in its report, which may come from another process."""
    for item in items:
        kinds = {mark.name for mark in item.iter_markers()}.intersection(KINDS)
        item.user_properties.extend(("kind", kind) for kind in kinds)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """How many tests of each kind passed; one of two kinds counts in both."""
    passed = Counter(
        value
        for report in terminalreporter.stats.get("passed", ())
        for name, value in report.user_properties
        if name == "kind"
    )
    told = ", ".join(f"{passed[kind]} {kind}" for kind in KINDS if passed[kind])
    terminalreporter.write_line(f"passed of each kind: {told or 'none'}")


class Servers:
    """The servers of this session, each started when a test first asks for it."""

    def __init__(self) -> None:
        self._started: dict[str, Server] = {}
        self._missing: dict[str, str] = {}

    def get(self, kind: str) -> Server:
        """The running server; skips the test where it is not installed, fails it with CI=true."""
        if kind not in self._started and kind not in self._missing:
            self._start(kind)
        if kind in self._missing:
            left_out(self._missing[kind])
        return self._started[kind]

    def _start(self, kind: str) -> None:
        server = SERVERS[kind]()
        try:
            server.start()
        except ServerMissing as missing:
            self._missing[kind] = str(missing)
        else:
            self._started[kind] = server

    def close(self) -> None:
        for server in self._started.values():
            server.close()


@pytest.fixture(scope="session")
def servers() -> Iterator[Servers]:
    """All servers by kind: `servers.get("postgresql")`, `servers.get("mariadb")`."""
    running = Servers()
    try:
        yield running
    finally:
        running.close()


def _database(server: Server) -> Iterator[str]:
    name = server.create()
    try:
        yield server.url(name)
    finally:
        server.drop(name)


@pytest.fixture
def postgresql_url(servers: Servers) -> Iterator[str]:
    """An empty PostgreSQL database of the test's own."""
    yield from _database(servers.get("postgresql"))


@pytest.fixture
def other_postgresql_url(servers: Servers) -> Iterator[str]:
    """A second empty PostgreSQL database: a source and a target need not share one."""
    yield from _database(servers.get("postgresql"))


@pytest.fixture
def mariadb_url(servers: Servers) -> Iterator[str]:
    """An empty MariaDB database of the test's own."""
    yield from _database(servers.get("mariadb"))


@pytest.fixture
def other_mariadb_url(servers: Servers) -> Iterator[str]:
    """A second empty MariaDB database."""
    yield from _database(servers.get("mariadb"))


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """A SQLite database of the test's own; its file is made by the first statement run on it."""
    return f"sqlite:///{tmp_path / 'source.db'}"
