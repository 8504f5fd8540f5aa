"""A run that loses its lease in the middle of a batch of many calls makes no further one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from by_hand import run_sql
from connectors.rest.application import Application, Call, Reply
from connectors.rest.conftest import application  # noqa: F401
from marea.config.load import load
from marea.engine.entity.clock import system_clock
from marea.engine.run import heartbeat
from marea.errors import RunStopped
from marea.model import RunStatus
from marea.store.moments import SECOND
from marea.store.state import open_state
from worlds import synchronize

pytestmark = pytest.mark.integration

ROWS = 1000
CONFIG = """
version: 1
systems:
  erp: {{url: "{source}"}}
  crm: {{url: "{target}", concurrency: 1}}
entities:
  accounts:
    source: {{system: erp, table: accounts, key: code}}
    target: {{system: crm, object: accounts, key: code}}
    fields: {{code: code}}
"""


def prepare(folder: Path, target: str) -> Path:
    source = f"sqlite:///{folder / 'erp.db'}"
    run_sql(source, "CREATE TABLE accounts (code TEXT PRIMARY KEY)")
    values = ", ".join(f"('{number:04d}')" for number in range(ROWS))
    run_sql(source, f"INSERT INTO accounts VALUES {values}")
    file = folder / "marea.yaml"
    file.write_text(CONFIG.format(source=source, target=target), "utf-8")
    return file


def test_the_rest_of_the_batch_is_not_sent(
    tmp_path: Path,
    application: Application,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(heartbeat, "BEAT_SECONDS", 0.001)
    file = prepare(tmp_path, application.address)
    state = open_state(load(file).state)
    entity = state.entity("accounts", "crm").id
    fences: list[int] = []

    def script(call: Call) -> Reply:
        if len(application.calls) == 10:
            later = system_clock() + int(heartbeat.LEASE_SECONDS + 10) * SECOND
            fences.append(state.leases.acquire(entity, "elsewhere:7:1", later, 60.0))
        return Reply()

    application.script = script
    with pytest.raises(RunStopped, match="lost its lease"):
        synchronize(file)
    assert 10 <= len(application.calls) < ROWS
    assert len(state.ledger.in_doubt(entity)) == ROWS
    state.leases.release(entity, fences[0])
    assert synchronize(file).status is RunStatus.SUCCEEDED
    assert {json.loads(call.body)["code"] for call in application.calls} == {f"{n:04d}" for n in range(ROWS)}
    state.close()
