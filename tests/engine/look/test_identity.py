"""A key names one record: rows without one are left out, and of several rows with one none is delivered."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from by_hand import run_sql
from marea.config.load import load
from marea.engine.project import Project
from marea.errors import RunStopped
from marea.model import Operation, Outcome, RunStatus
from marea.store.custody import Announced, Custody
from marea.store.state import open_state
from worlds import copied, counts, journal, synchronize, write_project

pytestmark = pytest.mark.integration


OLD = "2020-01-01 00:00:00"


class Items:
    """A table without a unique index, whose key is chosen by the test."""

    def __init__(self, source: str, target: str, folder: Path, key: str) -> None:
        self.source, self.target = source, target
        self.file = write_project(folder, copied("items", "grp", "code", "name", key=key), source, target)
        stamp = "datetime" if source.startswith("mariadb") else "timestamp"
        self.erp(f"CREATE TABLE items (grp varchar(9), code integer, name varchar(9), modified {stamp})")

    def erp(self, text: str) -> None:
        run_sql(self.source, text)

    def add(self, *rows: str, edited: str = OLD) -> None:
        values = ", ".join(f"({row}, '{edited}')" for row in rows)
        self.erp(f"INSERT INTO items VALUES {values}")

    def names(self) -> list[str]:
        return [str(row[0]) for row in run_sql(self.target, "SELECT name FROM items ORDER BY name")]

    def problems(self) -> dict[str, tuple[str | None, str | None]]:
        return {str(entry.key): (entry.code, entry.error) for entry in journal(self.file) if entry.code}


@pytest.fixture(params=["sqlite", "postgresql", "mariadb"])
def items(request: pytest.FixtureRequest, tmp_path: Path) -> Items:
    kind = request.param
    source = f"sqlite:///{tmp_path}/erp.db" if kind == "sqlite" else request.getfixturevalue(f"{kind}_url")
    return Items(str(source), f"sqlite:///{tmp_path}/crm.db", tmp_path, "grp")


@pytest.fixture
def pairs(tmp_path: Path) -> Items:
    return Items(f"sqlite:///{tmp_path}/erp.db", f"sqlite:///{tmp_path}/crm.db", tmp_path, "[grp, code]")


def test_rows_without_a_key_are_left_out_and_told(items: Items) -> None:
    items.add("'a', 1, 'A'", "NULL, 2, 'X'", "NULL, 3, 'Y'", "'b', 4, 'B'")
    run = synchronize(items.file, page=1)
    assert run.status is RunStatus.PARTIAL
    assert counts(run, "items") == {"created": 2}
    assert run.entities["items"].balanced
    assert run.entities["items"].on_left_out("items") == [
        "items: 2 rows have no key, or one that cannot be read, and cannot be delivered: give each a key"
    ]
    assert items.names() == ["A", "B"]
    items.erp("DELETE FROM items WHERE grp IS NULL")
    for options in ({}, {"full": True}, {"resend": True}, {"only_failed": True}):
        assert synchronize(items.file, **options).status is RunStatus.SUCCEEDED


def test_a_key_with_an_empty_part_is_none(pairs: Items) -> None:
    pairs.add("'a', 1, 'A'", "'a', NULL, 'X'", "NULL, 1, 'Y'")
    run = synchronize(pairs.file)
    assert (counts(run, "items"), run.entities["items"].left_out) == ({"created": 1}, 2)


def test_a_changed_row_without_a_key_holds_back_no_other_change(items: Items) -> None:
    items.add("'a', 1, 'A'", "'b', 2, 'B'")
    synchronize(items.file)
    items.add("NULL, 3, 'X'", "'c', 4, 'C'", "NULL, 5, 'Y'", edited="2021-01-01 00:00:00")
    run = synchronize(items.file, page=1)
    assert (counts(run, "items"), run.entities["items"].left_out) == ({"created": 1}, 2)
    items.add("'d', 6, 'D'", edited="2021-01-01 00:00:01")
    assert counts(synchronize(items.file), "items") == {"created": 1}


@pytest.mark.parametrize("page", [1, 2, 3, 100])
def test_no_row_of_a_key_that_several_have_is_delivered(items: Items, page: int) -> None:
    items.add("'a', 1, 'A'", "'g', 2, 'G1'", "'g', 3, 'G2'", "'g', 4, 'G3'", "'z', 5, 'Z'")
    for options in ({}, {"full": True}):
        run = synchronize(items.file, page=page, **options)
        assert run.status is RunStatus.PARTIAL
        assert run.entities["items"].detected == 3
        assert run.entities["items"].counts[Outcome.REJECTED] == 1
    assert items.names() == ["A", "Z"]
    ((code, error),) = items.problems().values()
    assert code == "not-unique"
    assert error == '3 rows of the source have the key "g", which must name one record'


def test_keys_that_differ_in_case_alone_are_several(items: Items) -> None:
    if items.source.startswith("mariadb"):
        items.erp("ALTER TABLE items MODIFY grp varchar(9) COLLATE utf8mb4_general_ci")
    items.add("'g', 1, 'lower'", "'G', 2, 'upper'")
    assert counts(synchronize(items.file), "items") == {"created": 2}


def test_a_second_row_with_a_delivered_key_is_met_by_its_change_alone(items: Items) -> None:
    items.add("'g', 1, 'G1'", "'h', 2, 'H'")
    synchronize(items.file)
    items.add("'g', 3, 'G2'", edited="2021-01-01 00:00:00")
    assert counts(synchronize(items.file), "items") == {"rejected": 1}
    assert items.names() == ["G1", "H"]
    items.erp("DELETE FROM items WHERE code = 3")
    assert counts(synchronize(items.file, only_failed=True), "items") == {"updated": 1}


def test_check_tells_what_a_key_does_not_promise(items: Items) -> None:
    items.add("'a', 1, 'A'", "NULL, 2, 'X'")
    with Project(load(items.file)) as project:
        (entity,) = project.check().entities
    keyless, unguarded = entity.notes[:2]
    assert keyless.startswith("1 of the first rows of items have no key (grp)")
    assert unguarded.startswith("no unique index makes sure that a key (grp) is in items once")
    items.erp("DELETE FROM items WHERE grp IS NULL; CREATE UNIQUE INDEX one ON items (grp)")
    with Project(load(items.file)) as project:
        (entity,) = project.check().entities
    assert not [note for note in entity.notes if "key" in note]


JOINED = """
  items:
    source:
      system: erp
      table: items
      key: code
      modified: modified
      related:
        notes:
          table: notes
          on: {owner: grp}
          order: line
          many: true
          DATED
    target: {system: crm, object: items, key: code, create: true}
    fields: {code: code, notes: {list: notes, fields: {text: text}}}
