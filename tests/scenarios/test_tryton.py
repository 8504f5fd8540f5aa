"""Tryton, a real ERP, edited by calls and by SQL: parties, products and taxes, each change with its cause."""

from __future__ import annotations

import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path
from threading import Event
from typing import Any, Protocol

import pytest

from by_hand import run_sql, transaction
from cli.conftest import Marea
from conftest import Servers
from marea.config.load import load
from marea.demo.crm_process import CrmProcess
from marea.engine.run.ended import Run
from marea.model import Cause, RunStatus
from scenarios.application import OPTIONS, Application, Holding
from scenarios.northwind import rows
from scenarios.tryton.company import COUNTRIES, PARTIES, RATES, TEMPLATES
from scenarios.tryton.entities import ENTITIES, MODIFIED, expected_parties, expected_products, expected_taxes
from scenarios.tryton.program import Tryton
from worlds import counts, journal, synchronize, write_project

pytestmark = pytest.mark.integration

FIRST = {"taxes": len(RATES), "products": TEMPLATES, "parties": PARTIES + 1}
"""The company is a party too."""

MANY, FEW = 500, 10
"""How many parties one call changes, and how many another deletes."""


class Held(Protocol):
    """What a target holds of an object, and under which of its ids."""

    def held(self, name: str) -> Holding: ...

    def keys(self, name: str) -> dict[str, str]: ...


class InPostgresql:
    """A PostgreSQL target, in which records go by the ERP's keys."""

    def __init__(self, url: str) -> None:
        self._url = url

    def held(self, name: str) -> Holding:
        return {str(row.pop("external_id")): row for row in rows(self._url, f"SELECT * FROM {name}")}

    def keys(self, name: str) -> dict[str, str]:
        return {key: key for key in self.held(name)}


class Aligned:
    """Tryton and a target that follows it, read by a login that may read and no more."""

    def __init__(self, tryton: Tryton, file: Path, target: Held) -> None:
        self.tryton = tryton
        self._file = file
        self._target = target

    def sync(self, **options: Any) -> Run:
        return synchronize(self._file, **options)

    def causes(self, *runs: Run) -> dict[str, dict[str, int]]:
        """Of each entity how many entries of these runs have which cause."""
        found: dict[str, Counter[str]] = {}
        for run in runs:
            for entry in journal(self._file, run=run.id):
                found.setdefault(entry.entity, Counter())[entry.cause] += 1
        return {name: dict(counter) for name, counter in found.items()}

    def changes(self, run: Run, entity: str) -> list[dict[str, Any]]:
        return [entry.changes for entry in journal(self._file, run=run.id, entity=entity)]

    def assert_equal(self) -> None:
        """Everything at the target is as it is in Tryton."""
        url, target, taxes = self.tryton.url, self._target, self._target.keys("taxes")
        products = target.held("products")
        for product in products.values():
            product["taxes"] = [{"tax": taxes[str(item["tax"])]} for item in product["taxes"]]
        assert target.held("taxes") == expected_taxes(url)
        assert products == expected_products(url)
        assert target.held("parties") == expected_parties(url)

    def assert_quiet(self) -> None:
        """Neither a second run, nor a scan, nor a full run writes anything."""
        entries = len(journal(self._file))
        for again in (self.sync(), self.sync(reconcile=True), self.sync(full=True)):
            assert {name for name in again.entities if set(counts(again, name)) - {"unchanged"}} == set()
        assert len(journal(self._file)) == entries

    def ids(self, model: str) -> list[int]:
        return sorted(self.tryton.call(f"{model}.search", []))


@pytest.fixture
def aligned(tryton: Tryton, tmp_path: Path, servers: Servers, marea: Marea) -> Callable[..., Aligned]:
    """Aligns Tryton, read by a login through a capture, with a target of this url and these options.

    What a capture needs in Tryton's database is made there by its administrator.
    """

    def make(
        target: Held, url: str, reader: str = "tryton_reader", capture: str = "watermark", **options: Any
    ) -> Aligned:
        create = "" if options else ", create: true"
        entities = ENTITIES.format(create=create, modified=MODIFIED) + f"defaults: {{capture: {capture}}}\n"
        source = tryton.url.replace("postgres@", f"{reader}@")
        file = write_project(tmp_path, entities, source, url, **options)
        if capture in ("trigger", "log"):
            printed = marea("capture", "install", "--sql", "--config", str(file)).out
            client = [servers.get("postgresql").bin / "psql", "-q", "-v", "ON_ERROR_STOP=1", tryton.url]
            subprocess.run(client, input=printed, text=True, check=True, stdout=subprocess.DEVNULL)
        return Aligned(tryton, file, target)

    return make


