"""What the trigger capture promises, on every database: nothing that anybody changes is missed."""

from __future__ import annotations

from collections.abc import Callable

import pytest

import marea
from by_hand import transaction
from hazards.conftest import MakeWorld
from marea.engine.run.pipeline import Pipeline
from marea.errors import ConfigurationError
from marea.model import Cause
from worlds import ENTITIES, Stopped, World, counts, stopped_after

pytestmark = [pytest.mark.hazard, pytest.mark.integration]

TRIGGERED = ENTITIES.replace("      table: customers\n", "      table: customers\n      capture: trigger\n")
OLD = "2020-01-01 00:00:00"

Install = Callable[..., World]


@pytest.fixture
def watched(make_world: MakeWorld) -> Install:
    """Makes a world whose customers are found by triggers, installed and synchronized once."""

    def make(entities: str = TRIGGERED, customers: int = 12) -> World:
        world = make_world(entities, customers)
        install(world)
        world.sync()
        assert counts(world.sync("customers")) == {}
        return world

    return make


def install(world: World, *, remove: bool = False) -> None:
    with marea.open(world.file, {}) as project:
        project.install(["customers"], remove=remove)


def noted(world: World) -> int:
    """How many notices wait, the one that is kept left out."""
    [(number,)] = world.erp("SELECT count(*) FROM marea_change")
    return int(str(number)) - 1


def accounts(world: World, columns: str = "code, name") -> dict[str, object]:
    return {str(row[0]): row[1] for row in world.crm(f"SELECT {columns} FROM accounts")}


def causes(world: World, run: int) -> set[Cause]:
    return {entry.cause for entry in world.log(run=run)}


def test_h09_direct_sql_is_seen_at_once_and_called_so(watched: Install) -> None:
    world = watched()
    world.erp("UPDATE customers SET name = 'By SQL' WHERE code IN ('00001', '00002')")
    result = world.sync("customers")
    assert counts(result) == {"updated": 2}
    assert causes(world, result.id) == {Cause.DIRECT_SQL}
    assert noted(world) == 0
    assert counts(world.sync("customers")) == {}
    world.change("customers", "name = 'By the ERP'", "code = '00001'")
    assert causes(world, world.sync("customers").id) == {Cause.TRIGGER}


def test_h01_h08_what_commits_late_with_a_lower_id_is_not_lost(watched: Install) -> None:
    world = watched()
    if world.kind == "sqlite":
        pytest.skip("SQLite has one writer at a time")
    with transaction(world.source, "UPDATE customers SET name = 'Late' WHERE kind = 1 AND code = '00001'"):
        world.erp("UPDATE customers SET name = 'Early' WHERE kind = 1 AND code = '00002'")
        assert counts(world.sync("customers")) == {"updated": 1}
    assert counts(world.sync("customers")) == {"updated": 1}
    assert accounts(world)["00001"] == "Late"


def test_what_was_taken_back_is_not_noted(watched: Install) -> None:
    world = watched()
    world.erp(
        "BEGIN; UPDATE customers SET name = 'Stays' WHERE code = '00001'; SAVEPOINT s; "
        "UPDATE customers SET name = 'Goes' WHERE code = '00002'; ROLLBACK TO SAVEPOINT s; COMMIT"
        if world.kind != "sqlite"
        else "UPDATE customers SET name = 'Stays' WHERE code = '00001'; SAVEPOINT s; "
        "UPDATE customers SET name = 'Goes' WHERE code = '00002'; ROLLBACK TO SAVEPOINT s; RELEASE s"
    )
    assert noted(world) == 1
    assert counts(world.sync("customers")) == {"updated": 1}


def test_a_row_noted_many_times_is_read_once(watched: Install) -> None:
    world = watched()
    for number in range(30):
        world.erp(f"UPDATE customers SET name = 'N{number}' WHERE code = '00001'")
    assert noted(world) == 30
    assert counts(world.sync("customers")) == {"updated": 1}
    assert noted(world) == 0


def test_h15_a_child_and_its_move_to_another_parent(watched: Install) -> None:
    world = watched()
    world.erp("UPDATE branches SET city = 'Roma' WHERE customer = '00000' AND branch = 'B1'")
    assert counts(world.sync("customers")) == {"updated": 1}
    world.erp("UPDATE branches SET customer = '00001' WHERE customer = '00004' AND branch = 'B2'")
    assert counts(world.sync("customers")) == {"updated": 2}
    world.erp("DELETE FROM branches WHERE customer = '00001'")
    assert counts(world.sync("customers")) == {"updated": 1}


