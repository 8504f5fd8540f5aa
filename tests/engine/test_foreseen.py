"""What a table of the target is bound to refuse is said before a record is sent."""

from __future__ import annotations

from pathlib import Path

import pytest

import marea
from worlds import TABLES, World, counts

pytestmark = pytest.mark.integration

ENTITIES = """
  tax_codes:
    source: {system: erp, table: tax_codes, key: code, modified: modified}
    target: {system: crm, object: taxes, key: code}
    fields: {code: code, rate: rate}
  customers:
    source: {system: erp, table: customers, key: [kind, code], modified: modified}
    target: {system: crm, object: accounts, key: code}
    fields:
      code: code
      name: name
      credit: cast(credit as varchar)
      since: cast(modified as varchar)
      tax: {reference: tax_codes, value: tax}
"""
MADE = {
    "sqlite": ("INTEGER PRIMARY KEY", "GENERATED ALWAYS AS (1) VIRTUAL"),
    "postgresql": ("serial PRIMARY KEY", "GENERATED ALWAYS AS (1) STORED"),
    "mariadb": ("integer AUTO_INCREMENT PRIMARY KEY", "GENERATED ALWAYS AS (1) VIRTUAL"),
}


@pytest.fixture(params=MADE)
def world(request: pytest.FixtureRequest, tmp_path: Path) -> World:
    kind = request.param
    crm = f"sqlite:///{tmp_path}/crm.db" if kind == "sqlite" else request.getfixturevalue(f"{kind}_url")
    made = World(f"sqlite:///{tmp_path}/erp.db", crm, tmp_path, ENTITIES)
    made.fill(4)
    number, generated = MADE[kind]
    made.crm("CREATE TABLE taxes (code varchar(4) PRIMARY KEY, rate decimal(5,2))")
    made.crm(
        f"CREATE TABLE accounts (id {number}, code varchar(12) NOT NULL UNIQUE, name varchar(80),"
        " credit decimal(12,2), since date, tax integer, kind varchar(4) NOT NULL DEFAULT 'A',"
        f" one integer {generated}, region varchar(4) NOT NULL)"
    )
    return made


def notes(world: World) -> list[str]:
    with marea.open(world.file, {}) as project:
        report = project.check()
    assert report.faults == []
    return next(entity.notes for entity in report.entities if entity.name == "customers")


def test_a_column_that_no_field_fills_is_named_and_refuses_every_record(world: World) -> None:
    found = [note for note in notes(world) if "takes no NULL" in note]
    assert len(found) == 1
    assert 'customers.target.object: column "region" of table "accounts" takes no NULL' in found[0]
    assert "add a field region, or give the column a default" in found[0]
    assert counts(world.sync()) == {"rejected": 4}
    world.file.write_text(
        world.file.read_text().replace("      name: name\n", "      name: name\n      region: \"'N'\"\n")
    )
    assert [note for note in notes(world) if "takes no NULL" in note] == []
    assert counts(world.sync()) == {"created": 4}


def test_a_key_that_the_table_compares_less_exactly_is_named(world: World) -> None:
    def told() -> list[str]:
        return [note for note in notes(world) if "takes keys for equal" in note]

    by_default = world.target.startswith("mariadb")
    assert bool(told()) == by_default
    exact, loose = ("utf8mb4_nopad_bin", "utf8mb4_bin") if by_default else ("BINARY", "RTRIM")
    if world.target.startswith("postgresql"):
        return
    for collation, expected in ((exact, 0), (loose, 1)):
        world.crm("DROP TABLE accounts")
        world.crm(
            f"CREATE TABLE accounts (code varchar(12) COLLATE {collation} PRIMARY KEY, name varchar(80),"
            " credit varchar(20), since varchar(30), tax integer)"
        )
        assert len(found := told()) == expected
    assert 'customers.target.key: table "accounts" takes keys for equal' in found[0]
    assert "(code)" in found[0]


def test_a_text_for_a_column_of_another_type_is_named_where_it_would_be_refused(world: World) -> None:
    found = [note for note in notes(world) if "the field is text" in note]
    if world.target.startswith("sqlite"):
        assert found == []
        return
    assert len(found) == 2
    assert ': customers.fields.credit: the field is text and column "credit" is ' in found[0]
    assert "CAST(… AS DECIMAL(12,2))" in found[0]
    assert ': customers.fields.since: the field is text and column "since" is date' in found[1]
    assert "CAST(… AS DATE)" in found[1]


def test_a_column_that_changes_what_it_takes_is_named(world: World) -> None:
    rounding = [
        ("name", "char(8)", "pads or cuts blanks"),
        ("credit", "decimal(12,1)", "rounds to 1 digits after the point"),
        ("since", "date", "drops the time"),
    ]
    if world.target.startswith("sqlite"):
        rounding = [("name", "integer", "makes numbers of texts, 01 and 1.0 one")]
    plain = {"name": "varchar(80)", "credit": "decimal(12,2)", "since": TABLES[world.target.split(":")[0]]}
    given = world.file.read_text().replace("cast(credit as varchar)", "credit")
    world.file.write_text(given.replace("cast(modified as varchar)", "modified"))
    for natives in (plain, plain | {name: native for name, native, _ in rounding}):
        columns = ", ".join(f"{name} {native}" for name, native in natives.items())
        world.crm("DROP TABLE accounts")
        world.crm(f"CREATE TABLE accounts (code varchar(12) PRIMARY KEY, tax integer, {columns})")
        found = [note for note in notes(world) if "may hold other values" in note]
        expected = [] if natives is plain else rounding
        told = zip(expected, found, strict=True)
        assert all(f"fields.{name}: column" in note and does in note for (name, _, does), note in told)
