"""Northwind from PostgreSQL to MariaDB and to an application with its own ids: all values read back equal."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from by_hand import run_sql
from marea.demo.crm_process import CrmProcess
from marea.model import RunStatus
from scenarios.application import OPTIONS, Application, Holding, parsed
from scenarios.northwind import ENTITIES, expected_customers, expected_products, load_northwind
from worlds import counts, journal, synchronize, write_project

pytestmark = pytest.mark.integration


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


class InCrm(Application):
    """Northwind's records as the demo CRM holds them, its own ids put back to the ERP's keys."""

    def products(self) -> Holding:
        categories, suppliers = self.keys("categories"), self.keys("suppliers")
        return {
            key: {**held, "category": categories[held["category"]], "supplier": suppliers[held["supplier"]]}
            for key, held in self.held("products").items()
        }

    def customers(self) -> Holding:
        products, held = self.keys("products"), self.held("customers")
        for customer in held.values():
            for order in customer["orders"]:
                for line in order["lines"]:
                    line["product"] = products[line["product"]]
        return held


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
    entities = ENTITIES.format(create=", create: true")
    file = write_project(tmp_path, entities, postgresql_url, mariadb_url)
    story(postgresql_url, file, InMariadb(mariadb_url))


@pytest.fixture
def crm(tmp_path: Path) -> Iterator[InCrm]:
    with CrmProcess(tmp_path / "crm.db") as process:
        yield InCrm(process)


def test_to_an_application_with_its_own_ids(tmp_path: Path, postgresql_url: str, crm: InCrm) -> None:
    load_northwind(postgresql_url)
    file = write_project(tmp_path, ENTITIES.format(create=""), postgresql_url, crm.url, **OPTIONS)
    story(postgresql_url, file, crm)
