from __future__ import annotations

import pytest

from marea.flow import Absent
from marea.model import ABSENT, UNKNOWN, Operation, Outcome, RecordState
from marea.planning.absent import absent

pytestmark = pytest.mark.unit


def one(
    state: str | None,
    doubt: str | None = None,
    *,
    delivered: bool = False,
    filtered: bool = False,
    named: bool = False,
) -> Absent:
    row = {"state": state, "stamp": "s", "delivered": delivered, "attempts": 3, "doubt": doubt}
    return absent(["k"], [row], filtered=filtered, named=named)["k"]


@pytest.mark.parametrize(
    ("state", "delivered"), [(None, False), (RecordState.ALIGNED, True), (RecordState.GONE, False)]
)
def test_a_record_that_is_in_order_or_unknown_ends_without_a_word(state: str | None, delivered: bool) -> None:
    found = one(state, delivered=delivered)
    assert (found.outcome, found.problem) == (Outcome.UNCHANGED, None)


@pytest.mark.parametrize("delivered", [True, False])
def test_the_trouble_of_a_record_ends_and_says_what_the_target_has(delivered: bool) -> None:
    found = one(RecordState.DUE, delivered=delivered)
    assert (found.outcome, found.stamp, found.attempts) == (Outcome.UNCHANGED, "s", 3)
    assert found.problem is not None
    assert found.problem.code == ABSENT
    assert ("what the target was given was not deleted there" in found.problem.text) == delivered


@pytest.mark.parametrize("delivered", [True, False])
def test_a_record_in_doubt_stays_in_doubt(delivered: bool) -> None:
    found = one(RecordState.DUE, Operation.CREATE, delivered=delivered)
    assert (found.outcome, found.attempts) == (Outcome.DEFERRED, 3)
    assert found.problem is not None
    assert "whether its last delivery arrived is not known" in found.problem.text


@pytest.mark.parametrize("delivered", [True, False])
def test_who_names_it_ends_its_doubt(delivered: bool) -> None:
    found = one(RecordState.DUE, Operation.CREATE, delivered=delivered, named=True)
    assert (found.outcome, found.attempts, found.operation) == (Outcome.UNCHANGED, 3, Operation.NONE)
    assert found.problem is not None
    assert found.problem.code == UNKNOWN
    assert "nothing was sent, and the target may hold it" in found.problem.text


@pytest.mark.parametrize("filtered", [True, False])
def test_a_filter_is_named_where_there_is_one(filtered: bool) -> None:
    problem = one(RecordState.DUE, filtered=filtered).problem
    assert problem is not None
    assert ("within the filter" in problem.text) == filtered
