"""What becomes of one record, for every kind of answer an application may give."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from itertools import count

import pytest

from connectors.rest.application import Application, Call, Reply
from connectors.rest.tools import Targets, accounts, batch, codes, ids, shape
from marea.connectors.rest.course import STREAK
from marea.connectors.rest.retry import Policy
from marea.errors import SystemUnreachable
from marea.model import Operation

pytestmark = pytest.mark.integration

THREE = accounts("a", "b", "c")


def only(code: str, reply: Reply) -> Callable[[Call], Reply]:
    """Answers so for one record, well for all others."""
    return lambda call: reply if call.path.endswith(f"/{code}") else Reply()


def test_the_payload_is_sent_byte_by_byte(application: Application, targets: Targets) -> None:
    payload = '{"code":"a","price":1.10,"big":123456789012345678901234567890.10,"text":"è \\u00e8"}'
    table = batch(shape(), accounts("a"))
    table = table.set_column(table.schema.get_field_index("$payload"), "$payload", [[payload]])
    target = targets.at(application.address, upsert={"path": "/{object}/{key}", "wrap": 'cust"omer'})
    target.deliver(shape(), table)
    assert application.calls[0].body == b'{"cust\\"omer":' + payload.encode() + b"}"
    assert application.calls[0].headers["Content-Type"] == "application/json"


@pytest.mark.parametrize("status", [400, 403, 409, 410, 413, 415, 418, 422, 451])
def test_a_refusal_rejects_the_record_alone(application: Application, targets: Targets, status: int) -> None:
    application.script = only("b", Reply(status, {"error": {"message": "Too short", "field": "vat"}}))
    receipt = targets.at(application.address).deliver(shape(), batch(shape(), THREE))
    problem = receipt.rejected.pop(1)
    assert (problem.code, problem.text, problem.field) == (f"http {status}", "Too short", "vat")
    assert not receipt.rejected
    assert not receipt.deferred
    assert ids(receipt) == ["a", None, "c"]
    assert len(application.calls) == 3


@pytest.mark.parametrize("status", [404, 405])
def test_what_is_not_there_is_told_with_its_address(
    application: Application, targets: Targets, status: int
) -> None:
    application.script = only("b", Reply(status, text=f"{status}: Not There"))
    target = targets.at(f"{application.address}/appi/s3cret-path", auth={"bearer": "s3cret-path"})
    receipt = target.deliver(shape(), batch(shape(), THREE))
    assert ids(receipt) == ["a", None, "c"]
    problem = receipt.rejected[1]
    called = f'PUT "{application.address}/appi/***/accounts/b"'
    assert (problem.code, problem.text) == (f"http {status}", f"{called} answered {status}: Not There")
    assert problem.hint == "is `url`, `object` or the path right?"


def test_no_query_of_what_is_not_there_is_told(application: Application, targets: Targets) -> None:
    application.script = lambda call: Reply(404)
    upsert = {"path": "/{object}/{key}?sig=s3cret-query"}
    receipt = targets.at(application.address, upsert=upsert).deliver(shape(), batch(shape(), accounts("a")))
    assert receipt.rejected[0].text == f'PUT "{application.address}/accounts/a" answered 404'


@pytest.mark.parametrize("status", [200, 201, 202, 204, 207])
def test_any_success_is_applied(application: Application, targets: Targets, status: int) -> None:
    application.script = lambda call: Reply(status, text="not JSON" if status != 204 else None)
    receipt = targets.at(application.address).deliver(shape(), batch(shape(), THREE))
    assert ids(receipt) == ["a", "b", "c"]


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 504])
def test_a_passing_failure_is_tried_again(application: Application, targets: Targets, status: int) -> None:
    seen: set[str] = set()

    def script(call: Call) -> Reply:
        first = call.path not in seen
        seen.add(call.path)
        return Reply(status) if first else Reply()

    application.script = script
    receipt = targets.at(application.address).deliver(shape(), batch(shape(), THREE))
    assert ids(receipt) == ["a", "b", "c"]
    assert not receipt.rejected
    assert len(application.calls) == 6


@pytest.mark.parametrize("reply", [Reply(500, {"error": "Oops"}), Reply(505), Reply(302)])
def test_one_record_that_fails_holds_back_no_other(
    application: Application, targets: Targets, reply: Reply
) -> None:
    application.script = only("b", reply)
    receipt = targets.at(application.address).deliver(shape(), batch(shape(), THREE))
    assert ids(receipt) == ["a", None, "c"]
    assert list(receipt.rejected) == [1]
    assert not receipt.deferred


@pytest.mark.hazard
@pytest.mark.parametrize("reply", [Reply(lost=True), Reply(502), Reply(504), Reply(text="x", broken=True)])
def test_h24_a_record_whose_answers_are_all_lost_is_no_error(
    application: Application, targets: Targets, reply: Reply
) -> None:
    application.script = only("b", reply)
    receipt = targets.at(application.address).deliver(shape(), batch(shape(), THREE))
    assert ids(receipt) == ["a", None, "c"]
    assert not receipt.rejected
    assert {row: problem.code for row, problem in receipt.deferred.items()} == {1: "unknown"}
    assert receipt.away == ""
    assert application.paths("PUT").count("/accounts/b") == 4


@pytest.mark.hazard
@pytest.mark.parametrize("later", [Reply(500), Reply(503)])
def test_h24_what_later_attempts_met_does_not_tell_what_became_of_the_first(
    application: Application, targets: Targets, later: Reply
) -> None:
    replies = iter([Reply(lost=True)])
    application.script = lambda call: next(replies, later)
    receipt = targets.at(application.address).deliver(shape(), batch(shape(), accounts("a")))
    assert not receipt.rejected
    assert receipt.deferred[0].code == "unknown"
    assert bool(receipt.away) == (later.status == 503)


def test_failures_in_a_row_mean_that_it_is_away(application: Application, targets: Targets) -> None:
    application.script = lambda call: Reply(500)
    target = targets.at(application.address, concurrency=1)
    receipt = target.deliver(shape(), batch(shape(), accounts(*map(str, range(20)))))
    assert list(receipt.rejected) == list(range(STREAK))
    assert list(receipt.deferred) == list(range(STREAK, 20))
    assert len(application.calls) == STREAK * 4


def test_failures_between_successes_do_not(application: Application, targets: Targets) -> None:
    application.script = lambda call: Reply(500 if int(call.path[-1]) % 2 else 200)
    target = targets.at(application.address, concurrency=1)
    receipt = target.deliver(shape(), batch(shape(), accounts(*map(str, range(30)))))
    assert len(receipt.rejected) == 15
    assert not receipt.deferred


@pytest.mark.hazard
def test_h22_away_before_anything_was_applied(application: Application, targets: Targets) -> None:
    application.script = lambda call: Reply(503, {"error": "In maintenance"}, {"Retry-After": "120"})
    with pytest.raises(SystemUnreachable) as caught:
        targets.at(application.address).deliver(shape(), batch(shape(), THREE))
    assert caught.value.system == "crm"
    assert "asks to be left alone for 120 s" in caught.value.hint
    assert "http 503: In maintenance" in str(caught.value)
    assert caught.value.hint
    assert len(application.calls) == 3


@pytest.mark.hazard
def test_h22_away_after_a_part_was_applied(application: Application, targets: Targets) -> None:
    number = count()
    application.script = lambda call: Reply(200 if next(number) < 4 else 503)
    target = targets.at(application.address, concurrency=1)
    receipt = target.deliver(shape(), batch(shape(), accounts(*"abcdefgh")))
    assert list(receipt.deferred) == [4, 5, 6, 7]
    assert receipt.deferred[4].code == "unreachable"
    assert "http 503" in receipt.away
    assert ids(receipt) == [*"abcd", None, None, None, None]
    assert application.paths("PUT")[4:] == ["/accounts/e"] * 4


@pytest.mark.hazard
def test_h23_a_slower_pace_in_seconds_and_as_a_date(application: Application, targets: Targets) -> None:
    past = format_datetime(datetime.now(UTC) - timedelta(seconds=5), usegmt=True)
    headers = iter([{"Retry-After": "0"}, {"Retry-After": past}] * 5)
    application.script = lambda call: (
        Reply(429, headers=header) if (header := next(headers, None)) is not None else Reply()
    )
    receipt = targets.at(application.address, concurrency=1).deliver(shape(), batch(shape(), accounts("a")))
    assert ids(receipt) == ["a"]
    assert len(application.calls) == 11


@pytest.mark.hazard
def test_h23_a_pace_too_slow_to_wait_for_defers(application: Application, targets: Targets) -> None:
    application.script = only("b", Reply(429, headers={"Retry-After": "3600"}))
    target = targets.at(application.address, concurrency=1)
    receipt = target.deliver(shape(), batch(shape(), THREE))
    assert list(receipt.deferred) == [1, 2]
    assert application.paths("PUT") == ["/accounts/a", "/accounts/b"]
    application.script = lambda call: Reply()
    assert not target.deliver(shape(), batch(shape(), THREE)).deferred


@pytest.mark.hazard
def test_h24_a_lost_answer_is_no_error(application: Application, targets: Targets) -> None:
    seen: set[str] = set()

    def script(call: Call) -> Reply:
        lost = call.path == "/accounts/b" and "b" not in seen
        seen.update("b" if lost else "")
        return Reply(lost=lost)

    application.script = script
    receipt = targets.at(application.address).deliver(shape(), batch(shape(), THREE))
    assert ids(receipt) == ["a", "b", "c"]
    assert not receipt.rejected


def test_a_timeout_is_said_so(application: Application, targets: Targets) -> None:
    application.hold = 99
    target = targets.at(application.address, policy=Policy(attempts=1), timeout=0.2)
    receipt = target.deliver(shape(), batch(shape(), accounts("a")))
    assert receipt.deferred[0].code == "unknown"
    assert "within 0.2 s" in receipt.deferred[0].text


def test_nobody_at_the_address(targets: Targets) -> None:
    with pytest.raises(SystemUnreachable, match="no connection to http://localhost:1"):
        targets.at("http://localhost:1/api").deliver(shape(), batch(shape(), THREE))


def test_a_host_that_is_not_known(targets: Targets) -> None:
    with pytest.raises(SystemUnreachable, match=r"host name of http://crm\.invalid is not known"):
        targets.at("http://crm.invalid/api").deliver(shape(), batch(shape(), THREE))


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_not_followed(application: Application, targets: Targets, status: int) -> None:
    to = "https://user:pa55word@elsewhere.example/x?token=pa55word"
    application.script = only("a", Reply(status, headers={"Location": to}))
    receipt = targets.at(application.address).deliver(shape(), batch(shape(), accounts("a")))
    assert "https://elsewhere.example/x;" in receipt.rejected[0].text
    assert "pa55word" not in receipt.rejected[0].text
    assert len(application.calls) == 1


def test_a_delete_of_what_is_gone_is_done(application: Application, targets: Targets) -> None:
    replies = {"a": 200, "b": 404, "c": 410, "d": 423}
    application.script = lambda call: Reply(replies[call.path[-1]])
    rows = [{"code": None}] * 4
    receipt = targets.at(application.address).deliver(
        shape(), batch(shape(), rows, Operation.DELETE, [*"abcd"])
    )
    assert codes(receipt) == {3: "http 423"}


def test_a_key_that_changed_moves_the_record(application: Application, targets: Targets) -> None:
    target = targets.at(application.address)
    receipt = target.deliver(shape(), batch(shape(), accounts("new"), Operation.UPDATE, ["old"]))
    assert ids(receipt) == ["new"]
    assert [(call.method, call.path) for call in application.calls] == [
        ("PUT", "/accounts/new"),
        ("DELETE", "/accounts/old"),
    ]


def test_ids_of_the_application_s_own_under_a_put(application: Application, targets: Targets) -> None:
    application.script = lambda call: Reply(200, {"account": {"id": 17}})
    target = targets.at(
        application.address,
        upsert={"path": "/{object}/{key}", "id": "account.id"},
        delete={"path": "/{object}/{id}"},
    )
    assert ids(target.deliver(shape(), batch(shape(), accounts("a")))) == ["17"]
    target.deliver(shape(), batch(shape(), [{"code": "a"}], Operation.DELETE, ["17"]))
    assert application.paths("DELETE") == ["/accounts/17"]


def test_an_endless_answer_is_not_read_to_its_end(application: Application, targets: Targets) -> None:
    application.script = only("a", Reply(422, text="x" * 20_000_000))
    receipt = targets.at(application.address).deliver(shape(), batch(shape(), accounts("a", "b")))
    assert codes(receipt) == {0: "http 422"}
    assert len(receipt.rejected[0].text) == 2000


def test_one_target_serves_several_threads_and_closes_twice(
    application: Application, targets: Targets
) -> None:
    from concurrent.futures import ThreadPoolExecutor

    target = targets.at(application.address, concurrency=3)
    batches = [batch(shape(), accounts(*(f"{one}{row}" for row in range(40)))) for one in "abc"]
    with ThreadPoolExecutor(3) as pool:
        receipts = list(pool.map(lambda table: target.deliver(shape(), table), batches))
    assert all(not receipt.rejected and not receipt.deferred for receipt in receipts)
    assert len(set(application.paths("PUT"))) == 120
    assert application.peak <= 3
    target.close()
    target.close()


@pytest.mark.parametrize("limit", [1, 5])
def test_as_many_calls_at_once_as_allowed(application: Application, targets: Targets, limit: int) -> None:
    application.hold = limit
    target = targets.at(application.address, concurrency=limit)
    receipt = target.deliver(shape(), batch(shape(), accounts(*map(str, range(100)))))
    assert not receipt.rejected
    assert application.peak == limit
    assert len(application.calls) == 100


def test_nothing_to_do_is_not_called(application: Application, targets: Targets) -> None:
    receipt = targets.at(application.address).deliver(
        shape(), batch(shape(), accounts("a"), Operation.NONE, ["a"])
    )
    assert ids(receipt) == ["a"]
    assert not application.calls
