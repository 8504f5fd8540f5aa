from __future__ import annotations

from dataclasses import replace

import pyarrow as pa
import pytest

from marea.errors import RunStopped
from marea.model import ABSENT, TROUBLED, UNKNOWN, UNREACHABLE, Operation, Outcome, RecordState
from marea.store.commit import Commit, Move
from marea.store.owner import is_dead
from marea.store.state import open_state
from store.desk import NOW, OWNER, ROWS, Desk, row

pytestmark = pytest.mark.unit


def test_a_create_aligns_the_record_with_what_was_sent(desk: Desk) -> None:
    desk.commit(row('"1"', Outcome.CREATED, payload='{"a":1}', target_id="T1", form=3, stamp="s"))
    found = desk.record('"1"')
    assert (found.state, found.target_id, found.payload) == (RecordState.ALIGNED, "T1", '{"a":1}')
    assert (found.fingerprint, found.form, found.stamp, found.run) == (255, 3, "s", desk.run)
    assert found.trouble is None


def test_an_update_appends_a_payload_and_keeps_the_target_id(desk: Desk) -> None:
    desk.commit(row('"1"', Outcome.CREATED, target_id="T1"))
    before = desk.state.ledger.look_up(desk.entity, _keys('"1"'))["payload"].combine_chunks()
    desk.commit(row('"1"', Outcome.UPDATED, payload='{"name":"y"}', fingerprint=2))
    found = desk.record('"1"')
    assert (found.payload, found.target_id, found.fingerprint) == ('{"name":"y"}', "T1", 2)
    assert desk.state.ledger.payloads(before).to_pylist() == ['{"name":"x"}']


def test_a_delete_leaves_a_record_that_is_gone(desk: Desk) -> None:
    desk.commit(row('"1"', Outcome.CREATED, target_id="T1"))
    desk.commit(row('"1"', Outcome.DELETED))
    found = desk.record('"1"')
    assert found.state == RecordState.GONE
    assert (found.payload, found.fingerprint, found.target_id, found.form) == (None, None, "T1", None)
    desk.commit(row('"1"', Outcome.CREATED, target_id="T2"))
    assert (desk.record('"1"').state, desk.record('"1"').target_id) == (RecordState.ALIGNED, "T2")


def test_an_unchanged_record_follows_with_stamp_and_form(desk: Desk) -> None:
    desk.commit(row('"1"', Outcome.CREATED))
    desk.commit(row('"1"', Outcome.UNCHANGED, stamp="s2"))
    found = desk.record('"1"')
    assert (found.stamp, found.form, found.fingerprint) == ("s2", 1, 255)
    assert found.payload == '{"name":"x"}'
    again = {"form": 2, "fingerprint": 7, "payload": '{"name":"x","b":null}'}
    desk.commit(row('"1"', Outcome.UNCHANGED, stamp="s3", **again))
    found = desk.record('"1"')
    assert {name: getattr(found, name) for name in again} == again
    assert [entry.outcome for entry in desk.entries()] == [Outcome.CREATED]


@pytest.mark.parametrize("outcome", TROUBLED)
def test_a_record_that_is_not_applied_is_due_and_keeps_what_was_agreed(desk: Desk, outcome: Outcome) -> None:
    desk.commit(row('"1"', Outcome.CREATED, target_id="T1"), row('"2"', outcome))
    desk.commit(row('"1"', outcome, operation=Operation.UPDATE, log=False))
    known, new = desk.record('"1"'), desk.record('"2"')
    assert (known.state, known.target_id, known.payload) == (RecordState.DUE, "T1", '{"name":"x"}')
    assert (new.state, new.payload, new.fingerprint) == (RecordState.DUE, None, None)
    assert (known.trouble.outcome, known.trouble.code, known.trouble.error) == (outcome, "bad", "No")
    assert [entry.key for entry in desk.entries()] == ["1", "2"]


