"""What PostgreSQL promises as a source beyond the contract: its own types, schemas, zones and failures."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from decimal import Decimal
from typing import Any

import psycopg
import pyarrow as pa
import pytest

from by_hand import run_sql
from marea.config.settings import SystemSettings
from marea.connectors.postgresql.source import PostgresqlSource
from marea.errors import ConfigurationError, SystemUnreachable
from marea.ports import Column
from marea.sql.dialect import Query

pytestmark = pytest.mark.integration

Run = Callable[[str], Any]
BIG = Query("SELECT x, repeat('x', 100) FROM generate_series(1, 1000000) AS x")
KILL = (
    "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
)
BIG_COLUMNS = [Column("x", pa.int32(), "integer"), Column("t", pa.string(), "text")]


@pytest.fixture
def source(postgresql: SystemSettings) -> Iterator[PostgresqlSource]:
    source = PostgresqlSource(postgresql)
    yield source
    source.close()


# -- types -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("native", "one", "other"),
    [
        ("numeric", "1.10", "1.1"),
        ("numeric", "5", "-5"),
        ("bigint", "5", "21474836480"),
        ("double precision", "'-0'", "'0'"),
        ("real", "'NaN'", "'Infinity'"),
        ("interval", "'24:00:00'", "'1 day'"),
        ("json", """'{"a":1}'""", """'{"a": 1}'"""),
        ("jsonb", """'{"a":1.10}'""", """'{"a":1.1}'"""),
        ("text", "'Rossi'", "'Rossi '"),
        ("integer[]", "'{1,NULL}'", "'{1}'"),
        ("timestamp with time zone", "'2024-01-31 00:00:00.000001Z'", "'2024-01-31 00:00:00Z'"),
    ],
)
def test_what_a_type_takes_for_equal_has_two_hashes(
    source: PostgresqlSource, on_postgresql: Run, native: str, one: str, other: str
) -> None:
    on_postgresql(
        f"CREATE TABLE t (id integer, value {native}); "
        f"INSERT INTO t VALUES (1, {one}), (2, {other}), (3, NULL)"
    )
    table = source.describe("t")
    assert table is not None
    value = table.columns[1]
    text = f"SELECT {source.dialect.hashed([(value.name, value.native)], 0)} AS h FROM t"
    with source.snapshot() as reader:
        pages = list(reader.stream(Query(text), [Column("h", pa.int64(), "bigint")], 10))
    assert len(set(pages[0]["h"].to_pylist())) == 3


@pytest.mark.parametrize(
    ("native", "literal", "value"),
    [
        ("uuid", "'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"),
        ("mood", "'ok'", "ok"),
        ("inet", "'10.0.0.1/8'", "10.0.0.1/8"),
        ("money", "12.5::money", "$12.50"),
        ("interval", "'1 day 02:03'", "1 day 02:03:00"),
        ("integer[]", "'{1,NULL,2}'", "{1,NULL,2}"),
        ("int4range", "'[1,5)'", "[1,5)"),
        ("json", """'{"b":1, "a":2}'""", '{"b":1, "a":2}'),
        ("jsonb", """'{"b":1, "a":2}'""", '{"a": 2, "b": 1}'),
        ('"char"', "'x'", "x"),
        ("character(5)", "'ab'", "ab"),
        ("time with time zone", "'12:00:00+02'", "12:00:00+02"),
        ("numeric(50,2)", "12345678901234567890123456789012345678901234.50", None),
        ("numeric(3,-2)", "12300", "12300"),
        ("oid", "4000000000", "4000000000"),
        ("point", "'(1,2)'", "(1,2)"),
        ("price", "1.50", Decimal("1.50")),
        ("numeric", "1.5", Decimal("1.5")),
        ("real", "1.5", 1.5),
    ],
)
def test_types_of_its_own(
    native: str, literal: str, value: object, source: PostgresqlSource, on_postgresql: Run, peek: Any
) -> None:
    on_postgresql("CREATE TYPE mood AS ENUM ('ok', 'sad'); CREATE DOMAIN price AS numeric(10,2)")
    on_postgresql(f"CREATE TABLE t (a {native}); INSERT INTO t VALUES ({literal}), (NULL)")
    assert peek(source).rows("t") == [(literal if value is None else value,), (None,)]


@pytest.mark.parametrize(
    ("native", "literal", "words"),
    [
        ("numeric", "'NaN'", "nan"),
        ("numeric", "1e30", "1000000000"),
        ("numeric", "0.1234567890123456789", "0.1234567890123456789"),
        ("numeric(10,2)", "'NaN'", "nan"),
        ("timestamp", "'infinity'", "infinity"),
        ("timestamptz", "'-infinity'", "infinity"),
        ("date", "'infinity'", "infinity"),
    ],
)
def test_a_value_that_cannot_be_held_is_named(
    native: str, literal: str, words: str, source: PostgresqlSource, on_postgresql: Run, peek: Any
) -> None:
    on_postgresql(f"CREATE TABLE t (id int, at {native}); INSERT INTO t VALUES (1, NULL), (2, {literal})")
    first, second = peek(source).rows("t")
    assert first == (1, None, None)
    _, value, told = second
    assert value is None
    assert told["column"] == "at"
    assert words in told["value"]


def test_first_and_last_days(source: PostgresqlSource, on_postgresql: Run) -> None:
    on_postgresql("CREATE TABLE t (a date, b timestamp)")
    on_postgresql("INSERT INTO t VALUES ('4713-01-01 BC', '4713-01-01 BC'), ('294246-01-01', '294246-01-01')")
    table = source.describe("t")
    assert table is not None
    with source.snapshot() as reader:
        rows = next(reader.stream(Query("SELECT a, b FROM t"), table.columns, 10))
    days = rows["a"].cast(pa.int32()).to_pylist()
    assert rows["b"].cast(pa.int64()).to_pylist() == [day * 86_400_000_000 for day in days]
    assert days == [row[0] for row in on_postgresql("SELECT a - '1970-01-01' FROM t")]


# -- catalogs --------------------------------------------------------------------------


def test_names_with_their_schema(source: PostgresqlSource, on_postgresql: Run) -> None:
    on_postgresql("CREATE SCHEMA sales; CREATE TABLE sales.orders (id int PRIMARY KEY)")
    on_postgresql('CREATE TABLE lines (o int REFERENCES sales.orders); CREATE TABLE sales."Mixed" (a int)')
    orders, lines = source.describe("sales.orders"), source.describe("public.lines")
    assert orders is not None
    assert lines is not None
    assert (orders.name, lines.name) == ("sales.orders", "lines")
    assert lines.foreign_keys[0].table == "sales.orders"
    assert source.describe("orders") is None
    mixed = source.describe("SALES.mixed")
    assert mixed is not None
    assert mixed.name == "sales.Mixed"
    assert source.tables() == ["lines", "sales.Mixed", "sales.orders"]


def test_case_alone_must_leave_one_table(source: PostgresqlSource, on_postgresql: Run) -> None:
    on_postgresql('CREATE TABLE "Items" (a int); CREATE TABLE "ITEMS" (b int)')
    exact = source.describe("ITEMS")
    assert exact is not None
    assert exact.columns[0].name == "b"
    assert source.describe("items") is None


def test_only_an_index_that_always_guards_is_unique(source: PostgresqlSource, on_postgresql: Run) -> None:
    on_postgresql(
        """CREATE TABLE t (a int, b int, c int, d int, e int, f int UNIQUE DEFERRABLE, PRIMARY KEY (b, a));
        CREATE UNIQUE INDEX ON t (c) INCLUDE (d);
        CREATE UNIQUE INDEX ON t (d) WHERE d > 0;
        CREATE UNIQUE INDEX ON t (abs(e))"""
    )
    table = source.describe("t")
    assert table is not None
    assert table.key == ("b", "a")
    assert set(table.unique) == {("b", "a"), ("c",)}


def test_what_the_login_may_not_read_is_said(postgresql_url: str, on_postgresql: Run, peek: Any) -> None:
    on_postgresql("DROP ROLE IF EXISTS limited; CREATE ROLE limited LOGIN; CREATE TABLE secret (a int)")
    limited = PostgresqlSource(
        SystemSettings("erp", "postgresql", postgresql_url, {"user": "limited"}),
    )
    try:
        assert limited.tables() == ["secret"]
        secret = limited.describe("secret")
        assert secret is not None
        assert secret.grant == "GRANT SELECT ON public.secret TO limited"
        with pytest.raises(ConfigurationError, match="permission denied"):
            peek(limited).rows("secret")
    finally:
        limited.close()


# -- clocks ----------------------------------------------------------------------------


def clock(source: PostgresqlSource, peek: Any, native: str) -> dt.datetime:
    seconds = str(int(time.time()))
    text = peek(source).texts(f"SELECT CAST({source.dialect.moment(native, seconds)} AS text)")[0]
    return dt.datetime.fromisoformat(text)


@pytest.mark.parametrize(("zone", "behind"), [("America/Lima", 0), ("Asia/Tokyo", 9)])
def test_a_stamp_without_zone_is_in_the_servers_zone_or_in_utc(
    source: PostgresqlSource, postgresql_url: str, on_postgresql: Run, peek: Any, zone: str, behind: int
) -> None:
    """In whichever is earlier; stamps of the server's own zone are `behind` hours later than that."""
    on_postgresql(f"ALTER DATABASE {postgresql_url.rpartition('/')[2]} SET timezone = '{zone}'")
    on_postgresql("CREATE TABLE t (at timestamp DEFAULT localtimestamp, day date DEFAULT current_date)")
    now = clock(source, peek, "timestamp without time zone") + dt.timedelta(hours=behind)
    on_postgresql("INSERT INTO t DEFAULT VALUES")
    written = peek(source).rows("t")[0][0]
    assert dt.timedelta() <= written - now < dt.timedelta(seconds=30)


