"""An intent is there before its delivery and gone with its outcome; one left behind makes its records due."""

from __future__ import annotations

import itertools
import json

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from marea.errors import RunStopped
from marea.model import (
    ABSENT,
    LEAVING,
    NOTHING_APPLIED,
    UNKNOWN,
    UNREACHABLE,
    Cause,
    Operation,
    Outcome,
    RecordState,
    RunKind,
)
from marea.store.commit import Move
from marea.store.custody import Announced, Custody
from marea.store.state import State
from store.desk import OWNER, Desk, row

pytestmark = pytest.mark.unit

BASIS = '{"object":"accounts"}'


def custody(desk: Desk) -> Custody:
    return Custody(desk.entity, desk.run, desk.fence)


def intend(desk: Desk, n: int, *keys: str, operation: Operation = Operation.UPDATE) -> None:
    announced = Announced({operation: pa.chunked_array([keys[:1], keys[1:]], pa.string())})
    desk.state.intend(custody(desk), n, announced)


def die_and_begin_again(desk: Desk) -> Desk:
    """The process of `desk` ends here; another run takes its entity over."""
    desk.state.leases.release(desk.entity, desk.fence)
    again = Desk(desk.state)
    again.at = desk.at + 1_000_000
    desk.state.take_over(custody(again), again.at, BASIS, anew=False)
    return again


def test_the_commit_of_the_outcome_answers_the_intent(desk: Desk) -> None:
    intend(desk, 0, '"1"')
    intend(desk, 1, '"2"', '"3"')
    assert list(desk.state.ledger.in_doubt(desk.entity)) == ['"1"', '"2"', '"3"']
    desk.commit(row('"1"', Outcome.CREATED), intent=0)
    assert list(desk.state.ledger.in_doubt(desk.entity)) == ['"2"', '"3"']
    again = die_and_begin_again(desk)
    assert again.record('"1"').state is RecordState.ALIGNED
    assert again.due(again.at) == {'"2"': "retry", '"3"': "retry"}


def test_a_commit_that_fails_leaves_its_intent(desk: Desk) -> None:
    intend(desk, 0, '"1"')
    with pytest.raises(RunStopped):
        desk.commit(row('"1"', Outcome.CREATED), intent=0, position=Move("watermark", "other", "x"))
    assert list(desk.state.ledger.in_doubt(desk.entity)) == ['"1"']


def test_what_is_left_behind_is_due_at_once_and_says_why(desk: Desk) -> None:
    desk.commit(row('"1"', Outcome.CREATED, target_id="T1", payload='{"a":1}'))
    desk.commit(row('"2"', Outcome.REJECTED, attempt=3, field="name", hint="mend it", code="http"))
    since = desk.record('"2"').trouble.since
    intend(desk, 0, '"1"', '"2"', '"new"')
    intend(desk, 1, '"1"')
    assert desk.due(desk.at) == {'"1"': "retry", '"2"': "retry", '"new"': "retry"}
    again = die_and_begin_again(desk)
    assert list(again.state.ledger.in_doubt(again.entity)) == []
    assert again.due(again.at) == {'"1"': "retry", '"2"': "retry", '"new"': "retry"}
    first, second, new = (again.record(key) for key in ('"1"', '"2"', '"new"'))
    assert {first.state, second.state, new.state} == {RecordState.DUE}
    assert (first.target_id, first.payload, new.target_id) == ("T1", '{"a":1}', None)
    for record in (first, second, new):
        assert (record.trouble.outcome, record.trouble.code) == (Outcome.DEFERRED, UNKNOWN)
        assert f"run {desk.run} did not tell" in record.trouble.error
        assert (record.run, record.trouble.run) == (desk.run, desk.run)  # not met by the run that takes over
    assert (second.trouble.attempts, second.trouble.since) == (3, since)
    assert (second.trouble.field, second.trouble.hint) == (None, None)


