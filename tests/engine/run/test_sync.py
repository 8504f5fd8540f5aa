from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from marea.errors import RunStopped
from marea.mapping.mapper import Mapper
from marea.model import Cause, Outcome, RunStatus
from worlds import CIRCLE, World, counts, stopped_after

if TYPE_CHECKING:
    import pyarrow as pa

pytestmark = pytest.mark.integration

PAIRS = [
    ("sqlite", "sqlite"),
    ("postgresql", "postgresql"),
    ("mariadb", "mariadb"),
    ("postgresql", "mariadb"),
    ("mariadb", "postgresql"),
]


def url(request: pytest.FixtureRequest, kind: str, role: str, folder: Path) -> str:
    if kind == "sqlite":
        return f"sqlite:///{folder / role}.db"
    name = {"source": "", "target": "other_"}[role]
    return str(request.getfixturevalue(f"{name}{kind}_url"))


@pytest.fixture(params=PAIRS, ids=[f"{source}-to-{target}" for source, target in PAIRS])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> World:
    source, target = request.param
    made = World(url(request, source, "source", tmp_path), url(request, target, "target", tmp_path), tmp_path)
    made.fill()
    return made


@pytest.fixture
def small(tmp_path: Path) -> World:
    made = World(f"sqlite:///{tmp_path / 'erp.db'}", f"sqlite:///{tmp_path / 'crm.db'}", tmp_path)
    made.fill()
    return made


def accounts(world: World) -> dict[str, tuple[object, ...]]:
    rows = world.crm("SELECT code, name, category, tax, credit, branches FROM accounts ORDER BY code")
    return {
        str(row[0]): (*row[1:5], row[5] if isinstance(row[5], list) else json.loads(str(row[5])))
        for row in rows
    }


def test_first_load_then_nothing(world: World) -> None:
    first = world.sync()
    assert first.status is RunStatus.SUCCEEDED
    assert counts(first) == {"created": 40}
    assert counts(first, "tax_codes") == {"created": 2}
    branches = [{"code": "B1", "city": "Città B1"}, {"code": "B2", "city": "Città B2"}]
    got = accounts(world)
    assert len(got) == 40
    name, category, tax, credit, listed = got["00004"]
    assert (name, category, tax, Decimal(str(credit)), listed) == (
        "Name 00004",
        "A",
        "22",
        Decimal("100.5"),
        branches,
    )
    assert got["00005"][4] == []
    entries = len(world.log())
    second = world.sync()
    assert counts(second) == {}
    assert len(world.log()) == entries


def test_what_comes_into_tables_that_were_empty_is_found(world: World) -> None:
    for table in ("customers", "options", "branches", "tax_codes"):
        world.erp(f"DELETE FROM {table}")
    assert counts(world.sync()) == {}
    world.fill(3)
    assert counts(world.sync()) == {"created": 3}
    assert counts(world.sync()) == {}


def test_what_an_earlier_feed_brought_is_not_read_again_for_a_later_one(world: World) -> None:
    world.sync()
    for table in ("options", "branches", "customers"):
        world.erp(f"UPDATE {table} SET modified = '2021-01-01 00:00:00'")
    assert counts(world.sync()) == {"unchanged": 40}
    assert counts(world.sync()) == {}


def test_exactly_the_changed_are_updated_with_before_and_after(world: World) -> None:
    world.sync()
    world.change("customers", "credit = credit + 1", "code IN ('00001', '00002', '00003')")
    result = world.sync()
    assert counts(result) == {"updated": 3}
    entries = world.log(run=result.id)
    assert [entry.key for entry in entries] == [[1, "00001"], [1, "00002"], [1, "00003"]]
    assert {entry.cause for entry in entries} == {Cause.LAST_EDIT}
    assert [entry.changes for entry in entries] == [{"credit": (Decimal("100.5"), Decimal("101.5"))}] * 3
    assert Decimal(str(accounts(world)["00002"][3])) == Decimal("101.5")


