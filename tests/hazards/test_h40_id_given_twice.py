"""An application gives an id that another record has: told, and neither record is written over the other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from by_hand import run_sql
from connectors.rest.application import Application, Call, Reply
from marea.engine.run.ended import Run
from marea.model import Outcome
from worlds import copied, counts, journal, stopped_after, synchronize, write_project

pytestmark = [pytest.mark.hazard, pytest.mark.integration]

OWN_IDS = {"create": {"path": "/{object}"}, "update": {"path": "/{object}/{id}"}, "concurrency": 1}
FIND = {"find": {"path": "/{object}?code={key}"}}


class Shop:
    """An ERP file, and an application that counts its ids from 1 again when it is emptied."""

    def __init__(self, folder: Path, application: Application, **options: Any) -> None:
        self._url = f"sqlite:///{folder / 'erp.db'}"
        entities = copied("customers", "code", "name", create=False)
        self.file = write_project(folder, entities, target=application.address, **OWN_IDS, **options)
        run_sql(self._url, "CREATE TABLE customers (code TEXT PRIMARY KEY, name TEXT, modified TIMESTAMP)")
        self.seconds = 0
        self.records: dict[int, dict[str, Any]] = {}
        application.script = self._answer

    def put(self, code: str, name: str) -> None:
        self.seconds += 1
        stamp = f"strftime('%Y-%m-%d %H:%M:%f', '2020-01-01', '+{self.seconds} seconds')"
        run_sql(self._url, f"REPLACE INTO customers VALUES ('{code}', '{name}', {stamp})")

    def sync(self, **options: Any) -> Run:
        return synchronize(self.file, **options)

    def held(self) -> list[tuple[str, str]]:
        return sorted((record["code"], record["name"]) for record in self.records.values())

    def _answer(self, call: Call) -> Reply:
        if call.method == "GET":
            found = [{"id": n, **one} for n, one in self.records.items() if one["code"] == call.query["code"]]
            return Reply(200, found)
        place = call.path.rpartition("/")[2]
        if call.method == "PUT" and int(place) not in self.records:
            return Reply(404)
        number = int(place) if call.method == "PUT" else len(self.records) + 1
        self.records[number] = call.value
        return Reply(200, {"id": number})


def emptied(folder: Path, application: Application, **options: Any) -> Shop:
    """Three records were delivered, the application was emptied, and the fourth got the id of the first."""
    shop = Shop(folder, application, **options)
    for code in "abc":
        shop.put(code, "old")
    assert counts(shop.sync()) == {"created": 3}
    shop.records.clear()
    shop.put("d", "old")
    assert counts(shop.sync()) == {"rejected": 1}
    return shop


@pytest.mark.parametrize("options", [FIND, {}], ids=["find", "no find"])
def test_h40_neither_of_two_records_with_one_id_is_written_over_the_other(
    tmp_path: Path, application: Application, options: dict[str, Any]
) -> None:
    shop = emptied(tmp_path, application, **options)
    (entry,) = journal(shop.file, outcome=Outcome.REJECTED)
    assert (entry.key, entry.code) == ("d", "id-taken")
    assert entry.error == 'customers "a" was given the id 1 at the target too'
    assert "marea sync customers --resend" in str(entry.hint)
    shop.put("a", "new")
    assert counts(shop.sync()) == {"rejected": 1}
    shop.put("d", "new")
    assert counts(shop.sync()) == {"rejected": 1}
    assert shop.held() == [("d", "old")]
    assert counts(shop.sync(full=True))["rejected"] == 2
    assert counts(shop.sync(resend=True)) == {"created": 3, "updated": 1}
    assert shop.held() == [("a", "new"), ("b", "old"), ("c", "old"), ("d", "new")]
    assert counts(shop.sync(full=True)) == {"unchanged": 4}


def test_h40_a_resend_that_ends_early_is_completed_by_the_next_run(
    tmp_path: Path, application: Application
) -> None:
    shop = emptied(tmp_path, application, **FIND)
    with stopped_after(0, "customers"):
        shop.sync(resend=True, page=1)
    shop.sync(page=1)
    shop.sync()
    assert shop.held() == [(code, "old") for code in "abcd"]
    assert counts(shop.sync(full=True)) == {"unchanged": 4}


def test_h40_one_batch_that_gets_an_id_twice_tells_of_it(tmp_path: Path, application: Application) -> None:
    shop = Shop(tmp_path, application)
    answer = application.script
    application.script = lambda call: (answer(call), Reply(200, {"id": 7}))[1]
    for code in "abc":
        shop.put(code, "old")
    result = shop.sync()
    assert (result.status, counts(result)) == ("partial", {"created": 1, "rejected": 2})
