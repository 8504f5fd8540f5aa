"""Two rows share a stamp; the second commits after the first was read."""

from __future__ import annotations

import pytest

from hazards.conftest import MakeWorld

pytestmark = [pytest.mark.hazard, pytest.mark.integration]

SOON = {
    "sqlite": "datetime('now', '+5 seconds')",
    "postgresql": "date_trunc('second', localtimestamp) + interval '5 seconds'",
    "mariadb": "NOW() + INTERVAL 5 SECOND",
}
"""A stamp no second can still overtake while the test runs: as good as one of this very second."""


def test_h03_the_second_row_of_a_stamp_is_read_though_the_first_was(make_world: MakeWorld) -> None:
    world = make_world()
    world.sync()
    world.erp(f"UPDATE customers SET name = 'First', modified = {SOON[world.kind]} WHERE code = '00001'")
    world.sync()
    world.erp(
        "UPDATE customers SET name = 'Second', modified = (SELECT m FROM (SELECT modified AS m "
        "FROM customers WHERE code = '00001') x) WHERE code IN ('00000', '00002')"
    )
    world.sync()
    names = world.crm("SELECT name FROM accounts WHERE code < '00003' ORDER BY code")
    assert names == [("Second",), ("First",), ("Second",)]
