from __future__ import annotations

import pytest

from cli.conftest import Marea, Shop
from cli.shapes import check_counts

pytestmark = pytest.mark.integration


def test_the_document_shows_fields_before_and_after(marea: Marea, shop: Shop) -> None:
    done = marea("plan", "--full", "--json")
    assert done.code == 0
    customers = done.document["entities"]["customers"]
    check_counts(customers, "records")
    records = {record["key"][1]: record for record in customers["records"]}
    assert records["00006"]["changes"] == {"name": ["Name 00006", "By SQL"]}
    assert records["00006"]["cause"] == "direct SQL"
    assert records["N2"]["changes"]["name"] == [None, "Late"]
    assert records["00001"]["error"] == "name is required and empty"
    assert customers["skipped"]["same content"] == 10


def test_the_text_says_that_nothing_was_written(marea: Marea, shop: Shop) -> None:
    out = marea("plan", "--full").out
    assert "customers 1,00006: updated (direct SQL)" in out
    assert "Name 00006 -> By SQL" in out
    assert "10 same content" in out
    assert out.splitlines()[-1].startswith("nothing was written")


def test_no_command_is_named_where_a_run_would_do_nothing(marea: Marea, shop: Shop) -> None:
    assert "marea sync" not in marea("plan", "tax_codes").out
    assert "`marea sync` with the same words does it" in marea("plan", "tax_codes", "--full").out


def test_nothing_is_written_anywhere(marea: Marea, fresh: Shop) -> None:
    assert marea("plan").code == 0
    beside = {"erp.db-shm", "erp.db-wal"}  # what SQLite lays beside a file in WAL mode to read it
    assert {path.name for path in fresh.folder.iterdir()} - beside == {"erp.db", "marea.yaml"}


def test_references_to_records_of_the_same_plan_count_as_there(marea: Marea, fresh: Shop) -> None:
    entities = marea("plan", "--json").document["entities"]
    assert list(entities) == ["tax_codes", "customers"]
    customers = entities["customers"]
    assert (customers["created"], customers["rejected"], customers["waiting"]) == (12, 1, 1)
    assert customers["records"][0]["changes"]["tax"] == [None, '(tax_codes "22")']


def test_the_limit_holds(marea: Marea, fresh: Shop) -> None:
    done = marea("plan", "--limit", "2", "--json")
    assert [len(entity["records"]) for entity in done.document["entities"].values()] == [2, 2]
    assert "12 more records of customers" in marea("plan", "--limit", "2").out
    assert marea("plan", "--limit", "0").code == 2


def test_one_record(marea: Marea, shop: Shop) -> None:
    done = marea("plan", "customers", "--key", "1,00006", "--json")
    assert done.document["entities"]["customers"]["updated"] == 1
