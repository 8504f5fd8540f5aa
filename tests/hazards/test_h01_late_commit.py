"""A transaction stamps its row, stays open while others are synchronized, and commits then."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import psycopg
import pymysql
import pytest

from hazards.conftest import MakeWorld
from worlds import ENTITIES, World, counts

pytestmark = [pytest.mark.hazard, pytest.mark.integration]

LAG = ENTITIES.replace(
    "    target: {system: crm, object: accounts", "    lag: 1h\n    target: {system: crm, object: accounts"
)


@contextmanager
def transaction(world: World, statement: str) -> Iterator[None]:
    """A statement that commits when the block ends."""
    where = urlsplit(world.source)
    if world.kind == "postgresql":
        with psycopg.connect(world.source) as connection:
            connection.execute(statement.encode())
            yield
        return
    connection = pymysql.connect(
        host=where.hostname, port=where.port or 3306, user=where.username, database=where.path[1:]
    )
    with connection:
        connection.cursor().execute(statement)
        yield
        connection.commit()


def late(world: World) -> None:
    """Stamps a row, lets a run pass that finds a later one, and commits."""
    world.sync()
    with transaction(
        world, "UPDATE customers SET name = 'Late', modified = now() WHERE kind = 1 AND code = '00001'"
    ):
        world.change("customers", "name = 'Early'", "kind = 1 AND code = '00002'")
        world.sync()


@pytest.mark.parametrize("config", [ENTITIES, LAG], ids=["full run", "lag"])
def test_h01_a_late_commit_is_found_by_an_overlap_or_a_full_run(make_world: MakeWorld, config: str) -> None:
    world = make_world(config)
    if world.kind == "sqlite":
        pytest.skip("SQLite has one writer: none can commit before another that began earlier")
    late(world)
    result = world.sync(full=config is ENTITIES)
    assert counts(result)["updated"] == 1
    assert world.crm("SELECT name FROM accounts WHERE code = '00001'") == [("Late",)]
