"""The source is put back to an earlier state: noticed by its dates, told, and compared as a whole."""

from __future__ import annotations

import pytest

import marea
from hazards.conftest import MakeWorld
from marea.capture.names import WATERMARK
from marea.capture.position import Position
from marea.config.load import load
from marea.model import Cause, RunStatus
from marea.store.state import open_state
from worlds import ENTITIES, OLD, World, copied, counts

pytestmark = [pytest.mark.hazard, pytest.mark.integration]

RESTORED = "records are as they were before: was the database restored?"


def edited(world: World) -> None:
    """Everything is delivered; then a record is changed, another one comes, and both are delivered."""
    world.sync()
    world.change("customers", "name = 'Newer'", "code = '00001'")
    world.erp(f"INSERT INTO customers VALUES (1, '00099', 'New', '22', 1, '{OLD}')")
    world.change("customers", "credit = 5", "code = '00099'")
    assert counts(world.sync()) == {"updated": 1, "created": 1}


def put_back(world: World) -> None:
    """As a backup has it that is older than these edits."""
    world.erp(f"UPDATE customers SET name = 'Name 00001 ', modified = '{OLD}' WHERE code = '00001'")
    world.erp("DELETE FROM customers WHERE code = '00099'")


def noted(world: World) -> str:
    with marea.open(world.file, {}) as project:
        return " ".join(next(each.notes for each in project.check().entities if each.name == "customers"))


def position(world: World) -> str:
    state = open_state(load(world.file).state)
    try:
        return state.entity("customers", "crm").positions[WATERMARK]
    finally:
        state.close()


def test_h38_a_source_put_back_is_told_and_compared_as_a_whole(make_world: MakeWorld) -> None:
    world = make_world()
    edited(world)
    assert RESTORED not in noted(world)
    put_back(world)
    assert RESTORED in noted(world)
    assert "the next run compares all its records" in noted(world)
    with marea.open(world.file, {}) as project:
        assert project.plan(["customers"])["customers"].books.detected == 12
    result = world.sync()
    assert counts(result) == {"updated": 1, "unchanged": 11}
    assert (result.status, len(result.notes)) == (RunStatus.SUCCEEDED, 1)
    assert "where it was read to, the newest is now 2020-01-01 00:00:00" in result.notes[0]
    assert RESTORED in result.notes[0]
    assert "what had come since is still in the target" in result.notes[0]
    assert [entry.cause for entry in world.log(run=result.id)] == [Cause.RESTORED]
    assert world.crm("SELECT name FROM accounts WHERE code = '00001'") == [("Name 00001",)]
    with marea.open(world.file, {}) as project:
        assert RESTORED in project.status().runs[0].message
    assert (counts(world.sync()), world.sync().notes, RESTORED in noted(world)) == ({}, (), False)


def test_h38_edits_after_it_was_put_back_are_found_as_ever(make_world: MakeWorld) -> None:
    world = make_world()
    edited(world)
    put_back(world)
    world.sync()
    world.change("customers", "name = 'Once more'", "code = '00002'")
    result = world.sync()
    assert (counts(result), result.notes) == ({"updated": 1}, ())


def told(world: World, code: str) -> str:
    with marea.open(world.file, {}) as project:
        verdict = project.explain("customers", [1, code]).verdict
    return " | ".join((verdict.text, *verdict.steps))


def test_h38_a_source_put_back_and_edited_before_the_next_run(make_world: MakeWorld) -> None:
    world = make_world()
    edited(world)
    put_back(world)
    world.change("customers", "name = 'Redone'", "code = '00002'")
    assert RESTORED in noted(world)
    assert "the next run delivers it" in told(world, "00001")
    result = world.sync()
    assert counts(result) == {"updated": 2, "unchanged": 10}
    assert RESTORED in " ".join(result.notes)
    assert world.crm("SELECT name FROM accounts WHERE code = '00001'") == [("Name 00001",)]
    after = world.sync()
    assert ("updated" in counts(after), after.notes, RESTORED in noted(world)) == (False, (), False)


