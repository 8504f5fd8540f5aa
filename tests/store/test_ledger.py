from __future__ import annotations

import pyarrow as pa
import pytest

from marea.model import Cause, Outcome, RecordState
from store.desk import NOW, Desk, row

pytestmark = pytest.mark.unit

SECOND = 1_000_000


def test_a_new_entity_is_empty_until_its_first_record(desk: Desk) -> None:
    other = desk.state.entity("items", "crm").id
    assert desk.state.ledger.empty(desk.entity)
    desk.commit(row('"1"', Outcome.REJECTED))
    assert not desk.state.ledger.empty(desk.entity)
    assert desk.state.ledger.empty(other)


def test_look_up_answers_in_the_order_asked_with_nulls_for_the_unknown(desk: Desk) -> None:
    desk.commit(
        row('"a"', Outcome.CREATED, fingerprint=1, target_id="Ta"),
        row('["z",1]', Outcome.CREATED, fingerprint=2, form=7, stamp=None),
    )
    keys = pa.array(['["z",1]', '"none"', '"a"', '"A"', '"a"'])
    found = desk.state.ledger.look_up(desk.entity, keys)
    names = ["state", "target_id", "fingerprint", "form", "stamp", "payload", "digest"]
    names += ["attempts", "doubt", "unsent"]
    assert found.schema.names == names
    assert found["fingerprint"].to_pylist() == [2, None, 1, None, 1]
    assert found["state"].to_pylist() == ["aligned", None, "aligned", None, "aligned"]
    assert found["target_id"].to_pylist() == [None, None, "Ta", None, "Ta"]
    assert found["form"].to_pylist() == [7, None, 1, None, 1]
    assert found["stamp"].to_pylist() == [None, None, "s1", None, "s1"]


def test_look_up_counts_the_attempts_of_records_in_trouble(desk: Desk) -> None:
    desk.commit(row('"1"', Outcome.REJECTED, attempt=3), row('"2"', Outcome.CREATED))
    found = desk.state.ledger.look_up(desk.entity, pa.array(['"2"', '"1"', '"3"']))
    assert found["attempts"].to_pylist() == [None, 3, None]


def test_look_up_of_nothing_has_the_same_shape(desk: Desk) -> None:
    keys = pa.array(['"1"', '"2"'])
    ledger = desk.state.ledger
    assert ledger.nothing(keys) == ledger.look_up(desk.entity, keys)
    none = ledger.look_up(desk.entity, keys.slice(0, 0))
    assert (none.num_rows, none.schema) == (0, ledger.nothing(keys).schema)


def test_entities_do_not_see_each_other(desk: Desk) -> None:
    other = Desk(desk.state, "items")
    desk.commit(row('"1"', Outcome.CREATED))
    assert other.state.ledger.look_up(other.entity, pa.array(['"1"']))["state"].to_pylist() == [None]


def test_payloads_come_in_the_order_asked(desk: Desk) -> None:
    desk.commit(*(row(f'"{n}"', Outcome.CREATED, payload=f'{{"n":{n}}}') for n in range(3)))
    ids = desk.state.ledger.look_up(desk.entity, pa.array(['"2"', '"0"', '"x"', '"2"']))["payload"]
    texts = desk.state.ledger.payloads(ids.combine_chunks())
    assert texts.to_pylist() == ['{"n":2}', '{"n":0}', None, '{"n":2}']
    assert texts.type == pa.string()


def test_target_ids_say_what_is_delivered(desk: Desk) -> None:
    desk.commit(
        row('"here"', Outcome.CREATED, target_id="T"),
        row('"due"', Outcome.CREATED, target_id="D"),
        row('"gone"', Outcome.CREATED, target_id="G"),
        row('"never"', Outcome.REJECTED),
    )
    desk.commit(row('"due"', Outcome.DEFERRED), row('"gone"', Outcome.DELETED))
    asked = pa.array(['"never"', '"gone"', '"here"', '"unknown"', '"due"'])
    found = desk.state.ledger.target_ids(desk.entity, asked)
    assert found["delivered"].to_pylist() == [False, False, True, False, True]
    assert found["target_id"].to_pylist() == [None, None, "T", None, "D"]


def test_due_are_those_whose_time_has_come(desk: Desk) -> None:
    desk.commit(
        row('"now"', Outcome.DEFERRED, next_attempt=NOW),
        row('"later"', Outcome.REJECTED, next_attempt=NOW + SECOND),
        row('"never"', Outcome.REJECTED, next_attempt=None),
    )
    assert desk.due(NOW - 1) == {}
    assert desk.due(NOW) == {'"now"': Cause.RETRY}
    assert desk.due(NOW + SECOND) == {'"now"': Cause.RETRY, '"later"': Cause.RETRY}


