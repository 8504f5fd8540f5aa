"""Records that have left the source: they leave the target, after all that is written, children first."""

from __future__ import annotations

from pathlib import Path

import pytest

import marea
from marea.config.load import load
from marea.engine.run.sync import EntitySync
from marea.errors import ConfigurationError
from marea.model import LEAVING, Cause, Operation, Outcome, RecordState, RunStatus
from marea.store.ledger import RecordRow
from marea.store.state import open_state
from worlds import OLD, Stopped, World, counts, stopped_after

pytestmark = pytest.mark.integration

THIRD = '[1,"00003"]'


@pytest.fixture
def world(tmp_path: Path) -> World:
    made = World(f"sqlite:///{tmp_path / 'erp.db'}", f"sqlite:///{tmp_path / 'crm.db'}", tmp_path)
    made.fill(6)
    made.sync()
    return made


def record(world: World, key: str = THIRD, entity: str = "customers") -> RecordRow:
    state = open_state(load(world.file).state)
    try:
        found = state.ledger.record(state.entity(entity, "crm").id, key)
        assert found is not None
        return found
    finally:
        state.close()


def held(world: World, table: str = "accounts") -> list[object]:
    return [code for (code,) in world.crm(f"SELECT code FROM {table} ORDER BY code")]


def delete(world: World, *codes: str) -> tuple[str, ...]:
    for code in codes:
        world.erp(f"DELETE FROM customers WHERE code = '{code}'")
    return tuple(f'[1,"{code}"]' for code in codes)


def marked(world: World, entity: str, *keys: str) -> None:
    """A run finds that these have left, and its process ends before it deletes them."""

    def killed(sync: EntitySync, found_by: int | None) -> None:
        raise Stopped

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(EntitySync, "deliver_leaving", killed)
        with pytest.raises(Stopped):
            world.sync(entity, keys=keys)


def test_what_is_deleted_in_the_source_is_deleted_in_the_target(world: World) -> None:
    result = world.sync("customers", keys=delete(world, "00003"))
    assert (result.status, counts(result)) == (RunStatus.SUCCEEDED, {"deleted": 1})
    assert "00003" not in held(world)
    (entry,) = world.log(run=result.id)
    assert (entry.operation, entry.outcome, entry.cause) == (
        Operation.DELETE,
        Outcome.DELETED,
        Cause.DELETE,
    )
    assert entry.changes["name"] == ("Name 00003", None)
    assert (record(world).state, record(world).payload, record(world).trouble) == (
        RecordState.GONE,
        None,
        None,
    )
    assert counts(world.sync("customers", keys=(THIRD,))) == {"unchanged": 1}


def test_what_leaves_the_filter_is_deleted_for_that_cause_and_created_when_it_is_back(world: World) -> None:
    world.change("customers", "kind = 2", "code = '00003'")
    world.erp(f"INSERT INTO customers VALUES (1, '00009', 'Away', '22', 1, '{OLD}')")
    assert counts(world.sync("customers", keys=(THIRD,))) == {"deleted": 1}
    world.change("customers", "kind = 1", "code = '00003'")
    assert counts(world.sync("customers")) == {"created": 1}
    assert "00003" in held(world)
    entries = world.log(entity="customers", key=THIRD)
    assert [entry.operation for entry in entries] == ["create", "delete", "create"]


def test_a_record_outside_the_filter_of_columns_of_the_key_has_another_cause(world: World) -> None:
    text = world.file.read_text("utf-8").replace("where: kind = 1", "where: credit < 1000")
    world.file.write_text(text, "utf-8")
    world.sync()
    world.change("customers", "credit = 2000", "code = '00003'")
    delete(world, "00004")
    result = world.sync("customers", keys=(THIRD, '[1,"00004"]'))
    assert counts(result) == {"deleted": 2}
    causes = {entry.key[1]: entry.cause for entry in world.log(run=result.id)}
    assert causes == {"00003": Cause.FILTER, "00004": Cause.DELETE}


def test_a_run_that_is_killed_before_the_delete_leaves_it_to_the_next(world: World) -> None:
    marked(world, "customers", *delete(world, "00003"))
    trouble = record(world).trouble
    assert trouble is not None
    assert (trouble.outcome, trouble.code, trouble.in_doubt) == (Outcome.DEFERRED, LEAVING, False)
    result = world.sync()
    assert (result.status, counts(result)) == (RunStatus.SUCCEEDED, {"deleted": 1})
    assert "00003" not in held(world)
    assert counts(world.sync()) == {}


def test_one_that_is_back_before_it_is_deleted_stays_and_is_not_sent(world: World) -> None:
    world.erp("CREATE TABLE kept AS SELECT * FROM customers WHERE code = '00003'")
    marked(world, "customers", *delete(world, "00003"))
    world.erp("INSERT INTO customers SELECT * FROM kept")
    result = world.sync()
    assert (result.status, counts(result)) == (RunStatus.SUCCEEDED, {"unchanged": 1})
    assert (record(world).state, record(world).trouble) == (RecordState.ALIGNED, None)
    assert "00003" in held(world)


def test_a_delete_whose_answer_was_lost_comes_again(world: World) -> None:
    keys = delete(world, "00003")
    with stopped_after(1, "customers"):
        world.sync("customers", keys=keys)
    assert "00003" not in held(world)
    result = world.sync()
    assert (result.status, counts(result)) == (RunStatus.SUCCEEDED, {"deleted": 1})
    assert record(world).state is RecordState.GONE