def test_a_stamp_without_zone_may_be_declared_to_be_in_another(
    postgresql: SystemSettings, postgresql_url: str, on_postgresql: Run, peek: Any
) -> None:
    on_postgresql(f"ALTER DATABASE {postgresql_url.rpartition('/')[2]} SET timezone = 'Asia/Tokyo'")
    source = PostgresqlSource(replace(postgresql, options={"timezone": "UTC"}))
    now = clock(source, peek, "timestamp without time zone")
    source.close()
    written = on_postgresql("SELECT now() AT TIME ZONE 'UTC'")[0][0]
    assert dt.timedelta() <= written - now < dt.timedelta(seconds=30)


def test_local_time_about_to_repeat_is_kept_behind(postgresql: SystemSettings, peek: Any) -> None:
    back = dt.datetime.now(dt.UTC) + dt.timedelta(
        minutes=20
    )  # clocks go back an hour then, from UTC+1 to UTC
    local = back + dt.timedelta(hours=1)
    day = (local.date().replace(year=2023) - dt.date(2023, 1, 1)).days + 1
    zone = f"<A>0<B>-1,J1/0,J{day}/{local:%H:%M:%S}"
    source = PostgresqlSource(replace(postgresql, options={"timezone": zone}))
    earliest_to_come = back.replace(tzinfo=None)
    assert clock(source, peek, "timestamp without time zone") <= earliest_to_come
    source.close()


