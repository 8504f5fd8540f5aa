"""The log capture against real servers: whatever is committed arrives, and a lost place is never silence."""

from __future__ import annotations

from pathlib import Path
from threading import Thread

import pytest

from by_hand import run_sql, transaction
from marea.config.load import load
from marea.connectors.postgresql.log import PostgresqlLog
from marea.engine.entity.systems import Systems
from marea.engine.install import install, removed
from marea.engine.project import open_project
from marea.engine.run.stages import Settled
from marea.engine.run.sync import EntitySync
from marea.errors import ConfigurationError
from marea.store.state import open_state
from worlds import Stopped, World, counts

pytestmark = pytest.mark.integration

ENTITIES = """
  customers:
    source:
      system: erp
      capture: log
      table: customers
      key: [kind, code]
      where: kind = 1
      related:
        branches:
          {table: branches, on: {kind: kind, customer: code}, many: true, order: branch, related: {
            lines: {table: lines, on: {branch: branch}, many: true, order: line}}}
    target: {system: crm, object: accounts, key: code, create: true}
    fields:
      code: code
      name: trim(name)
      branches: {list: branches, fields: {code: branch, city: city}}
  tax_codes:
    source: {system: erp, capture: log, table: tax_codes, key: code}
    target: {system: crm, object: tax_codes, key: code, create: true}
    fields: {code: code, rate: rate}
"""


@pytest.fixture
def fresh(postgresql_url: str, tmp_path: Path) -> World:
    """An ERP whose customers, branches and lines can be followed by its log, nothing read of it yet."""
    made = World(postgresql_url, f"sqlite:///{tmp_path / 'crm.db'}", tmp_path, ENTITIES)
    made.erp("CREATE TABLE lines (branch varchar(8), line integer PRIMARY KEY, text varchar(20))")
    made.fill(8)
    installed(made)
    return made


@pytest.fixture
def world(fresh: World) -> World:
    """The same, read once."""
    fresh.sync()
    return fresh


def installed(world: World, *, removing: bool = False) -> None:
    """What `marea capture` makes or removes."""
    settings = load(world.file)
    systems = Systems(settings)
    try:
        entities = list(settings.entities.values())
        if removing:
            removed(settings, systems, entities, carry_out=True)
        else:
            install(settings, systems, entities, named=False, carry_out=True)
    finally:
        systems.close()


def position(world: World, entity: str = "customers") -> str | None:
    """Where the state has an entity's log read to."""
    state = open_state(load(world.file).state)
    try:
        return state.entity(entity, "crm").positions.get("log")
    finally:
        state.close()


def found(world: World, entity: str = "customers") -> set[tuple[str, str]]:
    """Code and cause of what a run now writes of an entity."""
    run = world.sync()
    return {(it.key[-1], it.cause.value) for it in world.log(entity=entity) if it.run == run.id}


def test_direct_sql_arrives_and_a_second_run_writes_nothing(world: World) -> None:
    world.erp("UPDATE customers SET name = 'New' WHERE code = '00003'")
    assert found(world) == {("00003", "log")}
    before = position(world)
    assert found(world) == set()
    assert position(world) == before


def test_related_rows_and_theirs_lead_to_their_record(world: World) -> None:
    world.erp("UPDATE branches SET city = 'Roma' WHERE customer = '00004' AND branch = 'B1'")
    assert found(world) == {("00004", "log")}
    world.erp("INSERT INTO lines VALUES ('B2', 1, 'Text')")
    assert found(world) == set()
    world.erp("UPDATE branches SET customer = '00001' WHERE customer = '00004' AND branch = 'B1'")
    assert found(world) == {("00001", "log"), ("00004", "log")}
    world.erp("DELETE FROM branches WHERE customer = '00001'")
    assert found(world) == {("00001", "log")}


def test_what_commits_late_or_never_is_told_so(world: World) -> None:
    """h01: a transaction is open while a later one commits and a run passes."""
    with transaction(world.source, "UPDATE customers SET name = 'Late' WHERE code = '00001'"):
        world.erp("UPDATE customers SET name = 'Early' WHERE code = '00002'")
        assert found(world) == {("00002", "log")}
    assert found(world) == {("00001", "log")}
    world.erp(
        "BEGIN; UPDATE customers SET name = 'Never' WHERE code = '00003'; ROLLBACK;"
        "BEGIN; SAVEPOINT s; UPDATE customers SET name = 'No' WHERE code = '00004'; ROLLBACK TO s;"
        "UPDATE customers SET name = 'Yes' WHERE code = '00005'; COMMIT"
    )
    assert found(world) == {("00005", "log")}


