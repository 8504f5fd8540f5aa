"""What transactions wrote is found by their numbers, whatever the rows' dates say (PostgreSQL)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from by_hand import run_sql
from marea.capture.transactions import NUMBERS_AHEAD, OTHER_SERVER, Moment, Numbers
from marea.connectors.postgresql.dialect import PostgresqlDialect
from marea.errors import ConfigurationError
from marea.sql.transactions import written
from worlds import ENTITIES, World, counts

ENTITY = ENTITIES.replace("      where: kind = 1\n", "      where: kind = 1\n      capture: xmin\n").replace(
    "source: {system: erp, table: tax_codes,", "source: {system: erp, capture: xmin, table: tax_codes,"
)
WRAP = 1 << 32


@pytest.fixture
def world(postgresql_url: str, tmp_path: Path) -> World:
    made = World(postgresql_url, f"sqlite:///{tmp_path / 'crm.db'}", tmp_path, ENTITY)
    made.fill(12)
    made.sync()
    return made


@contextmanager
def session(world: World) -> Iterator[psycopg.Connection[Any]]:
    """A session that commits when the block ends."""
    with psycopg.connect(world.source) as connection:
        yield connection


def rename(code: str, name: str) -> str:
    """Direct SQL: the last-edit date stays."""
    return f"UPDATE customers SET name = '{name}' WHERE kind = 1 AND code = '{code}'"


def causes(world: World, key: str) -> list[str]:
    return [entry.cause for entry in world.log(entity="customers", key=key)]


pytestmark = pytest.mark.integration


def test_direct_sql_is_found_by_the_next_run_and_called_so(world: World) -> None:
    world.erp(rename("00003", "By SQL"))
    assert counts(world.sync()) == {"updated": 1}
    assert causes(world, '[1,"00003"]')[-1] == "direct SQL"
    assert world.sync().entities["customers"].detected == 0


def test_a_change_whose_date_moved_keeps_the_cause_of_the_capture(world: World) -> None:
    world.change("customers", "name = 'Edited'", "code = '00004'")
    assert counts(world.sync()) == {"updated": 1}
    assert causes(world, '[1,"00004"]')[-1] == "xmin"


def test_a_row_of_a_related_table_leads_to_its_record_once(world: World) -> None:
    world.erp("UPDATE branches SET city = 'Asti' WHERE customer = '00004'")
    world.erp("UPDATE options SET category = 'B' WHERE customer IN ('00004', '00005')")
    world.erp(rename("00005", "Both"))
    assert counts(world.sync()) == {"updated": 2}


def test_a_run_after_which_nothing_was_written_reads_no_record(world: World) -> None:
    world.erp("INSERT INTO customers VALUES (2, 'other', 'Outside the filter', NULL, 0, now())")
    assert world.sync().entities["customers"].detected == 0
    assert world.sync().entities["customers"].detected == 0


def test_a_transaction_that_commits_late_is_found(world: World) -> None:
    with session(world) as late:
        late.execute(rename("00001", "Late"))
        world.erp(rename("00002", "Early"))
        assert counts(world.sync()) == {"updated": 1}
        world.sync()
    assert counts(world.sync())["updated"] == 1
    assert world.crm("SELECT name FROM accounts WHERE code = '00001'") == [("Late",)]


def test_what_a_savepoint_wrote_in_a_late_transaction_is_found(world: World) -> None:
    """Its rows bear a number of its own, which the snapshot's list of open transactions does not have."""
    with session(world) as late:
        late.execute("SELECT txid_current()")
        world.erp(rename("00002", "Between"))
        with late.transaction():
            late.execute(rename("00001", "Inside"))
        world.erp(rename("00003", "After"))
        world.sync()
    assert counts(world.sync())["updated"] == 1
    assert world.crm("SELECT name FROM accounts WHERE code = '00001'") == [("Inside",)]


def test_what_was_prepared_and_commits_after_other_runs_is_found(world: World) -> None:
    with psycopg.connect(world.source, autocommit=True) as alone:
        alone.execute("BEGIN")
        alone.execute(rename("00001", "Prepared"))
        alone.execute("PREPARE TRANSACTION 'later'")
        world.erp(rename("00002", "Early"))
        for _ in range(2):
            assert counts(world.sync())
        alone.execute("COMMIT PREPARED 'later'")
    assert counts(world.sync())["updated"] == 1
    assert world.crm("SELECT name FROM accounts WHERE code = '00001'") == [("Prepared",)]


@pytest.mark.parametrize("table", ["customers", "branches"])
@pytest.mark.parametrize("how", ["VACUUM FREEZE", "VACUUM FULL", "CLUSTER"])
def test_rows_that_were_frozen_or_moved_since_are_found(world: World, how: str, table: str) -> None:
    column = {"customers": "name", "branches": "city"}[table]
    code = {"customers": "code", "branches": "customer"}[table]
    world.erp(f"UPDATE {table} SET {column} = 'Moved' WHERE {code} = '00004'")
    with psycopg.connect(world.source, autocommit=True) as alone:
        alone.execute(f"{how} {table}{f' USING {table}_pkey' if how == 'CLUSTER' else ''}")
    assert counts(world.sync()) == {"updated": 1}
    assert world.sync().entities["customers"].detected == 0


