"""Raw SQL leaves the stamp alone, sets it back, ahead or to NULL; a row comes from a backup."""

from __future__ import annotations

import pytest

from hazards.conftest import MakeWorld
from marea.model import Cause
from worlds import counts

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
