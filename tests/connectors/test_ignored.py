"""A table that drops rows without an error: no record is told as written that is not there."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

import marea
from marea.config.settings import SystemSettings
from marea.connectors.postgresql.target import postgresql_target
from marea.connectors.sqlite.target import SqliteTarget
from marea.delivery.deliver import Delivered, deliver
from marea.model import Operation
from marea.ports import Shape, Target
from marea.stop import Stop
from marea.testing import batch, shape
from worlds import World

pytestmark = pytest.mark.integration

Sql = Callable[[str], Any]
NAMES = shape({"code": pa.string(), "name": pa.string()})
TABLE = "CREATE TABLE t (code varchar(9) PRIMARY KEY, name varchar(9))"
SKIPS = """
CREATE FUNCTION skip() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN IF NEW.name = 'bad' THEN RETURN NULL; END IF; RETURN NEW; END $$;
CREATE TRIGGER skip BEFORE INSERT OR UPDATE ON t FOR EACH ROW EXECUTE FUNCTION skip()
"""
RAISES = [
    f"CREATE TRIGGER skip_{event} BEFORE {event} ON t WHEN NEW.name = 'bad' BEGIN SELECT RAISE(IGNORE); END"
    for event in ("INSERT", "UPDATE")
]
ENTITIES = """
  tax_codes:
    source: {system: erp, table: tax_codes, key: code, modified: modified}
    target: {system: crm, object: taxes, key: code}
    fields: {code: code, rate: rate}
"""


@pytest.fixture
def in_file(sqlite: SystemSettings) -> Iterator[Target]:
    target = SqliteTarget(sqlite)
    yield target
    target.close()


@pytest.fixture
def in_postgresql(postgresql: SystemSettings) -> Iterator[Target]:
    target = postgresql_target(postgresql)
    yield target
    target.close()


def sent(target: Target, to: Shape, operation: Operation = Operation.CREATE, **names: str) -> Delivered:
    """What became of records, delivered as a run does it."""
    target.prepare(to)
    rows: list[Mapping[str, Any]] = [{"code": code, "name": name} for code, name in names.items()]
    return deliver("crm", target, to, batch(to, rows, operation), Stop())


def codes(delivered: Delivered) -> dict[int, str]:
    return {row: problem.code for row, problem in delivered.receipt.rejected.items()}


@pytest.mark.parametrize("target", ["in_file", "in_postgresql"])
def test_a_row_that_a_trigger_ignores_is_rejected_and_no_other(
    target: str, request: pytest.FixtureRequest
) -> None:
    run: Sql = request.getfixturevalue("on_sqlite" if target == "in_file" else "on_postgresql")
    to: Target = request.getfixturevalue(target)
    for text in (TABLE, *(RAISES if target == "in_file" else [SKIPS])):
        run(text)
    first = sent(to, NAMES, a="1", b="bad", c="3", d="4", e="bad")
    assert codes(first) == {1: "ignored", 4: "ignored"}
    assert 'table "t" gave no error and yet does not hold the record' in first.receipt.rejected[1].text
    assert run("SELECT code FROM t ORDER BY code") == [("a",), ("c",), ("d",)]


def test_an_update_that_a_trigger_ignores_is_rejected(in_file: Target, on_sqlite: Sql) -> None:
    for text in (TABLE, *RAISES):
        on_sqlite(text)
    sent(in_file, NAMES, a="1", c="3", d="4")
    again = sent(in_file, NAMES, Operation.UPDATE, a="1", b="2", c="bad", d="new")
    assert codes(again) == {2: "ignored"}
    assert on_sqlite("SELECT * FROM t ORDER BY code") == [("a", "1"), ("b", "2"), ("c", "3"), ("d", "new")]


@pytest.mark.parametrize("clause", ["IGNORE", "REPLACE"])
@pytest.mark.parametrize("key", ["PRIMARY KEY", ""])
def test_what_a_table_resolves_by_itself_is_refused(
    clause: str, key: str, in_file: Target, on_sqlite: Sql
) -> None:
    on_sqlite(f"CREATE TABLE t (code TEXT {key}, name TEXT UNIQUE ON CONFLICT {clause})")
    assert codes(sent(in_file, NAMES, a="1", b="1", c="3")) == {1: "constraint"}
    assert codes(sent(in_file, NAMES, Operation.UPDATE, c="1", d="4")) == {0: "constraint"}
    assert on_sqlite("SELECT * FROM t ORDER BY code") == [("a", "1"), ("c", "3"), ("d", "4")]


def test_check_names_the_clauses(tmp_path: Path) -> None:
    world = World(f"sqlite:///{tmp_path}/erp.db", f"sqlite:///{tmp_path}/crm.db", tmp_path, ENTITIES)
    world.fill(3)
    world.crm("CREATE TABLE taxes (code TEXT PRIMARY KEY ON CONFLICT REPLACE, rate DECIMAL(5,2))")
    world.crm("CREATE TRIGGER few BEFORE INSERT ON taxes WHEN NEW.rate < 0 BEGIN SELECT RAISE(IGNORE); END")
    with marea.open(world.file, {}) as project:
        (entity,) = project.check().entities
    (note,) = [note for note in entity.notes if "drops rows" in note]
    assert "(ON CONFLICT REPLACE, RAISE(IGNORE))" in note
