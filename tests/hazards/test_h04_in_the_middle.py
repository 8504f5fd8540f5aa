"""A batch ends in the middle of equal stamps, or of one large transaction, and the process dies there."""

from __future__ import annotations

import pytest

from hazards.conftest import MakeWorld
from worlds import stopped_after

pytestmark = [pytest.mark.hazard, pytest.mark.integration]


@pytest.mark.parametrize("commits", [0, 1, 2, 3])
def test_h04_no_row_of_a_stamp_is_lost_where_a_batch_ended_in_it(make_world: MakeWorld, commits: int) -> None:
    world = make_world()
    world.sync()
    world.erp("UPDATE customers SET name = 'Bulk', modified = '2025-05-05 05:05:05'")
    with stopped_after(commits, "customers"):
        world.sync(page=3)
    world.sync(page=3)
    assert world.crm("SELECT count(*) FROM accounts WHERE name = 'Bulk'") == [(12,)]
    updates = [entry for entry in world.log(entity="customers") if entry.operation == "update"]
    assert len({entry.key[1] for entry in updates}) == len(updates) == 12


@pytest.mark.parametrize("commits", [1, 3])
def test_h20_a_large_transaction_interrupted_in_the_middle_is_completed(
    make_world: MakeWorld, commits: int
) -> None:
    world = make_world()
    world.sync()
    world.change("customers", "name = 'Large'", "code >= '00000'")
    with stopped_after(commits, "customers"):
        world.sync(page=3)
    world.sync(page=3)
    assert world.crm("SELECT count(*) FROM accounts WHERE name = 'Large'") == [(12,)]
