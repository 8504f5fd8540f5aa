"""A ledger holds for one place and one form of keys: under others it claims nothing, until it begins anew."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import apsw
import pytest

import marea
from marea.connectors.relational import RelationalTarget
from marea.errors import ConfigurationError, RunStopped
from marea.model import Cause, Operation, RunStatus
from marea.ports import Receipt, Shape
from worlds import World, counts

pytestmark = pytest.mark.integration


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    made = World(f"sqlite:///{tmp_path}/erp.db", f"sqlite:///{tmp_path}/crm.db", tmp_path)
    made.fill(6)
    return made


def configure(world: World, old: str, new: str) -> None:
    text = world.file.read_text()
    assert old in text
    world.file.write_text(text.replace(old, new))


def refused(world: World, **options: Any) -> str:
    """What a run, a dry run and an examination say, which is the same; nothing is delivered or written."""
    entries = len(world.log())
    with pytest.raises(ConfigurationError) as run:
        world.sync(**options)
    with marea.open(world.file, {}) as project:
        with pytest.raises(ConfigurationError) as plan:
            project.plan()
        faults = project.check().faults
    assert set(run.value.faults) == set(plan.value.faults) == set(faults)
    assert len(world.log()) == entries
    return str(run.value)


ELSEWHERE = [
    ("object: accounts", "object: clients", "the target's object was accounts, now it is clients"),
    (
        "object: accounts, key: code",
        "object: accounts, key: name",
        "the target's key was code, now it is name",
    ),
    ("crm.db", "other.db", "the target was sqlite:///crm.db, now it is sqlite:///other.db"),
    ("erp.db", "copy.db", "the source was sqlite:///erp.db, now it is sqlite:///copy.db"),
    ("table: customers", "table: clients", "the source's table was customers, now it is clients"),
]


@pytest.mark.parametrize(("old", "new", "said"), ELSEWHERE)
def test_another_place_is_named_and_nothing_is_done(world: World, old: str, new: str, said: str) -> None:
    world.sync()
    world.erp("CREATE VIEW clients AS SELECT * FROM customers")
    shutil.copy(world.folder / "erp.db", world.folder / "copy.db")
    configure(world, old, new)
    text = refused(world)
    assert said in text
    assert "marea sync customers --resend" in text
    assert said in refused(world, full=True)
    configure(world, new, old)
    assert counts(world.sync()) == {}


@pytest.mark.parametrize(
    ("old", "new", "line", "field"),
    [
        ("erp.db", "copy.db", "erp:", "customers.source"),
        ("crm.db", "other.db", "crm:", "customers.target"),
        ("object: accounts", "object: clients", "object: clients", "customers.target.object"),
        ("      key: [kind, code]", "      key: [code, kind]", "key: [code", "customers.source.key"),
    ],
)
def test_what_differs_is_told_where_it_stands(
    world: World, old: str, new: str, line: str, field: str
) -> None:
    world.sync()
    shutil.copy(world.folder / "erp.db", world.folder / "copy.db")
    configure(world, old, new)
    text = next(text for text in refused(world).splitlines() if ": customers." in text)
    number = next(n for n, it in enumerate(world.file.read_text().splitlines(), 1) if line in it)
    assert text.startswith(f"{world.file}:{number}: {field}: what sqlite:///marea.db knows of customers")
    assert "where another configuration uses this state: give this one a `state:` of its own" in text


def test_a_resend_begins_the_entity_anew_there(world: World) -> None:
    world.sync()
    configure(world, "object: accounts", "object: clients")
    world.erp("UPDATE customers SET name = '' WHERE code = '00005'")
    with marea.open(world.file, {}) as project:
        planned = project.plan(["customers"], resend=True)["customers"]
    result = world.sync("customers", resend=True)
    assert counts(result) == {"created": 5, "rejected": 1}
    assert planned.books.counts == result.entities["customers"].counts
    assert {entry.cause for entry in world.log(run=result.id)} == {Cause.REQUEST}
    assert {entry.operation for entry in world.log(run=result.id)} == {Operation.CREATE}
    assert world.crm("SELECT count(*) FROM clients") == [(5,)]
    assert world.crm("SELECT count(*) FROM accounts") == [(6,)]
    assert [entry.outcome.value for entry in world.log(entity="customers", key='[1,"00001"]')] == [
        "created"
    ] * 2
    world.change("customers", "name = 'New'", "code = '00001'")
    assert counts(world.sync())["updated"] == 1
    assert world.crm("SELECT name FROM clients WHERE code = '00001'") == [("New",)]


def test_a_resend_of_some_records_begins_nothing_anew(world: World) -> None:
    world.sync()
    configure(world, "object: accounts", "object: clients")
    with pytest.raises(ConfigurationError, match="object was accounts, now"):
        world.sync("customers", where="code = '00001'", resend=True)


def test_a_resend_at_the_same_place_keeps_the_ledger(world: World) -> None:
    world.sync()
    result = world.sync("customers", resend=True)
    assert counts(result) == {"updated": 6}


KEYED = """
  things:
    source: {system: erp, table: things, key: id}
    target: {system: crm, object: things, key: id, create: true}
    fields: {id: "cast(id as varchar)", name: name}