# -- failures --------------------------------------------------------------------------


def test_a_stream_that_breaks_half_way_says_so(source: PostgresqlSource, postgresql_url: str) -> None:
    with pytest.raises(SystemUnreachable, match=r"terminat|closed"):
        read_over_a_kill(source, postgresql_url)
    with source.snapshot() as reader:
        assert next(reader.stream(BIG, BIG_COLUMNS, 10)).num_rows == 10


def read_over_a_kill(source: PostgresqlSource, url: str) -> None:
    with source.snapshot() as reader:
        stream = reader.stream(BIG, BIG_COLUMNS, 100)
        next(stream)
        run_sql(url, KILL)
        list(stream)


def test_a_connection_that_died_while_idle_is_replaced_without_a_word(
    source: PostgresqlSource, postgresql_url: str, on_postgresql: Run, peek: Any
) -> None:
    on_postgresql("CREATE TABLE t AS SELECT 1 AS a")
    for _ in range(2):
        assert peek(source).rows("t") == [(1,)]
        run_sql(postgresql_url, KILL)
        assert source.describe("t")
        run_sql(postgresql_url, KILL)


def test_sql_that_fails_half_way_is_a_fault_of_the_configuration(source: PostgresqlSource) -> None:
    query = Query("SELECT 1 / (x - 50000), 'a' FROM generate_series(1, 100000) AS x")
    with source.snapshot() as reader, pytest.raises(ConfigurationError, match="division by zero"):
        list(reader.stream(query, BIG_COLUMNS, 1_000))


