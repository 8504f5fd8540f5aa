"""Rows are deleted, get other keys, or all are gone: a scan finds it, and the guard lets so many pass."""

from __future__ import annotations

import pytest

from hazards.conftest import MakeWorld
from marea.model import Cause, RunStatus
from worlds import ENTITIES, World, counts

pytestmark = [pytest.mark.hazard, pytest.mark.integration]

GUARDED = ENTITIES.replace("    require:", "    guard: {deletes: 10%, at_least: 3}\n    require:")


def codes(world: World) -> list[object]:
    return [code for (code,) in world.crm("SELECT code FROM accounts ORDER BY code")]


def test_h11_a_parent_deleted_with_its_children_leaves_after_them(make_world: MakeWorld) -> None:
    world = make_world(customers=3)
    world.sync()
    for table, where in (("customers", "code = '00001'"), ("options", "customer = '00001'")):
        world.erp(f"DELETE FROM {table} WHERE {where}")
    world.erp("DELETE FROM tax_codes WHERE code = '10'")
    result = world.sync(reconcile=True)
    assert [(entry.entity, entry.cause) for entry in world.log(run=result.id)] == [
        ("customers", Cause.DELETE),
        ("tax_codes", Cause.DELETE),
    ]
    assert codes(world) == ["00000", "00002"]


def test_h12_a_key_that_changed_is_created_before_the_old_one_is_deleted(make_world: MakeWorld) -> None:
    world = make_world(customers=3)
    world.sync()
    world.erp("UPDATE customers SET code = '00009' WHERE code = '00001'")
    result = world.sync(reconcile=True)
    assert [entry.operation.value for entry in world.log(run=result.id)] == ["create", "delete"]
    assert codes(world) == ["00000", "00002", "00009"]


def test_h17_a_record_that_left_the_filter_is_deleted_and_created_when_it_is_back(
    make_world: MakeWorld,
) -> None:
    world = make_world(ENTITIES.replace("where: kind = 1", "where: credit < 1000"), customers=3)
    world.sync()
    world.erp("UPDATE customers SET credit = 2000 WHERE code = '00001'")
    left = world.sync(reconcile=True)
    (entry,) = world.log(run=left.id)
    assert (entry.cause, codes(world)) == (Cause.FILTER, ["00000", "00002"])
    world.erp("UPDATE customers SET credit = 1 WHERE code = '00001'")
    assert counts(world.sync(reconcile=True)) == {"created": 1}
    assert codes(world) == ["00000", "00001", "00002"]


def test_h18_of_an_empty_source_the_guard_holds_all_but_so_many_and_they_come_back(
    make_world: MakeWorld,
) -> None:
    world = make_world(GUARDED)
    world.sync()
    world.erp("CREATE TABLE kept AS SELECT * FROM customers")
    world.erp("DELETE FROM customers")
    result = world.sync(reconcile=True)
    assert (result.status, counts(result)) == (RunStatus.PARTIAL, {"deleted": 3, "held": 9})
    again = world.sync(reconcile=True)
    assert "deleted" not in counts(again)
    assert len(codes(world)) == 9
    world.erp("INSERT INTO customers SELECT * FROM kept")
    assert counts(world.sync(full=True)) == {"created": 3, "unchanged": 9}
    assert len(codes(world)) == 12