def test_a_commit_that_is_in_the_log_and_not_yet_shown_is_waited_for(world: World) -> None:
    """A commit that waits for a standby can be read in the log, while no snapshot shows it yet."""
    missing = "SET synchronous_standby_names = 'nobody'"
    run_sql(world.source, f"ALTER SYSTEM {missing}")
    run_sql(world.source, "SET synchronous_commit = off; SELECT pg_reload_conf()")
    writer = Writer(world.source)
    try:
        writer.begins("UPDATE customers SET name = 'Waits' WHERE code = '00002'")
        assert found(world) == set()
    finally:
        run_sql(world.source, "ALTER SYSTEM RESET synchronous_standby_names")
        run_sql(world.source, "SET synchronous_commit = off; SELECT pg_reload_conf()")
    writer.ends()
    assert found(world) == {("00002", "log")}


class Writer:
    """One statement in another thread, whose commit waits for a standby that is not there."""

    def __init__(self, url: str) -> None:
        self._url = url

    def begins(self, statement: str) -> None:
        """Returns when the commit waits."""
        self._thread = Thread(target=run_sql, args=(self._url, statement))
        self._thread.start()
        while not run_sql(self._url, "SELECT 1 FROM pg_stat_activity WHERE wait_event = 'SyncRep'"):
            assert self._thread.is_alive()

    def ends(self) -> None:
        self._thread.join(30)
        assert not self._thread.is_alive()


def test_a_new_key_leads_to_the_old_record_too(world: World) -> None:
    """h12"""
    world.erp("UPDATE customers SET code = '00099' WHERE code = '00001'")
    assert ("00099", "log") in found(world)
    assert read_of_the_last_run(world) == 2


def read_of_the_last_run(world: World) -> int:
    state = open_state(load(world.file).state)
    try:
        return state.runs.books(last_run(world), state.entity("customers", "crm").id).detected
    finally:
        state.close()


def last_run(world: World) -> int:
    return max(it.run for it in world.log())


def test_a_table_that_was_emptied_has_all_records_compared(world: World) -> None:
    """h11"""
    world.erp("TRUNCATE branches")
    run = world.sync()
    assert any("a table was emptied" in note for note in run.notes)
    assert counts(run) == {"updated": 2, "unchanged": 6}
    assert found(world) == set()


def test_a_slot_that_was_lost_has_all_records_compared(world: World) -> None:
    [(slot,)] = world.erp(
        "SELECT slot_name FROM pg_replication_slots WHERE slot_name LIKE 'marea_customers%'"
    )
    world.erp(f"SELECT pg_drop_replication_slot('{slot}')")
    world.erp("UPDATE customers SET name = 'Unseen' WHERE code = '00003'")
    run = world.sync()
    assert any("its slot is gone; all its records were compared" in note for note in run.notes)
    assert counts(run) == {"updated": 1, "unchanged": 7}
    world.erp("UPDATE customers SET name = 'Seen' WHERE code = '00003'")
    assert found(world) == {("00003", "log")}
    world.erp("UPDATE customers SET name = 'Passed' WHERE code = '00003'")
    world.erp(f"SELECT pg_replication_slot_advance('{slot}', pg_current_wal_lsn())")
    run = world.sync()
    assert any("moved on by somebody else" in note for note in run.notes)
    assert counts(run) == {"updated": 1, "unchanged": 7}


def test_a_column_that_takes_the_keys_name_has_all_records_compared(world: World) -> None:
    """h21: what the log calls `code` was another column then."""
    world.erp("UPDATE customers SET name = 'Before' WHERE code = '00003'")
    world.erp(
        "ALTER TABLE customers ADD other varchar(12); UPDATE customers SET other = code;"
        "ALTER TABLE customers DROP code; ALTER TABLE customers RENAME other TO code;"
        "ALTER TABLE customers ADD PRIMARY KEY (kind, code)"
    )
    run = world.sync()
    assert any("not those that were read" in note for note in run.notes)
    assert counts(run) == {"updated": 1, "unchanged": 7}


