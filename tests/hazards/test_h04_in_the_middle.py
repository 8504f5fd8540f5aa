"""A batch ends in the middle of equal stamps, or of one large transaction, and the process dies there."""

from __future__ import annotations

import pytest

from engine.test_sync import stop_after
from hazards.conftest import MakeWorld

pytestmark = [pytest.mark.hazard, pytest.mark.integration]


@pytest.mark.parametrize("commits", [0, 1, 2, 3])
def test_h04_no_row_of_a_stamp_is_lost_where_a_batch_ended_in_it(
    make_world: MakeWorld, monkeypatch: pytest.MonkeyPatch, commits: int
) -> None:
    world = make_world()
    world.sync()
    world.erp("UPDATE customers SET name = 'Bulk', modified = '2025-05-05 05:05:05'")
    stop_after(world, commits, monkeypatch, page=3)
    world.sync(page=3)
    assert world.crm("SELECT count(*) FROM accounts WHERE name = 'Bulk'") == [(12,)]
    updates = [entry for entry in world.log(entity="customers") if entry.operation == "update"]
    assert len({entry.key[1] for entry in updates}) == len(updates) == 12


@pytest.mark.parametrize("commits", [1, 3])
def test_h20_a_large_transaction_interrupted_in_the_middle_is_completed(
    make_world: MakeWorld, monkeypatch: pytest.MonkeyPatch, commits: int
) -> None:
    world = make_world()
    world.sync()
    world.change("customers", "name = 'Large'", "code >= '00000'")
    stop_after(world, commits, monkeypatch, page=3)
    world.sync(page=3)
    assert world.crm("SELECT count(*) FROM accounts WHERE name = 'Large'") == [(12,)]