def test_deletes_go_last_and_children_before_their_parents(world: World) -> None:
    keys = delete(world, "00003")
    world.erp("DELETE FROM tax_codes WHERE code = '10'")
    marked(world, "customers", *keys)
    marked(world, "tax_codes", '"10"')
    world.change("customers", "name = 'Edited'", "code = '00001'")
    world.change("tax_codes", "rate = 23", "code = '22'")
    result = world.sync()
    done = [(entry.entity, entry.operation.value) for entry in world.log(run=result.id)]
    assert done == [
        ("tax_codes", "update"),
        ("customers", "update"),
        ("customers", "delete"),
        ("tax_codes", "delete"),
    ]
    assert held(world, "tax_codes") == ["22"]


def test_a_request_for_some_deletes_these_alone(world: World) -> None:
    keys = delete(world, "00003", "00004")
    marked(world, "customers", keys[0])
    assert counts(world.sync("customers", keys=keys[1:])) == {"deleted": 1}
    assert "00003" in held(world)
    assert counts(world.sync()) == {"deleted": 1}


def test_what_the_target_keeps_when_deletes_are_ignored(world: World) -> None:
    world.file.write_text(
        world.file.read_text("utf-8").replace("    require:", "    deletes: ignore\n    require:")
    )
    assert counts(world.sync("customers", keys=delete(world, "00003"))) == {"unchanged": 1}
    assert "00003" in held(world)


def test_a_record_that_takes_the_key_of_one_that_left_keeps_it(world: World) -> None:
    """The key at the target is one column, that of the source two: both records would stand there."""
    world.file.write_text(world.file.read_text("utf-8").replace("where: kind = 1", "where: kind < 9"))
    world.sync()
    delete(world, "00003")
    world.erp(f"INSERT INTO customers VALUES (2, '00003', 'Other', '22', 1, '{OLD}')")
    marked(world, "customers", THIRD)
    world.change("customers", "name = 'Heir'", "kind = 2")
    result = world.sync()
    assert (result.status, counts(result)["created"]) == (RunStatus.SUCCEEDED, 1)
    assert world.crm("SELECT name FROM accounts WHERE code = '00003'") == [("Heir",)]
    assert record(world).state is RecordState.GONE


def guarded(world: World, bounds: str = "deletes: 10%, at_least: 2") -> None:
    text = world.file.read_text("utf-8").replace("    require:", f"    guard: {{{bounds}}}\n    require:")
    world.file.write_text(text, "utf-8")


def test_the_guard_holds_back_the_excess_alone_and_everything_after_it(world: World) -> None:
    guarded(world)
    keys = delete(world, "00001", "00002", "00003")
    result = world.sync("customers", keys=keys)
    assert (result.status, counts(result)) == (RunStatus.PARTIAL, {"deleted": 2, "held": 1})
    assert held(world) == ["00000", "00003", "00004", "00005"]
    (entry,) = world.log(run=result.id, outcome=Outcome.HELD)
    assert (entry.operation, entry.changes["name"]) == (Operation.DELETE, ("Name 00003", None))
    later = world.sync("customers", keys=delete(world, "00004"))
    assert counts(later) == {"held": 1}
    world.change("customers", "name = 'Edited'", "code = '00005'")
    everything = world.sync(full=True)
    assert counts(everything) == {"updated": 1, "unchanged": 1, "held": 2}
    assert world.log(run=everything.id, outcome=Outcome.HELD) == []
    assert held(world) == ["00000", "00003", "00004", "00005"]


def test_what_was_held_back_is_let_go_when_it_is_there_again(world: World) -> None:
    guarded(world, "deletes: 0%, at_least: 0")
    world.erp("CREATE TABLE kept AS SELECT * FROM customers WHERE code = '00003'")
    assert counts(world.sync("customers", keys=delete(world, "00003"))) == {"held": 1}
    world.erp("INSERT INTO customers SELECT * FROM kept")
    result = world.sync("customers", keys=(THIRD,))
    assert (result.status, counts(result)) == (RunStatus.SUCCEEDED, {"unchanged": 1})
    assert (record(world).state, record(world).trouble) == (RecordState.ALIGNED, None)


def test_what_is_approved_is_looked_at_again_and_deleted_past_the_guard(world: World) -> None:
    guarded(world, "deletes: 0%, at_least: 0")
    world.erp("CREATE TABLE kept AS SELECT * FROM customers WHERE code = '00003'")
    run = world.sync("customers", keys=delete(world, "00002", "00003")).id
    later = world.sync("customers", keys=delete(world, "00004"))
    world.erp("INSERT INTO customers SELECT * FROM kept")
    with marea.open(world.file, {}) as project:
        explained = project.explain("customers", [1, "00002"])
        assert any(f"marea approve {run}" in step for step in explained.verdict.steps)
        result = project.approve(run)
        assert (result.status, counts(result)) == (RunStatus.SUCCEEDED, {"deleted": 1, "unchanged": 1})
        with pytest.raises(ConfigurationError, match=f"nothing that run {run} held back"):
            project.approve(run)
        assert project.runs()[0].cause == f"approve {run}"
        assert held(world) == ["00000", "00001", "00003", "00004", "00005"]
        assert counts(project.approve(later.id)) == {"deleted": 1}
