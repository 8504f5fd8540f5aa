"""A parent gets another id at the target: who refers to it follows, in the same run or in the next one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from by_hand import run_sql
from marea.engine.entity.systems import Systems
from marea.errors import ConfigurationError
from marea.model import Cause
from marea.ports import KEY, OPERATION, Receipt, Shape
from marea.testing.memory import MemoryTarget
from worlds import counts, journal, stopped_after, synchronize, write_project

pytestmark = pytest.mark.integration

ENTITIES = """
  orders:
    source: {system: erp, table: orders, key: id, modified: modified}
    target: {system: crm, object: orders, key: id, create: true}
    fields:
      id: id
      group: {reference: groups, value: [kind, grp]}
      previous: {reference: orders, value: previous}
  groups:
    source: {system: erp, table: groups, key: [kind, id], modified: modified}
    target: {system: crm, object: groups, key: code, create: true}
    fields: {kind: kind, id: id, code: code, name: name}
"""
ERP = """
CREATE TABLE groups (kind INTEGER, id INTEGER, code TEXT, name TEXT, modified DATETIME,
  PRIMARY KEY (kind, id));
CREATE TABLE orders (id INTEGER PRIMARY KEY, kind INTEGER, grp INTEGER, previous INTEGER, modified DATETIME);
INSERT INTO groups VALUES (1, 1, 'A', 'First', '2020-01-01'), (1, 2, 'B', 'Second', '2020-01-01');
INSERT INTO orders VALUES (1, 1, 1, NULL, '2020-01-01'), (2, 1, 2, 1, '2020-01-01'),
  (3, 1, NULL, 2, '2020-01-01'), (4, NULL, 1, NULL, '2020-01-01')
