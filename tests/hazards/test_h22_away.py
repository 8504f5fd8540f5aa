"""The target is away for days while edits go on; then it is back."""

from __future__ import annotations

from pathlib import Path

import pytest

from connectors.rest.application import Application, Reply
from hazards.test_h24_lost_answer import Shop
from marea.model import RunStatus
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
