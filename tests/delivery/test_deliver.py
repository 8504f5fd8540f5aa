from __future__ import annotations

import json
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marea.delivery.deliver import deliver
from marea.errors import RunStopped
from marea.model import INTERRUPTED, UNKNOWN, Problem
from marea.ports import KEY, OPERATION, PAYLOAD, TARGET_ID, Receipt, Shape
from marea.stop import Stop
from marea.testing.memory import MemoryTarget

pytestmark = pytest.mark.unit

SHAPE = Shape("things", "things", ("code",), pa.schema([("code", pa.string())]))


def batch(keys: list[str]) -> pa.Table:
    columns = {
        KEY: pa.array(keys, pa.string()),
        OPERATION: pa.array(["create"] * len(keys), pa.string()),
        TARGET_ID: pa.nulls(len(keys), pa.string()),
        PAYLOAD: pa.array([json.dumps({"code": key}) for key in keys], pa.string()),
        "code": pa.array(keys, pa.string()),
    }
    return pa.table(columns)


@pytest.mark.property
@given(st.lists(st.booleans(), min_size=1, max_size=40))
def test_bad_records_are_rejected_and_all_others_applied(bad: list[bool]) -> None:
    keys = [str(number) for number in range(len(bad))]
    target = MemoryTarget(refuse=lambda key, row: "no" if bad[int(key)] else None)
    delivery = deliver("memory", target, SHAPE, batch(keys), Stop())
    assert set(delivery.receipt.rejected) == {row for row, is_bad in enumerate(bad) if is_bad}
    held = target.records.get("things", {})
    assert set(held) == {key for key, is_bad in zip(keys, bad, strict=True) if not is_bad}
    assert delivery.away is None


def test_one_bad_record_of_many_costs_few_calls() -> None:
    keys = [str(number) for number in range(560)]
    target = MemoryTarget(refuse=lambda key, row: "no" if key == "333" else None)
    delivery = deliver("memory", target, SHAPE, batch(keys), Stop())
    assert list(delivery.receipt.rejected) == [333]
    assert delivery.receipt.rejected[333].text == "no"
    assert len(target.batches) <= 10


def test_what_an_absent_target_did_not_take_is_deferred() -> None:
    target = MemoryTarget(refuse=lambda key, row: "no" if key == "0" else None, away_after=1)
    delivery = deliver("memory", target, SHAPE, batch(["0", "1", "2", "3"]), Stop())
    applied = set(range(4)) - set(delivery.receipt.rejected) - set(delivery.receipt.deferred)
    assert {str(row) for row in applied} == set(target.records["things"])
    assert delivery.away is not None
    assert delivery.receipt.deferred


class HalfAway(MemoryTarget):
    def deliver(self, shape: Shape, batch: pa.Table) -> Receipt:
        super().deliver(shape, batch.slice(0, 1))
        ids = pa.array(["7", *[None] * (batch.num_rows - 1)], pa.string())
        deferred = {row: Problem("unreachable", "cut") for row in range(1, batch.num_rows)}
        return Receipt(deferred=deferred, target_ids=ids, away="cut")


def test_a_target_that_goes_away_half_way_keeps_what_it_applied() -> None:
    delivery = deliver("memory", HalfAway(), SHAPE, batch(["0", "1", "2"]), Stop())
    assert sorted(delivery.receipt.deferred) == [1, 2]
    assert delivery.receipt.target_ids.to_pylist() == ["7", None, None]
    assert delivery.away is not None
    assert delivery.away.system == "memory"


class Giving(MemoryTarget):
    """Gives the ids it is told to."""

    def __init__(self, *ids: str | None) -> None:
        super().__init__(refuse=lambda key, row: "no" if key == "bad" else None)
        self.ids = {str(number): given for number, given in enumerate(ids)}

    def deliver(self, shape: Shape, batch: pa.Table) -> Receipt:
        super().deliver(shape, batch)
        given = [self.ids.get(key) for key in batch.column(KEY).to_pylist()]
        return Receipt(target_ids=pa.array(given, pa.string()) if self.ids else None)


def ids(target: MemoryTarget, sent: pa.Table) -> list[str | None]:
    found = deliver("memory", target, SHAPE, sent, Stop()).receipt.target_ids
    assert found is not None
    return list(found.to_pylist())


def test_of_a_target_without_ids_the_keys_there_stand_for_them() -> None:
    assert ids(Giving(), batch(["0", "bad", "2"])) == ["0", None, "2"]