def test_h16_one_looked_up_row_fans_out_in_pages(watched: Install) -> None:
    taxed = TRIGGERED.replace(
        "        branches:\n", "        vat: {table: tax_codes, on: {code: tax}}\n        branches:\n"
    ).replace("      credit: credit\n", "      credit: credit\n      rate: vat.rate\n")
    world = watched(taxed, customers=400)
    world.erp("UPDATE tax_codes SET rate = 25 WHERE code = '22'")
    result = world.sync("customers", page=150)
    assert counts(result) == {"updated": 400}
    assert counts(world.sync("customers")) == {}


def test_a_mass_update_in_pages_leaves_nothing_noted(watched: Install) -> None:
    world = watched(customers=400)
    world.erp("UPDATE customers SET credit = credit + 1")
    assert noted(world) == 400
    assert counts(world.sync("customers", page=150)) == {"updated": 400}
    assert noted(world) == 0
    assert counts(world.sync("customers")) == {}


def test_h12_a_changed_key_is_the_old_record_and_the_new(watched: Install) -> None:
    world = watched()
    world.erp("UPDATE customers SET code = 'N0001' WHERE code = '00003'")
    result = world.sync("customers")
    assert result.entities["customers"].detected == 2
    assert "N0001" in accounts(world)


def test_h11_deleted_and_inserted_again(watched: Install) -> None:
    world = watched()
    world.erp(
        "DELETE FROM customers WHERE code = '00003'; "
        f"INSERT INTO customers VALUES (1, '00003', 'Again', '22', 1, '{OLD}')"
    )
    assert counts(world.sync("customers")) == {"updated": 1}
    assert accounts(world)["00003"] == "Again"


def test_h13_hostile_keys(watched: Install) -> None:
    world = watched()
    codes = ["it''s", '"q"', "a,b", "[1]", " x", "é%s", "%", "?"]
    rows = ", ".join(f"(1, '{code}', 'Hostile', '22', 1, '{OLD}')" for code in codes)
    world.erp(f"INSERT INTO customers VALUES {rows}".replace("%", "%%" if world.kind == "" else "%"))
    result = world.sync("customers")
    assert counts(result) == {"created": len(codes)}
    world.erp("UPDATE customers SET name = 'Again' WHERE name = 'Hostile'")
    assert counts(world.sync("customers")) == {"updated": len(codes)}
    assert noted(world) == 0


def test_h17_a_record_comes_into_the_filter(watched: Install) -> None:
    world = watched()
    world.erp(f"INSERT INTO customers VALUES (2, 'S1', 'Supplier', '22', 1, '{OLD}')")
    assert "S1" not in accounts(world)
    world.sync("customers")
    world.erp("UPDATE customers SET kind = 1 WHERE code = 'S1'")
    assert counts(world.sync("customers"))["created"] == 1
    assert accounts(world)["S1"] == "Supplier"


def test_h19_what_changed_before_the_first_run_and_during_its_first_load(make_world: MakeWorld) -> None:
    world = make_world(TRIGGERED)
    install(world)
    world.erp("UPDATE customers SET name = 'Before' WHERE code = '00001'")
    world.sync()
    world.erp("UPDATE customers SET name = 'After' WHERE code = '00002'")
    assert counts(world.sync("customers"))["updated"] == 1
    assert (accounts(world)["00001"], accounts(world)["00002"]) == ("Before", "After")
    assert noted(world) == 0


def test_a_capture_that_is_not_installed_is_a_fault(make_world: MakeWorld) -> None:
    world = make_world(TRIGGERED)
    with pytest.raises(ConfigurationError, match="marea capture install customers"):
        world.sync()
    assert world.crm("SELECT count(*) FROM sqlite_schema WHERE name = 'accounts'") == [(0,)]


def test_triggers_that_went_are_a_fault_and_all_is_read_when_they_are_back(watched: Install) -> None:
    world = watched()
    install(world, remove=True)
    world.erp("UPDATE customers SET name = 'Unseen' WHERE code = '00001'")
    with pytest.raises(ConfigurationError, match="marea capture install customers"):
        world.sync("customers")
    install(world)
    assert counts(world.sync("customers")) == {"updated": 1, "unchanged": 11}
    assert counts(world.sync("customers")) == {}