def test_a_column_more_or_less_is_no_matter(world: World) -> None:
    """h21"""
    world.erp("UPDATE customers SET name = 'One' WHERE code = '00001'")
    world.erp("ALTER TABLE customers ADD more text; ALTER TABLE customers DROP credit")
    world.erp("UPDATE customers SET name = 'Two' WHERE code = '00002'")
    assert found(world) == {("00001", "log"), ("00002", "log")}


def test_a_kill_between_commit_and_release_gives_the_same_once_more(world: World) -> None:
    world.erp("UPDATE customers SET name = 'Once' WHERE code = '00001'")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(PostgresqlLog, "release", killed)
        with pytest.raises(Stopped):
            world.sync("customers")
    assert found(world) == set()
    world.erp("UPDATE customers SET name = 'Twice' WHERE code = '00001'")
    assert found(world) == {("00001", "log")}


def killed(log: PostgresqlLog, position: str) -> None:
    raise Stopped


def test_each_entity_lets_go_of_its_own(world: World) -> None:
    world.erp("UPDATE customers SET name = 'New'; UPDATE tax_codes SET rate = 4 WHERE code = '22'")
    assert counts(world.sync("tax_codes"), "tax_codes") == {"updated": 1}
    assert counts(world.sync("customers")) == {"updated": 8}


def test_a_first_load_misses_nothing_that_is_written_meanwhile(fresh: World) -> None:
    """h19: somebody writes before its first batch, between its batches, and while it ends."""
    real = EntitySync._commit
    written = [f"{number:05d}" for number in range(1, 8)]
    left = iter(written)

    def commit(sync: EntitySync, batch: Settled, *, evaluated: bool = False) -> None:
        if code := next(left, ""):
            fresh.erp(f"UPDATE customers SET name = 'During {code}' WHERE code = '{code}'")
        real(sync, batch, evaluated=evaluated)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(EntitySync, "_commit", commit)
        fresh.sync("customers", page=2)
    during = set(written) - set(left)
    assert len(during) > 3
    assert {code for code, _ in found(fresh)} == during


def test_an_update_that_leaves_a_long_key_alone_is_told_by_it(world: World) -> None:
    world.erp("ALTER TABLE customers ADD long text; ALTER TABLE customers ALTER long SET STORAGE EXTERNAL")
    world.erp("UPDATE customers SET long = repeat('x', 9000) WHERE code = '00003'")
    world.sync()
    world.erp("UPDATE customers SET name = 'Beside' WHERE code = '00003'")
    assert found(world) == {("00003", "log")}


def test_what_is_missing_is_said_with_the_command(world: World) -> None:
    installed(world, removing=True)
    assert world.erp("SELECT count(*) FROM pg_publication") == [(0,)]
    with pytest.raises(ConfigurationError, match="there is no publication marea_customers_"):
        world.sync()
    installed(world)
    run = world.sync()
    assert sum("not those that were read" in note or "made anew" in note for note in run.notes) == 2


def test_statements_of_a_child_without_its_join_in_the_key_ask_for_full_rows(world: World) -> None:
    found = world.erp("SELECT relname FROM pg_class WHERE relreplident = 'f' ORDER BY 1")
    assert found == [("lines",)]


def test_check_says_how_much_of_the_log_is_kept(world: World) -> None:
    world.erp("INSERT INTO lines SELECT 'B9', n, repeat('x', 20) FROM generate_series(1, 40000) AS n")
    with open_project(world.file) as project:
        [note] = [note for note in project.check(["customers"]).entities[0].notes if "of its log" in note]
    assert float(note.split("keeps ")[1].split(" MiB")[0]) > 2
    assert counts(world.sync()) == {}


def test_a_login_that_may_read_tables_and_the_log_is_enough_for_runs(world: World) -> None:
    world.erp(
        "CREATE ROLE log_reader LOGIN REPLICATION; GRANT SELECT ON ALL TABLES IN SCHEMA public TO log_reader"
    )
    try:
        text = world.file.read_text("utf-8")
        world.file.write_text(text.replace("postgres@", "log_reader@"), "utf-8")
        world.erp("UPDATE customers SET name = 'Read' WHERE code = '00001'")
        assert found(world) == {("00001", "log")}
        world.erp("ALTER ROLE log_reader NOREPLICATION")
        world.erp("UPDATE customers SET name = 'Unread' WHERE code = '00001'")
        with pytest.raises(ConfigurationError, match='ALTER ROLE "log_reader" REPLICATION'):
            world.sync()
    finally:
        world.erp("DROP OWNED BY log_reader; DROP ROLE log_reader")
