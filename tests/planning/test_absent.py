from __future__ import annotations

import pytest

from marea.flow import Absent
from marea.model import ABSENT, GUARD, LEAVING, UNKNOWN, Operation, Outcome, RecordState
from marea.planning.absent import Absence, Leaving

pytestmark = pytest.mark.unit


def one(
    state: str | None,
    doubt: str | None = None,
    *,
    delivered: bool = False,
    filtered: bool = False,
    named: bool = False,
    leaving: Leaving = Leaving.STAY,
    tried: bool = False,
    held: bool = False,
) -> Absent:
    row = {"state": state, "stamp": "s", "delivered": delivered, "attempts": 3, "doubt": doubt, "held": held}
    absence = Absence(filtered=filtered, leaving=leaving, named=named)
    return absence.ends(["k"], [row], ["k"] if tried else [])["k"]


def leaves(found: Absent) -> bool:
    return found.problem is not None and found.problem.code == LEAVING


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
@pytest.mark.parametrize("leaving", Leaving)
def test_a_record_in_doubt_of_a_create_stays_in_doubt(delivered: bool, leaving: Leaving) -> None:
    found = one(RecordState.DUE, Operation.CREATE, delivered=delivered, leaving=leaving)
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


@pytest.mark.parametrize("state", [RecordState.ALIGNED, RecordState.DUE, RecordState.LAPSED])
@pytest.mark.parametrize("doubt", [None, Operation.UPDATE, Operation.DELETE])
@pytest.mark.parametrize("named", [True, False])
def test_what_the_target_has_is_due_to_be_deleted_whatever_its_trouble(
    state: str, doubt: str | None, named: bool
) -> None:
    """A delete may come again: it settles what an update or a delete before it left in doubt."""
    found = one(state, doubt, delivered=True, leaving=Leaving.DUE, named=named)
    assert leaves(found)
    assert not found.log
    ended = (found.outcome, found.operation, found.stamp, found.attempts)
    assert ended == (Outcome.DEFERRED, Operation.DELETE, "s", 3)


def test_what_may_stand_under_several_keys_is_left_to_people() -> None:
    found = one(RecordState.DUE, Operation.UPDATE, delivered=True, leaving=Leaving.DUE, tried=True)
    assert not leaves(found)
    assert found.outcome is Outcome.DEFERRED


def test_what_the_target_never_had_is_not_deleted() -> None:
    assert not leaves(one(RecordState.DUE, leaving=Leaving.DUE))
    assert not leaves(one(RecordState.GONE, leaving=Leaving.DUE))


@pytest.mark.parametrize("held", [True, False])
def test_what_the_guard_holds_back_is_told_once(held: bool) -> None:
    found = one(RecordState.DUE, delivered=True, leaving=Leaving.HELD, held=held)
    assert (found.outcome, found.operation, found.log) == (Outcome.HELD, Operation.DELETE, not held)
    assert found.problem is not None
    assert (found.problem.code, "marea approve" in found.problem.hint) == (GUARD, True)


def test_what_is_held_back_stays_so_until_it_is_deleted() -> None:
    found = one(RecordState.DUE, delivered=True, leaving=Leaving.DUE, held=True)
    assert (found.outcome, found.log) == (Outcome.HELD, False)
    assert leaves(one(RecordState.DUE, delivered=True, leaving=Leaving.DELETED, held=True))