def test_trouble_keeps_when_it_began_and_takes_the_rest_anew(desk: Desk) -> None:
    desk.commit(row('"1"', Outcome.REJECTED, attempt=1, next_attempt=NOW + 5, hint="h", field="f"))
    since = desk.record('"1"').trouble.since
    desk.commit(row('"1"', Outcome.DEFERRED, attempt=2, code="away", error="Gone"))
    trouble = desk.record('"1"').trouble
    assert (trouble.since, trouble.attempts, trouble.outcome) == (since, 2, Outcome.DEFERRED)
    assert (trouble.code, trouble.hint, trouble.field, trouble.next_attempt) == ("away", None, None, None)


@pytest.mark.parametrize("outcome", [Outcome.CREATED, Outcome.UPDATED, Outcome.DELETED, Outcome.UNCHANGED])
def test_an_applied_record_is_out_of_trouble(desk: Desk, outcome: Outcome) -> None:
    desk.commit(row('"1"', Outcome.REJECTED), row('"2"', Outcome.REJECTED))
    desk.commit(row('"1"', outcome))
    assert desk.record('"1"').trouble is None
    assert desk.state.ledger.troubled(desk.entity)["key"].to_pylist() == ['"2"']


def test_a_record_never_applied_that_vanishes_is_gone_not_aligned(desk: Desk) -> None:
    desk.commit(row('"1"', Outcome.REJECTED))
    desk.commit(row('"1"', Outcome.UNCHANGED))
    assert desk.record('"1"').state == RecordState.GONE


def test_entities_that_refer_to_a_renamed_record_are_stale_until_all_of_them_was_looked_at(
    desk: Desk,
) -> None:
    orders = Desk(desk.state, "orders")
    desk.commit(row('"1"', Outcome.UPDATED), referrers=(orders.entity,))
    first = desk.state.entity("orders", "crm").stale
    assert first is not None
    assert desk.state.is_stale(orders.entity)
    assert not desk.state.is_stale(desk.entity)
    desk.commit(row('"1"', Outcome.UPDATED), referrers=(orders.entity,))
    orders.commit(ends_stale=first)
    second = desk.state.entity("orders", "crm").stale
    assert second not in (None, first)
    orders.commit(ends_stale=second)
    assert not desk.state.is_stale(orders.entity)


def test_a_position_moves_only_from_where_it_is(desk: Desk) -> None:
    desk.commit(position=Move("watermark", None, "a"))
    desk.commit(position=Move("watermark", "a", "b"))
    for old in (None, "a"):
        with pytest.raises(RunStopped, match="position") as caught:
            desk.commit(row('"1"', Outcome.CREATED), position=Move("watermark", old, "c"))
        assert caught.value.code == "position"
    assert desk.positions == {"watermark": "b"}
    assert desk.state.ledger.empty(desk.entity)


def test_a_position_knows_when_it_moved(desk: Desk) -> None:
    made = desk.commit(position=Move("watermark", None, "a"))
    moved = desk.state.entity("customers", "crm").moved_at["watermark"]
    assert moved.timestamp() * 1e6 == made.at
    assert moved.tzinfo is not None


def test_a_commit_with_a_lost_lease_writes_nothing(desk: Desk) -> None:
    later = NOW + 3600 * 1_000_000
    desk.state.leases.acquire(desk.entity, "elsewhere:2:2", later, 60)
    with pytest.raises(RunStopped) as caught:
        desk.commit(row('"1"', Outcome.CREATED), position=Move("watermark", None, "a"), mapping="m")
    assert caught.value.code == "lease-lost"
    entity = desk.state.entity("customers", "crm")
    assert (entity.positions, entity.mapping, desk.entries()) == ({}, None, [])
    assert desk.state.ledger.empty(desk.entity)
    assert desk.state.runs.books(desk.run, desk.entity).detected == 0


def test_a_commit_after_the_release_writes_nothing(desk: Desk) -> None:
    desk.state.leases.release(desk.entity, desk.fence)
    with pytest.raises(RunStopped):
        desk.commit(row('"1"', Outcome.CREATED))


