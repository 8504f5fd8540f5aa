"""`marea check` says truly what another capture would need, for three logins on PostgreSQL and MariaDB."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import pytest

import marea
from by_hand import run_sql
from marea.engine.look.better import Better
from marea.engine.look.doctor import EntityReport
from marea.engine.project import Project
from worlds import World

pytestmark = pytest.mark.integration

LOGINS = ("reader", "owner", "replicator")


@pytest.fixture(params=["postgresql", "mariadb"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> World:
    url = request.getfixturevalue(f"{request.param}_url")
    return World(url, f"sqlite:///{tmp_path}/crm.db", tmp_path)


@pytest.fixture
def logins(world: World) -> Iterator[dict[str, str]]:
    """The name of each login; all may read, one owns the tables, one may read the log."""
    names = {login: f"{login}_{uuid4().hex[:8]}" for login in LOGINS}
    for login, name in names.items():
        for statement in _made(world, login, name):
            world.erp(statement)
    yield names
    for name in names.values():
        kind = world.kind == "postgresql"
        drop = f"DROP OWNED BY {name} CASCADE; DROP ROLE {name}" if kind else f"DROP USER {name}"
        run_sql(world.source, drop)


def _made(world: World, login: str, name: str) -> list[str]:
    if world.kind == "mariadb":
        database = world.source.rpartition("/")[2]
        rights = {
            "reader": [],
            "owner": [f"GRANT ALL ON {database}.* TO {name}", f"GRANT PROCESS ON *.* TO {name}"],
            "replicator": [f"GRANT REPLICATION SLAVE, REPLICATION CLIENT, PROCESS ON *.* TO {name}"],
        }[login]
        return [f"CREATE USER {name}", f"GRANT SELECT ON {database}.* TO {name}", *rights]
    tables = ("customers", "options", "branches", "tax_codes")
    rights = {
        "reader": [],
        "owner": [
            f"GRANT CREATE ON SCHEMA public TO {name}", f"GRANT pg_read_all_stats TO {name}",
            *(f"ALTER TABLE {table} OWNER TO {name}" for table in tables),
        ],
        "replicator": [f"ALTER ROLE {name} REPLICATION", f"GRANT pg_read_all_stats TO {name}"],
    }[login]  # fmt: skip
    return [f"CREATE ROLE {name} LOGIN", f"GRANT SELECT ON {', '.join(tables)} TO {name}", *rights]


@contextmanager
def opened(world: World, name: str, capture: str = "auto") -> Iterator[Project]:
    """The project as a login has it, with a capture for the customers."""
    admin = {"postgresql": "postgres@", "mariadb": "root@"}[world.kind]
    text = world.file.read_text("utf-8")
    as_login = text.replace(world.source, world.source.replace(admin, f"{name}@"))
    chosen = as_login.replace("where: kind = 1\n", f"where: kind = 1\n      capture: {capture}\n")
    world.file.write_text(chosen, "utf-8")
    try:
        with marea.open(world.file, {}) as project:
            yield project
    finally:
        world.file.write_text(text, "utf-8")


def checked(world: World, name: str, capture: str = "auto") -> EntityReport:
    """What `marea check` says of customers to a login."""
    with opened(world, name, capture) as project:
        report = project.check(["customers"])
    assert report.faults == []
    return report.entities[0]


def told(report: EntityReport) -> dict[str, Better]:
    return {better.capture: better for better in report.better}


def test_three_logins_are_told_three_things(world: World, logins: dict[str, str]) -> None:
    reports = {login: checked(world, name) for login, name in logins.items()}
    assert {report.capture for report in reports.values()} == {"watermark"}
    reader, owner, replicator = (told(reports[login]) for login in LOGINS)
    assert len({repr(sorted(each.items())) for each in (reader, owner, replicator)}) == 3
    assert reader["watermark"].lacks
    assert "watermark" not in owner
    assert "watermark" not in replicator
    assert any("may not make triggers on" in text for text in reader["trigger"].lacks)
    assert owner["trigger"].lacks == ()
    assert replicator["trigger"].lacks == reader["trigger"].lacks
    assert ("xmin" in reader) == (world.kind == "postgresql")


def test_who_writes_is_promised_to_be_seen_by_whom_it_is(world: World, logins: dict[str, str]) -> None:
    reader, owner = (checked(world, logins[login]).tables[0].promise for login in ("reader", "owner"))
    assert owner.late_commits.startswith("yes")
    assert reader.late_commits.startswith("yes" if world.kind == "postgresql" else "not of a transaction")


@pytest.mark.parametrize("capture", ["watermark", "trigger"])
def test_what_it_says_to_grant_grants_it(world: World, logins: dict[str, str], capture: str) -> None:
    name = logins["reader"]
    found = told(checked(world, name))[capture]
    grants = [step for step in found.steps if step.startswith("GRANT")]
    assert len(grants) == len(found.lacks)
    for statement in grants:
        world.erp(statement)
    after = told(checked(world, name)).get(capture)
    assert after is None if capture == "watermark" else after is not None and after.lacks == ()


def test_whoever_is_granted_it_installs_it_and_is_told_no_more(world: World, logins: dict[str, str]) -> None:
    name = logins["reader"]
    for statement in told(checked(world, name))["trigger"].steps:
        if statement.startswith("GRANT"):
            world.erp(statement)
    with opened(world, name, "trigger") as project:
        project.install(["customers"])
    report = checked(world, name, "trigger")
    assert (report.capture, report.why) == ("trigger", "the configuration says so")
    assert {table.promise.direct_sql for table in report.tables} == {"yes"}
    assert "trigger" not in told(report)
    assert checked(world, name).capture == "trigger"


def test_who_may_read_the_log_is_told_no_less(world: World, logins: dict[str, str]) -> None:
    if world.kind != "postgresql":
        pytest.skip("the log of MariaDB is off in the tests' server")
    reader, replicator = (told(checked(world, logins[one])) for one in ("reader", "replicator"))
    assert "it may not read the log" in reader["log"].lacks
    assert "it may not read the log" not in replicator["log"].lacks
    assert any("a publication of" in text for text in replicator["log"].lacks)
    administrator = world.source.rpartition("@")[0].rpartition("/")[2]
    with opened(world, administrator, "log") as project:
        project.install(["customers"])
    report = checked(world, logins["replicator"])
    assert (report.capture, report.why) == ("log", "what it needs is installed in the source")
    assert "a publication of" not in str(told(report))
    with opened(world, administrator, "log") as project:
        project.install(["customers"], remove=True)
