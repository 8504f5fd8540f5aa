"""Applications that give their own ids: never two records for one, whatever is lost on the way."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.rest.application import Application, Call, Reply
from connectors.rest.tools import BATCH, OWN_IDS, Targets, accounts, batch, codes, ids, shape
from marea.demo.crm_process import CrmProcess
from marea.model import Operation

pytestmark = pytest.mark.integration

SIMPLE: dict[str, Any] = {
    "create": {"path": "/{object}", "id": "customer.id", "wrap": "customer"},
    "update": {"path": "/{object}/{id}"},
    "find": {"path": "/{object}?code={key}", "items": "customers"},
}


def records(crm: CrmProcess) -> list[Any]:
    found: list[Any] = crm.ask("GET", "/api/v2/accounts?limit=5000")["items"]
    return found


def test_creates_updates_finds_and_deletes(crm: CrmProcess, targets: Targets) -> None:
    target = targets.crm(crm.address, **OWN_IDS)
    target.prepare(shape())
    given = ids(target.deliver(shape(), batch(shape(), accounts("a", "b", "c"))))
    assert [record["code"] for record in records(crm)] == sorted("abc")
    assert given == [str(next(r["id"] for r in records(crm) if r["code"] == code)) for code in "abc"]
    again = target.deliver(shape(), batch(shape(), accounts("a", "b", "c")))
    assert ids(again) == given
    changed = accounts("a", vat_number="12345678901")
    assert ids(target.deliver(shape(), batch(shape(), changed, Operation.UPDATE, given[:1]))) == given[:1]
    target.deliver(shape(), batch(shape(), [{"code": None}], Operation.DELETE, given[1:2]))
    target.deliver(shape(), batch(shape(), accounts("c"), Operation.DELETE))
    assert [record["vat_number"] for record in records(crm)] == ["12345678901"]


def test_an_update_of_a_record_that_was_removed_makes_it_again(crm: CrmProcess, targets: Targets) -> None:
    target = targets.crm(crm.address, **OWN_IDS)
    (made,) = ids(target.deliver(shape(), batch(shape(), accounts("a"), Operation.UPDATE, ["4711"])))
    assert made != "4711"
    assert [str(record["id"]) for record in records(crm)] == [made]


@pytest.mark.hazard
@pytest.mark.parametrize("nth", [1, 2, 3, 5])
def test_h24_a_lost_answer_makes_no_second_record(crm: CrmProcess, targets: Targets, nth: int) -> None:
    crm.ask("POST", "/admin/faults", {"lose": nth})
    target = targets.crm(crm.address, **OWN_IDS)
    receipt = target.deliver(shape(), batch(shape(), accounts("a", "b", "c", "d", "e")))
    assert not receipt.rejected
    assert sorted(record["code"] for record in records(crm)) == [*"abcde"]
    assert sorted(ids(receipt)) == sorted(str(record["id"]) for record in records(crm))


@pytest.mark.property
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lost=st.lists(st.integers(0, 30), max_size=12), operation=st.sampled_from(list(Operation)[:2]))
def test_h24_no_loss_of_answers_makes_a_second_record(
    application: Application, targets: Targets, lost: list[int], operation: Operation
) -> None:
    """Answers of finds, creates and updates may be lost; deliveries repeat until all is applied."""
    there: dict[str, int] = {}
    calls = iter(range(10_000))

    def script(call: Call) -> Reply:
        if call.method == "GET":
            found = [{"id": number} for code, number in there.items() if code == call.query["code"]]
            reply = Reply(200, {"customers": found})
        elif call.path == "/accounts":
            code = call.value["customer"]["code"]
            assert code not in there, "created twice"
            there[code] = len(there) + 100
            reply = Reply(201, {"customer": {"id": there[code]}})
        else:
            reply = Reply()
        return Reply(lost=True) if next(calls) in lost else reply

    application.script = script
    target = targets.at(application.address, concurrency=2, **SIMPLE)
    rows = accounts("a", "b", "c")
    receipt = target.deliver(shape(), batch(shape(), rows, operation))
    while receipt.rejected or receipt.deferred:
        receipt = target.deliver(shape(), batch(shape(), rows, operation))
    assert ids(receipt) == [str(there[code]) for code in "abc"]


@pytest.mark.hazard
def test_h32_a_record_that_is_there_is_adopted_two_are_not(crm: CrmProcess, targets: Targets) -> None:
    for code in ("a", "b", "b"):
        crm.ask("POST", "/api/v2/accounts", {"code": code, "name": "by hand"})
    target = targets.crm(crm.address, **OWN_IDS)
    receipt = target.deliver(shape(), batch(shape(), accounts("a", "b", "c")))
    assert codes(receipt) == {1: "ambiguous"}
    assert "2 records with this key" in receipt.rejected[1].text
    assert receipt.rejected[1].hint
    names = [(record["code"], record["name"]) for record in records(crm)]
    assert names == [("a", "name a"), ("b", "by hand"), ("b", "by hand"), ("c", "name c")]


@pytest.mark.parametrize("reply", [Reply(lost=True), Reply(500), Reply(504)])
def test_without_find_a_lost_create_is_not_repeated(
    application: Application, targets: Targets, reply: Reply
) -> None:
    application.script = lambda call: reply
    options = {name: SIMPLE[name] for name in ("create", "update")}
    receipt = targets.at(application.address, **options).deliver(shape(), batch(shape(), accounts("a")))
    assert (codes(receipt), receipt.deferred) == ({}, {})
    assert receipt.in_doubt[0].code == "unknown"
    assert "only where it is not there" in receipt.in_doubt[0].hint
    assert len(application.calls) == 1


def test_without_find_the_lost_create_of_a_record_that_was_removed_is_not_repeated(
    application: Application, targets: Targets
) -> None:
    application.script = lambda call: Reply(404) if call.method == "PUT" else Reply(lost=True)
    options = {name: SIMPLE[name] for name in ("create", "update")}
    rows = batch(shape(), accounts("a"), Operation.UPDATE, ["7"])
    receipt = targets.at(application.address, **options).deliver(shape(), rows)
    assert list(receipt.in_doubt) == [0]
    assert [call.method for call in application.calls] == ["PUT", "POST"]


@pytest.mark.parametrize("status", [408, 429, 503])
def test_without_find_a_create_that_was_not_applied_is_repeated(
    application: Application, targets: Targets, status: int
) -> None:
    replies = iter([Reply(status)])
    application.script = lambda call: next(replies, Reply(201, {"customer": {"id": 7}}))
    options = {name: SIMPLE[name] for name in ("create", "update")}
    receipt = targets.at(application.address, **options).deliver(shape(), batch(shape(), accounts("a")))
    assert ids(receipt) == ["7"]


def test_a_conflict_adopts_the_record_that_came_between(application: Application, targets: Targets) -> None:
    finds = iter([[], [{"id": 7}]])

    def script(call: Call) -> Reply:
        if call.method == "GET":
            return Reply(200, {"customers": next(finds)})
        return Reply(409, {"error": "exists"}) if call.path == "/accounts" else Reply()

    application.script = script
    receipt = targets.at(application.address, **SIMPLE).deliver(shape(), batch(shape(), accounts("a")))
    assert ids(receipt) == ["7"]
    assert [call.method for call in application.calls] == ["GET", "POST", "GET", "PUT"]


def test_a_conflict_about_something_else_is_a_refusal(application: Application, targets: Targets) -> None:
    application.script = lambda call: (
        Reply(200, {"customers": []}) if call.method == "GET" else Reply(409, {"error": "name is taken"})
    )
    receipt = targets.at(application.address, **SIMPLE).deliver(shape(), batch(shape(), accounts("a")))
    assert receipt.rejected[0].text == "name is taken"


def test_an_answer_without_the_id_is_asked_for(application: Application, targets: Targets) -> None:
    finds = iter([[], [{"id": 7}]])
    application.script = lambda call: (
        Reply(200, {"customers": next(finds)}) if call.method == "GET" else Reply(201)
    )
    receipt = targets.at(application.address, **SIMPLE).deliver(shape(), batch(shape(), accounts("a")))
    assert ids(receipt) == ["7"]


def test_an_id_that_is_nowhere_is_a_problem(application: Application, targets: Targets) -> None:
    application.script = lambda call: Reply(201, {"key": 7})
    options = {name: SIMPLE[name] for name in ("create", "update")}
    receipt = targets.at(application.address, **options).deliver(shape(), batch(shape(), accounts("a")))
    assert codes(receipt) == {}
    assert receipt.in_doubt[0].code == "no id"  # it is there: to create it again would make a second one
    assert "customer.id" in receipt.in_doubt[0].text


def test_which_applications_take_a_create_again(application: Application, targets: Targets) -> None:
    once = {name: SIMPLE[name] for name in ("create", "update")}
    assert targets.at(application.address).repeats(shape())
    assert targets.at(application.address, batch=BATCH).repeats(shape())
    assert targets.at(application.address, **SIMPLE).repeats(shape())
    assert not targets.at(application.address, **once).repeats(shape())
    assert targets.at(application.address, **once).repeats(shape(find=SIMPLE["find"]))
    assert application.calls == []


@pytest.mark.parametrize(
    ("found", "end"),
    [
        ([{"id": 1, "code": "ab"}, {"id": 2, "code": "a"}, {"id": 3, "code": "A"}], "2"),
        ([{"id": 1, "code": "ab"}, {"id": 3, "code": "A"}], "3"),
        ([{"id": 1, "code": "ab"}], "new"),
        ([{"id": 1}, {"id": 2, "code": "a"}], "ambiguous"),
        ([{"key": 1}], "no id"),
        ([5], "5"),
        ({"id": 6}, "6"),
        ({}, "new"),
        (None, "new"),
    ],
)
def test_a_search_may_answer_with_more_than_was_asked(
    application: Application, targets: Targets, found: Any, end: str
) -> None:
    application.script = lambda call: (
        Reply(200, {"customers": found}) if call.method == "GET" else Reply(201, {"customer": {"id": "new"}})
    )
    receipt = targets.at(application.address, **SIMPLE).deliver(shape(), batch(shape(), accounts("a")))
    assert [codes(receipt).get(0) or ids(receipt)[0]] == [end]


@pytest.mark.parametrize("reply", [Reply(404), Reply(410)])
def test_a_search_may_answer_that_there_is_none(
    application: Application, targets: Targets, reply: Reply
) -> None:
    application.script = lambda call: reply if call.method == "GET" else Reply(201, {"customer": {"id": 7}})
    receipt = targets.at(application.address, **SIMPLE).deliver(shape(), batch(shape(), accounts("a")))
    assert ids(receipt) == ["7"]


@pytest.mark.parametrize("reply", [Reply(200, text="<p>Welcome"), Reply(403), Reply(302)])
def test_nothing_is_created_after_a_search_that_failed(
    application: Application, targets: Targets, reply: Reply
) -> None:
    application.script = lambda call: reply
    receipt = targets.at(application.address, **SIMPLE).deliver(shape(), batch(shape(), accounts("a")))
    assert list(receipt.rejected) == [0]
    assert not application.paths("POST")


def test_an_application_without_deletes_says_so(application: Application, targets: Targets) -> None:
    target = targets.at(application.address, **SIMPLE)
    receipt = target.deliver(shape(), batch(shape(), accounts("a"), Operation.DELETE, ["7"]))
    assert codes(receipt) == {0: "delete"}
    assert not application.calls


def test_an_entity_may_have_routes_of_its_own(application: Application, targets: Targets) -> None:
    application.script = lambda call: (
        Reply(200, {"items": []}) if call.method == "GET" else Reply(201, {"item": {"id": 9}})
    )
    items = shape("items", create={"id": "item.id", "wrap": "item"}, find={"items": "items"})
    receipt = targets.at(application.address, **SIMPLE).deliver(items, batch(items, accounts("a")))
    assert ids(receipt) == ["9"]
    assert application.calls[-1].value == {"item": accounts("a")[0]}
    other = shape("prices", upsert={"path": "/put/{key}"})
    targets.at(application.address, **SIMPLE).deliver(other, batch(other, accounts("b")))
    assert application.calls[-1].path == "/put/b"
