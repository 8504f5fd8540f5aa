"""The log capture on MariaDB's binlog: what a snapshot shows arrives, and a lost place is never silence."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from by_hand import transaction
from capture.test_log import ENTITIES, found, installed, position
from conftest import Servers
from marea.engine.run.stages import Settled
from marea.engine.run.sync import EntitySync
from marea.errors import ConfigurationError
from worlds import World, counts

pytestmark = pytest.mark.integration


@pytest.fixture
def fresh(servers: Servers, tmp_path: Path) -> Iterator[World]:
    """An ERP whose server keeps a binlog, nothing read of it yet."""
    server = servers.get("mariadb-log")
    name = server.create()
    made = World(server.url(name), f"sqlite:///{tmp_path / 'crm.db'}", tmp_path, ENTITIES)
    made.erp("CREATE TABLE `lines` (branch varchar(8), line integer PRIMARY KEY, text varchar(20))")
    made.fill(8)
    installed(made)
    yield made
    server.drop(name)


@pytest.fixture
def world(fresh: World) -> World:
    """The same, read once."""
    fresh.sync()
    return fresh


def test_direct_sql_arrives_and_a_second_run_writes_nothing(world: World) -> None:
    world.erp("UPDATE customers SET name = 'New' WHERE code = '00003'")
    assert found(world) == {("00003", "log")}
    before = position(world)
    assert found(world) == set()
    assert position(world) == before


def test_related_rows_lead_to_their_record(world: World) -> None:
    world.erp("UPDATE branches SET city = 'Roma' WHERE customer = '00004' AND branch = 'B1'")
    assert found(world) == {("00004", "log")}
    world.erp("UPDATE branches SET customer = '00001' WHERE customer = '00004' AND branch = 'B1'")
    assert found(world) == {("00001", "log"), ("00004", "log")}
    world.erp("DELETE FROM branches WHERE customer = '00001'")
    assert found(world) == {("00001", "log")}


def test_what_commits_late_or_never_is_told_so(world: World) -> None:
    """h01"""
    with transaction(world.source, "UPDATE customers SET name = 'Late' WHERE kind = 1 AND code = '00001'"):
        world.erp("UPDATE customers SET name = 'Early' WHERE kind = 1 AND code = '00002'")
        assert found(world) == {("00002", "log")}
    assert found(world) == {("00001", "log")}
    world.erp(
        "BEGIN; UPDATE customers SET name = 'Never' WHERE kind = 1 AND code = '00003'; ROLLBACK;"
        "BEGIN; UPDATE customers SET name = 'Yes' WHERE kind = 1 AND code = '00005'; SAVEPOINT s;"
        "UPDATE customers SET name = 'No' WHERE kind = 1 AND code = '00004'; ROLLBACK TO s; COMMIT"
    )
    assert found(world) == {("00005", "log")}


def test_a_first_load_misses_nothing_that_is_written_meanwhile(fresh: World) -> None:
    """h19"""
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


@pytest.mark.parametrize(
    "statement",
    ["TRUNCATE branches", "SET binlog_format = STATEMENT; DELETE FROM branches"],
)
def test_what_is_not_told_by_rows_has_all_records_compared(world: World, statement: str) -> None:
    """h11"""
    world.erp(statement)
    run = world.sync()
    assert any("a table was emptied" in note for note in run.notes)
    assert counts(run) == {"updated": 2, "unchanged": 6}
    assert found(world) == set()


def test_a_log_that_was_purged_or_begun_anew_has_all_records_compared(world: World) -> None:
    world.erp("UPDATE customers SET name = 'Purged' WHERE code = '00003'; FLUSH BINARY LOGS")
    [(last, *_)] = world.erp("SHOW MASTER STATUS")
    while len(world.erp("SHOW BINARY LOGS")) > 1:  # until the server needs the file no more itself
        world.erp(f"PURGE BINARY LOGS TO '{last}'")
    run = world.sync()
    assert any("does not keep its binlog any more" in note for note in run.notes)
    assert counts(run) == {"updated": 1, "unchanged": 7}
    world.erp("UPDATE customers SET name = 'Reset' WHERE code = '00003'; RESET MASTER")
    run = world.sync()
    assert any("binlog" in note and "all its records were compared" in note for note in run.notes)
    assert counts(run) == {"updated": 1, "unchanged": 7}


def test_tables_that_were_altered_have_all_records_compared(world: World) -> None:
    """h21"""
    world.erp("UPDATE customers SET name = 'Before' WHERE code = '00003'")
    world.erp("ALTER TABLE customers ADD other varchar(12); UPDATE customers SET other = code")
    world.erp("ALTER TABLE customers DROP PRIMARY KEY, DROP code, CHANGE other code varchar(12) NOT NULL")
    world.erp("ALTER TABLE customers ADD PRIMARY KEY (kind, code)")
    run = world.sync()
    assert any("columns of its tables are not those" in note for note in run.notes)
    assert counts(run) == {"updated": 1, "unchanged": 7}


def test_a_server_without_a_binlog_is_told_what_it_lacks(mariadb_url: str, tmp_path: Path) -> None:
    made = World(mariadb_url, f"sqlite:///{tmp_path / 'crm.db'}", tmp_path, ENTITIES)
    made.erp("CREATE TABLE `lines` (branch varchar(8), line integer PRIMARY KEY, text varchar(20))")
    with pytest.raises(ConfigurationError, match="log_bin of the server is not 1"):
        made.sync()
