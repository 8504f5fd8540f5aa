"""What an explanation promises of the next run is what the next run does, on every database."""

from __future__ import annotations

from pathlib import Path

import pytest

import marea
from worlds import ENTITIES, World, counts

pytestmark = pytest.mark.integration

UNDATED = ENTITIES.replace(
    "      where: kind = 1\n      modified: modified\n", "      where: kind = 1\n      capture: watermark\n"
)
LATER = "2021-01-01 00:00:00"


def made(request: pytest.FixtureRequest, folder: Path, kind: str, config: str = ENTITIES) -> World:
    source = f"sqlite:///{folder}/erp.db" if kind == "sqlite" else request.getfixturevalue(f"{kind}_url")
    world = World(source, f"sqlite:///{folder}/crm.db", folder, config)
    world.fill(6)
    world.sync()
    return world


@pytest.fixture(params=["sqlite", "postgresql", "mariadb"])
def undated(request: pytest.FixtureRequest, tmp_path: Path) -> World:
    assert UNDATED != ENTITIES
    return made(request, tmp_path, request.param, UNDATED)


@pytest.fixture(params=["sqlite", "postgresql", "mariadb"])
def dated(request: pytest.FixtureRequest, tmp_path: Path) -> World:
    return made(request, tmp_path, request.param)


def steps(world: World, code: str) -> str:
    with marea.open(world.file, {}) as project:
        verdict = project.explain("customers", [1, code]).verdict
    return " | ".join((verdict.text, *verdict.steps))


EDITS = [
    ("UPDATE customers SET name = 'New' WHERE code = '00001'", False, False),
    (f"UPDATE customers SET name = 'New', modified = '{LATER}' WHERE code = '00001'", True, False),
    (f"UPDATE options SET category = 'B', modified = '{LATER}' WHERE customer = '00001'", True, True),
    ("DELETE FROM options WHERE customer = '00001'", False, False),
    (f"INSERT INTO customers VALUES (1, 'N', 'New', '22', 1, '{LATER}')", True, False),
    ("INSERT INTO customers VALUES (1, 'N', 'New', '22', 1, NULL)", False, False),
]


def promised(world: World, edit: str) -> bool:
    """Whether the next run is said to deliver the record edited; proves that what is said is so."""
    world.erp(edit)
    code = "N" if "'N'" in edit else "00001"
    told = steps(world, code)
    met = "the next run delivers it: marea sync" in told
    assert met != (f"marea sync customers --key 1,{code}" in told)
    assert met != ("marea sync customers --full" in told)
    assert bool(counts(world.sync())) is met
    assert sum(counts(world.sync(full=True)).values()) >= 6
    assert "as the source has it now" in steps(world, code)
    return met


@pytest.mark.parametrize(("edit", "with_date", "without"), EDITS)
def test_a_run_that_goes_by_the_dates_of_all_tables(
    dated: World, edit: str, with_date: bool, without: bool
) -> None:
    assert promised(dated, edit) is with_date


@pytest.mark.parametrize(("edit", "with_date", "without"), EDITS)
def test_a_run_that_goes_by_the_dates_of_related_tables_alone(
    undated: World, edit: str, with_date: bool, without: bool
) -> None:
    assert promised(undated, edit) is without


def test_a_record_rejected_in_an_undated_table_is_to_be_asked_for_once_it_is_mended(
    request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    world = made(request, tmp_path, "sqlite", UNDATED)
    world.erp("UPDATE customers SET name = '' WHERE code = '00001'")
    world.sync(full=True)
    assert "then deliver it: marea sync customers --key 1,00001" in steps(world, "00001")


TROUBLES = [
    ("tax = '99'", "tax = '22'", "waits for tax_codes 99", "waited for tax_codes 99"),
    ("name = ''", "name = 'Mended'", "is rejected: name is required", "was rejected: name is required"),
]
DATES = [("modified = modified", False), ("modified = NULL", False), (f"modified = '{LATER}'", True)]
BEFORE = "2020-06-01 00:00:00"


@pytest.mark.parametrize(("spoil", "mend", "before", "after"), TROUBLES)
@pytest.mark.parametrize(("date", "met"), [*DATES, ("modified = '2019-01-01 00:00:00'", False)])
def test_a_mended_record_comes_with_the_next_run_only_where_its_date_moved(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    spoil: str,
    mend: str,
    before: str,
    after: str,
    date: str,
    met: bool,
) -> None:
    world = made(request, tmp_path, "sqlite")
    world.erp(f"UPDATE customers SET {spoil}, modified = '{BEFORE}' WHERE code = '00001'")
    world.sync()
    assert before in steps(world, "00001")
    world.erp(f"UPDATE customers SET {mend}, {date} WHERE code = '00001'")
    told = steps(world, "00001")
    assert after in told
    assert ("the next run delivers it: marea sync" in told) is met
    assert ("its last-edit date did not move" in told) is not met
    assert ("marea touch customers" in told) is not met
    assert bool(counts(world.sync())) is met
    if not met:
        assert steps(world, "00001") == told
        assert world.sync(only_failed=True, keys=('[1,"00001"]',)).entities["customers"].detected == 1
    assert "as the source has it now" in steps(world, "00001")


def test_a_record_rejected_is_delivered_by_the_next_run_only_if_its_date_moves(
    request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    world = made(request, tmp_path, "sqlite")
    world.erp(f"UPDATE customers SET name = '', modified = '{BEFORE}' WHERE code = '00001'")
    world.erp(f"INSERT INTO customers VALUES (1, 'N', '', '22', 1, '{LATER}')")
    assert "the next run delivers it then" in steps(world, "N")
    assert "if its last-edit date has moved" not in steps(world, "N")
    world.sync()
    for code in ("00001", "N"):
        assert "the next run delivers it then, if its last-edit date has moved" in steps(world, code)
        assert f"if it has not: marea retry customers --key 1,{code}" in steps(world, code)


def test_a_record_that_waits_for_another_than_it_did_comes_with_that_one_only_if_its_date_moved(
    request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    world = made(request, tmp_path, "sqlite")
    world.erp(f"UPDATE customers SET tax = '99', modified = '{BEFORE}' WHERE code = '00001'")
    world.sync()
    world.erp("UPDATE customers SET tax = '98' WHERE code = '00001'")
    assert "then deliver it, for no last-edit date tells what it refers to now: marea sync" in steps(
        world, "00001"
    )
    world.erp(f"INSERT INTO tax_codes VALUES ('98', 4, '{LATER}')")
    assert counts(world.sync()) == {}
    world.erp("UPDATE customers SET tax = '97' WHERE code = '00001'")
    world.sync(only_failed=True)
    assert "it is delivered by the run that delivers that record" in steps(world, "00001")
    world.erp("INSERT INTO tax_codes VALUES ('97', 4, CURRENT_TIMESTAMP)")
    assert counts(world.sync()) == {"updated": 1}


def test_a_mapping_that_changed_brings_every_record(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    world = made(request, tmp_path, "sqlite")
    world.file.write_text(world.file.read_text("utf-8").replace("trim(name)", "upper(trim(name))"), "utf-8")
    assert "the next run delivers it: marea sync" in steps(world, "00001")