def test_where_no_id_was_given_the_one_before_stays_and_else_the_key_stands() -> None:
    sent = batch(["0", "1", "2"])
    sent = sent.set_column(sent.column_names.index(TARGET_ID), TARGET_ID, pa.array(["a", "b", None]))
    assert ids(Giving("new", None, None), sent) == ["new", "b", "2"]


def test_what_is_deleted_is_given_no_id() -> None:
    sent = batch(["0", "1"])
    sent = sent.set_column(sent.column_names.index(OPERATION), OPERATION, pa.array(["delete", "update"]))
    assert ids(Giving(), sent) == [None, "1"]


class Forgetful(MemoryTarget):
    def deliver(self, shape: Shape, batch: pa.Table) -> Receipt:
        super().deliver(shape, batch)
        return Receipt(deferred={1: Problem(UNKNOWN, "its answer was lost")})


def test_an_answer_that_was_lost_does_not_make_its_target_away() -> None:
    delivery = deliver("memory", Forgetful(), SHAPE, batch(["0", "1", "2"]), Stop())
    assert list(delivery.receipt.deferred) == [1]
    assert delivery.away is None


class Saying(MemoryTarget):
    """Applies all, and says what it is told to."""

    def __init__(self, receipt: Any) -> None:
        super().__init__()
        self.receipt = receipt

    def deliver(self, shape: Shape, batch: pa.Table) -> Receipt:
        super().deliver(shape, batch)
        return self.receipt


NO = Problem("no", "no")


@pytest.mark.parametrize(
    ("receipt", "said"),
    [
        (None, "is none"),
        (Receipt(deferred={2: NO}), "names row 2 of a batch of 2 rows"),
        (Receipt(rejected={-1: NO}), "names row -1 of a batch of 2 rows"),
        (Receipt(in_doubt={"0": NO}), "names row '0' of a batch of 2 rows"),
        (Receipt(rejected={1: NO}, deferred={1: NO}), "says two things of row 1"),
        (Receipt(rejected={1: "no"}), "names a row without a Problem"),
        (Receipt(durations=pa.array([3])), "has 1 durations for 2 rows"),
        (Receipt(durations=pa.array([0.5, 1.5])), "has durations of the type double"),
        (Receipt(target_ids=pa.array(["a", "b", "c"])), "has 3 target_ids for 2 rows"),
        (Receipt(target_ids=pa.array([1, 2])), "has target_ids of the type int64"),
        (Receipt(target_ids=["a", "b"]), "has target_ids that are no Arrow array"),
    ],
    ids=lambda it: it if isinstance(it, str) else "",
)
def test_a_receipt_that_cannot_be_one_stops_the_run(receipt: Any, said: str) -> None:
    with pytest.raises(RunStopped, match=f"^the connector of system erp gave a receipt that {said} "):
        deliver("erp", Saying(receipt), SHAPE, batch(["0", "1"]), Stop())


@pytest.mark.parametrize(
    "receipt",
    [
        Receipt(target_ids=pa.nulls(2), durations=pa.array([1, None], pa.int32())),
        Receipt(target_ids=pa.chunked_array([["a"], ["b"]], pa.large_string())),
    ],
    ids=["nulls", "large"],
)
def test_a_receipt_may_be_narrower_or_wider(receipt: Receipt) -> None:
    found = deliver("erp", Saying(receipt), SHAPE, batch(["0", "1"]), Stop()).receipt
    assert (found.target_ids.type, len(found.target_ids)) == (pa.string(), 2)


class Ending(MemoryTarget):
    """Refuses batches, and asks for the end with its second one."""

    def __init__(self, stop: Stop) -> None:
        super().__init__(refuse=lambda key, row: "no" if key == "0" else None)
        self._stop = stop
        self.calls = 0

    def deliver(self, shape: Shape, batch: pa.Table) -> Receipt:
        self.calls += 1
        if self.calls == 2:
            self._stop.ask()
        return super().deliver(shape, batch)


def test_a_delivery_that_is_to_end_begins_no_further_part() -> None:
    stop = Stop()
    target = Ending(stop)
    delivery = deliver("memory", target, SHAPE, batch([str(number) for number in range(8)]), stop)
    assert target.calls == 2
    assert target.records == {}
    assert {problem.code for problem in delivery.receipt.deferred.values()} == {INTERRUPTED}
    assert sorted(delivery.receipt.deferred) == list(range(8))
    assert (delivery.away, delivery.whole) == (None, False)