@pytest.fixture(params=["postgresql", "application"])
def world(
    request: pytest.FixtureRequest, tmp_path: Path, aligned: Callable[..., Aligned]
) -> Iterator[Aligned]:
    """Tryton before its first load into a database, or into an application with its own ids."""
    if request.param == "postgresql":
        url = request.getfixturevalue("postgresql_url")
        yield aligned(InPostgresql(url), url)
        return
    with CrmProcess(tmp_path / "crm.db") as process:
        held = Application(process)
        yield aligned(held, held.url, **OPTIONS)


def edit(world: Aligned) -> None:
    """Many parties by one call, an address by another, prices by SQL; some parties are deleted by a call."""
    tryton, parties = world.tryton, world.ids("party.party")
    tryton.call("party.party.write", parties[:MANY], {"name": "Rinominata S.r.l."})
    addresses = tryton.call("party.address.search", [["party", "=", parties[MANY + 1]]])
    tryton.call("party.address.write", addresses[:1], {"city": "Cesena"})
    run_sql(tryton.url, "UPDATE product_list_price SET list_price = list_price * 1.1 WHERE template <= 20")
    tryton.call("party.party.delete", parties[-FEW:])
    stamps = "SELECT count(*), count(DISTINCT write_date) FROM party_party WHERE name = 'Rinominata S.r.l.'"
    assert run_sql(tryton.url, stamps) == [(MANY, 1)]


def test_a_day_of_calls_and_sql(world: Aligned) -> None:
    first = world.sync()
    assert first.status is RunStatus.SUCCEEDED
    assert {name: counts(first, name) for name in FIRST} == {n: {"created": FIRST[n]} for n in FIRST}
    world.assert_equal()
    world.assert_quiet()

    edit(world)
    run, scan = world.sync(), world.sync(reconcile=True)
    assert world.causes(run)["parties"][Cause.LAST_EDIT] == MANY
    assert world.causes(run, scan) == {
        "parties": {Cause.LAST_EDIT: MANY, Cause.RELATED: 1, Cause.DELETE: FEW},
        "products": {Cause.DIRECT_SQL: 20},
    }
    assert {"list_price": (Decimal("1.5"), Decimal("1.65"))} in world.changes(scan, "products")
    world.assert_equal()
    world.assert_quiet()


@pytest.mark.parametrize(
    ("capture", "reader", "cause"),
    [
        ("xmin", "tryton_reader", Cause.XMIN),
        ("trigger", "tryton_reader", Cause.TRIGGER),
        ("log", "tryton_replica", Cause.LOG),
    ],
)
def test_a_day_seen_row_by_row(
    capture: str, reader: str, cause: Cause, postgresql_url: str, aligned: Callable[..., Aligned]
) -> None:
    """One run finds SQL too, by a login that may not change what Tryton has."""
    world = aligned(InPostgresql(postgresql_url), postgresql_url, reader, capture)
    world.sync()
    world.assert_quiet()
    edit(world)
    run, scan = world.sync(), world.sync(reconcile=True)
    assert world.causes(run)["products"] == {Cause.DIRECT_SQL: 20}
    assert world.causes(run, scan) == {
        "parties": {cause: MANY + 1, Cause.DELETE: FEW},
        "products": {Cause.DIRECT_SQL: 20},
    }
    world.assert_equal()
    world.assert_quiet()


