"""All rows of a table have one stamp, as after a bulk load."""

from __future__ import annotations

import pytest

from hazards.conftest import MakeWorld
from marea.config.load import load
from marea.store.state import open_state
from worlds import counts

pytestmark = [pytest.mark.hazard, pytest.mark.integration]


def test_h05_the_second_run_sends_nothing_and_the_position_stays_small(make_world: MakeWorld) -> None:
    world = make_world(customers=300)
    assert counts(world.sync()) == {"created": 300}
    world.erp("UPDATE customers SET name = 'Bulk', modified = '2025-05-05 05:05:05'")
    assert counts(world.sync()) == {"updated": 300}
    assert counts(world.sync()) == {}
    state = open_state(load(world.file).state)
    try:
        positions = [text for row in state.entities() for text in row.positions.values()]
    finally:
        state.close()
    assert positions
    assert max(map(len, positions)) < 1_000