def test_a_change_in_any_table_evaluates_the_root_once(world: World) -> None:
    world.sync()
    world.change("options", "category = 'B'", "customer IN ('00001', '00004')")
    world.change("branches", "city = 'Roma'", "customer = '00004'")
    world.change("customers", "name = 'New'", "code IN ('00004', '00007')")
    result = world.sync()
    assert counts(result) == {"updated": 3}
    causes = {entry.key[1]: entry.cause for entry in world.log(run=result.id)}
    assert causes == {"00001": Cause.RELATED, "00004": Cause.LAST_EDIT, "00007": Cause.LAST_EDIT}
    assert [branch["city"] for branch in accounts(world)["00004"][4]] == ["Roma", "Roma"]


def test_a_full_run_finds_direct_sql_and_names_it(world: World) -> None:
    world.sync()
    world.erp("UPDATE customers SET name = 'Behind' WHERE code = '00011'")
    assert counts(world.sync()) == {}
    result = world.sync(full=True)
    assert counts(result) == {"updated": 1, "unchanged": 39}
    (entry,) = world.log(run=result.id)
    assert (entry.key, entry.cause) == ([1, "00011"], Cause.DIRECT_SQL)


def test_a_change_in_a_table_without_a_date_went_around_none(small: World) -> None:
    text = small.file.read_text().replace(
        "options: {table: options, on: {kind: kind, customer: code}, modified: modified}",
        "options: {table: options, on: {kind: kind, customer: code}}",
    )
    small.file.write_text(text)
    small.sync()
    small.erp("UPDATE options SET category = 'Z' WHERE customer = '00001'")
    small.change("customers", "name = 'Moved'", "code = '00002'")
    result = small.sync(full=True)
    causes = {entry.key[1]: entry.cause for entry in small.log(run=result.id)}
    assert causes == {"00001": Cause.FULL, "00002": Cause.LAST_EDIT}


def test_a_row_deleted_from_a_list_is_found_by_the_full_run_alone(small: World) -> None:
    small.sync()
    small.erp("DELETE FROM branches WHERE customer = '00004' AND branch = 'B1'")
    result = small.sync(full=True)
    assert [entry.cause for entry in small.log(run=result.id)] == [Cause.FULL]


def test_an_entity_without_any_date_is_read_whole_and_says_so(small: World) -> None:
    text = small.file.read_text().replace("key: code, modified: modified}", "key: code}")
    small.file.write_text(text)
    small.sync("tax_codes")
    small.erp("UPDATE tax_codes SET rate = 23 WHERE code = '22'")
    result = small.sync("tax_codes")
    assert [entry.cause for entry in small.log(run=result.id)] == [Cause.FULL]


def test_a_bad_record_is_named_and_holds_back_no_other(world: World) -> None:
    world.erp("UPDATE customers SET credit = -1 WHERE code = '00003'")
    world.erp("UPDATE customers SET name = ' ', credit = -2 WHERE code = '00004'")
    first = world.sync()
    assert first.status is RunStatus.PARTIAL
    assert counts(first) == {"created": 38, "rejected": 2}
    errors = {entry.key[1]: entry.error for entry in world.log(outcome=Outcome.REJECTED)}
    assert errors == {
        "00003": "The credit is negative",
        "00004": "name is required and empty; The credit is negative",
    }
    world.change("customers", "credit = 5, name = 'Right'", "code IN ('00003', '00004')")
    assert counts(world.sync()) == {"created": 2}


def test_a_record_waits_for_its_parent_and_is_released_by_it(world: World) -> None:
    world.erp("UPDATE customers SET tax = '4' WHERE code = '00008'")
    first = world.sync()
    assert counts(first) == {"created": 39, "waiting": 1}
    assert counts(world.sync()) == {}
    world.erp("INSERT INTO tax_codes VALUES ('4', 4.00, '2021-01-01 00:00:00')")
    result = world.sync()
    assert counts(result, "tax_codes") == {"created": 1}
    assert counts(result) == {"created": 1}
    assert accounts(world)["00008"][2] == "4"
    (entry,) = world.log(run=result.id, entity="customers")
    assert entry.cause is Cause.PARENT


