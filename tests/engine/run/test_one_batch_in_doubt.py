"""What is in doubt where no record can be made a second time: how many, and what is said of each."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import marea
from by_hand import run_sql
from connectors.rest.application import Application, Call, Reply
from connectors.rest.conftest import application  # noqa: F401
from marea.cli.main import run
from marea.engine.run.pipeline import ONCE_ROWS
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


def test_what_its_last_attempt_met_stays_the_reason(
    tmp_path: Path,
    application: Application,  # noqa: F811
    capsys: pytest.CaptureFixture[str],
) -> None:
    erp = f"sqlite:///{tmp_path / 'erp.db'}"
    run_sql(erp, "CREATE TABLE accounts (code TEXT PRIMARY KEY, name TEXT, modified TIMESTAMP)")
    run_sql(erp, "INSERT INTO accounts VALUES ('a', 'x', '2020-01-01 00:00:00')")
    application.script = lambda call: Reply(lost=True)
    file = write_project(
        tmp_path, copied("accounts", "code", "name", create=False), target=application.address, **OWN_IDS
    )
    synchronize(file)
    for _ in range(2):
        run_sql(erp, "UPDATE accounts SET name = name || 'y', modified = CURRENT_TIMESTAMP")
        assert counts(synchronize(file, full=True), "accounts") == {"deferred": 1}
    assert len(application.calls) == 1
    with marea.open(file, {}) as project:
        ledger = project.explain("accounts", "a").ledger
    assert ledger is not None
    assert ledger.trouble is not None
    assert ledger.trouble.attempts == 1
    assert str(ledger.trouble.error).startswith("whether it was created is not known: ")
    assert run(["explain", "accounts", "a", "--config", str(file)]) == 0
    told = capsys.readouterr().out
    assert "only when it is asked for by its key" in told
    assert "to send it: marea retry accounts --key a" in told.replace(f"-c {file} ", "")
    assert "ENTITY" not in told
