"""Connections killed at random moments: only Marea's errors come out, and nothing is lost or doubled."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pyarrow as pa
import pytest

from by_hand import run_sql
from marea.config.settings import SystemSettings
from marea.connectors.postgresql.source import PostgresqlSource
from marea.connectors.postgresql.target import postgresql_target
from marea.errors import SystemUnreachable
from marea.model import Operation
from marea.ports import Column
from marea.sql.dialect import Query
from marea.testing import batch, shape

pytestmark = pytest.mark.crash

KILL = (
    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
    "WHERE application_name = 'marea' AND datname = current_database()"
)
OUTAGES = 25


@contextmanager
def killing(url: str) -> Iterator[threading.Event]:
    """Kills Marea's connections again and again; the event is set after so many hits."""
    enough, stop = threading.Event(), threading.Event()
    chance = random.Random(7)

    def kill() -> None:
        hits = 0
        while not stop.wait(chance.uniform(0, 0.03)):
            hits += int(str(run_sql(url, KILL)[0][0]))
            if hits >= OUTAGES:
                enough.set()
                return

    thread = threading.Thread(target=kill)
    thread.start()
    try:
        yield enough
    finally:
        stop.set()
        thread.join()


def until_done(call: Callable[[], Any]) -> Any:
    """The first answer after however many outages; any other error is a failure of the test."""
    while True:
        try:
            return call()
        except SystemUnreachable as error:
            if not error.hint:
                raise


def test_a_target_that_keeps_breaking_ends_with_every_record_once(
    postgresql: SystemSettings, postgresql_url: str
) -> None:
    to = shape(create=True)
    target = postgresql_target(postgresql)
    number = 0
    with killing(postgresql_url) as enough:
        while not enough.is_set():
            rows = [{"code": f"{number}-{index}", "name": "n" * 50} for index in range(500)]
            for operation in (Operation.CREATE, Operation.UPDATE):
                until_done(lambda: target.prepare(to))
                until_done(lambda: target.deliver(to, batch(to, rows, operation)))  # noqa: B023
            number += 1
    target.close()
    counts = run_sql(postgresql_url, "SELECT count(*), count(DISTINCT code) FROM t")
    assert counts == [(number * 500, number * 500)]


def test_a_snapshot_whose_first_connection_is_gone_says_so(
    postgresql: SystemSettings, postgresql_url: str
) -> None:
    run_sql(postgresql_url, "CREATE TABLE t AS SELECT x AS id FROM generate_series(1, 50000) AS x")
    source = PostgresqlSource(postgresql)
    columns = [Column("id", pa.int32(), "integer")]
    with source.snapshot() as reader:
        first = reader.stream(Query("SELECT id FROM t"), columns, 100)
        assert next(first).num_rows
        assert run_sql(postgresql_url, KILL.replace("(pid)", "(pid, 10000)")) == [(1,)]
        with pytest.raises(SystemUnreachable, match="the connection that took the snapshot is gone"):
            next(reader.stream(Query("SELECT id FROM t"), columns, 100))
    source.close()


def test_a_source_that_keeps_breaking_never_ends_a_stream_early(
    postgresql: SystemSettings, postgresql_url: str
) -> None:
    run_sql(postgresql_url, "CREATE TABLE t AS SELECT x AS id FROM generate_series(1, 50000) AS x")
    source = PostgresqlSource(postgresql)
    columns = [Column("id", pa.int32(), "integer")]

    def read() -> int:
        with source.snapshot() as reader:
            streams = [reader.stream(Query("SELECT id FROM t"), columns, 5_000) for _ in range(2)]
            return sum(table.num_rows for pair in zip(*streams, strict=True) for table in pair)

    with killing(postgresql_url) as enough:
        while not enough.is_set():
            assert until_done(read) == 100_000
    source.close()
