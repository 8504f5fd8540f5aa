from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marea.config import addresses
from marea.config.mistake import Mistake
from marea.config.settings import SystemSettings
from marea.connectors.base import address

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
        ("rest://h", None),
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
        ("sqlite:///../erp.db", "sqlite:////erp.db"),
        ("sqlite:////var/erp.db", "sqlite:////var/erp.db"),
        ("sqlite:///:memory:", "sqlite:///:memory:"),
        ("postgresql://h/d", "postgresql://h/d"),
    ],
)
def test_a_file_lies_beside_the_configuration(url: str, located: str) -> None:
    assert addresses.reached(url, None, Path("/data"))[1] == located


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://me:hun#ter2@host/db",
        "postgresql://me:hun/ter2@host/db",
        "postgresql://me:hun?ter2@host/db",
        "postgresql://me:hun@ter2@host/db",
        "postgresql://me:12#34@host/db",
        "postgresql://me:12/34@host/db",
        "https://me:12?34@host/api",
        "mysql://me:hunter2%@host/db",
        "mysql://me:hunter2%00@host/db",
        "mysql://me:hun ter2@host/db",
        "mysql://me:hun\tter2@host/db",
        "mysql://me:[hunter2]@host/db",
        "mysql://me:hunter2\u2100@host/db",
        "mysql://me:hunter2",
        "postgresql://host/db#hunter2",
        "https://host/@hunter2",
    ],
)
def test_a_url_that_can_be_read_in_two_ways_is_refused(url: str) -> None:
    for refuse in (lambda: addresses.connector(url, None), lambda: addresses.check(url)):
        with pytest.raises(Mistake) as caught:
            refuse()
        told = caught.value.message + caught.value.hint
        assert not any(part in told for part in ("hun", "ter2", "12", "34"))
    assert "percent-encod" in caught.value.hint


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://me%40here:hun%23ter2@[::1]:5432/db?sslmode=require",
        "postgresql:///db?host=%2Frun%2Fpg",
        "https://host/api/%40me",
        "sqlite:///a #1@home.db",
        "sqlite:///:memory:",
    ],
)
def test_a_url_that_can_be_read_in_one_way_is_taken(url: str) -> None:
    addresses.connector(url, None)


LOGIN = st.text(st.sampled_from("ab1:/@?#%[] \t\u2100é"), max_size=8)


@pytest.mark.property
@given(user=LOGIN, password=LOGIN)
def test_a_login_is_taken_as_it_was_meant_or_not_at_all(user: str, password: str) -> None:
    """However a login is written, nobody is asked to connect to a part of it."""
    url = f"postgresql://{user}:{password}@host:5432/db"
    try:
        addresses.check(url)
    except Mistake:
        url = f"postgresql://{quote(user, safe='')}:{quote(password, safe='')}@host:5432/db"
        addresses.check(url)
        found = address(SystemSettings("erp", "postgresql", url))
        assert (found.user, found.password) == (user, password)
        return
    found = address(SystemSettings("erp", "postgresql", url))
    assert (found.host, found.port, found.database) == ("host", 5432, "db")


STATES = [
    ("sqlite:////data/shop/marea.db", "sqlite:///marea.db"),
    ("sqlite:////elsewhere/marea.db", "sqlite:////elsewhere/marea.db"),
    (
        "postgresql://me:s3cret@host:5433/app?schema=shop&password=s3cret",
        "postgresql://host:5433/app?schema=shop",
    ),
    ("postgresql://host/app", "postgresql://host/app"),
]


@pytest.mark.parametrize(("url", "shown"), STATES)
def test_a_state_is_shown_without_what_nobody_may_see(url: str, shown: str) -> None:
    assert addresses.shown_state(url, Path("/data/shop")) == shown
