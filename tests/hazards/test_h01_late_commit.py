"""A transaction stamps its row, stays open while others are synchronized, and commits then."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial

import pytest

import by_hand
from by_hand import run_sql
from hazards.conftest import MakeWorld
from worlds import ENTITIES, World, counts

pytestmark = [pytest.mark.hazard, pytest.mark.integration]

LAG = ENTITIES.replace(
    "    target: {system: crm, object: accounts", "    lag: 1h\n    target: {system: crm, object: accounts"
)
NOW = {"postgresql": "now()", "mariadb": "now(6)", "sqlite": "CURRENT_TIMESTAMP"}

Transaction = Callable[[str], AbstractContextManager[None]]


@pytest.fixture
def world(make_world: MakeWorld) -> World:
    return make_world(ENTITIES)


@pytest.fixture
def transaction(world: World) -> Transaction:
    return partial(by_hand.transaction, world.source)


def late(world: World, name: str = "Late", code: str = "00001") -> str:
    return (
        f"UPDATE customers SET name = '{name}', modified = {NOW[world.kind]} "
        f"WHERE kind = 1 AND code = '{code}'"
    )


def name(world: World, code: str = "00001") -> str:
    return str(world.crm(f"SELECT name FROM accounts WHERE code = '{code}'")[0][0])


def early(world: World) -> None:
    """A change that commits at once; SQLite has one writer, and it is not this one."""
    if world.kind != "sqlite":
        world.change("customers", "name = 'Early'", "kind = 1 AND code = '00002'")


def test_h01_a_late_commit_is_found_by_the_next_run(world: World, transaction: Transaction) -> None:
    world.sync()
    with transaction(late(world)):
        early(world)
        during = counts(world.sync())
    assert during.get("updated", 0) == (world.kind != "sqlite")
    assert name(world) != "Late"
    assert counts(world.sync())["updated"] == 1
    assert name(world) == "Late"


def test_h01_however_many_runs_pass_meanwhile(world: World, transaction: Transaction) -> None:
    world.sync()
    with transaction(late(world)):
        for _ in range(3):
            early(world)
            world.sync()
    world.sync()
    assert name(world) == "Late"


def test_h01_during_a_first_load(world: World, transaction: Transaction) -> None:
    with transaction(late(world)):
        world.sync()
    world.sync()
    assert name(world) == "Late"


def test_h01_during_a_full_run(world: World, transaction: Transaction) -> None:
    world.sync()
    with transaction(late(world)):
        early(world)
        world.sync(full=True)
    world.sync()
    assert name(world) == "Late"


def test_h01_a_related_row_that_commits_late(world: World, transaction: Transaction) -> None:
    world.sync()
    with transaction(f"INSERT INTO branches VALUES (1, '00001', 'B1', 'Late', {NOW[world.kind]})"):
        early(world)
        world.sync()
    world.sync()
    assert "Late" in str(world.crm("SELECT branches FROM accounts WHERE code = '00001'"))


def test_h01_what_is_read_again_meanwhile_is_not_sent_again(world: World, transaction: Transaction) -> None:
    world.sync()
    with transaction(late(world)):
        early(world)
        world.sync()
        again = counts(world.sync())
    assert not again.keys() & {"created", "updated"}


def test_h01_where_the_login_may_not_see_it_a_mark_helps(make_world: MakeWorld) -> None:
    """On PostgreSQL everybody sees that a transaction is open, and since when its owner alone."""
    world = make_world(ENTITIES)
    if world.kind != "postgresql":
        pytest.skip("PostgreSQL alone shows to everybody that transactions are open")
    run_sql(world.source, "DROP ROLE IF EXISTS plain; CREATE ROLE plain LOGIN")
    run_sql(world.source, "GRANT SELECT ON ALL TABLES IN SCHEMA public TO plain")
    world.file.write_text(world.file.read_text().replace("postgres@", "plain@", 1))
    world.sync()
    early(world)
    world.sync()
    with by_hand.transaction(world.source, late(world)):
        early(world)
        world.sync()
        early(world)
        world.sync()
    world.sync()
    assert name(world) == "Late"
    world.sync()
    assert counts(world.sync()) == {}


def test_h01_where_nobody_may_tell_it_is_found_by_an_overlap(make_world: MakeWorld) -> None:
    world = make_world(LAG)
    if world.kind != "mariadb":
        pytest.skip("a login of MariaDB without PROCESS sees nothing of others")
    run_sql(world.source, "CREATE OR REPLACE USER plain; GRANT SELECT ON *.* TO plain")
    world.file.write_text(world.file.read_text().replace("root@", "plain@", 1))
    world.sync()
    with by_hand.transaction(world.source, late(world)):
        early(world)
        result = world.sync()
    assert any("GRANT PROCESS" in note for note in result.notes)
    world.sync()
    assert name(world) == "Late"
