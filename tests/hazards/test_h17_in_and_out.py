"""A record leaves the entity's filter and comes back; the source answers empty; columns come and go."""

from __future__ import annotations

import pytest

from hazards.conftest import MakeWorld
from marea.errors import ConfigurationError
from worlds import counts, stopped_after

pytestmark = [pytest.mark.hazard, pytest.mark.integration]


def test_h17_a_record_that_leaves_the_filter_keeps_its_last_state_and_comes_back(
    make_world: MakeWorld,
) -> None:
    world = make_world()
    world.sync()
    world.change("customers", "kind = 2, name = 'Away'", "code = '00001'")
    assert counts(world.sync()) == {}
    assert counts(world.sync(full=True)) == {"unchanged": 11}
    assert world.crm("SELECT name FROM accounts WHERE code = '00001'") == [("Name 00001",)]
    world.change("customers", "kind = 1, name = 'Back'", "code = '00001'")
    assert counts(world.sync()) == {"updated": 1}


def test_h18_an_empty_or_halved_source_deletes_nothing(make_world: MakeWorld) -> None:
    world = make_world()
    world.sync()
    world.erp("DELETE FROM customers WHERE code < '00008'")
    assert counts(world.sync(full=True)) == {"unchanged": 4}
    world.erp("DELETE FROM customers")
    assert counts(world.sync(full=True)) == {}
    assert world.crm("SELECT count(*) FROM accounts") == [(12,)]


@pytest.mark.parametrize("commits", [0, 1, 2, 3])
def test_h19_a_first_load_misses_no_edit_that_is_made_meanwhile(make_world: MakeWorld, commits: int) -> None:
    """Edits behind and ahead of the place where it was stopped, new rows on both sides."""
    world = make_world()
    with stopped_after(commits, "customers"):
        world.sync(page=3)
    world.change("customers", "name = 'Meanwhile'", "code IN ('00000', '00005', '00011')")
    for code in ("+", "00004a", "~"):
        world.erp(f"INSERT INTO customers VALUES (1, '{code}', 'x', '22', 1, '2020-01-01 00:00:00')")
        world.change("customers", "name = 'Made'", f"code = '{code}'")
    world.sync(page=3)
    world.sync()
    named = world.crm(
        "SELECT name, count(*) FROM accounts WHERE name IN ('Made', 'Meanwhile') GROUP BY name ORDER BY name"
    )
    assert named == [("Made", 3), ("Meanwhile", 3)]
    assert world.crm("SELECT count(*) FROM accounts") == [(15,)]


def test_h19_what_comes_after_a_first_load_of_nothing_is_found(make_world: MakeWorld) -> None:
    world = make_world(customers=1)
    world.erp("DELETE FROM customers")
    assert counts(world.sync()) == {}
    world.erp("INSERT INTO customers VALUES (1, 'a', 'First', '22', 1, '2020-01-01 00:00:00')")
    assert counts(world.sync()) == {"created": 1}
    world.change("customers", "name = 'Second'", "code = 'a'")
    assert counts(world.sync()) == {"updated": 1}


def test_h21_a_column_that_is_gone_is_named_before_anything_is_delivered(make_world: MakeWorld) -> None:
    world = make_world()
    world.sync()
    world.erp("ALTER TABLE customers ADD notes varchar(20)")
    world.change("customers", "name = 'With notes'", "code = '00001'")
    assert counts(world.sync()) == {"updated": 1}
    world.erp("ALTER TABLE customers RENAME COLUMN credit TO balance")
    world.change("tax_codes", "rate = 23", "code = '22'")
    with pytest.raises(ConfigurationError, match="credit") as caught:
        world.sync()
    assert {fault.entity for fault in caught.value.faults} == {"customers"}
    assert world.crm("SELECT rate FROM tax_codes WHERE code = '22'") == [(22,)]
    world.erp("ALTER TABLE customers RENAME COLUMN balance TO credit")
    assert counts(world.sync(), "tax_codes") == {"updated": 1}
