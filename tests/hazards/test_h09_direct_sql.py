"""Raw SQL leaves the stamp alone, sets it back, ahead or to NULL; a row comes from a backup."""

from __future__ import annotations

import pytest

from hazards.conftest import MakeWorld
from marea.model import Cause
from worlds import ENTITIES, counts

pytestmark = [pytest.mark.hazard, pytest.mark.integration]

STAMPS = {
    "left alone": "modified",
    "past": "'2001-01-01 00:00:00'",
    "future": "'2199-01-01 00:00:00'",
    "null": "NULL",
}


@pytest.mark.parametrize("stamp", STAMPS)
def test_h09_a_full_run_finds_raw_sql_whatever_it_did_to_the_stamp(make_world: MakeWorld, stamp: str) -> None:
    world = make_world()
    world.sync()
    world.erp(f"UPDATE customers SET name = 'Raw', modified = {STAMPS[stamp]} WHERE code < '00004'")
    assert counts(world.sync()) == ({"updated": 4} if stamp == "future" else {})
    result = world.sync(full=True)
    assert counts(result) == ({"unchanged": 12} if stamp == "future" else {"updated": 4, "unchanged": 8})
    assert world.crm("SELECT count(*) FROM accounts WHERE name = 'Raw'") == [(4,)]
    if stamp == "left alone":
        assert {entry.cause for entry in world.log(run=result.id)} == {Cause.DIRECT_SQL}


def test_h10_a_row_restored_from_a_backup_is_found_by_a_full_run(make_world: MakeWorld) -> None:
    world = make_world()
    world.sync()
    world.change("customers", "name = 'Newer'", "code = '00001'")
    world.sync()
    world.erp(
        "UPDATE customers SET name = 'Name 00001', modified = '2020-01-01 00:00:00' WHERE code = '00001'"
    )
    assert counts(world.sync(full=True))["updated"] == 1
    assert world.crm("SELECT name FROM accounts WHERE code = '00001'") == [("Name 00001",)]


def test_h11_a_row_deleted_and_inserted_again_is_an_update(make_world: MakeWorld) -> None:
    world = make_world()
    world.sync()
    world.erp("DELETE FROM customers WHERE code = '00001'")
    world.erp("INSERT INTO customers VALUES (1, '00001', 'Again', '22', 1, '2020-01-01 00:00:00')")
    world.change("customers", "credit = 5", "code = '00001'")
    assert counts(world.sync()) == {"updated": 1}
    assert world.crm("SELECT count(*) FROM accounts") == [(12,)]


@pytest.mark.parametrize("table", ["customers", "branches"])
def test_h09_a_stamp_ahead_hides_nothing_and_is_followed_and_told(make_world: MakeWorld, table: str) -> None:
    world = make_world()
    column, key = {"customers": ("name", "code"), "branches": ("city", "customer")}[table]
    edit = f"UPDATE {table} SET {column} = '{{0}}' WHERE {key} = '00004'"
    world.sync()
    world.erp(f"UPDATE {table} SET modified = '2037-01-01 00:00:00' WHERE {key} = '00004'")
    rows = {"customers": "1 row of customers", "branches": "2 rows of branches"}[table]
    for turn in range(2):
        world.change("customers", f"name = 'turn {turn}'", "code = '00002'")
        done = world.sync()
        assert counts(done)["updated"] == 1
        assert [note for note in done.notes if f"{rows} with a last-edit date in the future" in note]
    world.erp(edit.format("By SQL"))
    assert counts(world.sync())["updated"] == 1
    world.change(table, f"{column} = 'In order'", f"{key} = '00004'")
    assert counts(world.sync())["updated"] == 1
    world.change("customers", "name = 'last'", "code = '00002'")
    done = world.sync()
    assert counts(done)["updated"] == 1
    assert done.notes == ()


@pytest.mark.parametrize("stamp", ["past", "null"])
def test_h09_a_stamp_that_goes_back_or_is_lost_poisons_no_position(make_world: MakeWorld, stamp: str) -> None:
    """Its own date may not show it; those of others do, and so does its next one."""
    world = make_world()
    world.change("customers", "name = 'Latest'", "code = '00001'")
    world.sync()
    world.erp(f"UPDATE customers SET name = 'Raw', modified = {STAMPS[stamp]} WHERE code = '00001'")
    world.change("customers", "name = 'Other'", "code = '00002'")
    assert counts(world.sync())["updated"] >= 1
    world.change("customers", "name = 'Again'", "code = '00001'")
    assert counts(world.sync())["updated"] >= 1
    assert world.crm("SELECT name FROM accounts WHERE code < '00003' ORDER BY code") == [
        ("Name 00000",), ("Again",), ("Other",),
    ]  # fmt: skip


@pytest.mark.parametrize("stamp", STAMPS)
def test_h09_rows_that_transactions_wrote_are_found_whatever_their_stamps(
    make_world: MakeWorld, stamp: str
) -> None:
    world = make_world(
        ENTITIES.replace("      where: kind = 1\n", "      where: kind = 1\n      capture: xmin\n")
    )
    if world.kind != "postgresql":
        pytest.skip("rows of PostgreSQL alone tell who wrote them")
    world.sync()
    world.erp(f"UPDATE customers SET name = 'Raw', modified = {STAMPS[stamp]} WHERE code < '00004'")
    done = world.sync()
    assert counts(done) == {"updated": 4}
    if stamp == "left alone":
        assert {entry.cause for entry in world.log(run=done.id)} == {Cause.DIRECT_SQL}
