from __future__ import annotations

from itertools import product

import pytest

from marea.model import ABSENT, Outcome, RecordState
from marea.planning.absent import absent

pytestmark = pytest.mark.unit

TROUBLED = (Outcome.REJECTED, Outcome.WAITING, Outcome.HELD)


def one(state: str | None, outcome: str | None = None, *, delivered: bool = False, filtered: bool = False):
    row = {"state": state, "stamp": "s", "delivered": delivered, "outcome": outcome, "attempts": 3}
    row |= {"operation": "create", "code": "unknown"}
    return absent(["k"], [row], filtered=filtered)["k"]


@pytest.mark.parametrize(
    ("state", "delivered"), [(None, False), (RecordState.ALIGNED, True), (RecordState.GONE, False)]
)
def test_a_record_that_is_in_order_or_unknown_ends_without_a_word(state: str | None, delivered: bool) -> None:
    found = one(state, delivered=delivered)
    assert (found.outcome, found.problem) == (Outcome.UNCHANGED, None)


@pytest.mark.parametrize(("outcome", "delivered"), [*product(TROUBLED, (True, False))])
def test_the_trouble_of_a_record_ends_and_says_what_the_target_has(outcome: Outcome, delivered: bool) -> None:
    found = one(RecordState.DUE, outcome, delivered=delivered)
    assert (found.outcome, found.stamp, found.attempts) == (Outcome.UNCHANGED, "s", 3)
    assert found.problem is not None
    assert found.problem.code == ABSENT
    assert ("what the target was given was not deleted there" in found.problem.text) == delivered


@pytest.mark.parametrize("delivered", [True, False])
def test_a_record_in_doubt_stays_in_doubt(delivered: bool) -> None:
    found = one(RecordState.DUE, Outcome.DEFERRED, delivered=delivered)
    assert (found.outcome, found.attempts) == (Outcome.DEFERRED, 3)
    assert found.problem is not None
    assert "whether its last delivery arrived is not known" in found.problem.text


@pytest.mark.parametrize("filtered", [True, False])
def test_a_filter_is_named_where_there_is_one(filtered: bool) -> None:
    problem = one(RecordState.DUE, Outcome.REJECTED, filtered=filtered).problem
    assert problem is not None
    assert ("within the filter" in problem.text) == filtered
