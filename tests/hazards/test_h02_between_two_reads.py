"""Stamps and rows are read one after the other; a row commits in between."""

from __future__ import annotations

import pytest

from hazards.conftest import MakeWorld
from marea.capture.position import Position
from marea.capture.watermark import Watermark
from worlds import counts

pytestmark = [pytest.mark.hazard, pytest.mark.integration]


@pytest.mark.parametrize("full", [False, True])
def test_h02_a_row_that_commits_between_the_stamps_and_the_rows_is_not_lost(
    make_world: MakeWorld, monkeypatch: pytest.MonkeyPatch, full: bool
) -> None:
    world = make_world()
    world.sync()
    real, edited = Watermark._end, []

    def end(self: Watermark, feed: str, position: Position) -> object:
        found = real(self, feed, position)
        if not edited:
            world.change("customers", "name = 'Between'", "code = '00003'")
            edited.append(feed)
        return found

    monkeypatch.setattr(Watermark, "_end", end)
    world.change("customers", "name = 'Before'", "code = '00002'")
    world.sync(full=full)
    assert edited
    world.sync()
    names = world.crm("SELECT name FROM accounts WHERE code IN ('00002', '00003') ORDER BY code")
    assert names == [("Before",), ("Between",)]
    assert counts(world.sync()).keys() <= {"unchanged"}
