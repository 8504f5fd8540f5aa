"""Options are checked with the nearest name; addresses are taken apart and shown without a password."""

from __future__ import annotations

import pytest

from marea.config.settings import SystemSettings
from marea.connectors.base import address, unknown_options
from marea.errors import ConfigurationError

pytestmark = pytest.mark.unit


def system(url: str, **options: object) -> SystemSettings:
    return SystemSettings("erp", "postgresql", url, options, line=7)


def test_unknown_options_name_the_nearest_known() -> None:
    assert unknown_options({"user": 1, "pasword": 2, "zzz": 3}, {"user", "password"}) == [
        'unknown option "pasword": did you mean "password"?',
        'unknown option "zzz": known here: password, user',
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
