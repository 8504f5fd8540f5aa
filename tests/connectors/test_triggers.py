"""The triggers of each database: made by its own client, for writers of any login, under hostile names."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

import marea
from by_hand import run_sql
from marea.errors import ConfigurationError
from marea.model import Outcome
from worlds import write_project

pytestmark = pytest.mark.integration

SCHEMA = """
CREATE TABLE {q}Cu's "tomers{q} ({q}co'de{q} varchar(12) PRIMARY KEY, name varchar(40));
INSERT INTO {q}Cu's "tomers{q} VALUES ('0815', 'Old'), ('0816', 'Old')
"""
ENTITIES = """
  people:
    source: {system: erp, table: 'Cu''s "tomers', key: "co'de", capture: trigger}
    target: {system: crm, object: accounts, key: code, create: true}
    fields: {code: '"co''de"', name: name}
"""


class Place:
    """A source with one table of a hostile name, and the project that follows it."""

    def __init__(self, kind: str, url: str, folder: Path) -> None:
        self.kind, self.url, self.folder = kind, url, folder
        self.quote = "`" if kind == "mariadb" else '"'
        self.table = "`Cu's \"tomers`" if kind == "mariadb" else '"Cu\'s ""tomers"'
        text = SCHEMA.format(q=self.quote)
        self.erp(text if kind == "mariadb" else text.replace("Cu's \"tomers", 'Cu\'s ""tomers'))
        self.file = write_project(folder, ENTITIES, url, f"sqlite:///{folder}/crm.db")

    def erp(self, text: str) -> list[tuple[object, ...]]:
        return run_sql(self.url, text)

    def install(self, *, remove: bool = False, carry_out: bool = True) -> str:
        with marea.open(self.file, {}) as project:
            work = project.install(remove=remove, carry_out=carry_out)
            return "\n".join(item.script for item in work)

    def sync(self) -> dict[str, int]:
        with marea.open(self.file, {}) as project:
            counts = project.sync().entities["people"].counts
        return {outcome.value: number for outcome, number in counts.items() if number}

    def run_by_client(self, script: str) -> None:
        """Has the database's own client carry a script out."""
        parts = urlsplit(self.url)
        if self.kind == "sqlite":
            words = ["sqlite3", "-bail", self.url.removeprefix("sqlite:///")]
        elif self.kind == "postgresql":
            words = ["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", self.url]
        else:
            login = ["-h", str(parts.hostname), "-P", str(parts.port), "-u", unquote(parts.username or "")]
            secret = [f"--password={unquote(parts.password)}"] if parts.password else []
            words = ["mariadb", "--skip-ssl", *login, *secret, parts.path.lstrip("/")]
        try:
            done = subprocess.run(words, input=script, text=True, capture_output=True, check=False)
        except FileNotFoundError as missing:
            pytest.skip(f"{missing.filename} is not installed here")
        assert (done.returncode, done.stderr) == (0, "")

    def ours(self) -> int:
        """How many things of ours are in the database."""
        questions = {
            "sqlite": "SELECT count(*) FROM sqlite_schema WHERE name LIKE 'marea%'",
            "postgresql": "SELECT (SELECT count(*) FROM pg_class WHERE relname LIKE 'marea%') + "
            "(SELECT count(*) FROM pg_trigger WHERE tgname LIKE 'marea%') + "
            "(SELECT count(*) FROM pg_proc WHERE proname LIKE 'marea%')",
            "mariadb": "SELECT (SELECT count(*) FROM information_schema.triggers WHERE trigger_schema = "
            "DATABASE()) + (SELECT count(*) FROM information_schema.routines "
            "WHERE routine_schema = DATABASE()) + (SELECT count(*) FROM information_schema.tables "
            "WHERE table_schema = DATABASE() AND table_name LIKE 'marea%')",
        }
        return int(str(self.erp(questions[self.kind])[0][0]))


