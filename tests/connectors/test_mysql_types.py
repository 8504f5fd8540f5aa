"""What MariaDB's own types become, and what is refused rather than bent."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from by_hand import run_sql
from marea.connectors.mysql import MysqlConnector
from marea.connectors.mysql.catalogue import native_of
from marea.connectors.mysql.columns import arrow_type, literals
from marea.connectors.mysql.link import Link
from marea.connectors.mysql.options import login
from marea.errors import ConfigurationError
from marea.ports import MISFIT, Column, Source
from marea.sql.dialect import Query
from mysql_systems import system

pytestmark = pytest.mark.contract

Execute = Callable[[str], object]


@pytest.fixture
def execute(mariadb_url: str) -> Execute:
    return lambda text: run_sql(mariadb_url, text)


@pytest.fixture
def source(mariadb_url: str) -> Iterator[Source]:
    opened = MysqlConnector().source(system(mariadb_url))
    yield opened
    opened.close()


def columns(source: Source, name: str = "t") -> tuple[Column, ...]:
    table = source.describe(name)
    assert table
    return table.columns


def read(source: Source, name: str = "t", tail: str = "") -> list[dict[str, Any]]:
    found, dialect = columns(source, name), source.dialect
    selects = ", ".join(f"{dialect.read(dialect.quote(column.name), column)} AS x" for column in found)
    with source.snapshot() as reader:
        pages = list(reader.stream(Query(f"SELECT {selects} FROM {name} {tail}"), found, 100))
    return [row for page in pages for row in page.to_pylist()]


TYPES = [
    ("tinyint(1)", pa.bool_(), "1", True),
    ("tinyint(3)", pa.int16(), "-128", -128),
    ("tinyint(3) unsigned", pa.int16(), "255", 255),
    ("smallint unsigned", pa.int32(), "65535", 65535),
    ("mediumint unsigned", pa.int32(), "16777215", 16777215),
    ("int unsigned", pa.int64(), "4294967295", 4294967295),
    ("int(5) unsigned zerofill", pa.int64(), "42", 42),
    ("bigint unsigned", pa.uint64(), "18446744073709551615", 2**64 - 1),
    (
        "decimal(38,10)",
        pa.decimal128(38, 10),
        "'1234567890123456789012345678.0123456789'",
        Decimal("1234567890123456789012345678.0123456789"),
    ),
    (
        "decimal(40,2)",
        pa.string(),
        "'99999999999999999999999999999999999999.99'",
        "99999999999999999999999999999999999999.99",
    ),
    ("float", pa.float32(), "16777216", 16777216.0),
    ("double", pa.float64(), "0.1e0 + 0.2e0", 0.1 + 0.2),
    ("bit(1)", pa.bool_(), "b'1'", True),
    (
        "bit(64)",
        pa.uint64(),
        "b'1000000000000000000000000000000000000000000000000000000000000001'",
        2**63 + 1,
    ),
    ("year", pa.int16(), "2024", 2024),
    ("time(6)", pa.string(), "'-838:59:58.000001'", "-838:59:58.000001"),
    ("json", pa.string(), """'{"a": 1.10}'""", '{"a": 1.10}'),
    ("enum('a','it''s')", pa.string(), "'it''s'", "it's"),
    ("set('a','b')", pa.string(), "'b,a'", "a,b"),
    ("char(5)", pa.string(), "'ab'", "ab"),
    ("mediumtext", pa.string(), "'日本'", "日本"),
    ("binary(2)", pa.string(), "X'00FF'", "00FF"),
    ("varbinary(2)", pa.binary(), "X'00FF'", b"\x00\xff"),
    ("mediumblob", pa.binary(), "X''", b""),
    ("uuid", pa.string(), "'123e4567-e89b-12d3-a456-426655440000'", "123e4567-e89b-12d3-a456-426655440000"),
    ("point", pa.string(), "POINT(1, 2)", "POINT(1 2)"),
]


@pytest.mark.parametrize(("native", "type_", "value", "read_as"), TYPES, ids=[case[0] for case in TYPES])
def test_a_type_is_read_as_its_twin(
    source: Source, execute: Execute, native: str, type_: pa.DataType, value: str, read_as: object
) -> None:
    execute(f"CREATE TABLE t (v {native})")
    execute(f"INSERT INTO t VALUES ({value}), (NULL)")
    assert [column.type for column in columns(source)] == [type_]
    assert [row["v"] for row in read(source)] == [read_as, None]


def test_instants_are_utc_whatever_the_servers_zone(source: Source, execute: Execute) -> None:
    execute("CREATE TABLE t (v TIMESTAMP(6) NULL)")
    execute("SET time_zone = '+05:00'; INSERT INTO t VALUES ('2024-03-01 04:59:59.123456')")
    assert columns(source)[0].type == pa.timestamp("us", "UTC")
    assert str(read(source)[0]["v"]) == "2024-02-29 23:59:59.123456+00:00"


def test_a_zero_date_is_no_date(source: Source, execute: Execute) -> None:
    execute("CREATE TABLE t (d DATE, m DATETIME(3), s TIMESTAMP NULL)")
    execute(
        "SET sql_mode = ''; INSERT INTO t VALUES ('0000-00-00', 0, 0), ('2024-02-29', '2024-02-29', NULL)"
    )
    assert [[value and str(value)[:10] for value in row.values()] for row in read(source)] == [
        [None, None, None],
        ["2024-02-29", "2024-02-29", None],
    ]


def test_half_a_date_is_not_held_and_told(source: Source, execute: Execute) -> None:
    execute("CREATE TABLE t (id INT, d DATE)")
    execute("SET sql_mode = ''; INSERT INTO t VALUES (1, '2024-02-29'), (2, '2024-00-10')")
    first, second = read(source)
    assert first[MISFIT] is None
    assert second["d"] is None
    assert second[MISFIT] == {"column": "d", "type": "date", "value": "'2024-00-10'"}


def test_a_truth_value_of_two_is_not_held_and_told_with_the_way_out(
    source: Source, execute: Execute, mariadb_url: str
) -> None:
    execute("CREATE TABLE t (id INT, flag TINYINT(1))")
    execute("INSERT INTO t VALUES (1, 0), (2, 2), (3, NULL)")
    rows = read(source)
    assert [row["flag"] for row in rows] == [False, None, None]
    assert [row["id"] for row in rows if row[MISFIT]] == [2]
    assert "tinyint1: integer" in rows[1][MISFIT]["type"]
    numbers = MysqlConnector().source(system(mariadb_url, tinyint1="integer"))
    assert [row["flag"] for row in read(numbers)] == [0, 2, None]
    numbers.close()


def test_unique_indexes_of_parts_are_told_apart(source: Source, execute: Execute) -> None:
    execute("CREATE TABLE t (a INT, b VARCHAR(20), c INT, UNIQUE (a, c), UNIQUE (b(3)), KEY (c))")
    table = source.describe("t")
    assert table
    assert set(table.unique) == {("a", "c"), ("b(3)",)}
    assert table.key == ()


def test_another_database_is_reached_by_its_name(
    source: Source, other_mariadb_url: str, mariadb_url: str
) -> None:
    other = other_mariadb_url.rpartition("/")[2]
    run_sql(other_mariadb_url, "CREATE TABLE far (a INT PRIMARY KEY)")
    assert source.describe("far") is None
    table = source.describe(f"{other}.FAR")
    assert table
    assert (table.name, table.key) == (f"{other}.far", ("a",))
    assert read(source, f"{other}.far") == []


# -- expressions -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("expression", "native", "type_"),
    [
        ("coalesce(changed, created)", "datetime(6)", pa.timestamp("us")),
        ("DATE(created)", "date", pa.date32()),
        ("id + 1", "bigint", pa.int64()),
        ("price * 2", "decimal(12,2)", pa.decimal128(12, 2)),
        ("id / 3e0", "double", pa.float64()),
        ("concat(name, '!')", "varchar(21)", pa.string()),
        ("seen", "timestamp", pa.timestamp("us", "UTC")),
        ("name", "varchar(20) CHARACTER SET latin1 COLLATE latin1_swedish_ci", pa.string()),
        ("unhex(name)", "varbinary(10)", pa.binary()),
    ],
)
def test_an_expression_is_typed(
    source: Source, execute: Execute, expression: str, native: str, type_: pa.DataType
) -> None:
    execute(
        "CREATE TABLE t (id INT, name VARCHAR(20) CHARACTER SET latin1 COLLATE latin1_swedish_ci, "
        "price DECIMAL(11,2), created DATETIME, changed DATETIME(6), seen TIMESTAMP NULL)"
    )
    column = source.type_of("t", expression)
    assert column.type == type_
    assert column.native == native


def test_two_expressions_are_none(source: Source, execute: Execute) -> None:
    execute("CREATE TABLE t (a INT, b INT)")
    with pytest.raises(ConfigurationError, match="one expression"):
        source.type_of("t", "a + 1, b")


def test_long_results_are_long_types(mariadb_url: str) -> None:
    link = Link(login(system(mariadb_url)), autocommit=True)
    fields = link.fields("SELECT repeat('x', 100000) AS a, 1 = 1 AS b, CAST(NULL AS TIME(3)) AS c LIMIT 0")
    assert [native_of(field) for field in fields] == ["longtext", "int", "time(3)"]
    link.close()


# -- keys --------------------------------------------------------------------------------


def by_keys(source: Source, names: Sequence[str], keys: str) -> tuple[list[int], str]:
    """The ids found by a JSON list of keys, and how the server finds them."""
    chosen = [column for column in columns(source) if column.name in names]
    on = " AND ".join(f"t.{name} = k.marea_k{index}" for index, name in enumerate(names))
    text = f"FROM t JOIN {source.dialect.key_rows('%s', chosen)} k ON {on}"
    with source.snapshot() as reader:
        pages = list(
            reader.stream(Query(f"SELECT t.id {text}", (keys,)), [Column("id", pa.int32(), "int")], 10)
        )
        plan = list(
            reader.stream(
                Query(f"EXPLAIN SELECT t.id {text}", (keys,)),
                [Column(str(n), pa.string(), "") for n in range(10)],
                9,
            )
        )
    used = {str(row["2"]): str(row["5"]) for page in plan for row in page.to_pylist()}
    return sorted(number for page in pages for number in page["id"].to_pylist()), used["t"]


@pytest.mark.parametrize(
    ("native", "keys", "value"),
    [
        ("VARCHAR(3) CHARACTER SET latin1 COLLATE latin1_swedish_ci", '["ABCD","é"]', "'é'"),
        ("VARCHAR(3) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci", '["ABCD","É"]', "'é'"),
        ("CHAR(3) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin", '["ABCD","é"]', "'é'"),
        ("INT", "[99999999999,7]", "7"),
        ("BIGINT UNSIGNED", "[18446744073709551615]", "18446744073709551615"),
        ("DECIMAL(10,2)", "[1.1,1.101]", "1.10"),
        ("DATETIME(3)", '["2024-02-29 23:59:59.123"]', "'2024-02-29 23:59:59.123'"),
        ("DATE", '["2024-02-29"]', "'2024-02-29'"),
        ("BINARY(2)", '["00FF"]', "X'00FF'"),
        ("TINYINT(1)", "[true]", "1"),
    ],
)
def test_a_key_is_found_by_its_index_and_by_nothing_else(
    source: Source, execute: Execute, native: str, keys: str, value: str
) -> None:
    execute(f"CREATE TABLE t (id INT, k {native}, KEY (k))")
    if native.startswith(("VARCHAR", "CHAR")):
        execute("INSERT INTO t SELECT seq + 10, concat('X', seq % 90) FROM seq_1_to_500")
        execute("INSERT INTO t VALUES (1, 'ABC')")
    else:
        execute("INSERT INTO t SELECT seq + 10, NULL FROM seq_1_to_500")
    execute(f"INSERT INTO t VALUES (2, {value})")
    execute("ANALYZE TABLE t")
    assert by_keys(source, ["k"], keys) == ([2], "k")


# -- the way out -------------------------------------------------------------------------


def test_rows_become_literals() -> None:
    rows = pa.table(
        {
            "t": pa.array(["a'b\\", "", None]),
            "d": pa.array([Decimal("0.0000001"), Decimal("-1.5"), None], pa.decimal128(20, 7)),
            "b": pa.array([b"\\'\x00\xff", b"", None]),
            "i": pa.array([1, -2, None]),
            "z": pa.array([True, False, None]),
        }
    )
    assert literals(rows) == [
        b"'a\\'b\\\\','0.0000001',_binary'\\\\\\'\x00\xff',1,1",
        b"'','-1.5000000',_binary'',-2,0",
        b"NULL,NULL,NULL,NULL,NULL",
    ]


def test_a_truth_value_may_be_kept_a_number() -> None:
    assert arrow_type("tinyint(1)", tiny_bool=False) == pa.int16()