def test_what_may_have_been_created_is_told_from_the_rest(desk: Desk) -> None:
    keys = {Operation.UPDATE: '"u"', Operation.CREATE: '"c"'}
    columns = {operation: pa.chunked_array([[key, '"both"']], pa.string()) for operation, key in keys.items()}
    desk.commit(row('"u"', Outcome.CREATED, target_id="T1"))
    desk.state.intend(custody(desk), 0, Announced({Operation.UPDATE: columns[Operation.UPDATE]}))
    desk.state.intend(custody(desk), 1, Announced(columns))
    told = {'"both"': Operation.CREATE, '"c"': Operation.CREATE, '"u"': Operation.UPDATE}
    assert desk.state.ledger.in_doubt(desk.entity) == told
    again = die_and_begin_again(desk)
    known = again.state.ledger.look_up(again.entity, pa.array([*told, '"x"']))
    assert known["doubt"].to_pylist() == ["create", "create", "update", None]
    again.commit(row('"n"', Outcome.DEFERRED, code=UNREACHABLE), row('"both"', Outcome.REJECTED))
    known = again.state.ledger.look_up(again.entity, pa.array(['"n"', '"both"']))
    assert known["doubt"].to_pylist() == [None, None]


@pytest.mark.parametrize("code", [code for code in NOTHING_APPLIED if code != LEAVING])
def test_what_was_not_sent_leaves_an_earlier_doubt(desk: Desk, code: str) -> None:
    lost = row('"1"', Outcome.DEFERRED, code=UNKNOWN, error="lost", hint="look", operation="create")
    desk.commit(lost, row('"2"', Outcome.DEFERRED, code=ABSENT, error="not there", operation="update"))
    unsent = {"code": code, "error": "not sent", "operation": "update", "attempt": 1}
    again = desk.again()
    again.commit(*(row(f'"{key}"', Outcome.DEFERRED, next_attempt=again.at, **unsent) for key in "123"))
    one, two, three = (again.record(f'"{key}"').trouble for key in "123")
    assert (one.in_doubt, one.code, one.error, one.hint) == (True, UNKNOWN, "lost", "look")
    assert (two.in_doubt, two.code, two.error) == (True, UNKNOWN, "not sent")  # it is in the source again
    assert (three.in_doubt, three.code, three.error) == (False, code, "not sent")
    assert again.due(again.at) == dict.fromkeys(('"1"', '"2"', '"3"'), "retry")
    known = again.state.ledger.look_up(again.entity, pa.array(['"1"', '"2"', '"3"']))
    assert known["doubt"].to_pylist() == ["create", "update", None]
    assert {entry.code for entry in again.entries(run=again.run)} == {code}
    last = again.again()
    last.commit(*(row(f'"{key}"', Outcome.CREATED) for key in "123"))
    assert [last.record(f'"{key}"').trouble for key in "123"] == [None] * 3


def test_an_intent_goes_with_all_its_operations(desk: Desk) -> None:
    both = {
        operation: pa.chunked_array([[f'"{operation}"']], pa.string()) for operation in ("create", "update")
    }
    announced = {Operation(name): column for name, column in both.items()}
    desk.state.intend(custody(desk), 0, Announced(announced))
    desk.state.leave(custody(desk), 0, Announced(announced))
    assert len(desk.state.ledger.in_doubt(desk.entity)) == 2
    desk.state.withdraw(custody(desk), 0)
    assert desk.state.ledger.in_doubt(desk.entity) == {}


def test_a_run_without_its_lease_announces_nothing(desk: Desk) -> None:
    desk.state.leases.release(desk.entity, desk.fence)
    desk.state.leases.acquire(desk.entity, "other:1:1", desk.at, 60)
    with pytest.raises(RunStopped) as caught:
        intend(desk, 0, '"1"')
    assert caught.value.code == "lease-lost"
    with pytest.raises(RunStopped):
        desk.state.take_over(custody(desk), desk.at, BASIS, anew=True)
    assert list(desk.state.ledger.in_doubt(desk.entity)) == []


NUMBERS = itertools.count()
VALUES = st.one_of(st.integers(-(2**62), 2**62), st.text(), st.lists(st.text(max_size=5), min_size=2))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
@given(st.sets(VALUES.map(lambda value: json.dumps(value, ensure_ascii=False)), min_size=1, max_size=9))
def test_keys_of_every_form_come_back_as_they_were(desk: Desk, keys: set[str]) -> None:
    intend(desk, next(NUMBERS), *sorted(keys))
    assert set(desk.state.ledger.in_doubt(desk.entity)) == keys
    desk.state.take_over(custody(desk), desk.at, BASIS, anew=False)
    assert set(desk.due(desk.at)) >= keys
    assert all(desk.record(key) is not None for key in keys)


