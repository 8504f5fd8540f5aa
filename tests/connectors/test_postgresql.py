"""PostgreSQL against the contract suites, and what it promises beyond them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from marea.config.settings import SystemSettings
from marea.connectors.postgresql import PostgresqlConnector
from marea.ports import Source, Target
from marea.testing import SourceContract, SqlTargetContract
from servers import free_port, run_sql

pytestmark = pytest.mark.contract


def system(url: str, **options: object) -> SystemSettings:
    return SystemSettings("erp", "postgresql", url, options)


@pytest.fixture
def source(postgresql_url: str) -> Iterator[Source]:
    source = PostgresqlConnector().source(system(postgresql_url))
    yield source
    source.close()


@pytest.fixture
def target(postgresql_url: str) -> Iterator[Target]:
    target = PostgresqlConnector().target(system(postgresql_url))
    yield target
    target.close()


@pytest.fixture
def execute(postgresql_url: str) -> Callable[[str], Any]:
    return lambda text: run_sql(postgresql_url, text)


@pytest.fixture
def cut(postgresql_url: str) -> Callable[[], None]:
    def kill() -> None:
        run_sql(
            postgresql_url,
            "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()",
        )

    return kill


@pytest.fixture
def nowhere() -> SystemSettings:
    return system(f"postgresql://reader:pa55word@127.0.0.1:{free_port()}/erp")


class Literals:
    def literal(self, value: object) -> str:
        if isinstance(value, bytes):
            return f"'\\x{value.hex()}'"
        if isinstance(value, float):
            return f"'{value!r}'"
        return super().literal(value)  # type: ignore[misc]


class TestPostgresqlSource(Literals, SourceContract):
    @pytest.fixture
    def unreachable(self, nowhere: SystemSettings) -> Source:
        return PostgresqlConnector().source(nowhere)


class TestPostgresqlTarget(Literals, SqlTargetContract):
    @pytest.fixture
    def another(self, postgresql_url: str) -> Iterator[Target]:
        target = PostgresqlConnector().target(system(postgresql_url))
        yield target
        target.close()

    @pytest.fixture
    def unreachable(self, nowhere: SystemSettings) -> Target:
        return PostgresqlConnector().target(nowhere)