def test_a_waiting_record_is_due_when_its_parent_is_delivered(desk: Desk) -> None:
    parents = Desk(desk.state, "tax_codes")
    blocked = {"blocked_entity": parents.entity, "blocked_key": '"22"'}
    desk.commit(
        row('"1"', Outcome.WAITING, **blocked), row('"2"', Outcome.WAITING, next_attempt=NOW, **blocked)
    )
    parents.commit(row('"22"', Outcome.REJECTED), row('"4"', Outcome.CREATED))
    assert desk.due(NOW) == {'"2"': Cause.RETRY}
    assert parents.record('"22"').blocks == 2
    parents.commit(row('"22"', Outcome.CREATED))
    assert desk.due(NOW) == {'"1"': Cause.PARENT, '"2"': Cause.PARENT}
    parents.commit(row('"22"', Outcome.DELETED))
    assert desk.due(NOW) == {'"2"': Cause.RETRY}


def test_troubled_are_all_that_are_not_in_order(desk: Desk) -> None:
    desk.commit(
        row('"c"', Outcome.HELD),
        row('"a"', Outcome.REJECTED),
        row('"b"', Outcome.CREATED),
        row('"d"', Outcome.HELD),
    )
    assert desk.state.ledger.troubled(desk.entity)["key"].to_pylist() == ['"a"', '"c"', '"d"']
    assert desk.state.ledger.count_troubled(desk.entity) == {Outcome.REJECTED: 1, Outcome.HELD: 2}
    records, delivered = desk.state.ledger.count(desk.entity)
    assert {state: number for state, number in records.items() if number} == {
        RecordState.ALIGNED: 1,
        RecordState.DUE: 3,
    }
    assert delivered == 1


def test_one_record_is_told_with_its_trouble(desk: Desk) -> None:
    parents = Desk(desk.state, "tax_codes")
    desk.commit(
        row(
            '"1"',
            Outcome.WAITING,
            blocked_entity=parents.entity,
            blocked_key='"22"',
            next_attempt=NOW + 1,
            attempt=3,
            field="vat",
            hint="wait",
        )
    )
    trouble = desk.record('"1"').trouble
    assert trouble.blocked_on == ("tax_codes", '"22"')
    assert (trouble.attempts, trouble.field, trouble.hint) == (3, "vat", "wait")
    assert trouble.next_attempt.timestamp() == pytest.approx((NOW + 1) / SECOND)
    assert trouble.since.utcoffset().total_seconds() == 0
    assert desk.record('"unknown"') is None


def test_the_ledger_shows_only_what_is_committed(desk: Desk) -> None:
    ledger, entity = desk.state.ledger, desk.entity
    with desk.state._database.transaction():
        desk.state._database.run("add_entity", name="items", target="crm")
        assert ledger.look_up(entity, pa.array(['"1"']))["state"].to_pylist() == [None]
        assert [row[1] for row in ledger._database.rows("entities")] == ["customers"]


def test_a_large_batch_comes_back_whole(desk: Desk) -> None:
    keys = [f'"{n:05d}"' for n in range(20_000)]
    desk.commit(*(row(key, Outcome.CREATED, fingerprint=number) for number, key in enumerate(keys)))
    asked = pa.array(keys[::-1])
    found = desk.state.ledger.look_up(desk.entity, asked)
    assert found["fingerprint"].to_pylist() == [*range(len(keys))][::-1]


@pytest.mark.parametrize(
    ("newest", "number", "later"),
    [
        ("9", True, {'"10"': "10", '"9.5"': "9.5", '"1e2"': "1e2"}),
        ("9", False, {'"9.5"': "9.5"}),
        ("-3", True, {'"9"': "9", '"10"': "10", '"9.5"': "9.5", '"1e2"': "1e2"}),
    ],
)
def test_stamps_are_later_as_numbers_or_as_texts(
    desk: Desk, newest: str, number: bool, later: dict[str, str]
) -> None:
    stamps = ("9", "10", "9.5", "1e2", "-4")
    desk.commit(*(row(f'"{stamp}"', Outcome.CREATED, stamp=f"{stamp}|7|x") for stamp in stamps))
    desk.commit(row('"none"', Outcome.CREATED, stamp="|7"), row('"refused"', Outcome.REJECTED, stamp="99"))
    for rows in (1, 10):
        pages = desk.state.ledger.stamped_after(desk.entity, newest, rows, number=number)
        assert {key: stamp for page in pages for key, stamp in page.items()} == later