@pytest.fixture(params=["sqlite", "postgresql", "mariadb"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    kind = request.param
    url = f"sqlite:///{tmp_path}/erp.db" if kind == "sqlite" else request.getfixturevalue(f"{kind}_url")
    return Place(kind, url, tmp_path)


def test_the_client_of_the_database_carries_out_what_is_printed(place: Place) -> None:
    assert place.ours() == 0
    script = place.install(carry_out=False)
    assert place.ours() == 0
    place.run_by_client(script)
    assert place.sync() == {Outcome.CREATED.value: 2}
    place.erp(f"UPDATE {place.table} SET name = 'New'")
    assert place.sync() == {Outcome.UPDATED.value: 2}
    place.run_by_client(script)  # once more does no harm
    assert set(place.sync()) <= {"unchanged"}
    assert place.install(carry_out=False) == ""
    place.run_by_client(place.install(remove=True, carry_out=False))
    assert place.ours() == 0


def test_installed_twice_and_removed_nothing_is_left(place: Place) -> None:
    place.install()
    there = place.ours()
    place.install()
    assert place.ours() == there > 0
    place.install(remove=True)
    assert place.ours() == 0
    place.erp(f"UPDATE {place.table} SET name = 'Free'")


def test_another_mapping_of_the_tables_replaces_the_triggers(place: Place) -> None:
    place.install()
    there = place.ours()
    text = place.file.read_text("utf-8")
    place.file.write_text(text.replace("people:", "persons:"), "utf-8")
    place.install()
    assert place.ours() > there
    place.install(remove=True)
    assert place.ours() == there
    place.file.write_text(text.replace('key: "co\'de"', 'key: ["co\'de", name]'), "utf-8")
    place.install()
    assert place.ours() == there


Grant = Callable[[Place], str]


def reader_of(place: Place) -> str:
    """Makes a login that may read, and nothing else; gives the url it connects by."""
    parts = urlsplit(place.url)
    if place.kind == "postgresql":
        [(name,)] = place.erp("SELECT 'reader_' || substr(md5(random()::text), 1, 8)")
        place.erp(
            f"CREATE ROLE {name} LOGIN PASSWORD 'r'; GRANT SELECT ON ALL TABLES IN SCHEMA public TO {name}"
        )
    else:
        [(name,)] = place.erp("SELECT CONCAT('reader_', LEFT(MD5(RAND()), 8))")
        database = parts.path.lstrip("/")
        place.erp(
            f"CREATE USER {name}@'%' IDENTIFIED BY 'r'; "
            f"GRANT SELECT ON {database}.{place.table} TO {name}@'%'"
        )
    return f"{parts.scheme}://{name}:r@{parts.hostname}:{parts.port}{parts.path}"


def drop(place: Place, url: str) -> None:
    name = urlsplit(url).username
    if place.kind == "postgresql":
        place.erp(f"DROP OWNED BY {name}; DROP ROLE {name}")
    else:
        place.erp(f"DROP USER {name}@'%'")


@pytest.fixture
def reader(place: Place) -> object:
    if place.kind == "sqlite":
        pytest.skip("SQLite knows no logins")
    url = reader_of(place)
    write_project(place.folder, ENTITIES, url, f"sqlite:///{place.folder}/crm.db")
    yield url
    drop(place, url)


def test_a_login_that_may_only_read_is_told_and_lives_on_what_an_administrator_ran(
    place: Place, reader: str
) -> None:
    with pytest.raises(ConfigurationError, match=r"GRANT.*marea capture install people --sql"):
        place.install()
    place.run_by_client(place.install(carry_out=False))
    assert place.sync() == {"created": 2}
    place.erp(f"UPDATE {place.table} SET name = 'New' WHERE name = 'Old'")
    assert place.sync() == {"updated": 2}
    assert place.erp("SELECT count(*) FROM marea_change") == [(1,)]


def test_writers_of_other_logins_need_no_right_of_ours(place: Place, reader: str) -> None:
    place.run_by_client(place.install(carry_out=False))
    place.sync()
    writer = urlsplit(reader).username
    if place.kind == "postgresql":
        place.erp(f"REVOKE ALL ON marea_change FROM {writer}; GRANT UPDATE ON {place.table} TO {writer}")
    else:
        database = urlsplit(place.url).path.lstrip("/")
        place.erp(
            f"REVOKE ALL PRIVILEGES ON {database}.marea_change FROM {writer}@'%'; "
            f"GRANT UPDATE ON {database}.{place.table} TO {writer}@'%'"
        )
    run_sql(reader, f"UPDATE {place.table} SET name = 'By another'")
    assert place.erp("SELECT count(*) FROM marea_change WHERE noted IS NOT NULL") == [(2,)]