def test_a_new_mapping_resends_only_what_differs(world: World) -> None:
    world.sync()
    text = world.file.read_text()
    world.file.write_text(text.replace("name: trim(name)", "name: replace(trim(name), '00001', 'X')"))
    result = world.sync()
    assert counts(result) == {"updated": 1, "unchanged": 39}
    (entry,) = world.log(run=result.id)
    assert entry.cause is Cause.MAPPING
    assert counts(world.sync()) == {}


def test_named_records_alone_are_resent(small: World) -> None:
    small.sync()
    result = small.sync("customers", keys=('[1,"00003"]', '[1,"00009"]'), resend=True)
    assert counts(result) == {"updated": 2}
    assert {entry.cause for entry in small.log(run=result.id)} == {Cause.REQUEST}
    assert counts(small.sync("customers", where="code < '00005'")) == {"unchanged": 5}


def test_an_absent_target_interrupts_and_the_next_run_delivers_all(small: World, tmp_path: Path) -> None:
    small.sync()
    file, aside = tmp_path / "crm.db", tmp_path / "aside.db"
    file.rename(aside)
    file.mkdir()
    small.change("customers", "name = 'Later'", "code < '00010'")
    away = small.sync()
    assert away.status is RunStatus.INTERRUPTED
    assert len(away.messages) == 1
    assert "crm" in away.messages[0]
    file.rmdir()
    aside.rename(file)
    assert counts(small.sync()) == {"updated": 10}


def test_a_future_stamp_does_not_hide_later_changes(small: World) -> None:
    small.sync()
    small.erp("UPDATE customers SET name = 'Future', modified = '2199-01-01 00:00:00' WHERE code = '00001'")
    assert counts(small.sync()) == {"updated": 1}
    small.change("customers", "name = 'Now'", "code = '00002'")
    assert counts(small.sync())["updated"] == 1
    assert accounts(small)["00002"][0] == "Now"


def test_rows_of_one_stamp_are_not_sent_again(small: World) -> None:
    small.sync()
    small.erp("UPDATE customers SET name = 'Bulk', modified = '2025-05-05 05:05:05'")
    assert counts(small.sync()) == {"updated": 40}
    assert counts(small.sync()) == {}


def test_books_balance_and_skips_are_counted(small: World) -> None:
    small.sync()
    small.change("customers", "tax = tax", "code < '00003'")
    result = small.sync()
    books = result.entities["customers"]
    assert books.balanced
    assert counts(result) == {"unchanged": 3}
    assert books.skipped == {"same content, newer date": 3}


@pytest.mark.parametrize("kept", [0, 1])
def test_a_stage_that_loses_a_record_stops_the_run_and_writes_nothing(
    small: World, monkeypatch: pytest.MonkeyPatch, kept: int
) -> None:
    whole = Mapper.map

    def lossy(self: Mapper, *parts: Any) -> pa.Table:
        return whole(self, *parts).slice(0, kept)

    with monkeypatch.context() as patched:
        patched.setattr(Mapper, "map", lossy)
        with pytest.raises(RunStopped, match=f"2 records detected, {kept} have an outcome"):
            small.sync("tax_codes")
    assert small.log() == []
    assert counts(small.sync("tax_codes"), "tax_codes") == {"created": 2}


def test_entities_that_refer_to_each_other_settle_in_one_run(tmp_path: Path) -> None:
    world = World(f"sqlite:///{tmp_path / 'erp.db'}", f"sqlite:///{tmp_path / 'crm.db'}", tmp_path, CIRCLE)
    world.erp("CREATE TABLE staff (id INTEGER PRIMARY KEY, site INTEGER, boss INTEGER)")
    world.erp("CREATE TABLE sites (id INTEGER PRIMARY KEY, head INTEGER)")
    world.erp("INSERT INTO staff VALUES (1, 13, 2), (2, 12, 3), (3, 11, 4), (4, NULL, NULL)")
    world.erp("INSERT INTO sites VALUES (11, 4), (12, 3), (13, 2)")
    assert world.sync().status is RunStatus.SUCCEEDED
    assert world.crm("SELECT id FROM staff ORDER BY id") == [(1,), (2,), (3,), (4,)]
    assert world.crm("SELECT id FROM sites ORDER BY id") == [(11,), (12,), (13,)]