def test_h11_what_was_deleted_at_once_and_while_triggers_were_away(watched: Install) -> None:
    world = watched()
    world.erp("DELETE FROM customers WHERE code = '00001'")
    assert counts(world.sync("customers")) == {"deleted": 1}
    install(world, remove=True)
    world.erp("DELETE FROM customers WHERE code = '00002'")
    install(world)
    assert counts(world.sync("customers")) == {"deleted": 1, "unchanged": 10}
    assert sorted(accounts(world)) == [f"{number:05d}" for number in range(12) if number not in (1, 2)]


def test_a_table_dropped_and_made_again_is_a_fault(watched: Install) -> None:
    world = watched()
    world.erp(
        "CREATE TABLE copy AS SELECT * FROM options; DROP TABLE options; "
        "CREATE TABLE options (kind integer NOT NULL, customer varchar(12) NOT NULL, category varchar(8), "
        "modified timestamp, PRIMARY KEY (kind, customer)); "
        "INSERT INTO options SELECT kind, customer, 'Z', modified FROM copy"
    )
    with pytest.raises(ConfigurationError, match="table options has not the triggers"):
        world.sync("customers")
    install(world)
    assert counts(world.sync("customers")) == {"updated": 12}


def test_notices_that_somebody_else_has_taken_lead_to_all_records(watched: Install) -> None:
    world = watched()
    world.erp("UPDATE customers SET name = 'Stolen' WHERE code = '00001'")
    world.erp("DELETE FROM marea_change")
    assert counts(world.sync("customers")) == {"updated": 1, "unchanged": 11}


def test_h11_an_emptied_table_is_read_as_a_whole(watched: Install) -> None:
    world = watched()
    if world.kind != "postgresql":
        pytest.skip("only there TRUNCATE is noted")
    world.erp(
        "CREATE TABLE kept AS SELECT * FROM customers WHERE code <> '00009'; TRUNCATE customers; "
        "INSERT INTO customers SELECT * FROM kept"
    )
    assert counts(world.sync("customers")) == {"deleted": 1, "unchanged": 11}
    world.erp("TRUNCATE options")
    assert counts(world.sync("customers")) == {"updated": 11}
    world.sync("customers")
    assert counts(world.sync("customers")) == {}
    world.erp("UPDATE customers SET name = 'X' WHERE code = '00001'")
    assert counts(world.sync("customers")) == {"updated": 1}
    assert noted(world) == 0


def test_switched_off_meanwhile_all_is_read(watched: Install) -> None:
    world = watched()
    if world.kind != "postgresql":
        pytest.skip("only there triggers can be switched off")
    world.erp("ALTER TABLE customers DISABLE TRIGGER ALL")
    with pytest.raises(ConfigurationError, match="table customers has not the triggers"):
        world.sync("customers")
    world.erp("UPDATE customers SET name = 'Unseen' WHERE code = '00001'")
    world.erp("ALTER TABLE customers ENABLE TRIGGER ALL")
    assert counts(world.sync("customers")) == {"updated": 1, "unchanged": 11}


def test_removed_nothing_is_left_and_the_erp_goes_on(watched: Install) -> None:
    world = watched()
    install(world, remove=True)
    world.erp("UPDATE customers SET name = 'Free' WHERE code = '00001'")
    with pytest.raises(Exception, match="marea_change"):
        world.erp("SELECT count(*) FROM marea_change")


def test_the_erp_goes_on_without_the_change_table(watched: Install) -> None:
    world = watched()
    if world.kind == "sqlite":
        pytest.skip("SQLite itself does not let a trigger go on")
    world.erp("DROP TABLE marea_change")
    world.erp("UPDATE customers SET name = 'Unnoted' WHERE code = '00001'")
    with pytest.raises(ConfigurationError, match="there is no table marea_change"):
        world.sync("customers")
    install(world)
    assert counts(world.sync("customers")) == {"updated": 1, "unchanged": 11}


