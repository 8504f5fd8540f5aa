"""A delivery that is asked to end: what was sent has its verdict, what was not is deferred, nobody waits."""

from __future__ import annotations

import pytest

from connectors.rest.application import Application, Call, Reply
from connectors.rest.tools import BATCH, Targets, accounts, batch, shape
from marea.connectors.rest.retry import Policy
from marea.model import INTERRUPTED, UNKNOWN
from marea.ports import Receipt
from marea.stop import Stop

pytestmark = pytest.mark.integration

CODES = [f"{number:03d}" for number in range(200)]


def ended(application: Application, targets: Targets, reply: Reply, at: int, **options: object) -> Receipt:
    """The receipt of a delivery that is asked to end with a certain call."""
    stop = Stop()

    def script(call: Call) -> Reply:
        if len(application.calls) == at:
            stop.ask()
        return reply

    application.script = script
    target = targets.at(application.address, Policy(), **options)
    target.heed(stop)
    return target.deliver(shape(), batch(shape(), accounts(*CODES)))


def test_what_was_sent_is_applied_and_the_rest_deferred(application: Application, targets: Targets) -> None:
    receipt = ended(application, targets, Reply(), 20)
    sent = {CODES.index(call.path.rpartition("/")[2]) for call in application.calls}
    assert 20 <= len(sent) < 200
    assert set(receipt.deferred) == set(range(200)) - sent
    assert {problem.code for problem in receipt.deferred.values()} == {INTERRUPTED}
    assert (receipt.away, receipt.rejected) == ("", {})


def test_no_wait_is_waited_out(application: Application, targets: Targets) -> None:
    reply = Reply(429, headers={"Retry-After": "100"})
    receipt = ended(application, targets, reply, 3, concurrency=3)
    assert len(application.calls) <= 3
    assert {problem.code for problem in receipt.deferred.values()} == {INTERRUPTED}
    assert len(receipt.deferred) == 200


def test_an_answer_that_was_lost_stays_lost(application: Application, targets: Targets) -> None:
    """The call is made a batch, whose halves are not sent any more."""
    receipt = ended(application, targets, Reply(lost=True), 1, batch=BATCH, concurrency=1)
    assert [problem.code for problem in receipt.deferred.values()] == [UNKNOWN] * 100 + [INTERRUPTED] * 100


def test_the_next_delivery_goes_on(application: Application, targets: Targets) -> None:
    ended(application, targets, Reply(), 1)
    target = targets._made[-1]
    target.heed(Stop())
    assert target.deliver(shape(), batch(shape(), accounts(*CODES))).deferred == {}
