"""One call for many records: results by key, refusals as a whole, halves that fail."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.rest.application import Application, Call, Reply
from connectors.rest.tools import BATCH, Targets, accounts, batch, codes, ids, shape
from marea.connectors.rest import chunks
from marea.demo.crm_process import CrmProcess
from marea.errors import ConfigurationError, SystemUnreachable
from marea.model import Operation
from marea.ports import OPERATION

pytestmark = pytest.mark.integration

ONLY: dict[str, Any] = {"path": "/{object}/batch", "size": 100}
PUT = {"path": "/{object}/{key}"}


def sizes(application: Application) -> list[int]:
    return [len(call.value) for call in application.calls if call.method == "POST"]


def test_many_records_in_few_calls(crm: CrmProcess, targets: Targets) -> None:
    target = targets.crm(crm.address, batch=BATCH)
    target.prepare(shape())
    rows = accounts(*(f"{row:04d}" for row in range(1050)))
    receipt = target.deliver(shape(), batch(shape(), rows))
    assert ids(receipt) == [row["code"] for row in rows]
    assert receipt.durations is None
    assert crm.ask("GET", "/admin/calls")["calls"] == {"POST batch": 11}
    assert crm.records("accounts") == rows


def test_the_refused_are_named_by_their_key(crm: CrmProcess, targets: Targets) -> None:
    target = targets.crm(crm.address, batch=BATCH)
    rows = [*accounts("a"), *accounts("b", vat_number="123"), *accounts("c"), *accounts("d", tax_code="X")]
    receipt = target.deliver(shape(), batch(shape(), rows))
    assert codes(receipt) == {1: "refused", 3: "refused"}
    assert receipt.rejected[1].text == "A VAT number has 11 digits, 123 has 3"
    assert (receipt.rejected[3].field, receipt.rejected[3].text) == ("tax_code", "There is no tax code X")
    assert [record["code"] for record in crm.records("accounts")] == ["a", "c"]


def test_every_operation_in_one_batch(crm: CrmProcess, targets: Targets) -> None:
    target = targets.crm(crm.address, batch=BATCH)
    target.deliver(shape(), batch(shape(), accounts("a", "b", "old")))
    rows = [
        {"code": "a", OPERATION: Operation.DELETE},
        *accounts("c"),
        *accounts("d", **{OPERATION: Operation.NONE}),
        *accounts("new"),
    ]
    receipt = target.deliver(shape(), batch(shape(), rows, ids=["a", None, "d", "old"]))
    assert codes(receipt) == {}
    assert ids(receipt) == ["a", "c", "d", "new"]
    assert [record["code"] for record in crm.records("accounts")] == ["b", "c", "new"]


@pytest.mark.parametrize("wrap", ["", "records"])
def test_payloads_travel_byte_by_byte(application: Application, targets: Targets, wrap: str) -> None:
    payloads = ['{"code":"a","price":1.10}', '{"code":"b","price":0.100000000000000000001}']
    table = batch(shape(), accounts("a", "b"))
    table = table.set_column(table.schema.get_field_index("$payload"), "$payload", [payloads])
    targets.at(application.address, batch={**ONLY, "wrap": wrap}).deliver(shape(), table)
    array = f"[{','.join(payloads)}]"
    assert application.calls[0].body.decode() == (f'{{"{wrap}":{array}}}' if wrap else array)


@pytest.mark.hazard
def test_h26_answers_in_another_order(application: Application, targets: Targets) -> None:
    def script(call: Call) -> Reply:
        items = [
            {"line": {"no": record["line"]}, "code": record["code"], "ref": f"id-{record['line']}"}
            for record in reversed(call.value)
        ]
        items[0]["problem"] = {"message": "no"}
        return Reply(200, {"data": {"done": items}})

    application.script = script
    lines = shape("lines", ("code", "line"))
    option = {
        **ONLY,
        "results": "data.done",
        "key": ["code", "line.no"],
        "error": "problem.message",
        "id": "ref",
    }
    rows = [{"code": "a", "line": str(line)} for line in (1, 11, 111)]
    receipt = targets.at(application.address, batch=option).deliver(lines, batch(lines, rows))
    assert ids(receipt) == ["id-1", "id-11", None]
    assert receipt.rejected[2].text == "no"


@pytest.mark.hazard
@pytest.mark.parametrize("status", [400, 413, 422])
@pytest.mark.parametrize("upsert", [None, PUT])
def test_h26_a_batch_refused_because_of_one_record_in_560(
    application: Application, targets: Targets, status: int, upsert: Any
) -> None:
    applied: list[str] = []

    def script(call: Call) -> Reply:
        records = call.value if call.method == "POST" else [call.value]
        if any(record["code"] == "391" for record in records):
            return Reply(status, {"error": "391 is bad"})
        applied.extend(record["code"] for record in records)
        return Reply()

    application.script = script
    target = targets.at(application.address, batch={**ONLY, "size": 560}, upsert=upsert)
    rows = accounts(*map(str, range(560)))
    receipt = target.deliver(shape(), batch(shape(), rows))
    assert codes(receipt) == {391: f"http {status}"}
    assert receipt.rejected[391].text == "391 is bad"
    assert sorted(applied, key=int) == [str(row) for row in range(560) if row != 391]
    assert len(application.calls) <= 2 * 11


def test_a_record_that_breaks_the_batch_holds_back_no_other(
    application: Application, targets: Targets
) -> None:
    application.script = lambda call: Reply(500 if any(r["code"] == "37" for r in call.value) else 200)
    target = targets.at(application.address, batch=ONLY)
    receipt = target.deliver(shape(), batch(shape(), accounts(*map(str, range(100)))))
    assert codes(receipt) == {37: "http 500"}


def test_an_application_that_is_away_is_not_asked_in_halves(
    application: Application, targets: Targets
) -> None:
    application.script = lambda call: Reply(503)
    target = targets.at(application.address, batch=ONLY, concurrency=1)
    with pytest.raises(SystemUnreachable):
        target.deliver(shape(), batch(shape(), accounts(*map(str, range(300)))))
    assert sizes(application) == [100] * 4


@pytest.mark.parametrize(
    ("option", "value", "end"),
    [
        ({"results": "results", "key": "code"}, {"results": [{"code": "a"}]}, {1: "answer"}),
        ({"results": "", "key": "code"}, [{"code": "b"}, {"code": "a"}, "x"], {}),
        ({"errors": "errors", "key": "code"}, {"errors": []}, {}),
        ({"errors": "errors", "key": "code"}, {"saved": 2}, {}),
        ({"errors": "errors", "key": "code"}, {"errors": [{"code": "b", "error": "no"}]}, {1: "refused"}),
        ({"errors": "errors", "key": "code"}, {"errors": [{"code": "b"}]}, {1: "refused"}),
        ({"errors": "", "key": "code", "error": "why"}, [{"code": "a", "why": "no"}], {0: "refused"}),
    ],
)
def test_lists_of_all_and_lists_of_the_refused(
    application: Application, targets: Targets, option: dict[str, Any], value: Any, end: dict[int, str]
) -> None:
    application.script = lambda call: Reply(200, value)
    target = targets.at(application.address, batch={**ONLY, **option})
    receipt = target.deliver(shape(), batch(shape(), accounts("a", "b")))
    assert codes(receipt) == end


@pytest.mark.parametrize(
    ("option", "value", "said", "place"),
    [
        (
            {"results": "result"},
            {"results": [], "took": 3},
            'no list "result" in the answer, which has: results, took',
            "results",
        ),
        (
            {"results": "done"},
            {"done": {"code": "a"}},
            'no list "done" in the answer, which has: done',
            "results",
        ),
        ({"results": "r"}, None, 'no list "r" in the answer, which has: nothing', "results"),
        ({"results": ""}, {"data": []}, "the answer is no list, which has: data", "results"),
        (
            {"results": "r", "key": "cod"},
            {"r": [{"code": "a", "ok": True}]},
            'no "cod" in an item of "r", which has: code, ok',
            "key",
        ),
        (
            {"errors": "e", "key": "cod"},
            {"e": [{"code": "a"}]},
            'no "cod" in an item of "e", which has: code',
            "key",
        ),
    ],
)
@pytest.mark.parametrize("rows", [2, 300])
def test_answers_looked_up_in_the_wrong_place_are_a_fault_of_the_configuration(
    application: Application,
    targets: Targets,
    option: dict[str, Any],
    value: Any,
    said: str,
    place: str,
    rows: int,
) -> None:
    application.script = lambda call: Reply(200, value)
    target = targets.at(application.address, batch={**ONLY, "key": "code", **option})
    with pytest.raises(ConfigurationError) as caught:
        target.deliver(shape(), batch(shape(), accounts(*map(str, range(rows)))))
    (fault,) = caught.value.faults
    assert fault.message == f"the answer to a batch cannot be read: {said}"
    assert fault.field == f"systems.crm.batch.{place}"
    assert fault.hint == f"correct batch.{place} of system crm"


def test_one_answer_among_others_that_lacks_its_list_is_the_applications(
    application: Application, targets: Targets
) -> None:
    def script(call: Call) -> Reply:
        named = [{"code": record["code"]} for record in call.value]
        return Reply(200, {"error": "Oops"} if named[0]["code"] == "0" else {"results": named})

    application.script = script
    target = targets.at(application.address, batch={**ONLY, "size": 2, "results": "results", "key": "code"})
    receipt = target.deliver(shape(), batch(shape(), accounts(*map(str, range(10)))))
    assert codes(receipt) == {0: "answer", 1: "answer"}
    assert receipt.rejected[0].text == 'no list "results" in the answer, which has: error'


def test_names_that_an_answer_has_are_told_without_secrets(
    application: Application, targets: Targets
) -> None:
    application.script = lambda call: Reply(200, {"s3cret-token": [], "x\x1b[2J" + "y" * 99: 1})
    option = {**ONLY, "results": "r", "key": "code"}
    target = targets.at(application.address, batch=option, auth={"bearer": "s3cret-token"})
    with pytest.raises(ConfigurationError) as caught:
        target.deliver(shape(), batch(shape(), accounts("a")))
    assert caught.value.faults[0].message.endswith("which has: ***, x [2J" + "y" * 35)


def test_large_records_travel_in_smaller_batches(application: Application, targets: Targets) -> None:
    target = targets.at(application.address, batch=ONLY, concurrency=1)
    large = "x" * (chunks.BODY_BYTES // 3)
    rows = [*accounts("a"), *accounts(*"bcdefg", text=large), *accounts("h", text=large * 4)]
    receipt = target.deliver(shape(), batch(shape(), rows))
    assert not receipt.rejected
    assert sizes(application) == [3, 2, 2, 1]
    assert all(len(call.body) <= chunks.BODY_BYTES + 1000 for call in application.calls[:-1])


def test_never_more_calls_at_once_than_allowed(application: Application, targets: Targets) -> None:
    application.hold = 3
    target = targets.at(application.address, batch={**ONLY, "size": 5}, concurrency=3)
    target.deliver(shape(), batch(shape(), accounts(*map(str, range(100)))))
    assert (application.peak, sizes(application)) == (3, [5] * 20)


@pytest.mark.parametrize("reply", [Reply(text="<html>maintenance</html>"), Reply(302)])
def test_a_page_for_people_is_an_outage_and_no_word_of_the_records(
    application: Application, targets: Targets, reply: Reply
) -> None:
    options = {"batch": {"path": "/{object}/batch", "size": 3, "results": "results", "key": "code"}}
    application.script = lambda call: reply
    target = targets.at(application.address, **options, concurrency=1)
    many = batch(shape(), accounts(*"abcdef"))
    if reply.status == 200:
        receipt = target.deliver(shape(), many)
        assert (receipt.rejected, len(receipt.deferred)) == ({}, 6)
        assert {receipt.deferred[row].code for row in range(3)} == {"unknown"}
        assert "no JSON" in receipt.away
    else:
        with pytest.raises(SystemUnreachable, match="redirects are not followed"):
            target.deliver(shape(), many)
    assert len(application.calls) == 1