@pytest.mark.parametrize(
    "counts", [{}, {Outcome.CREATED: 2}, {Outcome.CREATED: 1, Outcome.REJECTED: 1}, {Outcome.UPDATED: 1}]
)
def test_rows_that_do_not_fit_the_counts_write_nothing(desk: Desk, counts: dict[Outcome, int]) -> None:
    with pytest.raises(RunStopped) as caught:
        desk.commit(row('"1"', Outcome.CREATED), counts=counts)
    assert caught.value.code == "books"
    assert desk.state.ledger.empty(desk.entity)


def test_counts_without_rows_write_nothing(desk: Desk) -> None:
    with pytest.raises(RunStopped, match="1 records counted as rejected, 0 to be written") as caught:
        desk.commit(counts={Outcome.REJECTED: 1}, position=Move("watermark", None, "a"))
    assert caught.value.code == "books"
    assert desk.positions == {}


@pytest.mark.parametrize("detected", [0, 1, 3])
def test_a_batch_that_lost_or_invented_a_record_writes_nothing(desk: Desk, detected: int) -> None:
    with pytest.raises(RunStopped, match=f"{detected} records detected, 2 have an outcome") as caught:
        desk.commit(
            row('"1"', Outcome.CREATED),
            counts={Outcome.CREATED: 1, Outcome.UNCHANGED: 1},
            detected=detected,
            position=Move("watermark", None, "a"),
        )
    assert caught.value.code == "books"
    assert desk.state.ledger.empty(desk.entity)
    assert desk.positions == {}


def test_books_add_up_over_commits(desk: Desk) -> None:
    desk.commit(row('"1"', Outcome.CREATED), row('"2"', Outcome.REJECTED), seconds=0.5)
    desk.commit(counts={Outcome.UNCHANGED: 7}, skipped={"equal": 5, "gone": 2})
    desk.commit(
        row('"1"', Outcome.UPDATED),
        counts={Outcome.UPDATED: 1, Outcome.UNCHANGED: 1},
        skipped={"equal": 1},
        seconds=0.25,
    )
    books = desk.state.runs.books(desk.run, desk.entity)
    assert books.balanced
    assert books.detected == 11
    assert {key: value for key, value in books.counts.items() if value} == {
        Outcome.CREATED: 1,
        Outcome.UPDATED: 1,
        Outcome.UNCHANGED: 8,
        Outcome.REJECTED: 1,
    }
    assert (books.skipped, books.seconds) == ({"equal": 6, "gone": 2}, 0.75)


@pytest.mark.parametrize("first", TROUBLED)
@pytest.mark.parametrize("last", list(Outcome))
def test_a_record_that_a_run_meets_twice_counts_by_its_last_outcome(
    desk: Desk, first: Outcome, last: Outcome
) -> None:
    desk.commit(row('"1"', first), row('"2"', first))
    desk.commit(row('"1"', last))
    books = desk.state.runs.books(desk.run, desk.entity)
    assert books.balanced
    assert books.detected == 2
    expected = {first: 2} if first is last else {first: 1, last: 1}
    assert {key: value for key, value in books.counts.items() if value} == expected


def test_what_an_earlier_run_left_is_counted_by_each_run_that_meets_it(desk: Desk) -> None:
    desk.commit(row('"1"', Outcome.REJECTED), row('"2"', Outcome.WAITING))
    later = desk.again()
    assert later.state.ledger.left(later.entity, later.run) == 2
    later.commit(row('"1"', Outcome.CREATED))
    assert later.state.runs.books(later.run, later.entity).counts[Outcome.CREATED] == 1
    assert later.state.runs.books(desk.run, desk.entity).counts[Outcome.REJECTED] == 1
    assert later.state.ledger.left(later.entity, later.run) == 1
    assert later.state.ledger.troubled(later.entity, before=later.run)["key"].to_pylist() == ['"2"']