@pytest.mark.parametrize(
    ("capture", "reader", "cause"),
    [
        ("watermark", "tryton_reader", Cause.LAST_EDIT),
        ("watermark", "tryton_monitor", Cause.LAST_EDIT),
        ("xmin", "tryton_reader", Cause.XMIN),
        ("trigger", "tryton_reader", Cause.TRIGGER),
    ],
)
def test_a_call_that_commits_late(
    capture: str,
    reader: str,
    cause: Cause,
    tryton: Tryton,
    postgresql_url: str,
    aligned: Callable[..., Aligned],
) -> None:
    """Its stamps are of its start: an edit that began later is delivered before they can be seen."""
    world = aligned(InPostgresql(postgresql_url), postgresql_url, reader, capture)
    world.sync()
    slow, blocked, quick = world.ids("party.party")[:3]
    hold = transaction(tryton.url, f"SELECT FROM party_party WHERE id = {blocked} FOR UPDATE")
    with ThreadPoolExecutor(1) as pool:
        with hold:
            late = pool.submit(tryton.call, "party.party.write", [slow, blocked], {"name": "Late"})
            await_lock(tryton.url)
            tryton.call("party.party.write", [quick], {"name": "Early"})
            during = world.sync()
            again = world.sync()
        late.result(60)
    assert world.causes(during) == {"parties": {cause: 1}}
    assert world.causes(again) == {}
    names = "SELECT name FROM party_party WHERE write_date IS NOT NULL ORDER BY write_date DESC LIMIT 3"
    assert run_sql(tryton.url, names) == [("Early",), ("Late",), ("Late",)]
    after = world.sync()
    assert world.causes(after) == {"parties": {cause: 2}}
    world.assert_equal()
    world.assert_quiet()


def await_lock(url: str) -> None:
    """Until a transaction of this database waits for a lock."""
    waiting = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    pause = Event()
    for _ in range(1000):
        if run_sql(url, waiting):
            return
        pause.wait(0.02)
    raise AssertionError("no call waits for the lock")


def test_calls_that_change_what_others_show(
    tryton: Tryton, postgresql_url: str, aligned: Callable[..., Aligned]
) -> None:
    """A price goes with its product, while variants, countries and taxes of a category are edited alone."""
    world = aligned(InPostgresql(postgresql_url), postgresql_url)
    world.sync()
    template, other = world.ids("product.template")[:2]
    tax = world.ids("account.tax")[-1]
    category = tryton.call("product.template.read", [other], ["account_category"])[0]["account_category"]
    country = tryton.call("country.country.search", [["code", "=", "FR"]])
    tryton.call("product.template.write", [template], {"list_price": Decimal("99.90")})
    tryton.call("product.product.create", [{"template": other, "suffix_code": "Z"}])
    tryton.call("product.category.write", [category], {"customer_taxes": [["add", [tax]]]})
    tryton.call("account.tax.write", [tax], {"rate": Decimal("0.23")})
    tryton.call("country.country.write", country, {"code": "FX"})
    tryton.call("party.address.delete", world.ids("party.address")[:1])
    tryton.call("party.party.write", world.ids("party.party")[:1], {"active": False})
    tryton.call("party.party.create", [{"name": "Nuova", "addresses": [["create", [{"city": "Rimini"}]]]}])
    run = world.sync()
    assert world.causes(run) == {
        "taxes": {Cause.LAST_EDIT: 1},
        "products": {Cause.LAST_EDIT: 1, Cause.RELATED: TEMPLATES // len(RATES)},
        "parties": {Cause.LAST_EDIT: 2, Cause.RELATED: PARTIES // len(COUNTRIES)},
    }
    assert counts(run, "parties")["created"] == 1
    scan = world.sync(reconcile=True)
    assert world.causes(scan) == {"parties": {Cause.SCAN: 1}}  # the address that is gone left no date
    world.assert_equal()
    world.assert_quiet()


@pytest.mark.soak
def test_every_table_as_init_finds_it(tryton: Tryton, tmp_path: Path, marea: Marea) -> None:
    """Some 160 entities that refer to one another, also in circles and to themselves; names with dashes."""
    source = tryton.url.replace("postgres@", "tryton_reader@")
    file = tmp_path / "marea.yaml"
    assert marea("init", "--source", source, "--target", "sqlite:///crm.db", "--output", str(file)).code == 0
    first, again = synchronize(file), synchronize(file, full=True)
    assert first.status is RunStatus.SUCCEEDED
    tables = {name: entity.source.table for name, entity in load(file).entities.items()}
    assert len(tables) > 150
    for name, table in tables.items():
        ((rows,),) = run_sql(tryton.url, f'SELECT count(*) FROM "{table}"')
        assert counts(first, name) == ({"created": rows} if rows else {})
        assert counts(again, name) == ({"unchanged": rows} if rows else {})
