"""A run whose application's answers are looked up in the wrong place: told where, and nothing is lost."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from by_hand import run_sql
from connectors.rest.application import Application, Call, Reply
from connectors.rest.conftest import application  # noqa: F401
from marea.errors import ConfigurationError
from worlds import copied, counts, synchronize, write_project

pytestmark = pytest.mark.integration

RECORDS = 12
BATCH: dict[str, Any] = {"path": "/{object}/batch", "size": 5, "results": "results", "key": "code"}


def answer(call: Call) -> Reply:
    return Reply(200, {"results": [{"code": record["code"]} for record in call.value]})


@pytest.mark.parametrize("in_entity", [False, True])
def test_a_mistyped_name_stops_the_run_and_its_correction_delivers_everything(
    tmp_path: Path,
    application: Application,  # noqa: F811
    in_entity: bool,
) -> None:
    url = f"sqlite:///{tmp_path / 'erp.db'}"
    run_sql(url, "CREATE TABLE accounts (code TEXT PRIMARY KEY, name TEXT, modified TIMESTAMP)")
    rows = ", ".join(f"('{number}', 'n', '2020-01-01 00:00:00')" for number in range(RECORDS))
    run_sql(url, f"INSERT INTO accounts VALUES {rows}")
    application.script = answer
    entities = copied("accounts", "code", "name", create=False)

    def configure(**mistyped: str) -> Path:
        own = entities
        if in_entity and mistyped:
            own = entities.replace(
                "key: code}\n    fields", "key: code, batch: {results: result}}\n    fields"
            )
        return write_project(
            tmp_path, own, target=application.address, batch={**BATCH, **({} if in_entity else mistyped)}
        )

    for _ in range(2):
        with pytest.raises(ConfigurationError) as caught:
            synchronize(configure(results="result"))
        (fault,) = caught.value.faults
        assert 'no list "result" in the answer, which has: results' in fault.message
        assert Path(fault.file).name == "marea.yaml"
        if in_entity:
            assert (fault.entity, fault.field, fault.line) == ("accounts", "target.batch.results", 9)
        else:
            assert (fault.field, fault.line) == ("systems.crm.batch.results", 5)
    run = synchronize(configure())
    assert (run.status, counts(run, "accounts")) == ("succeeded", {"created": RECORDS})
    taken = Counter(record["code"] for call in application.calls for record in call.value)
    assert taken.keys() == {str(number) for number in range(RECORDS)}
    assert counts(synchronize(configure(), full=True), "accounts") == {"unchanged": RECORDS}
