from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

import marea
from marea.engine.look.promised import Promised
from marea.engine.project import Project
from marea.model import Cause, Operation, Outcome
from worlds import World, counts

pytestmark = pytest.mark.integration

LATER = "2021-01-04 00:00:00"  # long ago, so that no run reads it twice

STAFF = """
  staff:
    source: {system: erp, table: staff, key: id, modified: modified}
    target: {system: crm, object: staff, key: id, create: true}
    fields: {id: id, chief: {reference: staff, value: chief}, site: {reference: sites, value: site}}
  sites:
    source: {system: erp, table: sites, key: id, modified: modified}
    target: {system: crm, object: sites, key: id, create: true}
    fields: {id: id, head: {reference: staff, value: head}}
"""


def databases(folder: Path) -> tuple[str, str]:
    return f"sqlite:///{folder}/erp.db", f"sqlite:///{folder}/crm.db"


@pytest.fixture
def world(tmp_path: Path) -> World:
    made = World(*databases(tmp_path), tmp_path)
    made.fill(6)
    return made


@pytest.fixture
def project(world: World) -> Iterator[Project]:
    with marea.open(world.file, {}) as opened:
        yield opened


def outcomes(project: Project, name: str = "customers", **words: object) -> dict[str, int]:
    books = project.plan(**words)[name].books  # type: ignore[arg-type]
    assert books.balanced
    return {outcome.value: number for outcome, number in books.counts.items() if number}


def test_a_plan_is_what_the_run_then_does(world: World, project: Project) -> None:
    edits = [
        "SELECT 1",
        "UPDATE customers SET name = 'New', modified = '2021-01-01 00:00:00' WHERE code = '00001'",
        "UPDATE customers SET name = '', modified = '2021-01-02 00:00:00' WHERE code = '00002'",
        "UPDATE options SET category = 'B', modified = '2021-01-03 00:00:00' WHERE customer = '00003'",
        f"UPDATE customers SET tax = '4', modified = '{LATER}' WHERE code IN ('00004', '00005')",
        f"INSERT INTO tax_codes VALUES ('4', 4, '{LATER}')",
    ]
    for edit in edits:
        world.erp(edit)
        planned = {name: outcomes(project, name) for name in ("tax_codes", "customers")}
        result = world.sync()
        assert planned == {name: counts(result, name) for name in planned}


def test_waiting_records_are_released_by_what_the_plan_creates(world: World, project: Project) -> None:
    world.erp(f"UPDATE customers SET tax = '4', modified = '{LATER}' WHERE code IN ('00004', '00005')")
    world.sync()
    world.erp(f"INSERT INTO tax_codes VALUES ('4', 4, '{LATER}')")
    found = project.plan()["customers"]
    released = [record for record in found.records if record.cause is Cause.PARENT]
    assert [record.key for record in released] == ['[1,"00004"]', '[1,"00005"]']
    assert released[0].changes["tax"] == (None, '(tax_codes "4")')


def test_the_records_tell_operation_cause_and_exact_values(world: World, project: Project) -> None:
    world.sync()
    world.change("customers", "credit = 0.1", "code = '00001'")
    [record] = [r for r in project.plan()["customers"].records if r.outcome is Outcome.UPDATED]
    assert (record.key, record.operation, record.cause) == ('[1,"00001"]', Operation.UPDATE, Cause.LAST_EDIT)
    assert record.changes == {"credit": (Decimal("100.5"), Decimal("0.1"))}


def test_the_limit_keeps_records_few_and_counts_whole(project: Project) -> None:
    found = project.plan(limit=2)["customers"]
    assert (len(found.records), found.books.detected) == (2, 6)


def test_a_request_plans_what_it_would_read(world: World, project: Project) -> None:
    world.sync()
    assert outcomes(project, full=True) == {"unchanged": 6}
    assert outcomes(project, resend=True) == {"updated": 6}
    assert outcomes(project, names=["customers"], where="code < '00002'") == {"unchanged": 2}
    assert outcomes(project, names=["customers"], keys=["1,00001"]) == {"unchanged": 1}


def test_a_changed_mapping_is_planned_for_all(world: World, project: Project) -> None:
    world.sync()
    world.file.write_text(world.file.read_text("utf-8").replace("trim(name)", "upper(trim(name))"), "utf-8")
    with marea.open(world.file, {}) as changed:
        found = changed.plan()["customers"]
    assert found.books.counts[Outcome.UPDATED] == 6
    assert {record.cause for record in found.records} == {Cause.MAPPING}


def test_nothing_of_the_state_moves(world: World, project: Project, tmp_path: Path) -> None:
    world.sync()
    world.change("customers", "name = 'New'", "code = '00001'")
    before = project.status()
    project.plan()
    assert project.status() == before
    assert outcomes(project) == outcomes(project)


def test_entities_that_refer_to_each_other_and_to_themselves(tmp_path: Path) -> None:
    world = World(*databases(tmp_path), tmp_path, STAFF)
    world.erp("CREATE TABLE staff (id integer PRIMARY KEY, chief integer, site integer, modified datetime)")
    world.erp("CREATE TABLE sites (id integer PRIMARY KEY, head integer, modified datetime)")
    world.erp("INSERT INTO staff VALUES (1, NULL, NULL, '2020-01-01'), (2, 1, NULL, '2020-01-01')")
    world.erp("INSERT INTO staff VALUES (3, 4, 20, '2020-01-01'), (4, 2, NULL, '2020-01-01')")
    world.erp("INSERT INTO sites VALUES (10, 1, '2020-01-01'), (20, 99, '2020-01-01')")
    with marea.open(world.file, {}) as project:
        planned = {name: outcomes(project, name) for name in ("staff", "sites")}
    result = world.sync()
    assert {name: len(world.crm(f"SELECT id FROM {name}")) for name in planned} == {
        name: found["created"] for name, found in planned.items()
    }
    assert result.entities["sites"].counts[Outcome.CREATED] == 1


def test_what_one_plan_promises_is_no_other_plans_business() -> None:
    first, second = Promised(), Promised()
    first.wait("a", "1", ("b", "2"))
    assert second.released("a") == []