def test_what_comes_back_by_its_key_alone_is_told_apart(desk: Desk) -> None:
    deferred, look = Outcome.DEFERRED, {"code": UNKNOWN, "hint": "look"}
    desk.commit(
        row('"1"', deferred, **look),
        row('"2"', deferred, **look),
        row('"3"', deferred, code=ABSENT, hint="delete"),
        row('"4"', deferred, next_attempt=desk.at, **look),
        row('"5"', deferred, code=UNREACHABLE),
        row('"6"', Outcome.REJECTED),
    )
    later = desk.again()
    found = later.state.ledger.left_to_name(later.entity, later.run)
    assert found == [("look", False, 2, '"1"'), ("delete", True, 1, '"3"')]
    later.commit(row('"1"', deferred, **look), row('"2"', Outcome.CREATED))
    assert later.state.ledger.left_to_name(later.entity, later.run) == [("delete", True, 1, '"3"')]


def test_a_failed_commit_may_be_tried_again(desk: Desk) -> None:
    made = desk.commit(position=Move("watermark", None, "a"))
    with pytest.raises(RunStopped):
        desk.state.commit(made)
    desk.commit(row('"1"', Outcome.CREATED), position=Move("watermark", "a", "b"))
    assert desk.record('"1"').state == RecordState.ALIGNED


def test_a_batch_without_rows_moves_the_position_alone(desk: Desk) -> None:
    empty = desk.commit(row('"1"', Outcome.CREATED))
    assert empty.rows is not None
    desk.state.commit(
        replace(
            empty, rows=empty.rows.slice(0, 0), detected=0, counts={}, position=Move("watermark", None, "a")
        )
    )
    assert desk.positions == {"watermark": "a"}


def test_ids_of_two_runs_and_processes_never_meet(url: str) -> None:
    one, two = open_state(url), open_state(url)
    first, second = Desk(one, "customers"), Desk(two, "items")
    for number in range(3):
        first.commit(row(f'"{number}"', Outcome.CREATED))
        second.commit(row(f'"{number}"', Outcome.CREATED))
    assert len(first.entries()) == 6
    one.close()
    two.close()


@pytest.mark.parametrize(
    "value",
    [
        "",
        " ",
        "x ",
        "è",
        "日本語",
        "🜁",
        "a\nb\r\n",
        'say "x"',
        "a,b;c",
        "\\x41",
        "\\N",
        "it's",
        "%s :name",
        "\t\x01\x7f",
    ],
)
def test_texts_come_back_as_they_were(desk: Desk, value: str) -> None:
    texts = {"payload": f'{{"v":"{len(value)}"}} {value}', "target_id": value, "stamp": value}
    desk.commit(row(f'"{value}"', Outcome.CREATED, **texts))
    found = desk.record(f'"{value}"')
    assert (found.payload, found.target_id, found.stamp) == (texts["payload"], value, value)
    desk.commit(row(f'"{value}"', Outcome.REJECTED, error=value, hint=value, field=value, code=value))
    trouble = desk.record(f'"{value}"').trouble
    assert (trouble.error, trouble.hint, trouble.field, trouble.code) == (value,) * 4


def test_a_large_payload_comes_back(desk: Desk) -> None:
    body = '{"text":"' + "é" * 1_000_000 + '"}'
    desk.commit(row('"1"', Outcome.CREATED, payload=body))
    assert desk.record('"1"').payload == body


def test_owner_of_the_fixture_is_never_taken_for_dead() -> None:
    assert not is_dead(OWNER)


def _keys(*keys: str) -> object:
    import pyarrow as pa

    return pa.array(keys)


def test_rows_in_pieces_of_which_some_are_empty(desk: Desk) -> None:
    """The rows of records that were read may be none, beside those of records that are gone."""
    rows = pa.Table.from_pylist([row('"1"', Outcome.REJECTED), row('"2"', Outcome.REJECTED)], ROWS)
    pieces = pa.concat_tables([rows.slice(0, 0), rows.slice(0, 1), rows.slice(0, 0), rows.slice(1)])
    counts = {Outcome.REJECTED: 2}
    commit = Commit(desk.entity, desk.run, desk.fence, desk.at, pieces, detected=2, counts=counts)
    desk.state.commit(commit)
    assert [desk.record(key).trouble.error for key in ('"1"', '"2"')] == ["No", "No"]
