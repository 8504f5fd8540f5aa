"""Options are checked with the nearest name; addresses are taken apart and shown without a password."""

from __future__ import annotations

from pathlib import Path

import pytest

from marea.config.addresses import connector
from marea.config.settings import SystemSettings
from marea.connectors import registry
from marea.connectors.base import address, unknown_options
from marea.errors import ConfigurationError

pytestmark = pytest.mark.unit


def system(url: str, **options: object) -> SystemSettings:
    return SystemSettings("erp", "postgresql", url, options, line=7)


def test_unknown_options_name_the_nearest_known() -> None:
    assert unknown_options({"user": 1, "pasword": 2, "zzz": 3}, {"user", "password"}) == [
        'pasword: unknown option (did you mean "password"?)',
        "zzz: unknown option (known here: password, user)",
    ]


def test_an_address_is_taken_apart() -> None:
    found = address(system("postgresql://re%40der:p%2Fw@db.example:5433/mago%204?sslmode=require"))
    assert (found.scheme, found.host, found.port, found.database) == (
        "postgresql",
        "db.example",
        5433,
        "mago 4",
    )
    assert (found.user, found.password) == ("re@der", "p/w")
    assert found.parameters == (("sslmode", "require"),)
    assert found.shown == "postgresql://db.example:5433/mago 4"


def test_options_win_over_the_url() -> None:
    found = address(system("mysql://a:b@host/db", user="reader", password="s3cret:/@"))
    assert (found.user, found.password) == ("reader", "s3cret:/@")


def test_a_message_is_cleaned_of_the_password() -> None:
    found = address(system("mysql://a:s3cret@host/db"))
    assert found.clean("bad s3cret\n  here") == "bad *** here"
    assert "s3cret" not in repr(found)


def test_an_address_that_cannot_be_read() -> None:
    with pytest.raises(ConfigurationError) as caught:
        address(system("mysql://a:s3cret@host:port/db"))
    assert "erp" in str(caught.value)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "options", "expected"),
    [
        ("postgresql://h/db", {}, "postgresql://h/db?connect_timeout=10&application_name=marea"),
        (
            "postgresql:///db?host=/run/pg&connect_timeout=3",
            {"user": "a b", "password": "p/w@"},
            "postgresql://a%20b:p%2Fw%40@/db?connect_timeout=3&application_name=marea&host=%2Frun%2Fpg",
        ),
        ("postgres://u:p@h:1/db", {}, "postgresql://u:p@h:1/db?connect_timeout=10&application_name=marea"),
    ],
)
def test_what_postgresql_connects_to(url: str, options: dict[str, object], expected: str) -> None:
    from marea.connectors.postgresql.link import uri

    assert uri(system(url, **options)) == expected


@pytest.mark.parametrize(
    ("urls", "place"),
    [
        (
            (
                "postgresql://me:hush@LOCALHOST/crm",
                "postgres://other@127.0.0.1:5432/crm?sslmode=require",
                "postgresql:///crm?host=/run/pg",
                "postgresql:///?host=localhost&port=5432&dbname=crm",
                "postgresql://crm@localhost",
            ),
            "postgresql://localhost:5432/crm",
        ),
        (
            ("mysql://me:hush@db.example/crm", "mariadb://DB.example:3306/crm?charset=utf8mb4"),
            "mysql://db.example:3306/crm",
        ),
        (("mssql://me:hush@db/crm", "sqlserver://db:1433/crm?encrypt=no"), "mssql://db:1433/crm"),
        (
            ("https://me:hush@crm.example/api/", "https://CRM.example:443/api"),
            "https://crm.example:443/api",
        ),
        (("http://crm.example:8800",), "http://crm.example:8800"),
    ],
)
def test_a_place_has_one_spelling_without_its_login(urls: tuple[str, ...], place: str) -> None:
    for url in urls:
        found = connector(url, None)
        assert registry.connector(found).place(SystemSettings("crm", found, url)) == place


def test_a_file_is_the_same_by_whatever_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    for folder in ("real", "link", "real/../link"):
        found = SystemSettings("crm", "sqlite", f"sqlite:///{tmp_path}/{folder}/crm.db")
        assert registry.connector("sqlite").place(found) == f"sqlite:///{tmp_path.resolve()}/real/crm.db"
