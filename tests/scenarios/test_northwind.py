"""Northwind from PostgreSQL to MariaDB and to an application with its own ids: all values read back equal."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from by_hand import run_sql
from marea.demo.crm_process import CrmProcess
from marea.model import RunStatus
from scenarios.northwind import ENTITIES, expected_customers, expected_products, load_northwind
from worlds import counts, journal, synchronize

pytestmark = pytest.mark.integration

Holding = dict[str, dict[str, Any]]

REST = """
version: 1
systems:
  erp: {{url: "{source}"}}
  crm:
    url: "{target}/api/v2"
    auth: {{bearer: "demo"}}
    create: {{method: POST, path: "/{{object}}", id: id}}
    update: {{method: PUT, path: "/{{object}}/{{id}}"}}
    find: {{method: GET, path: "/{{object}}?external_id={{key}}", items: items, id: id}}
entities:
"""

SQL = """
version: 1
systems:
  erp: {{url: "{source}"}}
  crm: {{url: "{target}"}}
entities:
"""


def write(folder: Path, head: str, source: str, target: str, create: str) -> Path:
    file = folder / "marea.yaml"
    file.write_text(head.format(source=source, target=target) + ENTITIES.format(create=create))
    return file


class InMariadb:
    """Northwind's records as a MariaDB target holds them."""

    def __init__(self, url: str) -> None:
        self._url = url

    def products(self) -> Holding:
        names = ("name", "category", "supplier", "price", "stock", "discontinued")
        found = run_sql(self._url, f"SELECT external_id, {', '.join(names)} FROM products")
        held = {str(row[0]): dict(zip(names, row[1:], strict=True)) for row in found}
        return {key: {**value, "discontinued": bool(value["discontinued"])} for key, value in held.items()}

    def customers(self) -> Holding:
        names = ("name", "contact", "region", "orders")
        found = run_sql(self._url, f"SELECT external_id, {', '.join(names)} FROM customers")
        held = {str(row[0]): dict(zip(names, row[1:], strict=True)) for row in found}
        return {key: {**value, "orders": parsed(value["orders"])} for key, value in held.items()}


class InCrm:
    """Northwind's records as the demo CRM holds them, its own ids put back to the ERP's keys."""

    def __init__(self, crm: CrmProcess) -> None:
        self._crm = crm

    def _records(self, name: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        after = 0
        while after is not None:
            page = parsed(json.dumps(self._crm.ask("GET", f"/api/v2/{name}?limit=1000&after={after}")))
            found += page["items"]
            after = page["next"]
        return found

    def _keys(self, name: str) -> dict[str, str]:
        return {str(record["id"]): str(record["external_id"]) for record in self._records(name)}

    def _held(self, name: str) -> Holding:
        return {
            str(record["external_id"]): {k: v for k, v in record.items() if k not in ("id", "external_id")}
            for record in self._records(name)
        }

    def products(self) -> Holding:
        categories, suppliers = self._keys("categories"), self._keys("suppliers")
        return {
            key: {**held, "category": categories[held["category"]], "supplier": suppliers[held["supplier"]]}
            for key, held in self._held("products").items()
        }

    def customers(self) -> Holding:
        products, held = self._keys("products"), self._held("customers")
        for customer in held.values():
            for order in customer["orders"]:
                for line in order["lines"]:
                    line["product"] = products[line["product"]]
        return held


def parsed(text: object) -> Any:
    return json.loads(str(text), parse_float=Decimal)


def story(source: str, file: Path, held: InMariadb | InCrm) -> None:
    """First load equal, second run writes nothing, ten edits give ten updates with before and after."""
    first = synchronize(file)
    assert first.status is RunStatus.SUCCEEDED
    assert {name: counts(first, name) for name in first.entities} == {
        "categories": {"created": 8},
        "suppliers": {"created": 29},
        "products": {"created": 77},
        "customers": {"created": 91},
    }
    assert held.products() == expected_products(source)
    assert held.customers() == expected_customers(source)
    entries = len(journal(file))
    for again in (synchronize(file), synchronize(file, full=True)):
        assert {name for name in again.entities if set(counts(again, name)) - {"unchanged"}} == set()
    assert len(journal(file)) == entries
    ten_products(source, file)
    assert held.products() == expected_products(source)


def ten_products(source: str, file: Path) -> None:
    before = expected_products(source)
    run_sql(
        source, "UPDATE products SET unit_price = unit_price + 1.25, modified = now() WHERE product_id <= 10"
    )
    result = synchronize(file)
    assert counts(result, "products") == {"updated": 10}
    entries = journal(file, run=result.id)
    assert len(entries) == 10
    for entry in entries:
        old = before[str(entry.key)]["price"]
        assert entry.changes == {"price": (old, old + Decimal("1.25"))}


def test_to_mariadb(tmp_path: Path, postgresql_url: str, mariadb_url: str) -> None:
    load_northwind(postgresql_url)
    file = write(tmp_path, SQL, postgresql_url, mariadb_url, ", create: true")
    story(postgresql_url, file, InMariadb(mariadb_url))


@pytest.fixture
def crm(tmp_path: Path) -> Iterator[CrmProcess]:
    with CrmProcess(tmp_path / "crm.db") as process:
        yield process


def test_to_an_application_with_its_own_ids(tmp_path: Path, postgresql_url: str, crm: CrmProcess) -> None:
    load_northwind(postgresql_url)
    file = write(tmp_path, REST, postgresql_url, crm.address, "")
    story(postgresql_url, file, InCrm(crm))
