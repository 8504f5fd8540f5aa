from __future__ import annotations

from pathlib import Path

import pytest

from marea.config import addresses
from marea.config.mistake import Mistake

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("url", "named", "connector"),
    [
        ("sqlite:///erp.db", None, "sqlite"),
        ("postgresql://h/d", None, "postgresql"),
        ("postgres://h/d", None, "postgresql"),
        ("mysql://h/d", None, "mysql"),
        ("mariadb://h/d", "sql", "mysql"),
        ("mssql://h/d", None, "mssql"),
        ("sqlserver://h/d", None, "mssql"),
        ("HTTPS://h/api", None, "rest"),
        ("http://h/api", "rest", "rest"),
        ("postgres://h/d", "postgresql", "postgresql"),
    ],
)
def test_the_scheme_chooses_the_connector(url: str, named: str | None, connector: str) -> None:
    assert addresses.connector(url, named) == connector


@pytest.mark.parametrize(
    ("url", "named"),
    [
        ("https://h/api", "sql"),
        ("mysql://h/d", "postgresql"),
        ("sqlite:///x", "rest"),
        ("ftp://h", None),
        ("erp.db", None),
        ("sqlite:///x", "sqlitee"),
    ],
)
def test_a_connector_and_a_url_that_do_not_fit_are_a_mistake(url: str, named: str | None) -> None:
    with pytest.raises(Mistake):
        addresses.connector(url, named)


@pytest.mark.parametrize(
    ("url", "located"),
    [
        ("sqlite:///erp.db", "sqlite:////data/erp.db"),
        ("sqlite:///../erp.db?mode=ro", "sqlite:////erp.db?mode=ro"),
        ("sqlite:////var/erp.db", "sqlite:////var/erp.db"),
        ("sqlite:///:memory:", "sqlite:///:memory:"),
        ("postgresql://h/d", "postgresql://h/d"),
    ],
)
def test_a_sqlite_file_lies_beside_the_configuration(url: str, located: str) -> None:
    assert addresses.located(url, Path("/data")) == located
