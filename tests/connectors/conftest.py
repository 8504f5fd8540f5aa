"""Owns what the tests of the SQL connectors share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest

from by_hand import run_sql
from marea.config.settings import SystemSettings
from marea.ports import Column, Source
from marea.sql.dialect import Query

if TYPE_CHECKING:
    from conftest import Servers


class Peek:
    """Reads a source as a test wants it: one query, or one table, as Python values."""

    def __init__(self, source: Source) -> None:
        self.source = source

    def texts(self, sql: str) -> list[Any]:
        """The first column of a query, as text."""
        column = Column("a", pa.string(), self.source.dialect.text_type)
        with self.source.snapshot() as reader:
            tables = list(reader.stream(Query(sql), [column], 1_000))
        return [value for table in tables for value in table["a"].to_pylist()]

    def rows(self, name: str) -> list[tuple[Any, ...]]:
        """All rows of a table."""
        dialect, table = self.source.dialect, self.source.describe(name)
        assert table is not None
        selects = ", ".join(dialect.read(dialect.quote(c.name), c) for c in table.columns)
        query = Query(f"SELECT {selects} FROM {dialect.table(table.name)}")
        with self.source.snapshot() as reader:
            tables = list(reader.stream(query, table.columns, 1_000))
        return [tuple(row.values()) for table in tables for row in table.to_pylist()]


@pytest.fixture
def peek() -> type[Peek]:
    return Peek


@pytest.fixture
def postgresql(postgresql_url: str) -> SystemSettings:
    """A PostgreSQL database as a system."""
    return SystemSettings("erp", "postgresql", postgresql_url)


@pytest.fixture
def sqlite(sqlite_url: str) -> SystemSettings:
    """A SQLite file as a system."""
    return SystemSettings("erp", "sqlite", sqlite_url)


@pytest.fixture
def on_postgresql(postgresql_url: str) -> Callable[[str], Any]:
    return lambda text: run_sql(postgresql_url, text)


@pytest.fixture
def on_sqlite(sqlite_url: str) -> Callable[[str], Any]:
    return lambda text: run_sql(sqlite_url, text)


@pytest.fixture
def in_zone(servers: Servers) -> Iterator[Callable[[str], None]]:
    """Sets MariaDB's own zone, for connections that begin after it."""
    server = servers.get("mariadb")
    yield lambda zone: server.execute(f"SET GLOBAL time_zone = '{zone}'")
    server.execute("SET GLOBAL time_zone = 'SYSTEM'")
