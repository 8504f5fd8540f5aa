"""A scan finds every change of every table by digests, reads nothing else, and moves no other capture."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import apsw
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from marea.engine.run.ended import Run
from marea.model import Cause, RunKind
from worlds import ENTITIES, OLD, World, counts, stopped_after, synchronize, write_project

pytestmark = pytest.mark.integration

DEEP = """
  customers:
    source:
      system: erp
      table: customers
      key: [kind, code]
      modified: modified
      related:
        branches:
          table: branches
          on: {kind: kind, customer: code}
          many: true
          order: branch
          related:
            towns: {table: towns, on: {name: city}}
    target: {system: crm, object: accounts, key: [kind, code], create: true}
    fields:
      kind: kind
      code: code
      name: name
      branches: {list: branches, fields: {code: branch, province: towns.province}}
"""
"""Branches without a date of their own, and below them towns that many of them look up."""

WHOLE = ENTITIES.replace(
    "key: [kind, code]\n      where", "key: [kind, code]\n      capture: scan\n      where"
)

Make = Callable[..., World]


@pytest.fixture(params=["sqlite", "postgresql", "mariadb"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Make:
    """Makes a world whose ERP is one of each database."""
    kind = request.param
    source = f"sqlite:///{tmp_path}/erp.db" if kind == "sqlite" else request.getfixturevalue(f"{kind}_url")

    def made(entities: str = ENTITIES, customers: int = 12) -> World:
        world = World(source, f"sqlite:///{tmp_path}/crm.db", tmp_path, entities)
        world.fill(customers)
        return world

    return made


def scan(world: World, *names: str) -> Run:
    """A run as `marea scan` makes it."""
    return world.sync(*names, reconcile=True)


def settled(make: Make, entities: str = ENTITIES, customers: int = 12) -> World:
    """A world that was loaded and scanned."""
    world = make(entities, customers)
    world.sync()
    scan(world)
    return world


CHANGES = {
    "root": ("UPDATE customers SET name = 'Other' WHERE code = '00003'", "00003"),
    "child": ("UPDATE branches SET city = 'Elsewhere' WHERE customer = '00004' AND branch = 'B1'", "00004"),
    "new child": (f"INSERT INTO branches VALUES (1, '00004', 'B0', 'New', '{OLD}')", "00004"),
    "deleted child": ("DELETE FROM branches WHERE customer = '00004' AND branch = 'B1'", "00004"),
    "looked up": ("UPDATE options SET category = 'B' WHERE customer = '00005'", "00005"),
    "emptied": ("UPDATE customers SET credit = NULL WHERE code = '00006'", "00006"),
    "new": (f"INSERT INTO customers VALUES (1, '00099', 'New', '22', 1, '{OLD}')", "00099"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_that_moves_no_date_is_found_and_nothing_else_is_read(make: Make, change: str) -> None:
    world = settled(make)
    text, code = CHANGES[change]
    world.erp(text)
    assert counts(world.sync()) == {}, "no date tells of it"
    run = scan(world)
    assert run.kind is RunKind.RECONCILE
    assert counts(run) == {"created" if change == "new" else "updated": 1}
    assert [entry.key[1] for entry in world.log(run=run.id)] == [code]
    assert scan(world).entities["customers"].detected == 0


def test_the_first_scan_reads_what_has_no_digest_and_the_next_nothing(make: Make) -> None:
    world = make()
    world.sync()
    assert counts(scan(world)) == {"unchanged": 12}
    assert scan(world).entities["customers"].detected == 0
    assert world.log(run=3) == []


def test_what_a_run_by_dates_delivered_and_sql_put_back_is_found(make: Make) -> None:
    world = settled(make)
    world.change("customers", "name = 'Newer'", "code = '00001'")
    assert counts(world.sync()) == {"updated": 1}
    world.erp(f"UPDATE customers SET name = 'Name 00001 ', modified = '{OLD}' WHERE code = '00001'")
    assert counts(scan(world)) == {"updated": 1}
    assert world.crm("SELECT name FROM accounts WHERE code = '00001'") == [("Name 00001",)]


def test_values_that_two_rows_swap_are_found(make: Make) -> None:
    world = settled(make)
    for code, name in (("00001", "Name 00002 "), ("00002", "Name 00001 ")):
        world.erp(f"UPDATE customers SET name = '{name}' WHERE code = '{code}'")
    for branch, city in (("B1", "Città B2"), ("B2", "Città B1")):
        world.erp(f"UPDATE branches SET city = '{city}' WHERE customer = '00004' AND branch = '{branch}'")
    assert counts(scan(world)) == {"updated": 3}


def test_a_child_that_moves_changes_both_its_records(make: Make) -> None:
    world = settled(make)
    world.erp("UPDATE branches SET customer = '00005' WHERE customer = '00004' AND branch = 'B1'")
    run = scan(world)
    assert counts(run) == {"updated": 2}
    assert {entry.key[1] for entry in world.log(run=run.id)} == {"00004", "00005"}


def test_a_key_that_changes_is_a_new_record_and_one_that_is_gone(make: Make) -> None:
    world = settled(make)
    world.erp("UPDATE customers SET code = '10003' WHERE code = '00003'")
    run = scan(world)
    assert run.entities["customers"].detected == 2
    assert counts(run)["created"] == 1


def test_a_change_two_tables_below_reaches_every_record_above_it(make: Make) -> None:
    world = make(DEEP)
    world.erp("CREATE TABLE towns (name varchar(40) PRIMARY KEY, province varchar(8))")
    world.erp("INSERT INTO towns VALUES ('Città B1', 'TO'), ('Città B2', 'MI')")
    world.sync()
    scan(world)
    world.erp("UPDATE towns SET province = 'RM' WHERE name = 'Città B1'")
    assert counts(scan(world)) == {"updated": 3}
    assert scan(world).entities["customers"].detected == 0


def test_a_rejected_record_is_not_read_again_before_it_changes(make: Make) -> None:
    world = settled(make)
    world.erp("UPDATE customers SET name = '' WHERE code = '00003'")
    assert counts(scan(world)) == {"rejected": 1}
    assert counts(scan(world)) == {}
    world.erp("UPDATE customers SET name = 'Mended' WHERE code = '00003'")
    assert counts(scan(world)) == {"updated": 1}


def test_a_record_that_leaves_the_filter_and_one_that_is_deleted_are_met(make: Make) -> None:
    world = settled(make)
    world.erp(
        "UPDATE customers SET kind = 2 WHERE code = '00001'; DELETE FROM customers WHERE code = '00002'"
    )
    assert scan(world).entities["customers"].detected == 2


def test_digests_of_another_mapping_say_nothing(make: Make) -> None:
    world = settled(make)
    write_project(
        world.folder, ENTITIES.replace("trim(name)", "upper(trim(name))"), world.source, world.target
    )
    run = scan(world, "customers")
    assert counts(run) == {"updated": 12}
    assert {entry.cause for entry in world.log(run=run.id)} == {Cause.MAPPING}
    assert scan(world, "customers").entities["customers"].detected == 0


def test_an_entity_captured_by_scan_loads_and_goes_on_by_digests(make: Make) -> None:
    world = make(WHOLE)
    assert counts(world.sync()) == {"created": 12}
    assert world.sync().entities["customers"].detected == 0
    world.erp("UPDATE branches SET city = 'Elsewhere' WHERE customer = '00004'")
    run = world.sync()
    assert (run.kind, counts(run)) == (RunKind.INCREMENTAL, {"updated": 1})
    assert [entry.cause for entry in world.log(run=run.id)] == [Cause.DIRECT_SQL]


def test_a_scan_that_is_killed_reads_again_only_what_was_not_settled(make: Make) -> None:
    world = make(customers=100)
    world.sync()
    with stopped_after(3, "customers"):
        synchronize(world.file, "customers", page=10, reconcile=True)
    assert counts(synchronize(world.file, "customers", page=10, reconcile=True)) == {"unchanged": 70}
    assert scan(world).entities["customers"].detected == 0


def test_a_first_load_by_scan_that_is_killed_goes_on(make: Make) -> None:
    world = make(WHOLE, customers=100)
    with stopped_after(3, "customers"):
        synchronize(world.file, "tax_codes", "customers", page=10)
    assert sum(counts(synchronize(world.file, page=10)).values()) == 70
    assert world.sync().entities["customers"].detected == 0
    assert world.crm("SELECT count(*) FROM accounts") == [(100,)]


CODE = st.integers(0, 5).map("{:05d}".format)
TEXT = st.sampled_from(["Name", "name", "Name ", "Név", "0", "N'a", "1.10", "1.1"])
EDITS = st.one_of(
    st.builds("UPDATE customers SET name = {!a}, credit = credit WHERE code = '{}'".format, TEXT, CODE),
    st.builds("UPDATE customers SET credit = {} WHERE code = '{}'".format, st.integers(0, 3), CODE),
    st.builds("UPDATE branches SET city = {!a} WHERE customer = '{}'".format, TEXT, CODE),
    st.builds(
        "UPDATE branches SET customer = '{}' WHERE customer = '{}' AND branch = 'B1'".format, CODE, CODE
    ),
    st.builds("DELETE FROM branches WHERE customer = '{}' AND branch = 'B2'".format, CODE),
    st.builds("UPDATE options SET category = {!a} WHERE customer = '{}'".format, TEXT, CODE),
)


@pytest.mark.property
@settings(
    max_examples=15,
    deadline=None,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(edits=st.lists(EDITS, max_size=4))
def test_after_a_scan_a_full_run_finds_nothing_and_the_next_scan_reads_nothing(
    tmp_path_factory: pytest.TempPathFactory, edits: list[str]
) -> None:
    folder = tmp_path_factory.mktemp("scan")
    world = World(f"sqlite:///{folder}/erp.db", f"sqlite:///{folder}/crm.db", folder)
    world.fill(6)
    world.sync()
    scan(world)
    for edit in edits:
        try:
            world.erp(edit.replace('"', "'").replace("N'a", "N''a"))
        except apsw.ConstraintError:
            continue
    scan(world)
    assert set(counts(world.sync(full=True))) <= {"unchanged"}
    assert scan(world).entities["customers"].detected == 0