"""


class Story:
    """Orders that refer to groups and to each other."""

    def __init__(self, folder: Path, key: str = "code") -> None:
        self.file = write_project(folder, ENTITIES.replace("groups, key: code", f"groups, key: {key}"))
        self.folder = folder
        self.seconds = 0
        for statement in ERP.split(";"):
            self.erp(statement)

    def erp(self, text: str) -> None:
        run_sql(f"sqlite:///{self.folder / 'erp.db'}", text)

    def change(self, table: str, values: str, where: str) -> None:
        self.seconds += 1
        stamp = f"strftime('%Y-%m-%d %H:%M:%f', 'now', '-1 hour', '+{self.seconds} seconds')"
        self.erp(f"UPDATE {table} SET {values}, modified = {stamp} WHERE {where}")

    def sync(self, *names: str, **options: Any) -> dict[str, int]:
        return counts(synchronize(self.file, *names, **options), "orders")

    @property
    def orders(self) -> dict[object, tuple[object, ...]]:
        rows = run_sql(f"sqlite:///{self.folder / 'crm.db'}", 'SELECT id, "group", previous FROM orders')
        return {row[0]: row[1:] for row in rows}


@pytest.fixture
def story(tmp_path: Path) -> Story:
    return Story(tmp_path)


LOADED = {1: ("A", None), 2: ("B", "1"), 3: (None, "2"), 4: (None, None)}


def test_a_null_in_a_reference_means_no_parent(story: Story) -> None:
    assert story.sync() == {"created": 4}
    assert story.orders == LOADED


def test_several_key_fields_at_the_target_make_one_id(tmp_path: Path) -> None:
    story = Story(tmp_path, "[kind, id]")
    story.sync()
    assert story.orders[2] == ('["1","2"]', "1")


def test_who_refers_to_a_renamed_record_follows_in_the_same_run(story: Story) -> None:
    story.sync()
    story.change("groups", "code = 'Z'", "id = 1")
    assert story.sync() == {"updated": 1, "unchanged": 3}
    assert story.orders == LOADED | {1: ("Z", None)}
    assert journal(story.file, entity="orders")[-1].cause is Cause.PARENT
    assert story.sync() == {}


def test_who_was_not_in_the_run_follows_in_the_next_one(story: Story) -> None:
    story.sync()
    story.change("groups", "code = 'Z'", "id = 1")
    synchronize(story.file, "groups")
    assert story.orders == LOADED
    assert story.sync() == {"updated": 1, "unchanged": 3}
    assert story.orders[1] == ("Z", None)
    assert story.sync() == {}


def test_chosen_records_do_not_count_as_all(story: Story) -> None:
    story.sync()
    story.change("groups", "code = 'Z'", "id = 1")
    synchronize(story.file, "groups")
    assert story.sync("orders", keys=("2",)) == {"unchanged": 1}
    assert story.sync("orders") == {"updated": 1, "unchanged": 3}


def test_a_change_that_keeps_the_id_evaluates_nobody(story: Story) -> None:
    story.sync()
    story.change("groups", "name = 'Other'", "id = 1")
    assert story.sync() == {}


def test_a_run_that_ends_in_between_is_completed_by_the_next(story: Story) -> None:
    story.sync()
    story.change("groups", "code = 'Y'", "id = 1")
    story.change("groups", "code = 'Z'", "id = 2")
    for commits in (0, 1, 2):
        with stopped_after(commits, "orders"):
            story.sync(page=1)
    story.sync()
    assert story.orders == LOADED | {1: ("Y", None), 2: ("Z", "1")}
    assert story.sync() == {}


class OwnIds(MemoryTarget):
    """Gives its own ids, counted; a record that was removed there comes back under another one."""

    def __init__(self) -> None:
        super().__init__()
        self.ids: dict[tuple[str, str], str] = {}

    def deliver(self, shape: Shape, batch: pa.Table) -> Receipt:
        super().deliver(shape, batch)
        places = [(shape.entity, key) for key in batch.column(KEY).to_pylist()]
        for place, operation in zip(places, batch.column(OPERATION).to_pylist(), strict=True):
            assert operation != "delete"
            self.ids.setdefault(place, f"{shape.entity}-{len(self.ids)}")
        return Receipt(target_ids=pa.array([self.ids[place] for place in places], pa.string()))

    def previous(self) -> dict[str, object]:
        return {key: record["previous"] for key, record in self.records["orders"].items()}

    def groups(self) -> dict[str, object]:
        return {key: record["group"] for key, record in self.records["orders"].items()}


def put_in_place(story: Story, target: MemoryTarget, monkeypatch: pytest.MonkeyPatch) -> None:
    story.file.write_text(story.file.read_text().replace(", create: true", ""))
    monkeypatch.setattr(Systems, "target", lambda self, name: target)
    monkeypatch.setattr(target, "close", lambda: None)


def test_a_record_made_again_under_another_id_is_followed(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = OwnIds()
    put_in_place(story, target, monkeypatch)
    story.sync()
    assert target.groups()["1"] == target.ids["groups", "[1,1]"]
    old = target.ids.pop(("groups", "[1,1]"))
    target.ids["groups", "gone"] = old
    story.change("groups", "name = 'Again'", "id = 1")
    assert story.sync() == {"updated": 1, "unchanged": 3}
    assert target.groups()["1"] == target.ids["groups", "[1,1]"] != old


def test_records_that_refer_to_their_own_kind_follow_too(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = OwnIds()
    put_in_place(story, target, monkeypatch)
    story.sync()
    target.ids["orders", "gone"] = target.ids.pop(("orders", "1"))
    story.change("orders", "grp = 2", "id = 1")
    assert story.sync() == {"updated": 2, "unchanged": 2}
    assert target.previous() == {
        "1": None,
        "2": target.ids["orders", "1"],
        "3": target.ids["orders", "2"],
        "4": None,
    }
    assert story.sync() == {}


class Restless(OwnIds):
    """Gives other ids at every delivery."""

    def deliver(self, shape: Shape, batch: pa.Table) -> Receipt:
        rest = {place: number for place, number in self.ids.items() if place[0] != shape.entity}
        self.ids = {**rest, **{(f"{len(self.ids)}", str(n)): "x" for n in range(len(self.ids) + 1)}}
        return super().deliver(shape, batch)


def test_a_target_whose_ids_never_settle_does_not_keep_the_run(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_in_place(story, Restless(), monkeypatch)
    story.sync()
    story.change("orders", "grp = 2", "id = 1")
    assert story.sync()["updated"] >= 2


def test_a_target_without_ids_is_referred_to_by_its_keys(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = MemoryTarget()
    put_in_place(story, target, monkeypatch)
    story.sync()
    orders = target.records["orders"]
    assert [orders[key]["group"] for key in ("1", "2", "3", "4")] == ["A", "B", None, None]
    assert orders["2"]["previous"] == "1"
    story.change("groups", "code = 'Z'", "id = 1")
    assert story.sync() == {"updated": 1, "unchanged": 3}
    assert orders["1"]["group"] == "Z"


def test_a_reference_of_another_type_than_the_key_is_told_before_anything_is_delivered(
    story: Story,
) -> None:
    text = story.file.read_text()
    story.file.write_text(text.replace("value: previous", 'value: "CAST(previous AS VARCHAR)"'))
    with pytest.raises(ConfigurationError) as caught:
        story.sync()
    (fault,) = caught.value.faults
    assert (fault.entity, fault.field, fault.line) == ("orders", "fields.previous", 13)
    assert (
        "of type VARCHAR never equals the key column id of orders, which is of type BIGINT" in fault.message
    )
    assert fault.hint == "write CAST(CAST(previous AS VARCHAR) AS BIGINT)"


def test_a_parent_that_was_refused_later_keeps_its_id(story: Story) -> None:
    text = story.file.read_text()
    story.file.write_text(text + "    checks: [{that: \"name <> 'bad'\", say: Bad}]\n")
    story.sync()
    story.change("groups", "name = 'bad'", "id = 1")
    story.change("orders", "grp = 1", "id = 2")
    assert story.sync() == {"updated": 1}
    assert story.orders[2] == ("A", "1")