"""


def test_a_key_of_another_type_does_not_double_the_ledger(tmp_path: Path) -> None:
    world = World(f"sqlite:///{tmp_path}/erp.db", f"sqlite:///{tmp_path}/crm.db", tmp_path, KEYED)
    world.erp("CREATE TABLE things (id INTEGER PRIMARY KEY, name TEXT)")
    world.erp("INSERT INTO things VALUES (815, 'a'), (816, 'b')")
    world.sync()
    world.erp("ALTER TABLE things RENAME TO numbered")
    world.erp("CREATE TABLE things (id VARCHAR(12) PRIMARY KEY, name TEXT)")
    world.erp("INSERT INTO things SELECT id, name FROM numbered")
    assert "the source's key was id (number), now it is id (text)" in refused(world)
    assert counts(world.sync(resend=True), "things") == {"created": 2}
    assert counts(world.sync(), "things") == {"unchanged": 2}
    assert world.crm("SELECT count(*) FROM things") == [(2,)]


def test_an_empty_ledger_is_of_any_basis(world: World) -> None:
    world.erp("DELETE FROM customers")
    world.sync()
    configure(world, "object: accounts", "object: clients")
    world.change("tax_codes", "rate = 1", "code = '10'")
    assert world.sync().status is RunStatus.SUCCEEDED


def test_a_source_that_has_moved_goes_on_with_its_ledger(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.sync()
    shutil.copy(world.folder / "erp.db", world.folder / "moved.db")
    configure(world, "erp.db", "moved.db")
    world.source = world.source.replace("erp.db", "moved.db")
    world.erp("UPDATE customers SET name = 'Changed' WHERE code = '00001'")
    assert "marea sync customers --moved" in refused(world)
    assert "the source was sqlite:///erp.db, now it is sqlite:///moved.db" in refused(world, full=True)
    with marea.open(world.file, {}) as project:
        planned = project.plan(moved=True)["customers"].books.counts

    def ends(self: RelationalTarget, shape: Shape, batch: Any) -> Receipt:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(RelationalTarget, "deliver", ends)
        with pytest.raises(KeyboardInterrupt):
            world.sync(full=True, moved=True)
    result = world.sync()
    assert counts(result) == {"updated": 1, "unchanged": 5}
    assert {outcome.value: number for outcome, number in planned.items() if number} == counts(result)
    assert world.log(run=result.id)[0].operation is Operation.UPDATE
    assert (counts(world.sync()), counts(world.sync(full=True))) == ({}, {"unchanged": 6})


def test_nothing_but_the_place_of_the_source_may_have_moved(world: World) -> None:
    world.sync()
    configure(world, "object: accounts", "object: clients")
    text = refused(world, full=True, moved=True)
    assert "object was accounts" in text
    assert "--moved" not in text


def test_a_project_that_is_moved_goes_on(world: World, tmp_path: Path) -> None:
    world.sync()
    configure(world, str(tmp_path) + "/", "")
    moved = tmp_path / "moved"
    moved.mkdir()
    for file in [world.file, *tmp_path.glob("*.db*")]:
        file.rename(moved / file.name)
    there = object.__new__(World)
    there.file, there.clock_skew = moved / "marea.yaml", 0
    assert there.sync().status is RunStatus.SUCCEEDED
    assert counts(there.sync(full=True)) == {"unchanged": 6}


# -- nothing was delivered yet -----------------------------------------------------------------


def unlike(world: World) -> None:
    """A table at the target that takes no record."""
    world.crm(
        "CREATE TABLE accounts (code TEXT PRIMARY KEY, name TEXT CHECK (name = ''), category TEXT,"
        " tax TEXT, credit TEXT, branches TEXT)"
    )


def test_a_place_that_took_no_record_can_be_left_without_a_word(world: World) -> None:
    unlike(world)
    assert counts(world.sync()) == {"rejected": 6}
    configure(world, "object: accounts", "object: clients")
    with marea.open(world.file, {}) as project:
        assert project.check().faults == []
        planned = project.plan()["customers"].books.counts
    result = world.sync()
    assert counts(result) == {"created": 6}
    assert planned == result.entities["customers"].counts
    assert world.crm("SELECT count(*) FROM clients") == [(6,)]
    assert (counts(world.sync()), counts(world.sync(full=True))) == ({}, {"unchanged": 6})


def test_what_failed_at_a_place_can_be_asked_for_at_the_other(world: World) -> None:
    unlike(world)
    world.sync()
    configure(world, "object: accounts", "object: clients")
    assert counts(world.sync("customers", only_failed=True)) == {"created": 6}
    assert counts(world.sync()) == {"unchanged": 6}


def test_keys_of_another_form_are_not_asked_for_where_nothing_was_delivered(tmp_path: Path) -> None:
    world = World(f"sqlite:///{tmp_path}/erp.db", f"sqlite:///{tmp_path}/crm.db", tmp_path, KEYED)
    world.erp("CREATE TABLE things (id INTEGER PRIMARY KEY, name TEXT)")
    world.erp("INSERT INTO things VALUES (815, 'a'), (816, 'b')")
    world.crm("CREATE TABLE things (id TEXT PRIMARY KEY, name TEXT CHECK (name = ''))")
    assert counts(world.sync(), "things") == {"rejected": 2}
    world.erp("ALTER TABLE things RENAME TO numbered")
    world.erp("CREATE TABLE things (id VARCHAR(12) PRIMARY KEY, name TEXT)")
    world.erp("INSERT INTO things SELECT id, name FROM numbered")
    world.crm("DROP TABLE things")
    result = world.sync()
    assert counts(result, "things") == {"created": 2}
    assert result.left == 0


def test_another_source_is_read_from_its_beginning_where_nothing_was_delivered(world: World) -> None:
    shutil.copy(world.folder / "erp.db", world.folder / "copy.db")
    world.erp("DELETE FROM customers")
    world.sync()
    configure(world, "erp.db", "copy.db")
    assert counts(world.sync("customers")) == {"created": 6}


def test_a_record_that_may_have_arrived_binds_to_its_place(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ends(self: RelationalTarget, shape: Shape, batch: Any) -> Receipt:
        raise KeyboardInterrupt

    world.sync("tax_codes")
    with monkeypatch.context() as patched:
        patched.setattr(RelationalTarget, "deliver", ends)
        with pytest.raises(KeyboardInterrupt):
            world.sync("customers")
    configure(world, "object: accounts", "object: clients")
    assert "accounts" in refused(world)


# -- a place that is gone ----------------------------------------------------------------------


def test_a_dropped_table_is_not_made_anew_in_silence(world: World) -> None:
    world.sync()
    world.crm("DROP TABLE accounts")
    world.change("customers", "name = 'New'", "code = '00001'")
    with pytest.raises(ConfigurationError, match="--resend"):
        world.sync()
    with marea.open(world.file, {}) as project:
        assert "any more" in project.check().faults[0].message
    assert world.crm("SELECT name FROM sqlite_master WHERE name = 'accounts'") == []
    assert counts(world.sync("customers", resend=True)) == {"updated": 6}
    assert world.crm("SELECT count(*) FROM accounts") == [(6,)]


def test_a_row_that_somebody_removed_is_made_again_by_its_next_change(world: World) -> None:
    world.sync()
    world.crm("DELETE FROM accounts WHERE code = '00001'")
    world.change("customers", "name = 'New'", "code = '00001'")
    assert counts(world.sync())["updated"] == 1
    assert world.crm("SELECT name FROM accounts WHERE code = '00001'") == [("New",)]


# -- before anything is delivered --------------------------------------------------------------


def test_what_the_last_entity_lacks_at_its_target_stops_the_first(world: World) -> None:
    configure(world, "object: accounts, key: code, create: true", "object: accounts, key: code")
    with pytest.raises(ConfigurationError, match="accounts"):
        world.sync()
    assert world.log() == []
    world.crm("CREATE TABLE accounts (code TEXT PRIMARY KEY)")
    with pytest.raises(ConfigurationError, match='no column "name"'):
        world.sync()
    assert world.log() == []


def test_what_a_quiet_entity_lacks_is_found_when_its_records_may_be_released(world: World) -> None:
    world.erp("UPDATE customers SET tax = '4' WHERE code = '00001'")
    world.sync()
    world.erp("INSERT INTO tax_codes VALUES ('4', 4, '2021-01-01 00:00:00')")
    world.crm("DROP TABLE accounts")
    entries = len(world.log())
    with pytest.raises(ConfigurationError, match="accounts"):
        world.sync()
    assert len(world.log()) == entries


# -- a process that is late --------------------------------------------------------------------


def test_what_a_process_delivers_after_it_lost_its_lease_is_sent_once_more(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One run stands still before it delivers; another takes over and is done; then the first goes on."""
    # The source is edited while a run reads it.
    apsw.Connection(world.source.removeprefix("sqlite:///")).pragma("journal_mode", "wal")
    world.sync()
    real = RelationalTarget.deliver
    others: list[Any] = []

    def late(self: RelationalTarget, shape: Shape, batch: Any) -> Receipt:
        if not others:
            others.append(None)
            world.change("customers", "name = 'Name 00001'", "code = '00001'")
            world.clock_skew = 10_000
            others[0] = world.sync()
        return real(self, shape, batch)

    world.change("customers", "name = 'New'", "code = '00001'")
    with monkeypatch.context() as patched:
        patched.setattr(RelationalTarget, "deliver", late)
        with pytest.raises(RunStopped) as caught:
            world.sync()
    assert caught.value.code == "lease-lost"
    assert others[0].status is RunStatus.SUCCEEDED
    assert world.crm("SELECT name FROM accounts WHERE code = '00001'") == [("New",)]
    assert world.sync().status is RunStatus.SUCCEEDED
    assert world.crm("SELECT name FROM accounts WHERE code = '00001'") == [("Name 00001",)]


# -- neighbours --------------------------------------------------------------------------------


def notes(world: World, entity: str) -> list[str]:
    with marea.open(world.file, {}) as project:
        return next(report.notes for report in project.check().entities if report.name == entity)


def test_two_entities_at_one_place_are_named(world: World) -> None:
    world.sync()
    assert notes(world, "customers") == []
    configure(world, "object: tax_codes", "object: accounts")
    assert "tax_codes is delivered to the same object" in notes(world, "customers")[0]
    assert "customers is delivered to the same object" in notes(world, "tax_codes")[-1]


def test_an_entity_under_another_name_is_told_what_happens(world: World) -> None:
    world.sync()
    configure(world, "  customers:\n", "  clients:\n")
    (note,) = notes(world, "clients")
    assert note.startswith("customers at crm, configured no longer")
    result = world.sync()
    assert result.notes == (note,)
    assert counts(result, "clients") == {"created": 6}
    assert world.crm("SELECT count(*) FROM accounts") == [(6,)]
    assert notes(world, "clients") == []