def test_an_entity_that_begins_anew_keeps_its_journal_alone(desk: Desk) -> None:
    other = Desk(desk.state, "items")
    for one in (desk, other):
        one.commit(row('"1"', Outcome.CREATED, target_id="T1"), position=Move("w", None, "p"), mapping="m")
        one.commit(row('"2"', Outcome.REJECTED))
        intend(one, 0, '"3"')
    desk.state.take_over(custody(desk), desk.at, BASIS, anew=True)
    found = desk.state.entity("customers", "crm")
    assert (found.mapping, found.basis, found.positions) == (None, BASIS, {})
    assert desk.state.ledger.empty(desk.entity)
    assert list(desk.state.ledger.in_doubt(desk.entity)) == []
    assert desk.state.ledger.troubled(desk.entity).num_rows == 0
    entries = desk.entries(entity="customers")
    assert [entry.outcome for entry in entries] == [Outcome.CREATED, Outcome.REJECTED]
    assert entries[0].changes
    assert other.record('"1"').state is RecordState.ALIGNED
    assert other.positions == {"w": "p"}
    assert list(other.state.ledger.in_doubt(other.entity)) == ['"3"']


def test_what_was_delivered_is_told_from_what_is_only_known(desk: Desk) -> None:
    desk.commit(row('"1"', Outcome.REJECTED))
    assert not desk.state.ledger.empty(desk.entity)
    assert not desk.state.ledger.delivered(desk.entity)
    desk.commit(row('"2"', Outcome.CREATED))
    assert desk.state.ledger.delivered(desk.entity)


def test_another_runs_intent_of_the_same_number_is_another(state: State) -> None:
    first = Desk(state)
    intend(first, 0, '"1"')
    state.leases.release(first.entity, first.fence)
    second = Desk(state)
    assert state.runs.begin(RunKind.INCREMENTAL, "test", OWNER, second.at)
    intend(second, 0, '"2"')
    second.commit(row('"2"', Outcome.CREATED, cause=Cause.FIRST_LOAD), intent=0)
    assert list(state.ledger.in_doubt(second.entity)) == ['"1"']


def test_what_a_living_run_may_still_deliver_is_due_now_and_once_more_when_it_has_ended(
    state: State,
) -> None:
    first = Desk(state)
    intend(first, 0, '"1"')
    second = die_and_begin_again(first)
    assert second.due(second.at) == {'"1"': "retry"}
    second.commit(row('"1"', Outcome.UPDATED))
    assert second.due(second.at) == {}  # not again while nothing else is known of the first
    assert list(state.ledger.in_doubt(second.entity)) == []
    third = die_and_begin_again(second)
    assert third.due(third.at) == {}
    state.leave(custody(first), 0, Announced({Operation.UPDATE: pa.chunked_array([['"1"']], pa.string())}))
    fourth = die_and_begin_again(third)
    assert fourth.due(fourth.at) == {'"1"': "retry"}
    fourth.commit(row('"1"', Outcome.UPDATED))
    assert die_and_begin_again(fourth).due(fourth.at) == {}


def test_a_kept_intent_is_due_once_its_process_is_known_to_be_dead(state: State, dead: str) -> None:
    first = Desk(state)
    intend(first, 0, '"1"')
    second = die_and_begin_again(first)
    second.commit(row('"1"', Outcome.UPDATED))
    state._database._connection.execute(f"UPDATE run SET owner = '{dead}' WHERE id = {first.run}")
    assert list(state.ledger.in_doubt(second.entity)) == ['"1"']
    third = die_and_begin_again(second)
    assert third.due(third.at) == {'"1"': "retry"}
    assert list(state.ledger.in_doubt(third.entity)) == []


def test_a_delivery_that_never_began_is_taken_back(desk: Desk) -> None:
    intend(desk, 0, '"1"')
    desk.state.withdraw(custody(desk), 0)
    assert list(desk.state.ledger.in_doubt(desk.entity)) == []
