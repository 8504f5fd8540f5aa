from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import marea
from marea.errors import ConfigurationError
from worlds import World, counts

pytestmark = pytest.mark.integration


@pytest.fixture(params=["sqlite", "postgresql", "mariadb"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> World:
    kind = request.param
    source = f"sqlite:///{tmp_path}/erp.db" if kind == "sqlite" else request.getfixturevalue(f"{kind}_url")
    made = World(source, f"sqlite:///{tmp_path}/crm.db", tmp_path)
    made.fill(6)
    return made


def test_exactly_the_touched_are_delivered_by_the_next_run(world: World) -> None:
    world.sync()
    world.erp("UPDATE customers SET name = 'By 100% SQL' WHERE code IN ('00001', '00002')")
    world.erp("INSERT INTO customers VALUES (2, 'S1', 'By 100% SQL', '22', 1, '2020-01-01 00:00:00')")
    assert counts(world.sync()) == {}
    with marea.open(world.file, {}) as project:
        where = "name LIKE 'By 100%'"
        assert project.touch("customers", where, dry_run=True).rows == 2
        done = project.touch("customers", where)
    assert (done.entity, done.table, done.column, done.rows) == ("customers", "customers", "modified", 2)
    assert counts(world.sync()) == {"updated": 2}
    assert world.erp("SELECT modified FROM customers WHERE code = 'S1'") == world.erp(
        "SELECT modified FROM customers WHERE code = '00003'"
    )


def test_the_date_is_as_late_as_what_the_database_writes(world: World) -> None:
    stamp = {"sqlite": "CURRENT_TIMESTAMP", "postgresql": "now()", "mariadb": "now(6)"}[world.kind]
    [(before,)] = world.erp(f"SELECT {stamp}")
    with marea.open(world.file, {}) as project:
        project.touch("customers", "code = '00001'")
    [(touched,)] = world.erp("SELECT modified FROM customers WHERE code = '00001'")
    if world.kind == "postgresql":
        [(later,)] = world.erp(
            "SELECT modified >= date_trunc('second', now() - interval '1 minute') "
            "AND modified <= now() FROM customers WHERE code = '00001'"
        )
        assert later is True
    else:
        assert str(touched) >= str(before)


@pytest.mark.parametrize(
    "ask",
    [
        lambda project, where: project.touch("customers", where),
        lambda project, where: project.sync(["customers"], where=where),
        lambda project, where: project.plan(["customers"], where=where),
    ],
)
def test_conditions_the_database_does_not_take(
    world: World, ask: Callable[[marea.Project, str], object]
) -> None:
    with marea.open(world.file, {}) as project:
        listed = "columns of customers: kind, code, name"
        for where, said, hint in (
            ("nome = 1", "nome", 'did you mean "name"?'),
            ("zzz = 1", "zzz", listed),
            ("code = 'a' AND", "syntax", listed),
        ):
            with pytest.raises(ConfigurationError, match=f"^--where: .*{said}") as caught:
                ask(project, where)
            assert hint in str(caught.value)
            assert "CASE" not in str(caught.value)
            assert "THEN" not in str(caught.value)
