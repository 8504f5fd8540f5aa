from __future__ import annotations

import pyarrow as pa
import pytest

from marea.errors import RunStopped
from marea.model import Outcome, RecordState
from marea.store.custody import Custody
from store.desk import NOW, Desk, row

pytestmark = pytest.mark.unit

CREATED, UPDATED, REJECTED = Outcome.CREATED, Outcome.UPDATED, Outcome.REJECTED


def holders(desk: Desk, *target_keys: str | None) -> list[str | None]:
    asked = pa.array(target_keys, pa.string())
    return list(desk.state.ledger.holders(desk.entity, asked).to_pylist())


def test_what_is_applied_has_its_key_and_leaves_the_one_before(desk: Desk) -> None:
    desk.commit(row("1", CREATED, target_key='"a"'), row("2", CREATED, target_key='"b"'))
    assert holders(desk, '"b"', None, '"c"', '"a"') == ["2", None, None, "1"]
    desk.commit(row("1", UPDATED, target_key='"c"'), row("2", Outcome.UNCHANGED, target_key='"b"'))
    assert holders(desk, '"a"', '"b"', '"c"') == [None, "2", "1"]


def test_what_is_deleted_leaves_its_key(desk: Desk) -> None:
    desk.commit(row("1", CREATED, target_key='"a"'), row("2", CREATED, target_key='"b"'))
    desk.commit(row("1", Outcome.DELETED))
    assert holders(desk, '"a"', '"b"') == [None, "2"]


@pytest.mark.parametrize("outcome", [REJECTED, Outcome.WAITING, Outcome.HELD])
def test_what_is_not_applied_keeps_the_key_it_had(desk: Desk, outcome: Outcome) -> None:
    desk.commit(row("1", CREATED, target_key='"a"'))
    desk.commit(row("1", outcome, target_key='"b"'))
    assert holders(desk, '"a"', '"b"') == ["1", None]


def test_what_may_have_arrived_keeps_both_keys_until_that_is_known(desk: Desk) -> None:
    desk.commit(row("1", CREATED, target_key='"a"'), row("2", CREATED, target_key='"x"'))
    desk.commit(row("1", Outcome.DEFERRED, target_key='"b"'), row("3", Outcome.DEFERRED, target_key='"x"'))
    assert holders(desk, '"a"', '"b"', '"x"') == ["1", "1", "2"]
    desk.commit(row("1", UPDATED, target_key='"c"'))
    assert holders(desk, '"a"', '"b"', '"c"') == [None, None, "1"]


def test_who_is_given_the_key_of_another_takes_its_place(desk: Desk) -> None:
    desk.commit(row("1", CREATED, target_key='"a"', target_id="a"))
    desk.commit(row("1", REJECTED))
    desk.commit(row("2", CREATED, target_key='"a"', target_id="a"))
    old = desk.record("1")
    assert (old.state, old.target_id, old.fingerprint, old.trouble) == (RecordState.GONE, "a", None, None)
    assert (desk.record("2").state, holders(desk, '"a"')) == (RecordState.ALIGNED, ["2"])


def test_who_could_not_have_a_key_is_due_when_it_is_free(desk: Desk) -> None:
    desk.commit(row("1", CREATED, target_key='"a"'))
    desk.commit(row("2", REJECTED, target_key='"a"', next_attempt=NOW * 2))
    assert desk.due(NOW) == {}
    desk.commit(row("1", UPDATED, target_key='"b"'))
    assert desk.due(NOW) == {"2": "retry"}
    desk.commit(row("2", REJECTED, next_attempt=NOW * 2))
    assert desk.due(NOW) == {}


def test_entities_do_not_share_their_keys(desk: Desk) -> None:
    other = Desk(desk.state, "suppliers")
    desk.commit(row("1", CREATED, target_key='"a"'))
    other.commit(row("2", CREATED, target_key='"a"'))
    other.commit(row("2", Outcome.DELETED))
    assert (holders(desk, '"a"'), holders(other, '"a"')) == (["1"], [None])


def test_claims_are_written_anew_as_a_whole_by_who_has_the_lease(desk: Desk) -> None:
    desk.commit(row("1", CREATED, target_key='"a"'), row("2", CREATED))
    custody = Custody(desk.entity, desk.run, desk.fence)
    desk.state.set_claims(custody, pa.table({"target_key": ['"b"', '"c"'], "key": ["2", "1"]}))
    assert holders(desk, '"a"', '"b"', '"c"') == [None, "2", "1"]
    with pytest.raises(RunStopped):
        desk.state.set_claims(Custody(desk.entity, desk.run, desk.fence + 1), None)
    assert desk.state.ledger.claiming(desk.entity)
    desk.state.set_claims(custody, None)
    assert not desk.state.ledger.claiming(desk.entity)


def test_what_is_agreed_of_each_record_comes_in_the_order_of_their_keys(desk: Desk) -> None:
    bodies = {key: f'{{"name":"{key}"}}' for key in ("3", "1", "2")}
    desk.commit(*(row(key, CREATED, payload=body) for key, body in bodies.items()), row("4", REJECTED))
    desk.commit(row("1", UPDATED, payload='{"name":"later"}'), row("2", Outcome.DELETED))
    pages = list(desk.state.ledger.agreed(desk.entity, 1))
    found = [page.select(["key", "body"]).to_pylist() for page in pages]
    assert found == [[{"key": "1", "body": '{"name":"later"}'}], [{"key": "3", "body": bodies["3"]}]]
    assert pages[0]["payload"][0].as_py() > pages[1]["payload"][0].as_py()
