"""An application answers batches with errors until it is taken to be away: what is said comes true."""

from __future__ import annotations

from pathlib import Path

import pytest

from by_hand import run_sql
from cli.conftest import Marea
from connectors.rest.application import Application, Reply
from worlds import copied, write_project

pytestmark = [pytest.mark.hazard, pytest.mark.integration]


def test_h22_what_was_rejected_on_the_way_is_said_to_need_a_retry(
    tmp_path: Path, application: Application, marea: Marea
) -> None:
    batch = {"path": "/{object}/batch", "results": "results", "key": "code", "size": 9}
    entities = copied("items", "code", "name", create=False)
    file = write_project(tmp_path, entities, target=application.address, batch=batch, concurrency=1)
    url = f"sqlite:///{tmp_path / 'erp.db'}"
    run_sql(url, "CREATE TABLE items (code TEXT PRIMARY KEY, name TEXT, modified TIMESTAMP)")
    run_sql(url, "INSERT INTO items VALUES " + ", ".join(f"('{n}', 'n', '2020-01-01')" for n in range(6)))
    application.script = lambda call: Reply(500, {"error": "Oops"})
    first = marea("sync", "--config", str(file))
    assert "for what was rejected, which else comes on its schedule" in first.err.replace("\n", " ")
    application.script = lambda call: Reply(200, {"results": [{"code": one["code"]} for one in call.value]})
    assert marea("retry", "--config", str(file)).code == 0
    assert marea("sync", "--config", str(file)).code == 0
