"""Stamps are NULL on rows never modified since they were made; identities are filled out of order."""

from __future__ import annotations

import pytest

from by_hand import transaction
from hazards.conftest import MakeWorld
from worlds import ENTITIES, counts

pytestmark = [pytest.mark.hazard, pytest.mark.integration]

EITHER = ENTITIES.replace(
    "      where: kind = 1\n      modified: modified",
    "      where: kind = 1\n      modified: coalesce(modified, created)",
)


def test_h08_a_gap_among_the_keys_that_is_filled_late_is_delivered(make_world: MakeWorld) -> None:
    world = make_world()
    world.erp("DELETE FROM customers WHERE code = '00005'")
    assert counts(world.sync()) == {"created": 11}
    world.erp("INSERT INTO customers VALUES (1, '00005', 'Late', '22', 1, '2020-01-01 00:00:00')")
    world.change("customers", "credit = 2", "code = '00005'")
    assert counts(world.sync()) == {"created": 1}


def test_h08b_rows_without_a_last_edit_date_go_by_their_first(make_world: MakeWorld) -> None:
    world = make_world(EITHER, customers=3)
    stamp = {"sqlite": "DATETIME", "postgresql": "timestamp(6)", "mariadb": "datetime(6)"}[world.kind]
    world.erp(f"ALTER TABLE customers ADD created {stamp}")
    world.erp("UPDATE customers SET created = modified, modified = NULL")
    assert counts(world.sync()) == {"created": 3}
    now = {"sqlite": "CURRENT_TIMESTAMP", "postgresql": "clock_timestamp()", "mariadb": "now(6)"}[world.kind]
    world.erp(
        "INSERT INTO customers (kind, code, name, tax, credit, created) "
        f"SELECT 1, 'new', 'New', '22', 1, {now}"
    )
    assert counts(world.sync())["created"] == 1
    world.change("customers", "name = 'Newer'", "code = 'new'")
    assert counts(world.sync())["updated"] == 1


NUMBERED = ENTITIES.replace(
    "      where: kind = 1\n      modified: modified", "      where: kind = 1\n      modified: version"
)


def test_h08_numbers_that_commit_out_of_order(make_world: MakeWorld) -> None:
    """The later number is read first, by several runs, while the earlier one is not committed yet."""
    world = make_world(NUMBERED)
    world.erp("ALTER TABLE customers ADD version bigint")
    world.erp("UPDATE customers SET version = 1")
    edit = "UPDATE customers SET name = '{0}', version = {1} WHERE kind = 1 AND code = '{2}'"
    world.sync()
    with transaction(world.source, edit.format("Late", 2, "00001")):
        if world.kind != "sqlite":
            world.erp(edit.format("Early", 3, "00002"))
        for _ in range(3):
            world.sync()
    world.erp(edit.format("Third", 4, "00003"))
    assert counts(world.sync())["updated"] == 2
    assert world.crm("SELECT name FROM accounts WHERE code = '00001'") == [("Late",)]
    for _ in range(2):
        assert "updated" not in counts(world.sync())
