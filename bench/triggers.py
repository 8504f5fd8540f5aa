"""Owns what triggers cost the source's own statements, and how fast their notices are followed."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import psycopg

import marea
from bench.server import BenchServer

ROWS = 100_000
SINGLE = 3_000
"""Statements of one row each, each committed for itself."""
ROUNDS = 5

TABLE = f"""
CREATE TABLE customers (code varchar(12) PRIMARY KEY, name varchar(80), city varchar(40),
  credit numeric(12,2), modified timestamp NOT NULL DEFAULT now());
INSERT INTO customers SELECT lpad(n::text, 8, '0'), 'Name ' || n, 'Città', n / 100.0
FROM generate_series(1, {ROWS}) n
"""
CONFIGURATION = """
version: 1
systems:
  erp: {{url: "{url}"}}
  crm: {{url: "sqlite:///crm.db"}}
entities:
  customers:
    source: {{system: erp, table: customers, key: code, capture: trigger}}
    target: {{system: crm, object: accounts, key: code, create: true}}
    fields: {{code: code, name: name, city: city, credit: credit}}
"""


@dataclass(frozen=True, slots=True)
class Overhead:
    """One kind of statement without triggers and with them."""

    what: str
    plain: float
    """Milliseconds."""
    noted: float

    @property
    def ratio(self) -> float:
        """How many times as long it takes with triggers."""
        return self.noted / self.plain


def overheads() -> tuple[list[Overhead], float]:
    """What triggers add to statements of PostgreSQL, and the records a second that a run follows."""
    server = BenchServer()
    try:
        server.start()
        with TemporaryDirectory() as folder:
            return _measured(server, server.fresh("triggers"), Path(folder))
    finally:
        server.close()


def _measured(server: BenchServer, url: str, folder: Path) -> tuple[list[Overhead], float]:
    with psycopg.connect(url, autocommit=True) as erp:
        erp.execute(TABLE)
    file = folder / "marea.yaml"
    file.write_text(CONFIGURATION.format(url=url), "utf-8")
    plain = list(_timed(server, url))
    with marea.open(file) as project:
        project.install()
        project.sync()
        noted = list(_timed(server, url))
        project.sync()
        # A value of its own for each: all of them are delivered.
        with psycopg.connect(url, autocommit=True) as erp:
            erp.execute("UPDATE customers SET city = 'Roma ' || code")
        started = perf_counter()
        updated = project.sync().entities["customers"].counts
        took = perf_counter() - started
    if sum(updated.values()) != ROWS:
        raise RuntimeError(f"{ROWS} records were changed, and these delivered: {updated}")
    kinds = zip(plain, noted, strict=True)
    return [Overhead(what, before, after) for (what, before), (_, after) in kinds], ROWS / took


def _timed(server: BenchServer, url: str) -> Iterator[tuple[str, float]]:
    """The median of each kind of statement, in milliseconds."""
    server.settle(url)
    yield "UPDATE of one row", statistics.median(_single(url))
    mass = []
    for round_ in range(ROUNDS):
        server.settle(url)
        with psycopg.connect(url, autocommit=True) as erp:
            mass.append(_took(erp, f"UPDATE customers SET credit = {round_} WHERE code >= %s", ("",)))
    yield f"UPDATE of {ROWS:,} rows", statistics.median(mass)


def _single(url: str) -> Iterator[float]:
    with psycopg.connect(url, autocommit=True) as erp:
        for number in range(1, SINGLE + 1):
            yield _took(erp, "UPDATE customers SET credit = credit + 1 WHERE code = %s", (f"{number:08d}",))


def _took(erp: psycopg.Connection, statement: str, parameters: tuple[str, ...]) -> float:
    started = perf_counter()
    erp.execute(statement, parameters)  # type: ignore[arg-type]
    return (perf_counter() - started) * 1000
