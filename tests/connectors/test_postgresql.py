"""PostgreSQL against the contract suites, and what it promises beyond them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from types import MappingProxyType
from typing import Any

import pytest

import by_hand
from by_hand import run_sql
from marea.capabilities import Catalogue, Editable, Foreseeing, Making
from marea.config.settings import SystemSettings
from marea.connectors.postgresql import PostgresqlConnector
from marea.ports import Connector, Source, Target
from marea.testing import ConnectorContract, SourceContract, SqlTargetContract
from marea.testing.writing import Transaction
from process import free_port

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
def transaction(postgresql_url: str) -> Transaction:
    return partial(by_hand.transaction, postgresql_url)


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
def sessions(postgresql_url: str) -> Callable[[], set[str]]:
    query = (
        "SELECT concat(pid, ' ', backend_start) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    return lambda: {str(name) for (name,) in run_sql(postgresql_url, query)}


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


class TestPostgresqlConnector(ConnectorContract):
    name = "postgresql"
    alike = (
        "postgresql://reader:pa55word@LOCALHOST/crm",
        "postgres://reader@127.0.0.1:5432/crm?sslmode=require&sslpassword=pa55word",
        "postgresql:///crm?host=/run/pg",
        "postgresql:///?host=localhost&port=5432&dbname=crm",
    )
    others = ("postgresql://localhost/erp", "postgresql://db/crm", "postgresql://localhost:5433/crm")
    unreadable = ("postgresql://reader:pa55#word@host/crm", "postgresql://reader:pa55word@host:port/crm")
    options = MappingProxyType({"user": "reader", "password": "pa55word", "timezone": "Europe/Rome"})

    @pytest.fixture
    def connector(self) -> Connector:
        return PostgresqlConnector()


class TestPostgresqlSource(Literals, SourceContract):
    capabilities = (Catalogue, Editable)

    @pytest.fixture
    def unfit(self) -> tuple[str, str]:
        return "DATE", "'infinity'"

    @pytest.fixture
    def unreachable(self, nowhere: SystemSettings) -> Source:
        return PostgresqlConnector().source(nowhere)


class TestPostgresqlTarget(Literals, SqlTargetContract):
    capabilities = (Foreseeing, Making)
    gaps = MappingProxyType(
        {"test_a_lost_answer_is_no_verdict": "test_h24_lost_commit.py loses answers of databases"}
    )

    @pytest.fixture
    def another(self, postgresql_url: str) -> Iterator[Target]:
        target = PostgresqlConnector().target(system(postgresql_url))
        yield target
        target.close()

    @pytest.fixture
    def unreachable(self, nowhere: SystemSettings) -> Target:
        return PostgresqlConnector().target(nowhere)
