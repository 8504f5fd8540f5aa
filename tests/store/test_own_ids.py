"""What the state knows of ids that a target gave: who has which, which came twice, and how that ends."""

from __future__ import annotations

import pyarrow as pa
import pytest

from marea.model import ID_TAKEN, Outcome, RecordState
from marea.store.custody import Custody
from store.desk import NOW, Desk, row

pytestmark = pytest.mark.unit

AGREED = {"payload": '{"name":"x"}', "fingerprint": 255, "form": 1}


def holders(desk: Desk, *ids: str) -> list[tuple[str | None, str | None]]:
    return desk.state.own_ids.holders(desk.entity, pa.array(ids, pa.string()))


def test_the_ids_of_records_that_are_there_are_known(desk: Desk) -> None:
    first = (row("1", Outcome.CREATED, target_id="a"), row("2", Outcome.CREATED, target_id="b"))
    desk.commit(*first, gives_ids=True)
    desk.commit(row("2", Outcome.UPDATED, target_id="c"), gives_ids=True)
    desk.commit(row("3", Outcome.CREATED, target_id="d"))
    nobody = (None, None)
    assert holders(desk, "c", "x", "a", "b", "d") == [("2", "2"), nobody, ("1", "1"), nobody, nobody]
    desk.commit(row("1", Outcome.DELETED), gives_ids=True)
    assert holders(desk, "a") == [(None, None)]


def test_an_id_that_came_twice_ends_with_who_got_it_last(desk: Desk) -> None:
    first = (row("1", Outcome.CREATED, target_id="a"), row("2", Outcome.CREATED, target_id="b"))
    desk.commit(*first, gives_ids=True)
    assert desk.state.own_ids.contested(desk.entity) == {}
    taken = row("3", Outcome.REJECTED, target_id="a", code=ID_TAKEN, **AGREED)
    desk.commit(taken, row("4", Outcome.CREATED, target_id="d"), gives_ids=True)
    desk.commit(row("1", Outcome.UPDATED, target_id="a"), gives_ids=True)  # is not given it once more
    assert desk.state.own_ids.contested(desk.entity) == {"a": ["1", "3"]}
    assert (desk.record("3").state, desk.record("3").target_id) == (RecordState.DUE, "a")
    assert holders(desk, "a") == [("1", "3")]
    desk.state.own_ids.distrust(Custody(desk.entity, desk.run, desk.fence), NOW)
    assert desk.state.own_ids.contested(desk.entity) == {}
    assert holders(desk, "a", "b", "d") == [("3", "3"), (None, None), ("4", "4")]
    assert desk.due(NOW) == dict.fromkeys("123", "retry")
    assert [desk.record(key).fingerprint for key in "1234"] == [None, None, 255, 255]