"""


@pytest.mark.parametrize("dated", ["modified: modified", ""])
def test_check_tells_of_a_join_of_text_with_a_number(items: Items, dated: str) -> None:
    stamp = "datetime" if items.source.startswith("mariadb") else "timestamp"
    items.erp(f"CREATE TABLE notes (owner integer, line integer, text varchar(9), modified {stamp})")
    items.file = write_project(items.file.parent, JOINED.replace("DATED", dated), items.source)
    with Project(load(items.file)) as project:
        report = project.check()
    if dated and items.source.startswith("postgresql"):  # it compares them nowhere: a run could not
        (fault,) = report.faults
        assert (fault.field, fault.line) == ("source.related.notes.on", 16)
        assert "operator does not exist: integer = character varying" in fault.message
        return
    assert report.faults == []
    (note,) = [note for note in report.entities[0].notes if "relation" in note]
    assert note.lower().startswith("relation notes joins owner (int")
    assert "with grp (varchar" in note or "with grp (character varying" in note


def test_a_state_takes_no_intent_without_a_key(tmp_path: Path) -> None:
    state = open_state(f"sqlite:///{tmp_path}/state.db")
    keys = {Operation.CREATE: pa.chunked_array([pa.array(["1", None])])}
    with pytest.raises(RunStopped, match="without a key"):
        state.intend(Custody(1, 1, 1), 0, Announced(keys))
    state.close()
