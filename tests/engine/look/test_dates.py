"""`marea check` tells what the last-edit dates of a table hide, on every database, with a bound."""

from __future__ import annotations

from pathlib import Path

import pytest

from marea.config.load import load
from marea.engine.look import dates as examined
from marea.engine.look.promises import TableReport
from marea.engine.project import Project
from marea.sql import dates
from worlds import World

pytestmark = pytest.mark.integration

ENTITIES = """
  customers:
    source:
      system: erp
      table: customers
      key: [kind, code]
      where: "kind = 1 AND name NOT LIKE 'x%'"
      modified: modified
      related: {options: {table: options, on: {kind: kind, customer: code}, modified: modified}}
    target: {system: crm, object: accounts, key: code, create: true}
    fields: {code: code, name: name}
"""


@pytest.fixture(params=["sqlite", "postgresql", "mariadb"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> World:
    url = request.getfixturevalue(f"{request.param}_url")
    made = World(url, f"sqlite:///{tmp_path / 'crm.db'}", tmp_path, ENTITIES)
    made.fill(10)
    return made


@pytest.fixture
def sqlite(tmp_path: Path) -> World:
    made = World(f"sqlite:///{tmp_path / 'erp.db'}", f"sqlite:///{tmp_path / 'crm.db'}", tmp_path, ENTITIES)
    made.fill(10)
    return made


def told(world: World, relation: str = "") -> tuple[str, ...]:
    with Project(load(world.file)) as project:
        report = project.check()
    assert report.faults == []
    tables: list[TableReport] = report.entities[0].tables
    return next(table.warnings for table in tables if table.relation == relation)


def test_dates_in_order_are_not_mentioned(world: World) -> None:
    assert told(world) == ()
    assert told(world, "options") == ()


def test_rows_without_a_date_are_counted_within_the_filter(world: World) -> None:
    world.erp("UPDATE customers SET modified = NULL WHERE code IN ('00001', '00002', '00003')")
    world.erp("UPDATE customers SET name = 'x', modified = NULL WHERE code = '00004'")
    (warning,) = told(world)
    assert warning.startswith("3 of its rows have no last-edit date")
    assert warning.endswith("the first load delivers them, and no later run sees them; set one in the source")


def test_another_date_of_the_table_may_stand_for_one_that_is_missing(sqlite: World) -> None:
    sqlite.erp("ALTER TABLE customers ADD COLUMN born DATE")
    sqlite.erp("ALTER TABLE customers ADD COLUMN entered DATETIME")
    sqlite.erp("UPDATE customers SET modified = NULL WHERE code = '00001'")
    (warning,) = told(sqlite)
    assert warning.endswith(
        "no later run sees it; `modified: coalesce(modified, entered)` takes another date instead"
    )
    text = sqlite.file.read_text("utf-8").replace(
        "modified: modified\n      related", "modified: coalesce(modified, entered)\n      related"
    )
    sqlite.file.write_text(text, "utf-8")
    (warning,) = told(sqlite)
    assert warning.endswith("set one in the source")


def test_dates_in_the_future_are_counted(world: World) -> None:
    world.erp("UPDATE options SET modified = '2199-01-01 00:00:00' WHERE customer = '00001'")
    assert told(world) == ()
    (warning,) = told(world, "options")
    assert warning.startswith("1 of its rows has a last-edit date in the future")


def test_a_large_table_without_an_index_is_named_and_looked_at_in_part(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dates, "LOOKED_AT", 5)
    monkeypatch.setattr(examined, "LOOKED_AT", 5)
    (warning,) = told(world)
    assert "no index begins with modified, and the table has 5 rows or more" in warning
    world.erp("UPDATE customers SET modified = NULL")
    assert told(world)[0].startswith("5 or more of the first 5 rows have no last-edit date")


def test_an_index_finds_what_the_first_rows_do_not_show(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dates, "LOOKED_AT", 5)
    monkeypatch.setattr(examined, "LOOKED_AT", 5)
    world.erp("CREATE INDEX edited ON customers (modified)")
    assert told(world) == ()
    world.erp("UPDATE customers SET modified = NULL WHERE code = '00009'")
    world.erp("UPDATE customers SET modified = '2199-01-01 00:00:00' WHERE code = '00008'")
    undated, ahead = told(world)
    assert undated.startswith("1 of its rows has no last-edit date")
    assert ahead.startswith("1 of its rows has a last-edit date in the future")


def test_what_is_no_date_is_said_and_a_number_that_grows_is_fine(world: World) -> None:
    text = world.file.read_text()
    world.erp("ALTER TABLE customers ADD version integer")
    world.erp("UPDATE customers SET version = 7")
    world.file.write_text(text.replace("modified: modified\n", "modified: version\n"))
    assert told(world) == ()
    world.file.write_text(text.replace("modified: modified\n", "modified: name\n"))
    (warning,) = told(world)
    assert "name is" in warning
    assert "which is no date" in warning


@pytest.mark.parametrize(
    ("stamps", "ways"),
    [
        (("2024-01-02", "2024-01-02 03:04:05"), ["a date alone", "a blank before the time"]),
        (("2024-01-02T03:04:05", "2024-01-02 03:04:05"), ["a T before the time", "a blank before the time"]),
        (("2024-01-02 03:04:05Z", "2024-01-02 03:04:05.123"), ["a blank before the time and a Z"]),
        (("2024-01-02T03:04:05+02:00", "2024-01-02T03:04:05"), ["and an offset"]),
        ((1704164645, "2024-01-02 03:04:05"), ["a number"]),
        (("02/01/2024", "2024-01-02 03:04:05"), ["no date"]),
    ],
)
def test_sqlite_stamps_written_in_several_ways(
    sqlite: World, stamps: tuple[object, ...], ways: list[str]
) -> None:
    sqlite.erp(f"UPDATE customers SET modified = '{stamps[1]}'")
    written = stamps[0] if isinstance(stamps[0], int) else f"'{stamps[0]}'"
    sqlite.erp(f"UPDATE customers SET modified = {written} WHERE code = '00001'")
    warning = next(each for each in told(sqlite) if "ways" in each)
    assert "written in 2 ways, which do not sort together" in warning
    assert all(way in warning for way in ways)
    assert "(9)" in warning
    assert "(1)" in warning


def test_texts_that_are_no_dates_are_not_taken_for_the_future(
    sqlite: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    sqlite.erp("UPDATE customers SET modified = 'Name ' || code")
    (warning,) = told(sqlite)
    assert warning.startswith("modified holds no date in any of its rows (10)")
    sqlite.erp("UPDATE customers SET modified = '2199-01-01 00:00:00' WHERE code = '00001'")
    ahead, ways = told(sqlite)
    assert ahead.startswith("1 of its rows has a last-edit date in the future")
    assert "no date (9)" in ways
    monkeypatch.setattr(examined, "LOOKED_AT", 5)
    sqlite.erp("CREATE INDEX edited ON customers (modified)")
    assert told(sqlite)[0].startswith("1 of its rows has a last-edit date in the future")


def test_fractions_of_a_second_sort_with_whole_ones(sqlite: World) -> None:
    sqlite.erp("UPDATE customers SET modified = '2024-01-02 03:04:05.123' WHERE code = '00001'")
    assert told(sqlite) == ()


def test_the_bound_is_what_the_pages_say() -> None:
    page = (Path(__file__).parents[3] / "docs" / "commands.md").read_text("utf-8")
    assert f"{dates.LOOKED_AT:,} rows" in page
