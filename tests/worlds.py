"""Owns a small ERP and a CRM for tests of whole runs: made by SQL, synchronized by Marea, compared."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from by_hand import run_sql
from marea.config.load import load
from marea.engine.entity.clock import Clock, system_clock
from marea.engine.entity.request import Request
from marea.engine.entity.systems import Systems
from marea.engine.run.context import PAGE_ROWS
from marea.engine.run.ended import Run
from marea.engine.run.runner import Runner
from marea.engine.run.stages import Settled
from marea.engine.run.sync import EntitySync
from marea.store.journal import Entry, EntryFilter
from marea.store.state import open_state

TABLES = {
    "sqlite": "DATETIME",
    "postgresql": "timestamp(6)",
    "mariadb": "datetime(6)",
}

SCHEMA = """
CREATE TABLE tax_codes (code varchar(4) PRIMARY KEY, rate decimal(5,2), modified {stamp} NOT NULL);
CREATE TABLE customers (kind integer NOT NULL, code varchar(12) NOT NULL, name varchar(80), tax varchar(4),
  credit decimal(12,2), modified {stamp}, PRIMARY KEY (kind, code));
CREATE TABLE options (kind integer NOT NULL, customer varchar(12) NOT NULL, category varchar(8),
  modified {stamp} NOT NULL, PRIMARY KEY (kind, customer));
CREATE TABLE branches (kind integer NOT NULL, customer varchar(12) NOT NULL, branch varchar(8) NOT NULL,
  city varchar(40), modified {stamp} NOT NULL, PRIMARY KEY (kind, customer, branch));
"""

ENTITIES = """
  customers:
    source:
      system: erp
      table: customers
      key: [kind, code]
      where: kind = 1
      modified: modified
      related:
        options: {table: options, on: {kind: kind, customer: code}, modified: modified}
        branches:
          {table: branches, on: {kind: kind, customer: code}, modified: modified, many: true,
            order: branch}
    target: {system: crm, object: accounts, key: code, create: true}
    fields:
      code: code
      name: trim(name)
      category: options.category
      tax: {reference: tax_codes, value: tax}
      credit: credit
      branches: {list: branches, fields: {code: branch, city: city}}
    require: [name]
    checks:
      - {that: "credit >= 0", say: The credit is negative}
  tax_codes:
    source: {system: erp, table: tax_codes, key: code, modified: modified}
    target: {system: crm, object: tax_codes, key: code, create: true}
    fields: {code: code, rate: rate}
"""

CIRCLE = """
  staff:
    source: {system: erp, table: staff, key: id}
    target: {system: crm, object: staff, key: id, create: true}
    fields: {id: id, site: {reference: sites, value: site}, boss: {reference: staff, value: boss}}
  sites:
    source: {system: erp, table: sites, key: id}
    target: {system: crm, object: sites, key: id, create: true}
    fields: {id: id, head: {reference: staff, value: head}}