def test_a_table_that_is_written_anew_sends_nothing(world: World) -> None:
    world.erp("ALTER TABLE customers ALTER COLUMN name TYPE text USING name || ''")
    world.erp(rename("00001", "Anew"))
    done = world.sync()
    assert counts(done).get("updated") == 1
    assert sum(counts(done).values()) == 12


def test_partitions_tell_as_one_table(world: World) -> None:
    world.erp(
        "CREATE TABLE parts (kind integer NOT NULL, customer varchar(12) NOT NULL, branch varchar(8),"
        " city varchar(40), modified timestamp(6) NOT NULL, PRIMARY KEY (kind, customer, branch))"
        " PARTITION BY LIST (kind); CREATE TABLE parts_1 PARTITION OF parts FOR VALUES IN (1);"
        " INSERT INTO parts SELECT * FROM branches; DROP TABLE branches; ALTER TABLE parts RENAME TO branches"
    )
    assert "updated" not in counts(world.sync())
    world.erp("UPDATE branches SET city = 'Alba' WHERE customer = '00004' AND branch = 'B1'")
    assert counts(world.sync()) == {"updated": 1}


def test_a_view_is_refused_with_the_next_step(world: World) -> None:
    world.erp("ALTER TABLE tax_codes RENAME TO rates; CREATE VIEW tax_codes AS SELECT * FROM rates")
    with pytest.raises(ConfigurationError) as raised:
        world.sync()
    (fault,) = raised.value.faults
    assert fault.entity == "tax_codes"
    assert fault.field == "source.capture"
    assert "tax_codes shows rows of other tables" in fault.message
    assert "capture: auto" in fault.hint


def test_a_first_load_during_edits_loses_none(world: World) -> None:
    with session(world) as late:
        late.execute(rename("00001", "Loading"))
        world.sync(full=True)
    assert counts(world.sync())["updated"] == 1


@pytest.mark.parametrize(
    ("field", "value", "said"), [("since", 1 << 40, NUMBERS_AHEAD), ("server", "another/1", OTHER_SERVER)]
)
def test_a_server_that_was_put_back_is_noticed_and_all_is_read(
    world: World, field: str, value: object, said: str
) -> None:
    import json

    state = f"sqlite:///{world.folder / 'marea.db'}"
    query = "SELECT entity, value FROM position WHERE value LIKE '%customers%'"
    (entity, text) = run_sql(state, query)[0]
    moved = json.dumps({**json.loads(str(text)), field: value}, separators=(",", ":"))
    run_sql(state, "UPDATE position SET value = ? WHERE entity = ?", (moved, entity))
    done = world.sync("customers")
    assert counts(done) == {"unchanged": 12}
    assert any(said in note for note in done.notes)
    assert world.sync("customers").entities["customers"].detected == 0


# -- numbers that go round: PostgreSQL keeps 32 bits of 64 ------------------------------------


def full(url: str, next_: int, kept: int) -> int:
    """The number that the source takes a row to have, of which it has kept 32 bits."""
    number = PostgresqlDialect().transaction("r", next_)
    (row,) = run_sql(url, f"SELECT {number} FROM (SELECT CAST('{kept}' AS xid) AS xmin) r")
    return int(str(row[0]))


@pytest.mark.parametrize(
    ("number", "next_"),
    [(755, 756), (WRAP - 1, WRAP), (WRAP - 1, WRAP + 5), (WRAP + 3, WRAP + 5), (3 * WRAP + 9, 4 * WRAP + 8)],
)
def test_a_row_of_less_than_a_round_ago_has_its_own_number(
    postgresql_url: str, number: int, next_: int
) -> None:
    assert full(postgresql_url, next_, number % WRAP) == number


@pytest.mark.parametrize("behind", [WRAP, WRAP + 1, 5 * WRAP + 17])
def test_an_older_one_looks_newer_never_older(postgresql_url: str, behind: int) -> None:
    next_ = 9 * WRAP + 100
    assert next_ - behind <= full(postgresql_url, next_, (next_ - behind) % WRAP) <= next_


def test_the_question_of_a_quiet_run() -> None:
    assert written(PostgresqlDialect(), '"customers" r', 700, WRAP + 9).text == (
        'SELECT 1 AS found FROM "customers" r WHERE '
        "(4294967305 - ((4294967305 - CAST(CAST(r.xmin AS text) AS bigint)) & 4294967295)) >= 700 LIMIT 1"
    )


def test_a_position_comes_back_from_its_text() -> None:
    position = Numbers(WRAP + 7, "1/1", {"": '"t" r'})
    assert Numbers.from_text(position.to_text()) == position
    assert not position.lost(Moment(WRAP + 7, WRAP + 7, "1/1"))
