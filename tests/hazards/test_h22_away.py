"""The target is away for days while edits go on; then it is back."""

from __future__ import annotations

from pathlib import Path

import pytest

from connectors.rest.application import Application, Reply
from hazards.test_h24_lost_answer import Shop
from marea.config.load import load
from marea.engine.entity.clock import system_clock
from marea.model import Outcome, RunStatus
from marea.store.ledger import Trouble
from marea.store.state import open_state
from worlds import counts

pytestmark = [pytest.mark.hazard, pytest.mark.integration]

DAY = 86_400


def test_h22_what_was_edited_while_it_was_away_is_delivered_once_as_it_is_by_then(
    tmp_path: Path, application: Application
) -> None:
    shop = Shop(tmp_path, application)
    shop.sync()
    answer, application.script = application.script, lambda call: Reply(503, headers={"Retry-After": "3600"})
    for day in range(1, 4):
        shop.edit(f"day {day}")
        assert shop.sync(day * DAY).status is RunStatus.INTERRUPTED
    application.calls.clear()
    application.script = answer
    assert counts(shop.sync(4 * DAY)) == {"updated": 1}
    assert [call.path for call in application.calls] == ["/customers/b"]
    assert shop.keyed["b"] == "day 3"
    assert counts(shop.sync(4 * DAY)).keys() <= {"unchanged"}
    assert len(application.calls) == 1


def test_h22_while_it_was_away_nothing_was_tried(tmp_path: Path, application: Application) -> None:
    shop = Shop(tmp_path, application)
    shop.sync()
    answer, application.script = application.script, lambda call: Reply(503, headers={"Retry-After": "3600"})
    shop.edit("day 1")
    for day in range(1, 5):
        assert shop.sync(day * DAY).status is RunStatus.INTERRUPTED
        assert trouble(shop).attempts == 0
    application.script = lambda call: Reply(422, {"error": "no"})
    before = system_clock()
    assert counts(shop.sync(0)) == {"rejected": 1}
    refused = trouble(shop)
    assert (refused.outcome, refused.attempts) == (Outcome.REJECTED, 1)
    assert refused.next_attempt is not None
    assert 15 * 60 <= refused.next_attempt.timestamp() - before / 1_000_000 < 60 * 60
    application.script = answer
    assert counts(shop.sync(3600)) == {"updated": 1}


def test_h22_what_leaves_the_source_while_it_is_away_is_in_no_doubt(
    tmp_path: Path, application: Application
) -> None:
    shop = Shop(tmp_path, application)
    shop.sync()
    answer, application.script = application.script, lambda call: Reply(503, headers={"Retry-After": "3600"})
    shop.erp("INSERT INTO customers VALUES ('d', 'new', CURRENT_TIMESTAMP)")
    assert shop.sync().status is RunStatus.INTERRUPTED
    shop.erp("DELETE FROM customers WHERE code = 'd'")
    application.script = answer
    result = shop.sync()
    assert (result.status, counts(result)) == (RunStatus.SUCCEEDED, {"unchanged": 1})
    assert (shop.sync().left, "d" in shop.keyed) == (0, False)


def trouble(shop: Shop, key: str = '"b"') -> Trouble:
    state = open_state(load(shop.file).state)
    try:
        found = state.ledger.record(state.entity("customers", "crm").id, key)
        assert found is not None
        assert found.trouble is not None
        return found.trouble
    finally:
        state.close()