def test_h38_the_newest_row_edited_again_is_no_restored_source(make_world: MakeWorld) -> None:
    world = make_world()
    edited(world)
    world.change("customers", "name = 'Again'", "code = '00001'")
    world.change("customers", "name = 'Again'", "code = '00099'")
    assert RESTORED not in noted(world)
    result = world.sync()
    assert (counts(result), result.notes) == ({"updated": 2}, ())


def test_h38_an_older_date_that_a_lag_covers_is_no_restored_source(make_world: MakeWorld) -> None:
    world = make_world(ENTITIES.replace("  customers:\n", "  customers:\n    lag: 1h\n", 1))
    edited(world)
    early = {"sqlite": "datetime('now', '-60 seconds')", "postgresql": "clock_timestamp() - interval '60 s'"}
    earlier = early.get(world.kind, "now(6) - INTERVAL 60 SECOND")
    world.erp(f"UPDATE customers SET name = 'By another clock', modified = {earlier} WHERE code = '00001'")
    assert RESTORED not in noted(world)
    result = world.sync()
    assert (counts(result)["updated"], result.notes) == (1, ())


def test_h38_newest_rows_that_are_deleted_are_no_restored_source(make_world: MakeWorld) -> None:
    world = make_world()
    edited(world)
    world.erp("DELETE FROM customers WHERE code IN ('00001', '00099')")
    assert RESTORED not in noted(world)
    result = world.sync()
    assert (counts(result), result.notes) == ({}, ())
    kept = position(world)
    cursor = Position.from_text(kept).cursors[""]
    assert cursor is not None
    assert (
        "2020-01-01 00:00:00" in cursor.stamp
    )  # the next run is quiet: it finds what its position stands at
    assert (counts(world.sync()), position(world)) == ({}, kept)


def test_h38_a_record_without_a_date_is_no_older_one(make_world: MakeWorld) -> None:
    world = make_world()
    world.erp("UPDATE customers SET modified = NULL WHERE code = '00003'")
    edited(world)
    world.erp("DELETE FROM customers WHERE code IN ('00001', '00099')")
    assert world.sync().notes == ()


def test_h38_a_table_that_is_emptied_begins_at_its_beginning(make_world: MakeWorld) -> None:
    world = make_world()
    edited(world)
    for table in ("customers", "options", "branches"):
        world.erp(f"DELETE FROM {table}")
    result = world.sync()
    assert (counts(result), result.notes) == ({}, ())
    world.erp(f"INSERT INTO customers VALUES (1, '00007', 'Back', '22', 1, '{OLD}')")
    assert counts(world.sync()) == {"updated": 1}


def versioned(make_world: MakeWorld, *versions: int) -> World:
    """Items whose stamps are the numbers of a counter; they are delivered."""
    world = make_world(copied("items", "id", "name"))
    world.erp("CREATE TABLE items (id integer PRIMARY KEY, name varchar(20), modified integer)")
    for number, version in enumerate(versions, 1):
        world.erp(f"INSERT INTO items VALUES ({number}, 'old', {version})")
    world.sync()
    return world


def test_h38_numbers_are_put_back_over_a_digit_boundary(make_world: MakeWorld) -> None:
    world = versioned(make_world, 8, 9)
    world.erp("UPDATE items SET name = 'new', modified = 10 WHERE id = 1")
    assert counts(world.sync(), "items")["updated"] == 1
    world.erp("UPDATE items SET name = 'old', modified = 8 WHERE id = 1")
    result = world.sync()
    assert [RESTORED in note for note in result.notes] == [True]
    assert world.crm("SELECT name FROM items WHERE id = 1") == [("old",)]


def test_h38_a_late_number_beside_newest_rows_that_are_deleted_is_none(make_world: MakeWorld) -> None:
    world = versioned(make_world, 95, 104, 105)
    world.erp("UPDATE items SET modified = 103 WHERE id = 1")
    world.erp("DELETE FROM items WHERE id > 1")
    assert world.sync().notes == ()
