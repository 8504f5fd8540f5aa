"""Records that are asked for and have left a source whose deletes are ignored: each ends, once, with why."""

from __future__ import annotations

from pathlib import Path

import pytest

import marea
from marea.config.load import load
from marea.model import ABSENT, UNKNOWN, Cause, Outcome, RecordState, RunStatus
from marea.planning.absent import GONE
from marea.store.ledger import RecordRow
from marea.store.state import open_state
from store.desk import NOW, Desk, row
from worlds import CIRCLE, ENTITIES, OLD, World, counts, write_project

pytestmark = pytest.mark.integration

THIRD = '[1,"00003"]'


@pytest.fixture
def world(tmp_path: Path) -> World:
    ignoring = ENTITIES.replace("    require:", "    deletes: ignore\n    require:")
    made = World(f"sqlite:///{tmp_path / 'erp.db'}", f"sqlite:///{tmp_path / 'crm.db'}", tmp_path, ignoring)
    made.fill(6)
    return made


def record(world: World, key: str = THIRD) -> RecordRow:
    state = open_state(load(world.file).state)
    try:
        found = state.ledger.record(state.entity("customers", "crm").id, key)
        assert found is not None
        return found
    finally:
        state.close()


def spoil(world: World) -> None:
    world.change("customers", "credit = -1", "code = '00003'")


def leave(world: World, how: str) -> None:
    world.erp({
        "deleted": "DELETE FROM customers WHERE code = '00003'",
        "outside the filter": "UPDATE customers SET kind = 2 WHERE code = '00003'",
    }[how])  # fmt: skip


@pytest.mark.parametrize("how", ["deleted", "outside the filter"])
@pytest.mark.parametrize("asked", [{"only_failed": True}, {"keys": (THIRD,)}, {"full": True}])
def test_what_was_never_delivered_is_gone(world: World, how: str, asked: dict[str, object]) -> None:
    spoil(world)
    assert counts(world.sync()) == {"created": 5, "rejected": 1}
    leave(world, how)
    result = world.sync("customers", **asked)
    assert result.status is RunStatus.SUCCEEDED
    assert result.entities["customers"].skipped[GONE] == 1
    assert (record(world).state, record(world).trouble) == (RecordState.GONE, None)
    (entry,) = world.log(run=result.id, entity="customers")
    assert (entry.key, entry.outcome, entry.code) == ([1, "00003"], Outcome.UNCHANGED, ABSENT)
    assert entry.error is not None
    assert entry.error.startswith(GONE)
    assert world.sync().left == 0


@pytest.mark.parametrize("how", ["deleted", "outside the filter"])
def test_what_the_target_holds_ends_its_trouble_and_keeps_what_was_agreed(world: World, how: str) -> None:
    world.sync()
    before = record(world)
    spoil(world)
    assert counts(world.sync()) == {"rejected": 1}
    leave(world, how)
    result = world.sync(full=True)
    assert counts(result) == {"unchanged": 6}
    after = record(world)
    assert (after.state, after.trouble) == (RecordState.ALIGNED, None)
    assert (after.payload, after.fingerprint, after.stamp, after.form) == (
        before.payload,
        before.fingerprint,
        before.stamp,
        before.form,
    )
    assert after.delivered_at == before.delivered_at
    (entry,) = world.log(run=result.id)
    assert entry.error is not None
    assert entry.error.endswith("what the target was given was not deleted there")


def test_a_record_that_comes_back_is_delivered_again(world: World) -> None:
    spoil(world)
    world.sync()
    leave(world, "outside the filter")
    world.sync(only_failed=True)
    world.change("customers", "kind = 1, credit = 1", "code = '00003'")
    assert counts(world.sync()) == {"created": 1}
    assert record(world).state is RecordState.ALIGNED


