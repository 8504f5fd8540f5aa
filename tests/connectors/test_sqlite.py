"""SQLite against the contract suites, and what it promises beyond them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

import apsw
import pytest

import by_hand
from by_hand import run_sql
from marea.capabilities import Catalogue, Editable, Foreseeing, Hindering, Making
from marea.config.settings import SystemSettings
from marea.connectors.sqlite import SqliteConnector
from marea.ports import Connector, Source, Target
from marea.testing import KINDS, ConnectorContract, SourceContract, SqlTargetContract
from marea.testing.writing import Transaction

pytestmark = pytest.mark.contract

WIDE = {name: kind for name, kind in KINDS.items() if name not in ("int16", "int32")}
BREAKS = "a file has no connection that another could break"


def system(url: str, **options: object) -> SystemSettings:
    return SystemSettings("erp", "sqlite", url, options)


@pytest.fixture
def wal_url(sqlite_url: str) -> str:
    connection = apsw.Connection(sqlite_url.removeprefix("sqlite:///"))
    connection.pragma("journal_mode", "wal")
    connection.close()
    return sqlite_url


@pytest.fixture
def source(wal_url: str) -> Iterator[Source]:
    source = SqliteConnector().source(system(wal_url))
    yield source
    source.close()


@pytest.fixture
def target(wal_url: str) -> Iterator[Target]:
    target = SqliteConnector().target(system(wal_url))
    yield target
    target.close()


@pytest.fixture
def execute(wal_url: str) -> Callable[[str], Any]:
    return lambda text: run_sql(wal_url, text)


@pytest.fixture
def transaction(wal_url: str) -> Transaction:
    return partial(by_hand.transaction, wal_url)


@pytest.fixture
def cut() -> Callable[[], None]:
    return lambda: pytest.fail(BREAKS)


@pytest.fixture
def sessions() -> Callable[[], set[str]]:
    return set


@pytest.fixture
def nowhere(tmp_path: Path) -> SystemSettings:
    return system(f"sqlite:///{tmp_path}/missing/erp.db")


class TestSqliteConnector(ConnectorContract):
    name = "sqlite"
    alike = ("sqlite:////data/erp.db", "sqlite:////data/../data/./erp.db")
    others = ("sqlite:////data/crm.db", "sqlite:////erp.db")
    unreadable = ("sqlite:///:memory:", "sqlite://reader:pa55word@host/erp.db")

    @pytest.fixture
    def connector(self) -> Connector:
        return SqliteConnector()


class TestSqliteSource(SourceContract):
    capabilities = (Catalogue, Editable, Hindering)
    kinds = WIDE
    """All integers are int64."""

    def literal(self, value: object) -> str:
        return f"'{value:f}'" if isinstance(value, Decimal) else super().literal(value)

    gaps = MappingProxyType({"test_a_connection_that_breaks_says_so": BREAKS})

    @pytest.fixture
    def unfit(self) -> tuple[str, str]:
        return "INTEGER", "'many'"

    @pytest.fixture
    def unreachable(self, nowhere: SystemSettings) -> Source:
        return SqliteConnector().source(nowhere)


class TestSqliteTarget(SqlTargetContract):
    capabilities = (Foreseeing, Making)
    kinds = WIDE
    gaps = MappingProxyType(
        {
            "test_a_connection_that_breaks_comes_back": BREAKS,
            "test_a_connection_that_breaks_says_so_and_comes_back": BREAKS,
            "test_nothing_is_applied_once_the_system_has_gone_away": BREAKS,
            "test_a_lost_answer_is_no_verdict": "a file does not answer from afar",
            "test_a_value_of_the_wrong_type_is_refused": "columns take any value, if not STRICT",
        }
    )

    @pytest.fixture
    def another(self, wal_url: str) -> Iterator[Target]:
        target = SqliteConnector().target(system(wal_url))
        yield target
        target.close()

    @pytest.fixture
    def unreachable(self, nowhere: SystemSettings) -> Target:
        return SqliteConnector().target(nowhere)
