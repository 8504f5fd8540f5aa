"""Owns the proof that MariaDB keeps both contracts, and what is special about it as source and target."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import ClassVar

import pytest

import by_hand
from by_hand import run_sql
from marea.capabilities import Catalogue, Editable, Foreseeing, Making
from marea.connectors.mysql import MysqlConnector
from marea.ports import Connector, Source, Target
from marea.testing import KINDS, ConnectorContract, Kind, SourceContract, SqlTargetContract
from marea.testing.values import literal
from marea.testing.writing import Transaction
from mysql_systems import system

pytestmark = pytest.mark.contract

Execute = Callable[[str], object]
Options = Mapping[str, object]

MYSQL_KINDS = {name: kind for name, kind in KINDS.items() if name not in ("time", "timestamptz")}
"""TIME and instants are tested below: TIME may exceed a day, and DATETIME knows no zone."""
AWAY = "mariadb://reader:pa55word@127.0.0.1:1/t"


def mysql_literal(value: object) -> str:
    return literal(value).replace("\\", "\\\\") if isinstance(value, str) else literal(value)


def sessions_of(url: str) -> set[str]:
    """The connections to the url's database but the one that asks."""
    rows = run_sql(
        url, "SELECT id FROM information_schema.processlist WHERE db = DATABASE() AND id <> CONNECTION_ID()"
    )
    return {str(number) for (number,) in rows}


def cut_connections(url: str) -> None:
    """Kills every connection to the url's database but the one that asks."""
    for number in sessions_of(url):
        run_sql(url, f"KILL {number}")


class TestConnector(ConnectorContract):
    name = "mysql"
    alike = (
        "mysql://reader:pa55word@LOCALHOST/crm",
        "mariadb://127.0.0.1:3306/crm?charset=utf8mb4",
        "MARIADB://reader@localhost/crm?unix_socket=/run/mysqld.sock",
    )
    others = ("mysql://localhost/erp", "mysql://db/crm", "mysql://localhost:3307/crm")
    unreadable = ("mysql://reader:pa55/word@host/crm", "mysql://reader:pa55word@host:port/crm")
    options = MappingProxyType(
        {"user": "reader", "password": "pa55word", "timezone": "+01:00", "tinyint1": "integer"}
    )
    wrong = MappingProxyType({"timezone": 7, "tinyint1": "float"})

    @pytest.fixture
    def connector(self) -> Connector:
        return MysqlConnector()


class OnMariadb:
    """The fixtures of both contracts."""

    kinds: ClassVar[Mapping[str, Kind]] = MYSQL_KINDS

    @pytest.fixture
    def execute(self, mariadb_url: str) -> Execute:
        return lambda text: run_sql(mariadb_url, text)

    @pytest.fixture
    def source(self, mariadb_url: str) -> Iterator[Source]:
        opened = MysqlConnector().source(system(mariadb_url))
        yield opened
        opened.close()

    @pytest.fixture
    def target(self, mariadb_url: str) -> Iterator[Target]:
        opened = MysqlConnector().target(system(mariadb_url))
        yield opened
        opened.close()

    @pytest.fixture
    def another(self, mariadb_url: str) -> Iterator[Target]:
        opened = MysqlConnector().target(system(mariadb_url))
        yield opened
        opened.close()

    @pytest.fixture
    def transaction(self, mariadb_url: str) -> Transaction:
        return partial(by_hand.transaction, mariadb_url)

    @pytest.fixture
    def cut(self, mariadb_url: str) -> Callable[[], None]:
        return lambda: cut_connections(mariadb_url)

    @pytest.fixture
    def sessions(self, mariadb_url: str) -> Callable[[], set[str]]:
        return lambda: sessions_of(mariadb_url)

    def literal(self, value: object) -> str:
        return mysql_literal(value)


class TestSource(OnMariadb, SourceContract):
    capabilities = (Catalogue, Editable)
    stamps: ClassVar[Mapping[str, Sequence[str]]] = {
        name: literals for name, literals in SourceContract.stamps.items() if name != "timestamptz"
    }
    now: ClassVar[Mapping[str, str]] = {"timestamp": "NOW()", "date": "CURRENT_DATE"}

    @pytest.fixture
    def unfit(self) -> tuple[str, str]:
        return "TINYINT(1)", "2"

    @pytest.fixture
    def unreachable(self) -> Source:
        return MysqlConnector().source(system(AWAY))


class TestTarget(OnMariadb, SqlTargetContract):
    capabilities = (Foreseeing, Making)
    gaps = MappingProxyType(
        {"test_a_lost_answer_is_no_verdict": "test_h24_lost_commit.py loses answers of databases"}
    )

    @pytest.fixture
    def unreachable(self) -> Target:
        return MysqlConnector().target(system(AWAY))