def test_what_may_have_arrived_stays_in_doubt(world: World) -> None:
    world.sync()
    state = open_state(load(world.file).state)
    desk = Desk(state)
    desk.commit(row(THIRD, Outcome.DEFERRED, operation="update", next_attempt=NOW))
    desk.again().close()
    leave(world, "deleted")
    result = world.sync("customers")
    assert counts(result) == {"deferred": 1}
    kept = record(world).trouble
    assert kept is not None
    assert (kept.outcome, kept.code, kept.next_attempt) == (Outcome.DEFERRED, ABSENT, None)
    quiet = world.sync("customers")
    assert (counts(quiet), quiet.left) == ({}, 1)
    world.erp(f"INSERT INTO customers VALUES (1, '00003', 'Back', '22', 1, '{OLD}')")
    assert counts(world.sync("customers", keys=(THIRD,))) == {"updated": 1}


def test_who_names_what_left_in_doubt_ends_its_trouble(world: World) -> None:
    world.sync()
    state = open_state(load(world.file).state)
    desk = Desk(state)
    desk.commit(row(THIRD, Outcome.DEFERRED, operation="update", next_attempt=NOW, code=UNKNOWN))
    desk.again().close()
    world.erp("CREATE TABLE kept AS SELECT * FROM customers WHERE code = '00003'")
    leave(world, "deleted")
    assert world.sync("customers").status is RunStatus.PARTIAL
    result = world.sync("customers", keys=(THIRD,), only_failed=True)
    assert (result.status, counts(result)) == (RunStatus.SUCCEEDED, {"unchanged": 1})
    assert result.entities["customers"].skipped[GONE] == 1
    (entry,) = world.log(run=result.id)
    assert (entry.outcome, entry.code) == (Outcome.UNCHANGED, UNKNOWN)
    assert entry.error is not None
    assert "nothing was sent, and the target may hold it" in entry.error
    assert (record(world).state, record(world).trouble) == (RecordState.LAPSED, None)
    assert (world.sync("customers").status, world.sync("customers").left) == (RunStatus.SUCCEEDED, 0)
    with marea.open(world.file, {}) as project:
        assert "crm may hold it" in project.explain("customers", [1, "00003"]).verdict.text
    world.erp("INSERT INTO customers SELECT * FROM kept")  # as it was: what the target holds is not known
    assert counts(world.sync("customers", full=True))["updated"] == 1
    assert record(world).state is RecordState.ALIGNED


def test_every_key_asked_for_is_counted_once(world: World) -> None:
    world.sync()
    leave(world, "deleted")
    keys = tuple(f'[1,"0000{number}"]' for number in range(5))
    for page in (1, 2, 3, 10):
        result = world.sync("customers", keys=keys, page=page)
        assert counts(result) == {"unchanged": 5}
        assert result.entities["customers"].skipped[GONE] == 1
    assert {entry.cause for entry in world.log()} == {Cause.FIRST_LOAD}


def test_a_run_counts_a_record_that_it_meets_twice_by_its_last_outcome(world: World) -> None:
    write_project(world.folder, CIRCLE, world.source, world.target)
    world.erp("CREATE TABLE staff (id INTEGER PRIMARY KEY, site INTEGER, boss INTEGER)")
    world.erp("CREATE TABLE sites (id INTEGER PRIMARY KEY, head INTEGER)")
    world.erp("INSERT INTO staff VALUES (1, 13, 2), (2, 12, 3), (3, 11, 4), (4, NULL, NULL), (5, 99, NULL)")
    world.erp("INSERT INTO sites VALUES (11, 4), (12, 3), (13, 2)")
    for page in (1, 2, 10):
        result = world.sync("staff", "sites", page=page)
        staff = {"created": 4, "waiting": 1} if page == 1 else {"unchanged": 4, "waiting": 1}
        assert counts(result, "staff") == staff
        assert counts(result, "sites") == ({"created": 3} if page == 1 else {"unchanged": 3})
        assert result.status is RunStatus.PARTIAL
    world.erp("INSERT INTO sites VALUES (99, NULL)")
    result = world.sync("staff", "sites")
    assert result.status is RunStatus.SUCCEEDED
    assert counts(result, "staff") == {"unchanged": 4, "created": 1}
