"""How many records a death leaves in doubt where none can be made a second time."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from by_hand import run_sql
from connectors.rest.application import Application, Call, Reply
from connectors.rest.conftest import application  # noqa: F401
from marea.engine.sync import ONCE_ROWS
from worlds import copied, counts, synchronize, write_project

pytestmark = pytest.mark.integration

OWN_IDS = {"create": {"path": "/{object}"}, "update": {"path": "/{object}/{id}"}}


def test_no_more_than_one_batch_is_in_doubt_at_any_moment(
    tmp_path: Path,
    application: Application,  # noqa: F811
) -> None:
    erp, state = (f"sqlite:///{tmp_path / name}" for name in ("erp.db", "marea.db"))
    run_sql(erp, "CREATE TABLE accounts (code TEXT PRIMARY KEY, name TEXT, modified TIMESTAMP)")
    numbers = ", ".join(f"('{number:03}', 'x', '2020-01-01')" for number in range(5 * ONCE_ROWS))
    run_sql(erp, f"INSERT INTO accounts VALUES {numbers}")
    seen: list[int] = []

    def answer(call: Call) -> Reply:
        intents = run_sql(state, "SELECT keys FROM intent")
        seen.append(sum(len(json.loads(str(keys))) for (keys,) in intents))
        return Reply(value={"id": call.value["code"]})

    application.script = answer
    file = write_project(
        tmp_path, copied("accounts", "code", "name", create=False), target=application.address, **OWN_IDS
    )
    assert counts(synchronize(file), "accounts") == {"created": 5 * ONCE_ROWS}
    assert seen == [ONCE_ROWS] * 5 * ONCE_ROWS
