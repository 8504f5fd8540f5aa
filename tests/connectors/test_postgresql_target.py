"""What PostgreSQL promises as a target beyond the contract: the fast path, equal rows, its own refusals."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import psycopg
import pyarrow as pa
import pytest

from marea.config.settings import SystemSettings
from marea.connectors.postgresql.dialect import PostgresqlDialect
from marea.connectors.postgresql.session import PostgresqlSession
from marea.connectors.postgresql.target import PostgresqlStatements, postgresql_target
from marea.connectors.relational import RelationalTarget
from marea.connectors.statements import Landing
from marea.errors import BatchRefused, ConfigurationError, SystemUnreachable
from marea.model import Operation
from marea.ports import Shape
from marea.testing import batch, shape

pytestmark = pytest.mark.integration

Run = Callable[[str], Any]
STAGED = "SELECT count(*) FROM pg_class WHERE relname LIKE 'marea_stage%'"
TABLE = "CREATE TABLE t (code text PRIMARY KEY, name varchar(10), amount numeric(12,2))"

SAYING_NO = """
CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN RAISE EXCEPTION 'the shop says no'; END $$;
CREATE TRIGGER no BEFORE INSERT ON t FOR EACH ROW WHEN (length(NEW.name) > 4) EXECUTE FUNCTION no()
"""
WIDER = TABLE.replace("varchar(10)", "text")


@pytest.fixture
def target(postgresql: SystemSettings) -> Iterator[RelationalTarget]:
    target = postgresql_target(postgresql)
    yield target
    target.close()


def rows(**names: str | None) -> list[Mapping[str, Any]]:
    return [{"code": code, "name": name} for code, name in names.items()]


def deliver(
    target: RelationalTarget, to: Shape, records: list[Any], operation: Operation = Operation.CREATE
) -> None:
    target.deliver(to, batch(to, records, operation))


def test_a_first_load_is_copied_straight_into_the_table(target: RelationalTarget, on_postgresql: Run) -> None:
    made = shape(create=True)
    target.prepare(made)
    deliver(target, made, rows(a="1", b="2"))
    deliver(target, made, rows(c="3"))
    assert on_postgresql(STAGED) == [(0,)]
    deliver(target, made, rows(c="4"), Operation.UPDATE)
    assert on_postgresql(STAGED) == [(1,)]
    assert on_postgresql("SELECT code, name FROM t ORDER BY code") == [("a", "1"), ("b", "2"), ("c", "4")]


def test_a_key_that_a_column_takes_for_equal_is_found(
    target: RelationalTarget, postgresql: SystemSettings
) -> None:
    target.prepare(shape(create=True))
    session = PostgresqlSession(postgresql)
    try:
        table = session.describe("t")
        assert table is not None
        assert table.folding == frozenset()  # neither the default collation nor any other that the server has
        landing = Landing(replace(table, folding=frozenset({"code"})), ("code", "name"), ("code",), 0)
        statements = PostgresqlStatements(PostgresqlDialect())
        made = [*statements.stage(landing), "INSERT INTO t (code) VALUES ('a')"]
        # As a collation that knows no case would have it.
        asked = statements.taken_for_equal(landing)
        asked = asked.replace('t."code" = s."code"', 'lower(t."code") = lower(s."code")')
        for statement in [*made, "INSERT INTO marea_stage_0 (code) VALUES ('a')"]:
            session.execute(statement)
        assert session.empty(f"({asked}) AS x")
        session.execute("INSERT INTO marea_stage_0 (code) VALUES ('A')")
        assert not session.empty(f"({asked}) AS x")
    finally:
        session.close()


def test_a_batch_whose_columns_begin_with_nothing_arrives_whole(
    target: RelationalTarget, on_postgresql: Run
) -> None:
    target.prepare(shape(create=True))
    records = batch(shape(), rows(a="1", b="2"), Operation.CREATE)
    columns = [pa.chunked_array([column.chunk(0)[:0], *column.chunks]) for column in records.columns]
    target.deliver(shape(), pa.table(columns, records.schema))
    assert on_postgresql("SELECT code, name FROM t ORDER BY code") == [("a", "1"), ("b", "2")]


def test_a_table_that_holds_rows_is_merged_into(target: RelationalTarget, on_postgresql: Run) -> None:
    on_postgresql(f"{TABLE}; INSERT INTO t VALUES ('a', 'old')")
    target.prepare(shape())
    deliver(target, shape(), rows(a="new", b="new"))
    assert on_postgresql(STAGED) == [(1,)]
    assert on_postgresql("SELECT name FROM t") == [("new",), ("new",)]


def test_an_equal_row_is_not_written_again(target: RelationalTarget, on_postgresql: Run) -> None:
    on_postgresql(TABLE)
    target.prepare(shape())
    deliver(target, shape(), rows(a="1", b="2"))
    before = on_postgresql("SELECT code, xmin::text FROM t ORDER BY code")
    deliver(target, shape(), rows(a="1", b="changed"), Operation.UPDATE)
    after = on_postgresql("SELECT code, xmin::text FROM t ORDER BY code")
    assert after[0] == before[0]
    assert after[1] != before[1]


def test_what_a_column_takes_for_equal_is_still_written(target: RelationalTarget, on_postgresql: Run) -> None:
    on_postgresql("CREATE TABLE t (code text PRIMARY KEY, name json, amount numeric)")
    target.prepare(shape())
    for amount, text in (("1.50", "{}"), ("1.5", "{ }")):
        to = shape({"code": pa.string(), "name": pa.string(), "amount": pa.string()})
        target.prepare(to)
        deliver(target, to, [{"code": "a", "name": text, "amount": amount}], Operation.UPDATE)
        assert on_postgresql("SELECT name::text, amount::text FROM t") == [(text, amount)]


@pytest.mark.parametrize(
    ("ddl", "code", "words"),
    [
        (TABLE, "22001", "too long"),
        (f"{WIDER}; ALTER TABLE t ADD CHECK (length(name) < 5)", "23514", "t_name_check"),
        (
            "CREATE TABLE t (code text PRIMARY KEY, name text REFERENCES t, amount int)",
            "23503",
            "not present",
        ),
        ("CREATE TABLE t (code text PRIMARY KEY, name date, amount int)", "22007", "column name"),
        (
            f"{WIDER}; {SAYING_NO}",
            "P0001",
            "the shop says no",
        ),
    ],
)
@pytest.mark.parametrize("operation", [Operation.CREATE, Operation.UPDATE])
def test_a_refusal_keeps_the_servers_code_and_words(
    ddl: str, code: str, words: str, operation: Operation, target: RelationalTarget, on_postgresql: Run
) -> None:
    on_postgresql(ddl)
    target.prepare(shape())
    with pytest.raises(BatchRefused) as caught:
        deliver(target, shape(), [*rows(a=None), *rows(b="eleven chars")], operation)
    assert caught.value.code == code
    assert words in caught.value.message
    assert on_postgresql("SELECT * FROM t") == []
    deliver(target, shape(), rows(a=None), operation)
    assert on_postgresql("SELECT code FROM t") == [("a",)]


def test_text_with_a_nul_is_refused(target: RelationalTarget, on_postgresql: Run) -> None:
    on_postgresql(TABLE)
    target.prepare(shape())
    with pytest.raises(BatchRefused, match="0x00"):
        deliver(target, shape(), rows(a="x\x00y"))


def test_a_table_in_another_schema(target: RelationalTarget, on_postgresql: Run) -> None:
    on_postgresql('CREATE SCHEMA "Sales"')
    made = shape(table="Sales.Orders", create=True)
    target.prepare(made)
    deliver(target, made, rows(a="1"))
    deliver(target, made, rows(a="2"), Operation.UPDATE)
    assert on_postgresql('SELECT name FROM "Sales"."Orders"') == [("2",)]


def test_a_constraint_that_is_checked_later_guards_no_key(
    target: RelationalTarget, on_postgresql: Run
) -> None:
    on_postgresql("CREATE TABLE t (code text UNIQUE DEFERRABLE, name text, amount numeric)")
    target.prepare(shape())
    for name in ("1", "2"):
        deliver(target, shape(), rows(a=name), Operation.UPDATE)
    assert on_postgresql("SELECT code, name FROM t") == [("a", "2")]


def test_json_goes_to_jsonb_too(target: RelationalTarget, on_postgresql: Run) -> None:
    on_postgresql("CREATE TABLE t (id int PRIMARY KEY, lines jsonb)")
    lines = pa.field("lines", pa.string(), metadata={b"marea": b"json"})
    to = Shape("t", "t", ("id",), pa.schema([pa.field("id", pa.int64()), lines]))
    target.prepare(to)
    for text in ('[{"a": "\\"1\\""}]', "[]"):
        deliver(target, to, [{"id": 1, "lines": text}], Operation.UPDATE)
        assert on_postgresql("SELECT lines FROM t") == [(json.loads(text),)]


def test_a_right_that_is_missing_is_said(postgresql_url: str, on_postgresql: Run) -> None:
    on_postgresql(
        f"DROP ROLE IF EXISTS looker; CREATE ROLE looker LOGIN; {TABLE}; GRANT SELECT ON t TO looker"
    )
    target = postgresql_target(SystemSettings("crm", "postgresql", postgresql_url, {"user": "looker"}))
    try:
        target.prepare(shape())
        with pytest.raises(ConfigurationError, match="permission denied"):
            deliver(target, shape(), rows(a="1"))
    finally:
        target.close()


def test_a_lock_that_is_not_given_is_an_outage(
    target: RelationalTarget, postgresql_url: str, on_postgresql: Run
) -> None:
    on_postgresql(f"{TABLE}; INSERT INTO t VALUES ('a', 'old')")
    on_postgresql(f"ALTER DATABASE {postgresql_url.rpartition('/')[2]} SET lock_timeout = '20ms'")
    target.prepare(shape())
    with psycopg.connect(postgresql_url) as other:
        other.execute("UPDATE t SET name = 'theirs'")
        with pytest.raises(SystemUnreachable, match="lock timeout"):
            deliver(target, shape(), rows(a="ours"), Operation.UPDATE)
    deliver(target, shape(), rows(a="ours"), Operation.UPDATE)
    assert on_postgresql("SELECT name FROM t") == [("ours",)]


def test_a_server_that_only_reads_is_an_outage(
    target: RelationalTarget, postgresql_url: str, on_postgresql: Run
) -> None:
    on_postgresql(TABLE)
    on_postgresql(
        f"ALTER DATABASE {postgresql_url.rpartition('/')[2]} SET default_transaction_read_only = on"
    )
    target.prepare(shape())
    with pytest.raises(SystemUnreachable, match="read-only"):
        deliver(target, shape(), rows(a="1"))
