"""The target applies a change and its answer is lost: no duplicate, no false error, and in the end alike."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from by_hand import run_sql
from connectors.rest.application import Application, Call, Reply
from marea.engine.entity.clock import system_clock
from marea.engine.run.ended import Run
from marea.model import Outcome, RunStatus
from worlds import copied, counts, journal, synchronize, write_project

pytestmark = [pytest.mark.hazard, pytest.mark.integration]

OWN_IDS = {
    "create": {"path": "/{object}"},
    "update": {"path": "/{object}/{id}"},
    "find": {"path": "/{object}?code={key}"},
}
MINUTES_LATER, DAYS_LATER = 120, 3 * 86_400


class Shop:
    """An ERP file and an application that loses the answers it is told to lose, after it has applied."""

    def __init__(self, folder: Path, application: Application, **options: Any) -> None:
        self._url = f"sqlite:///{folder / 'erp.db'}"
        entities = copied("customers", "code", "name", create=False)
        self.file = write_project(folder, entities, target=application.address, **options)
        self.erp("CREATE TABLE customers (code TEXT PRIMARY KEY, name TEXT, modified TIMESTAMP)")
        for code in "abc":
            self.erp(f"INSERT INTO customers VALUES ('{code}', 'old', '2020-01-01 00:00:00')")
        self.keyed: dict[str, str] = {}
        self.owned: list[dict[str, Any]] = []
        self.lose: Callable[[Call], bool] = lambda call: False
        self.calls = application.calls
        application.script = self._answer

    def erp(self, text: str) -> None:
        run_sql(self._url, text)

    def edit(self, name: str, code: str = "b") -> None:
        self.erp(f"UPDATE customers SET name = '{name}', modified = CURRENT_TIMESTAMP WHERE code = '{code}'")

    def sync(self, later: int = 0) -> Run:
        return synchronize(self.file, clock=lambda: system_clock() + later * 1_000_000)

    def outcomes(self, code: str = "b") -> list[Outcome]:
        return [entry.outcome for entry in journal(self.file) if entry.key == code]

    def _answer(self, call: Call) -> Reply:
        reply = self._applied(call)
        return Reply(lost=True) if self.lose(call) else reply

    def _applied(self, call: Call) -> Reply:
        if call.method == "GET":
            return Reply(200, [record for record in self.owned if record["code"] == call.query["code"]])
        if call.method == "POST":
            self.owned.append({**call.value, "id": len(self.owned) + 1})
            return Reply(201, self.owned[-1])
        place = call.path.rpartition("/")[2]
        if "id" in str(self.owned[:1]):
            self.owned[int(place) - 1].update(call.value)
        else:
            self.keyed[place] = call.value["name"]
        return Reply()


@pytest.fixture
def shop(tmp_path: Path, application: Application) -> Shop:
    return Shop(tmp_path, application)


@pytest.fixture
def own_ids(tmp_path: Path, application: Application) -> Iterator[Shop]:
    made = Shop(tmp_path, application, **OWN_IDS)
    yield made
    codes = [record["code"] for record in made.owned]
    assert len(codes) == len(set(codes)), "a record was made twice"


def of_b(call: Call) -> bool:
    return "b" in (call.path.rpartition("/")[2], call.query.get("code")) or b'"code":"b"' in call.body


def test_h24_a_put_whose_answers_are_all_lost_is_due_and_no_error(shop: Shop) -> None:
    shop.lose = of_b
    first = shop.sync()
    assert (first.status, counts(first)) == (RunStatus.PARTIAL, {"created": 2, "deferred": 1})
    assert first.messages == ()
    assert shop.keyed == {"a": "old", "b": "old", "c": "old"}
    shop.lose = lambda call: False
    shop.sync(MINUTES_LATER)
    assert shop.outcomes() == [Outcome.DEFERRED, Outcome.CREATED]
    assert counts(shop.sync(MINUTES_LATER)) == {}
    assert Outcome.REJECTED not in shop.outcomes()


def test_h24_a_lost_answer_stays_in_doubt_while_the_target_is_away(
    shop: Shop, application: Application
) -> None:
    shop.lose = of_b
    shop.sync()
    answer, application.script = application.script, lambda call: Reply(503, headers={"Retry-After": "3600"})
    assert shop.sync(MINUTES_LATER).status is RunStatus.INTERRUPTED
    shop.erp("DELETE FROM customers WHERE code = 'b'")
    application.script, shop.lose = answer, lambda call: False
    result = shop.sync(DAYS_LATER)
    assert (result.status, counts(result)) == (RunStatus.PARTIAL, {"deferred": 1})
    (*_, last) = (entry for entry in journal(shop.file) if entry.key == "b")
    assert "whether its last delivery arrived is not known" in str(last.error)
    assert shop.keyed["b"] == "old"  # and so it was


def test_h24_what_was_lost_is_delivered_as_it_is_by_then(shop: Shop) -> None:
    shop.lose = of_b
    shop.sync()
    shop.edit("newer")
    shop.lose = lambda call: False
    shop.sync()
    assert shop.keyed["b"] == "newer"


def test_h24_a_value_that_went_there_unheard_of_and_back_again_is_sent_again(shop: Shop) -> None:
    """The ledger knows only the old value, and so does the source again: the target alone has the new one."""
    shop.sync()
    shop.lose = of_b
    shop.edit("new")
    shop.sync()
    assert shop.keyed["b"] == "new"
    shop.edit("old")
    shop.lose = lambda call: False
    shop.sync(MINUTES_LATER)
    assert shop.keyed["b"] == "old"


def test_h24_a_lost_create_is_looked_for_before_anything_else(own_ids: Shop) -> None:
    own_ids.lose = lambda call: call.method == "POST" and of_b(call)
    first = own_ids.sync()
    assert counts(first) == {"created": 3}
    of_one = [call.method for call in own_ids.calls if of_b(call) or call.path == "/customers/2"]
    assert of_one[:3] == ["GET", "POST", "GET"]
    assert own_ids.outcomes() == [Outcome.CREATED]


def test_h24_a_create_is_not_repeated_while_nobody_can_say_whether_it_is_there(own_ids: Shop) -> None:
    created = False

    def lose(call: Call) -> bool:
        nonlocal created
        created = created or (call.method == "POST" and of_b(call))
        return created and of_b(call)

    own_ids.lose = lose
    assert counts(own_ids.sync()) == {"created": 2, "deferred": 1}
    own_ids.lose = lambda call: False
    own_ids.edit("newer")
    own_ids.sync()
    assert own_ids.outcomes() == [Outcome.DEFERRED, Outcome.CREATED]
    assert {record["code"]: record["name"] for record in own_ids.owned}["b"] == "newer"


def test_h24_without_find_time_alone_repeats_no_create(tmp_path: Path, application: Application) -> None:
    shop = Shop(tmp_path, application, **{name: OWN_IDS[name] for name in ("create", "update")})
    shop.lose = of_b
    assert counts(shop.sync()) == {"created": 2, "deferred": 1}
    assert counts(shop.sync(DAYS_LATER)) == {}
    shop.edit("newer")
    assert counts(shop.sync(DAYS_LATER)) == {"deferred": 1}
    assert [record["code"] for record in shop.owned].count("b") == 1