@pytest.mark.parametrize(
    ("old", "new", "hint"),
    [
        ("/t", "/nowhere_", "correct the name of the database"),
        ("postgres@", "nobody_:pa55word@", "correct the name of the user"),
    ],
)
def test_a_refused_login_gives_a_hint(postgresql_url: str, old: str, new: str, hint: str) -> None:
    source = PostgresqlSource(SystemSettings("erp", "postgresql", postgresql_url.replace(old, new)))
    with pytest.raises(ConfigurationError, match=hint) as caught:
        source.describe("t")
    assert "pa55word" not in str(caught.value)
    assert caught.value.faults[0].field == "systems.erp.url"


def test_streams_of_several_threads_see_one_moment(
    source: PostgresqlSource, postgresql_url: str, on_postgresql: Run
) -> None:
    on_postgresql("CREATE TABLE t AS SELECT x AS id FROM generate_series(1, 20000) AS x")
    columns = [Column("id", pa.int32(), "integer")]
    with source.snapshot() as reader, ThreadPoolExecutor(4) as threads:
        on_postgresql("DELETE FROM t WHERE id > 10")
        query = Query("SELECT id FROM t ORDER BY id")
        read = [threads.submit(lambda: list(reader.stream(query, columns, 1_000))) for _ in range(4)]
        counts = [sum(table.num_rows for table in future.result()) for future in read]
    assert counts == [20_000] * 4
    open_now = run_sql(
        postgresql_url, "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'marea'"
    )
    assert open_now[0][0] <= 3  # type: ignore[operator]


# -- locks -----------------------------------------------------------------------------


def test_a_lock_is_waited_for_no_longer_than_half_a_minute(source: PostgresqlSource) -> None:
    with source.snapshot() as reader:
        query = Query("SELECT current_setting('lock_timeout')")
        assert [
            page["a"].to_pylist() for page in reader.stream(query, [Column("a", pa.string(), "text")], 1)
        ] == [["30s"]]


def test_a_lock_that_is_not_given_says_so(postgresql: SystemSettings, postgresql_url: str) -> None:
    run_sql(postgresql_url, "CREATE TABLE held (x integer)")
    source = PostgresqlSource(replace(postgresql, url=f"{postgresql.url}?options=-c%20lock_timeout%3D50ms"))
    with psycopg.connect(postgresql_url) as other:
        other.execute("LOCK TABLE held IN ACCESS EXCLUSIVE MODE")
        for call in (lambda: read(source), lambda: source.execute(Query("UPDATE held SET x = 1"))):
            with pytest.raises(SystemUnreachable) as caught:
                call()
            assert "lock timeout" in caught.value.message
            assert "another program holds a lock" in caught.value.hint
    source.close()


def read(source: PostgresqlSource) -> Any:
    with source.snapshot() as reader:
        return list(reader.stream(Query("SELECT x FROM held"), [Column("x", pa.int32(), "integer")], 1))
