"""A table that the login may not read is told where it stands, with what lets the login read it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

import marea
from by_hand import run_sql
from marea.cli.main import run
from marea.engine.init.initialise import starter
from marea.errors import ConfigurationError
from worlds import copied, synchronize, write_project

pytestmark = pytest.mark.integration

TABLES = """
CREATE TABLE open_one (code varchar(9) PRIMARY KEY, modified timestamp NULL);
CREATE TABLE secret (code varchar(9) PRIMARY KEY, modified timestamp NULL)
"""


@pytest.fixture(params=["postgresql", "mariadb"])
def reader(request: pytest.FixtureRequest) -> Iterator[tuple[str, str]]:
    """The url of a login that may read one table of two, and what lets it read the other."""
    url = request.getfixturevalue(f"{request.param}_url")
    for statement in TABLES.split(";"):
        run_sql(url, statement)
    parts = urlsplit(url)
    name = f"reader_{parts.path.lstrip('/')}"
    if request.param == "postgresql":
        run_sql(url, f'CREATE ROLE "{name}" LOGIN; GRANT SELECT ON open_one TO "{name}"')
        granted = f"GRANT SELECT ON public.secret TO {name}"
    else:
        run_sql(
            url, f"CREATE USER {name}; GRANT SELECT ON open_one TO {name}; GRANT INSERT ON secret TO {name}"
        )
        granted = f"GRANT SELECT ON `{parts.path.lstrip('/')}`.`secret` TO '{name}'@'%'"
    yield parts._replace(netloc=f"{name}@{parts.netloc.rpartition('@')[2]}").geturl(), granted
    if request.param == "postgresql":
        run_sql(url, f'DROP OWNED BY "{name}"; DROP ROLE "{name}"')
    else:
        run_sql(url, f"DROP USER {name}")


def test_a_table_that_may_not_be_read_is_told_where_it_stands(
    reader: tuple[str, str], tmp_path: Path
) -> None:
    url, granted = reader
    entities = copied("open_one", "code") + copied("secret", "code")
    file = write_project(tmp_path, entities, source=url)
    line = next(n for n, it in enumerate(file.read_text().splitlines(), 1) if "table: secret" in it)
    with pytest.raises(ConfigurationError) as caught:
        synchronize(file)
    said = f"{file}:{line}: secret.source.table: the login may not read table secret ({granted})"
    assert [str(fault) for fault in caught.value.faults] == [said]
    with marea.open(file, {}) as project:
        assert [str(fault) for fault in project.check().faults] == [said]


def test_a_table_that_may_not_be_read_is_left_out_of_a_first_configuration_and_told(
    reader: tuple[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    url, granted = reader
    monkeypatch.chdir(tmp_path)
    assert run(["init", "--source", url]) == 0
    told = capsys.readouterr().out
    assert f"  secret: left out, the login may not read it ({granted})\n" in told
    assert f"  # secret is left out, the login may not read it: {granted}\n" in Path("marea.yaml").read_text()
    assert run(["check"]) == 0
    assert "secret" not in capsys.readouterr().out


def test_a_login_that_may_read_nothing_is_told_what_lets_it(postgresql_url: str, tmp_path: Path) -> None:
    run_sql(postgresql_url, "CREATE TABLE a (x int PRIMARY KEY)")
    parts = urlsplit(postgresql_url)
    name = f"blind_{parts.path.lstrip('/')}"
    run_sql(postgresql_url, f'CREATE ROLE "{name}" LOGIN')
    url = parts._replace(netloc=f"{name}@{parts.netloc.rpartition('@')[2]}").geturl()
    try:
        with pytest.raises(ConfigurationError, match="may read none of the tables there") as caught:
            starter(url, None, tmp_path / "marea.yaml", {})
        assert caught.value.faults[0].hint == f"GRANT SELECT ON public.a TO {name}"
    finally:
        run_sql(postgresql_url, f'DROP ROLE "{name}"')


def test_a_column_that_may_not_be_read_is_told_with_what_to_grant(
    postgresql_url: str, tmp_path: Path
) -> None:
    for statement in TABLES.split(";"):
        run_sql(postgresql_url, statement)
    parts = urlsplit(postgresql_url)
    name = f"half_{parts.path.lstrip('/')}"
    run_sql(postgresql_url, f'CREATE ROLE "{name}" LOGIN; GRANT SELECT (code) ON secret TO "{name}"')
    url = parts._replace(netloc=f"{name}@{parts.netloc.rpartition('@')[2]}").geturl()
    file = write_project(tmp_path, copied("secret", "code"), source=url)
    try:
        with pytest.raises(ConfigurationError, match="permission denied") as caught:
            synchronize(file)
        assert caught.value.faults[0].hint == f"let the login read it: GRANT SELECT ON … TO {name}"
    finally:
        run_sql(postgresql_url, f'DROP OWNED BY "{name}"; DROP ROLE "{name}"')


def test_a_date_that_may_not_be_set_is_told_with_what_lets_the_login_set_it_and_what_needs_no_right(
    reader: tuple[str, str], tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    url, granted = reader
    kind = request.node.callspec.params["reader"]
    run_sql(request.getfixturevalue(f"{kind}_url"), "INSERT INTO open_one VALUES ('a', NULL)")
    file = write_project(tmp_path, copied("open_one", "code"), source=url)
    login, quote = granted.partition(" TO ")[2], '"' if kind == "postgresql" else "`"
    needed = f"GRANT UPDATE ({quote}modified{quote}) ON {quote}open_one{quote} TO {login}"
    with marea.open(file, {}) as project:
        with pytest.raises(ConfigurationError) as caught:
            project.touch("open_one", "code = 'a'")
        told = str(caught.value)
        assert f"let the login set it: {needed}; or deliver without it: `marea sync open_one --full`" in told
        run_sql(request.getfixturevalue(f"{kind}_url"), needed)
        assert project.touch("open_one", "code = 'a'").rows == 1
