"""Which root rows the rows of related tables lead to, and which keys come no later than another."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from by_hand import run_sql
from marea.capture.batch import BatchReader
from marea.config.load import load
from marea.engine.entity.alignment import Alignment
from marea.engine.entity.systems import Systems
from worlds import write_project

pytestmark = pytest.mark.integration

SCHEMA = """
CREATE TABLE customers (kind integer NOT NULL, code varchar(12) NOT NULL, PRIMARY KEY (kind, code));
CREATE TABLE orders (number integer PRIMARY KEY, kind integer, customer varchar(12));
CREATE TABLE order_lines (number integer NOT NULL, line integer NOT NULL, item varchar(20),
  PRIMARY KEY (number, line));
CREATE TABLE marks (item varchar(20) NOT NULL, mark varchar(4) NOT NULL, PRIMARY KEY (item, mark));
INSERT INTO customers VALUES (1, 'A'), (1, 'B''s "q"'), (2, 'A'), (1, 'C');
INSERT INTO orders VALUES (10, 1, 'A'), (11, 1, 'B''s "q"'), (12, 2, 'A'), (13, NULL, NULL), (14, 1, 'gone');
INSERT INTO order_lines VALUES
  (10, 1, 'nail'), (10, 2, 'saw'), (11, 1, 'nail'), (12, 1, 'nail'), (13, 1, 'saw');
INSERT INTO marks VALUES ('nail', 'x'), ('saw', 'x')
"""

ENTITIES = """
  customers:
    source:
      system: erp
      table: customers
      key: [kind, code]
      where: kind = 1
      related:
        orders:
          table: orders
          on: {kind: kind, customer: code}
          many: true
          order: number
          related:
            lines:
              table: order_lines
              on: {number: number}
              many: true
              order: line
              related:
                marks: {table: marks, on: {item: item}, many: true, order: mark}
    target: {system: crm, object: accounts, key: [kind, code], create: true}
    fields: {kind: kind, code: code, orders: {list: orders, fields: {number: number}}}
"""

QUOTED = '[1,"B\'s \\"q\\""]'
Reading = Callable[[int], BatchReader]


@pytest.fixture(params=["sqlite", "postgresql", "mariadb"])
def reading(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Reading]:
    """Makes a reader of so many rows at once."""
    kind = request.param
    url = f"sqlite:///{tmp_path}/erp.db" if kind == "sqlite" else request.getfixturevalue(f"{kind}_url")
    run_sql(url, SCHEMA)
    settings = load(write_project(tmp_path, ENTITIES, url, f"sqlite:///{tmp_path}/crm.db"))
    systems = Systems(settings)
    alignment = Alignment(settings, settings.entities["customers"], systems)
    with alignment.source.snapshot() as reader:
        yield lambda rows: BatchReader(alignment.pages, reader, rows)
    systems.close()


def keys(found: list[str]) -> list[object]:
    return sorted((json.loads(key) for key in set(found)), key=str)


@pytest.mark.parametrize("rows", [1, 100])
def test_rows_of_any_depth_lead_to_the_roots_within_the_filter(reading: Reading, rows: int) -> None:
    batches = reading(rows)
    assert keys(list(batches.led_to("orders", ['[1,"A"]', '[1,"gone"]', '[2,"A"]']))) == [[1, "A"]]
    assert keys(list(batches.led_to("orders", [QUOTED]))) == [[1, 'B\'s "q"']]
    assert keys(list(batches.led_to("orders.lines", ["10", "12", "13", "99"]))) == [[1, "A"]]
    assert keys(list(batches.led_to("orders.lines.marks", ['"nail"']))) == [[1, "A"], [1, 'B\'s "q"']]
    assert keys(list(batches.led_to("orders.lines.marks", ['"saw"', '"nobody"']))) == [[1, "A"]]


def test_keys_upto_another_in_the_order_of_the_source(reading: Reading) -> None:
    batches = reading(2)
    asked = ['[1,"A"]', '[1,"C"]', '[2,"A"]', QUOTED, '[1,"gone"]']
    assert keys(batches.upto(asked, QUOTED)) == [[1, "A"], [1, 'B\'s "q"']]
    assert batches.upto(asked, '[0,"Z"]') == []
