"""The server's zone is not UTC, stamps have none, and a client's clock is ahead."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest

from by_hand import transaction
from hazards.conftest import MakeWorld
from worlds import counts

pytestmark = [pytest.mark.hazard, pytest.mark.integration]


@pytest.mark.parametrize("zone", ["Pacific/Auckland", "America/Anchorage"])
def test_h07_naive_stamps_of_a_server_far_from_utc(make_world: MakeWorld, zone: str) -> None:
    world = make_world()
    if world.kind != "postgresql":
        pytest.skip("MariaDB's zone is the machine's and tested by test_mysql_link; SQLite has none")
    database = urlsplit(world.source).path[1:]
    world.erp(f"ALTER DATABASE \"{database}\" SET timezone = '{zone}'")
    world.sync()
    for turn in range(3):
        world.change("customers", f"name = 'turn {turn}'", "code = '00001'")
        assert counts(world.sync())["updated"] == 1
    assert world.crm("SELECT name FROM accounts WHERE code = '00001'") == [("turn 2",)]


@pytest.mark.parametrize("zone", ["Europe/Rome", "America/Anchorage"])
def test_h07_a_late_commit_of_a_program_that_writes_utc(make_world: MakeWorld, zone: str) -> None:
    """As Tryton and Odoo do, wherever the server is."""
    world = make_world()
    if world.kind != "postgresql":
        pytest.skip("MariaDB's zone is the machine's and tested by test_mysql_link; SQLite has none")
    world.erp(f"ALTER DATABASE \"{urlsplit(world.source).path[1:]}\" SET timezone = '{zone}'")
    world.sync()
    edit = "UPDATE customers SET name = '{0}', modified = now() AT TIME ZONE 'UTC' WHERE code = '{1}'"
    with transaction(world.source, edit.format("Late", "00001")):
        world.erp(edit.format("Early", "00002"))
        assert counts(world.sync())["updated"] == 1
    assert counts(world.sync())["updated"] == 1
    assert world.crm("SELECT name FROM accounts WHERE code = '00001'") == [("Late",)]


def test_h07_a_clock_ahead_hides_no_later_edit(make_world: MakeWorld) -> None:
    world = make_world()
    world.sync()
    world.erp("UPDATE customers SET name = 'Ahead', modified = '2199-01-01 00:00:00' WHERE code = '00001'")
    assert counts(world.sync()) == {"updated": 1}
    for turn in range(2):
        world.change("customers", f"name = 'turn {turn}'", "code = '00002'")
        assert counts(world.sync())["updated"] == 1
    world.change("customers", "name = 'Back'", "code = '00001'")
    world.sync()
    names = world.crm("SELECT name FROM accounts WHERE code IN ('00001', '00002') ORDER BY code")
    assert names == [("Back",), ("turn 1",)]
