"""A record whose key changed leaves nothing behind, also where the application gives it an id."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from by_hand import run_sql
from connectors.rest.application import Application, Call, Reply
from connectors.rest.tools import Targets, batch, ids, shape
from marea.model import Operation
from marea.ports import CHANGES
from worlds import copied, counts, synchronize, write_project

pytestmark = pytest.mark.integration

PUT: dict[str, Any] = {"upsert": {"path": "/{object}/{key}", "id": "id"}}
BATCH: dict[str, Any] = {
    "batch": {"path": "/{object}/batch", "size": 5, "results": "", "key": "code", "id": "id"}
}
BY_ID: dict[str, Any] = {"delete": {"path": "/{object}/by-id/{id}"}}

Configure = Callable[..., Path]


class Crm:
    """Keeps records by their code, and gives each an id of its own."""

    def __init__(self, application: Application) -> None:
        self.records: dict[str, str] = {}
        self.deletes = 200
        application.script = self._answer

    def _answer(self, call: Call) -> Reply:
        last = call.path.rpartition("/")[2]
        if call.method == "DELETE":
            return self._delete(last.removeprefix("id-"))
        made = call.value if isinstance(call.value, list) else [call.value]
        self.records |= {record["code"]: record["name"] for record in made}
        answers = [{"code": record["code"], "id": f"id-{record['code']}"} for record in made]
        return Reply(value=answers if isinstance(call.value, list) else answers[0])

    def _delete(self, code: str) -> Reply:
        if self.deletes == 200:
            return Reply() if self.records.pop(code, None) else Reply(404)
        return Reply(self.deletes)


@pytest.fixture
def crm(application: Application) -> Crm:
    return Crm(application)


@pytest.fixture
def erp(tmp_path: Path) -> str:
    url = f"sqlite:///{tmp_path / 'erp.db'}"
    run_sql(url, "CREATE TABLE accounts (id INTEGER PRIMARY KEY, code TEXT, name TEXT, modified TIMESTAMP)")
    run_sql(url, "INSERT INTO accounts VALUES (1, 'a', 'A', '2020-01-01'), (2, 'b', 'B', '2020-01-01')")
    return url


def project(folder: Path, application: Application, **options: Any) -> Path:
    entities = copied("accounts", "code", "name", key="id", at_target="code", create=False)
    return write_project(folder, entities, target=application.address, **options)


@pytest.mark.parametrize("options", [PUT, BATCH, {**PUT, **BATCH}, {**PUT, **BY_ID}, {**BATCH, **BY_ID}])
def test_the_record_under_the_old_key_is_removed(
    tmp_path: Path, erp: str, application: Application, crm: Crm, options: dict[str, Any]
) -> None:
    file = project(tmp_path, application, **options)
    synchronize(file)
    run_sql(erp, "UPDATE accounts SET code = 'z', modified = CURRENT_TIMESTAMP WHERE id = 1")
    assert counts(synchronize(file), "accounts") == {"updated": 1}
    assert crm.records == {"b": "B", "z": "A"}
    run_sql(erp, "UPDATE accounts SET name = 'new', modified = CURRENT_TIMESTAMP WHERE id = 1")
    calls = len(application.paths("DELETE"))
    synchronize(file)
    assert crm.records == {"b": "B", "z": "new"}
    assert len(application.paths("DELETE")) == calls


@pytest.mark.parametrize("options", [PUT, BATCH])
def test_a_removal_that_is_refused_is_tried_again(
    tmp_path: Path, erp: str, application: Application, crm: Crm, options: dict[str, Any]
) -> None:
    file = project(tmp_path, application, **options)
    synchronize(file)
    run_sql(erp, "UPDATE accounts SET code = 'z', modified = CURRENT_TIMESTAMP WHERE id = 1")
    crm.deletes = 403
    assert counts(synchronize(file), "accounts") == {"rejected": 1}
    crm.deletes = 200
    synchronize(file, only_failed=True)
    assert crm.records == {"b": "B", "z": "A"}


@pytest.mark.parametrize("delete", [{}, BY_ID])
def test_a_record_that_kept_its_id_is_the_same_one(
    application: Application, targets: Targets, delete: dict[str, Any]
) -> None:
    application.script = lambda call: Reply(value={"id": "7"})
    row = {"code": "A", CHANGES: json.dumps({"code": ["a", "A"]})}
    target = targets.at(application.address, **PUT, **delete)
    receipt = target.deliver(shape(), batch(shape(), [row], Operation.UPDATE, ["7"]))
    assert ids(receipt) == ["7"]
    assert not application.paths("DELETE")


def test_an_answer_without_an_id_leaves_no_record_behind(application: Application, targets: Targets) -> None:
    row = {"code": "z", CHANGES: json.dumps({"code": ["a", "z"]})}
    target = targets.at(application.address, **PUT)
    target.deliver(shape(), batch(shape(), [row], Operation.UPDATE, ["7"]))
    assert application.paths("DELETE") == ["/accounts/a"]


def test_of_several_columns_the_others_stay(application: Application, targets: Targets) -> None:
    application.script = lambda call: Reply(value={"id": call.path})
    lines = shape("lines", ("code", "line"))
    changed = json.dumps({"line": [1.50, 2], "text": ["code", "other"]})
    row = {"code": "a", "line": "2", CHANGES: changed}
    target = targets.at(application.address, **PUT)
    target.deliver(lines, batch(lines, [row], Operation.UPDATE, ["7"]))
    assert application.paths("DELETE") == ["/lines/a/1.5"]