def test_killed_between_commit_and_release_it_is_compared_once_more(watched: Install) -> None:
    world = watched()
    world.erp("UPDATE customers SET name = 'Once' WHERE code IN ('00001', '00002')")

    def killed(pipeline: Pipeline) -> None:
        raise Stopped

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Pipeline, "_release", killed)
        with pytest.raises(Stopped):
            world.sync("customers")
    assert noted(world) == 2
    assert counts(world.sync("customers")) == {"unchanged": 1}
    assert noted(world) == 0
    assert counts(world.sync("customers")) == {}


def test_killed_before_the_commit_it_is_delivered_by_the_next_run(watched: Install) -> None:
    world = watched(customers=40)
    world.erp("UPDATE customers SET name = 'Twice'")
    with stopped_after(1, "customers"):
        world.sync("customers", page=10)
    assert noted(world) == 40
    world.sync("customers", page=10)
    assert set(accounts(world).values()) == {"Twice"}
    assert noted(world) == 0


def test_who_writes_while_a_run_reads_and_lets_go_is_kept_and_not_stopped(watched: Install) -> None:
    world = watched()
    real = Pipeline._release

    def beside(pipeline: Pipeline) -> None:
        world.erp("UPDATE customers SET name = 'Meanwhile' WHERE kind = 1 AND code = '00003'")
        real(pipeline)

    world.erp("UPDATE customers SET name = 'First' WHERE kind = 1 AND code IN ('00001', '00003')")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Pipeline, "_release", beside)
        assert counts(world.sync("customers")) == {"updated": 2}
    assert counts(world.sync("customers")) == {"updated": 1}
    assert accounts(world)["00003"] == "Meanwhile"


def test_a_writer_that_is_open_while_notices_are_let_go_does_not_stop_that(watched: Install) -> None:
    world = watched()
    if world.kind == "sqlite":
        pytest.skip("SQLite has one writer at a time")
    world.erp("UPDATE customers SET name = 'First' WHERE kind = 1 AND code = '00001'")
    with transaction(world.source, "UPDATE customers SET name = 'Open' WHERE kind = 1 AND code = '00005'"):
        assert counts(world.sync("customers")) == {"updated": 1}
        assert noted(world) == 0
        world.erp("UPDATE customers SET name = 'Third' WHERE kind = 1 AND code = '00002'")
    assert counts(world.sync("customers")) == {"updated": 2}


CASCADE = """
CREATE TABLE desks (kind integer NOT NULL, customer varchar(12) NOT NULL, branch varchar(8) NOT NULL,
  desk varchar(8) NOT NULL, floor integer, PRIMARY KEY (kind, customer, branch, desk),
  FOREIGN KEY (kind, customer, branch) REFERENCES branches (kind, customer, branch) ON DELETE CASCADE);
INSERT INTO desks SELECT kind, customer, branch, 'D1', 1 FROM branches
"""
DEEP = (
    TRIGGERED.replace(
        "            order: branch}\n",
        "            order: branch, related: {desks: {table: desks, many: true, order: desk,\n"
        "            on: {kind: kind, customer: customer, branch: branch}}}}\n",
    )
).replace(
    "fields: {code: branch, city: city}}",
    "fields: {code: branch, city: city, desks: {list: desks, fields: {code: desk, floor: floor}}}}",
)


def test_h15_a_grandchild_and_what_cascades_to_it(make_world: MakeWorld) -> None:
    world = make_world(DEEP)
    world.erp(CASCADE)
    install(world)
    world.sync()
    world.sync()
    world.erp("UPDATE desks SET floor = 2 WHERE customer = '00000' AND branch = 'B1'")
    assert counts(world.sync("customers")) == {"updated": 1}
    world.erp("UPDATE desks SET customer = '00004' , desk = 'D2' WHERE customer = '00000' AND branch = 'B1'")
    assert counts(world.sync("customers")) == {"updated": 2}
    on = "PRAGMA foreign_keys = ON; " if world.kind == "sqlite" else ""
    world.erp(f"{on}DELETE FROM branches WHERE customer = '00004'")
    assert counts(world.sync("customers")) == {"updated": 1}
    assert noted(world) == 0


def test_what_fires_no_trigger_is_said_by_check(watched: Install) -> None:
    world = watched()
    with marea.open(world.file, {}) as project:
        [report] = [entity for entity in project.check().entities if entity.name == "customers"]
    gaps = " ".join(report.tables[0].promise.gaps)
    said = {"sqlite": "INSERT OR REPLACE", "postgresql": "logical replication", "mariadb": "cascading"}
    assert said[world.kind] in gaps
