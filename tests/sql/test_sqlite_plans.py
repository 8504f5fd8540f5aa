"""SQLite looks up what is in a list of keys key by key, whatever filter it could search by instead."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import apsw
import pytest

from marea.connectors.sqlite.catalogue import describe
from marea.connectors.sqlite.dialect import SqliteDialect
from marea.ports import Table
from marea.sql.aggregate import ROOT, Aggregate, Relation, Stamp
from marea.sql.dialect import Query
from marea.sql.feeds import Cursor, Feeds
from marea.sql.pages import Pages

pytestmark = pytest.mark.integration

KEYS = '[[1,"A"],[1,"B"]]'
STAMP = Stamp("modified", "DATETIME")
CURSOR = Cursor('"2020-01-01"')
QUERIES: dict[str, Callable[[Aggregate], Query]] = {
    "by key": lambda it: Pages(SqliteDialect(), it).keys(KEYS),
    "repeated": lambda it: Pages(SqliteDialect(), it).repeated(KEYS),
    "related": lambda it: Pages(SqliteDialect(), it).related(it.relations[0], KEYS),
    "changed": lambda it: Feeds(SqliteDialect(), it).changed(ROOT, {ROOT: CURSOR}, None, KEYS),
    "changed below": lambda it: Feeds(SqliteDialect(), it).changed(
        "lines", {ROOT: None, "lines": CURSOR}, None, KEYS
    ),
}


@pytest.fixture
def database() -> Iterator[apsw.Connection]:
    connection = apsw.Connection("")
    for name in ("orders", "lines"):
        connection.execute(
            f"CREATE TABLE {name} (kind INTEGER, code TEXT, place INTEGER, modified DATETIME, "
            "PRIMARY KEY (kind, code, place))"
        )
    connection.execute("CREATE UNIQUE INDEX by_key ON orders (kind, code)")
    yield connection
    connection.close()


def found(database: apsw.Connection, name: str) -> Table:
    table = describe(database, name)
    assert table is not None
    return table


@pytest.mark.parametrize("where", ["kind = 1", "kind IN (0, 1)", "kind > 0 AND code > 'A'"])
@pytest.mark.parametrize("query", QUERIES)
def test_rows_of_a_list_are_looked_up_by_their_whole_key(
    database: apsw.Connection, query: str, where: str
) -> None:
    orders, lines = found(database, "orders"), found(database, "lines")
    on = tuple(zip(lines.columns[:2], orders.columns[:2], strict=True))
    inner = Relation("lines", lines, on, lines.columns, many=True, where=where, stamp=STAMP)
    aggregate = Aggregate(orders, orders.columns[:2], orders.columns, where, STAMP, (inner,))
    asked = QUERIES[query](aggregate)
    plan = database.execute(f"EXPLAIN QUERY PLAN {asked.text}", asked.parameters)
    steps = [str(row[3]) for row in plan]
    table = "c" if query == "related" else "r"
    searched = next(n for n, step in enumerate(steps) if step.startswith(f"SEARCH {table} "))
    assert "(kind=? AND code=?)" in steps[searched], steps
    assert searched > next(n for n, step in enumerate(steps) if step.startswith("SCAN e ")), steps