def test_a_change_at_the_cursor_of_an_earlier_feed_is_not_lost(small: World) -> None:
    """A run stops inside one feed; what only a later feed can bring is still brought by the next run."""
    small.sync(page=2)
    stamp = "2025-05-05 05:05:05"
    small.erp(f"UPDATE options SET category = 'Z', modified = '{stamp}'")
    small.erp(f"UPDATE branches SET city = 'Roma', modified = '{stamp}'")
    with stopped_after(3, "customers"):
        small.sync(page=2)
    small.erp(f"UPDATE branches SET city = 'Pisa', modified = '{stamp}' WHERE customer = '00000'")
    small.sync(page=2)
    assert {branch["city"] for branch in accounts(small)["00000"][4]} == {"Pisa"}


def test_a_mapping_edited_while_the_first_load_is_interrupted_reaches_every_record(small: World) -> None:
    with stopped_after(3, "customers"):
        small.sync(page=5)
    text = small.file.read_text()
    small.file.write_text(text.replace("name: trim(name)", "name: upper(trim(name))"))
    with stopped_after(0, "customers"):
        small.sync(page=5)
    small.sync(page=5)
    assert {row[0] for row in accounts(small).values()} == {f"NAME {number:05d}" for number in range(40)}


def test_a_mapping_taken_back_before_every_record_followed_it_is_taken_back_everywhere(small: World) -> None:
    small.sync()
    before, text = accounts(small), small.file.read_text()
    small.file.write_text(text.replace("name: trim(name)", "name: upper(trim(name))"))
    small.sync("customers", keys=('[1,"00007"]',))
    with stopped_after(2, "customers"):
        small.sync(page=5)
    assert accounts(small) != before
    small.file.write_text(text)
    small.sync()
    assert accounts(small) == before


def test_a_full_run_begins_an_unfinished_first_load_anew(small: World) -> None:
    with stopped_after(3, "customers"):
        small.sync(page=5)
    assert counts(small.sync(full=True)) == {"unchanged": 15, "created": 25}


def test_a_continued_first_load_brings_what_came_behind_it_and_reads_nothing_twice(world: World) -> None:
    with stopped_after(3, "customers"):
        world.sync(page=5)
    edited = "name = 'Late', modified = '2021-01-01 00:00:00'"
    world.erp(f"UPDATE customers SET {edited} WHERE code IN ('00002', '00014', '00015', '00030')")
    result = world.sync(page=5)
    assert counts(result) == {"created": 25, "updated": 2}
    assert result.entities["customers"].detected == 27
    assert counts(world.sync()) == {}


def test_another_last_edit_date_begins_at_its_beginning(small: World) -> None:
    small.erp("ALTER TABLE customers ADD edited DATETIME")
    small.sync()
    small.erp("UPDATE customers SET name = 'Edited', edited = '2019-01-01 00:00:00' WHERE code = '00007'")
    assert counts(small.sync()) == {}
    text = small.file.read_text()
    small.file.write_text(
        text.replace("where: kind = 1\n      modified: modified", "where: kind = 1\n      modified: edited")
    )
    assert counts(small.sync())["updated"] == 1


def test_another_last_edit_date_during_the_first_load_begins_it_anew(small: World) -> None:
    small.erp("ALTER TABLE customers ADD edited DATETIME")
    with stopped_after(3, "customers"):
        small.sync(page=5)
    small.erp("UPDATE customers SET name = 'Edited', edited = '2019-01-01 00:00:00' WHERE code = '00002'")
    text = small.file.read_text()
    small.file.write_text(
        text.replace("where: kind = 1\n      modified: modified", "where: kind = 1\n      modified: edited")
    )
    small.sync(page=5)
    assert accounts(small)["00002"][0] == "Edited"
    small.erp("UPDATE customers SET name = 'Again', edited = '2019-06-01 00:00:00' WHERE code = '00003'")
    small.sync(page=5)
    assert accounts(small)["00003"][0] == "Again"