"""
"""Staff and sites, which refer to each other, and staff to staff too; a test makes their tables itself."""

OLD = "2020-01-01 00:00:00"

NEAR = ("sqlite:///erp.db", "sqlite:///crm.db")
"""Files beside the configuration."""


def write_project(
    folder: Path, entities: str, source: str = NEAR[0], target: str = NEAR[1], **options: Any
) -> Path:
    """Writes a configuration with these entities (YAML), an ERP, and a CRM with these options."""
    file = folder / "marea.yaml"
    systems = {"erp": {"url": source}, "crm": {"url": target, **options}}
    lines = ["# the configuration of a test", "version: 1", "systems:"]
    for name, values in systems.items():
        given = ", ".join(f"{key}: {json.dumps(value)}" for key, value in values.items())
        lines.append(f"  {name}: {{{given}}}")
    file.write_text("\n".join([*lines, "entities:", entities.lstrip("\n")]), "utf-8")
    return file


def copied(
    name: str, *fields: str, key: str | None = None, at_target: str | None = None, create: bool = True
) -> str:
    """An entity (YAML) whose records are the rows of a table of its name, dated by `modified`.

    Its key is its first field, or as `key` says; `at_target` is another key there.
    """
    key = key or fields[0]
    made = ", create: true" if create else ""
    return (
        f"  {name}:\n"
        f"    source: {{system: erp, table: {name}, key: {key}, modified: modified}}\n"
        f"    target: {{system: crm, object: {name}, key: {at_target or key}{made}}}\n"
        f"    fields: {{{', '.join(f'{field}: {field}' for field in fields)}}}\n"
    )


class World:
    """An ERP with customers, options, branches and tax codes, and a CRM database that follows it."""

    def __init__(self, source: str, target: str, folder: Path, entities: str = ENTITIES) -> None:
        self.source, self.target, self.folder = source, target, folder
        self.kind = urlsplit(source).scheme
        self.file = write_project(folder, entities, source, target)
        self.clock_skew = 0
        self.erp(SCHEMA.format(stamp=TABLES[self.kind]))

    def erp(self, text: str) -> list[tuple[object, ...]]:
        """Run SQL in the ERP."""
        return run_sql(self.source, text)

    def crm(self, text: str) -> list[tuple[object, ...]]:
        """Run SQL in the CRM."""
        return run_sql(self.target, text)

    def fill(self, customers: int = 40) -> None:
        """Two tax codes, customers with options, and two branches for every fourth."""
        codes = [f"{number:05d}" for number in range(customers)]
        rows = {
            "tax_codes": [f"('22', 22.00, '{OLD}')", f"('10', 10.50, '{OLD}')"],
            "customers": [f"(1, '{c}', 'Name {c} ', '22', 100.50, '{OLD}')" for c in codes],
            "options": [f"(1, '{c}', 'A', '{OLD}')" for c in codes],
            "branches": [
                f"(1, '{c}', '{b}', 'Città {b}', '{OLD}')" for c in codes[::4] for b in ("B2", "B1")
            ],
        }
        self.erp("; ".join(f"INSERT INTO {table} VALUES {', '.join(rows[table])}" for table in rows))

    def change(self, table: str, assignments: str, where: str) -> None:
        """An edit as the ERP makes it: with the last-edit date."""
        now = {"sqlite": "CURRENT_TIMESTAMP", "postgresql": "clock_timestamp()", "mariadb": "now(6)"}[
            self.kind
        ]
        self.erp(f"UPDATE {table} SET {assignments}, modified = {now} WHERE {where}")

    def sync(self, *names: str, **options: Any) -> Run:
        """One run as `marea sync` makes it."""
        return synchronize(self.file, *names, clock=self.clock, **options)

    def clock(self) -> int:
        """The machine's clock, moved by `clock_skew` seconds."""
        return system_clock() + self.clock_skew * 1_000_000

    def log(self, **filters: Any) -> list[Entry]:
        """Entries of the journal, oldest first."""
        return journal(self.file, **filters)


def synchronize(
    file: Path, *names: str, clock: Clock = system_clock, page: int = PAGE_ROWS, **options: Any
) -> Run:
    """One run of a configuration, as `marea sync` makes it; `options` are those of `Request`."""
    settings = load(file)
    state, systems = open_state(settings.state), Systems(settings)
    try:
        runner = Runner(settings, state, systems, clock, page)
        return runner.run(names or tuple(settings.entities), Request(**options), lambda name, count: None)
    finally:
        systems.close()
        state.close()


def journal(file: Path, **filters: Any) -> list[Entry]:
    """Entries of a configuration's journal, oldest first; `filters` are those of `EntryFilter`."""
    state = open_state(load(file).state)
    try:
        return list(state.journal.entries(EntryFilter(**filters), newest_first=False))
    finally:
        state.close()


def counts(result: Run, entity: str = "customers") -> dict[str, int]:
    """The outcomes of an entity that occurred."""
    return {outcome.value: number for outcome, number in result.entities[entity].counts.items() if number}


class Stopped(Exception):
    """The test ends the process here."""


@contextmanager
def stopped_after(commits: int, entity: str) -> Iterator[None]:
    """The run within ends as if by force after so many commits of an entity; it must come to that."""
    real = EntitySync._commit
    left = [commits]

    def commit(sync: EntitySync, batch: Settled, *, evaluated: bool = False) -> None:
        left[0] -= sync._name == entity
        if left[0] < 0:
            raise Stopped
        real(sync, batch, evaluated=evaluated)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(EntitySync, "_commit", commit)
        with pytest.raises(Stopped):
            yield
