"""The SQL of PostgreSQL, letter by letter."""

from __future__ import annotations

import pyarrow as pa
import pytest
from psycopg.pq import Conninfo

from marea.connectors.postgresql.dialect import PostgresqlDialect, base
from marea.connectors.postgresql.parameters import PARAMETERS
from marea.ports import Column

pytestmark = pytest.mark.unit

SQL = PostgresqlDialect()
CODE = Column("code", pa.string(), "character varying(10)")
LINE = Column("line", pa.int32(), "integer")
ZONE = "(SELECT reset_val FROM pg_catalog.pg_settings WHERE name = 'TimeZone')"
AT = "to_timestamp(7)"


def test_names_are_quoted_part_by_part() -> None:
    assert SQL.quote('a"b') == '"a""b"'
    assert SQL.table("sales.Orders") == '"sales"."Orders"'


def test_placeholders_and_limit() -> None:
    assert [SQL.placeholder(1), SQL.placeholder(12)] == ["$1", "$12"]
    assert SQL.limit("SELECT 1", 5) == "SELECT 1 LIMIT 5"


@pytest.mark.parametrize(
    ("native", "expected"),
    [
        ("character varying(10)", "character varying"),
        ("character(8)", "bpchar"),
        ("numeric(10,2)", "numeric"),
        ("timestamp(3) without time zone", "timestamp without time zone"),
        ("timestamp(0) with time zone", "timestamp with time zone"),
        ("integer", "integer"),
        ('sales."Mood"', 'sales."Mood"'),
    ],
)
def test_a_cast_never_cuts(native: str, expected: str) -> None:
    assert base(native) == expected
    assert SQL.cast("$1", native) == f"CAST($1 AS {expected})"


@pytest.mark.parametrize(
    ("native", "type_", "expected"),
    [
        ("integer", pa.int32(), "x"),
        ("numeric(10,2)", pa.decimal128(10, 2), "x"),
        ("numeric(50,2)", pa.string(), "x"),
        ("timestamp(3) with time zone", pa.timestamp("us", "UTC"), "x"),
        ("uuid", pa.string(), "CAST(x AS text)"),
        ("character(5)", pa.string(), "CAST(x AS text)"),
        ("integer[]", pa.string(), "CAST(x AS text)"),
        ("jsonb", pa.string(), "CAST(x AS text)"),
    ],
)
def test_what_adbc_does_not_have_is_read_as_text(native: str, type_: pa.DataType, expected: str) -> None:
    assert SQL.read("x", Column("x", type_, native)) == expected


def test_stamps() -> None:
    assert SQL.stamp_out("r.at", "timestamp with time zone") == "CAST(r.at AS text)"
    assert SQL.stamp_in("$1", "timestamp(3) with time zone") == "CAST($1 AS timestamp with time zone)"


def test_moments() -> None:
    local = f"LEAST(({AT} AT TIME ZONE {ZONE}), ({AT} AT TIME ZONE 'UTC'))"
    later = f"({AT} + interval '1 hour')"
    ahead = f"LEAST(({later} AT TIME ZONE {ZONE}), ({later} AT TIME ZONE 'UTC'))"
    assert SQL.moment("timestamp with time zone", "7") == AT
    assert SQL.moment("timestamp(3) without time zone", "7") == f"LEAST({local}, {ahead} - interval '1 hour')"
    assert SQL.moment("date", "7") == f"CAST({local} AS date)"
    assert PostgresqlDialect("UTC").moment("date", "7") == f"CAST(({AT} AT TIME ZONE 'UTC') AS date)"
    assert SQL.moment("bigint", "7") is None
    assert SQL.moment("xid", "7") is None


def test_key_rows() -> None:
    assert SQL.key_rows("$1", [CODE]) == (
        "(SELECT e.place - 1 AS marea_n, CAST(e.key #>> '{}' AS character varying) AS marea_k0 "
        "FROM json_array_elements(CAST($1 AS json)) WITH ORDINALITY AS e(key, place))"
    )
    assert SQL.key_rows("$2", [CODE, LINE]) == (
        "(SELECT e.place - 1 AS marea_n, CAST(e.key ->> 0 AS character varying) AS marea_k0, "
        "CAST(e.key ->> 1 AS integer) AS marea_k1 "
        "FROM json_array_elements(CAST($2 AS json)) WITH ORDINALITY AS e(key, place))"
    )


@pytest.mark.parametrize(
    ("type_", "expected"),
    [
        (pa.bool_(), "boolean"),
        (pa.int8(), "smallint"),
        (pa.int64(), "bigint"),
        (pa.uint64(), "numeric(20,0)"),
        (pa.float32(), "real"),
        (pa.float64(), "double precision"),
        (pa.decimal128(12, 2), "numeric(12,2)"),
        (pa.string(), "text"),
        (pa.binary(), "bytea"),
        (pa.date32(), "date"),
        (pa.time64("us"), "time without time zone"),
        (pa.timestamp("us"), "timestamp without time zone"),
        (pa.timestamp("us", "UTC"), "timestamp with time zone"),
    ],
)
def test_types_of_made_columns(type_: pa.DataType, expected: str) -> None:
    assert SQL.native(type_, key=False) == SQL.native(type_, key=True) == expected


def test_a_type_without_a_column() -> None:
    with pytest.raises(ValueError, match="list"):
        SQL.native(pa.list_(pa.int32()), key=False)


def test_every_parameter_that_libpq_takes_is_known() -> None:
    taken = {option.keyword.decode() for option in Conninfo.get_defaults()}
    assert taken <= set(PARAMETERS)


def test_hashes_are_of_the_bytes_of_values() -> None:
    values = [("a", "integer"), ("b", "numeric(7,2)"), ("c", "character varying(5)"), ("d", "citext")]
    row = 'a, numeric_send(b), c COLLATE "C", CAST(d AS text) COLLATE "C"'
    once = f"int8send(hash_record_extended(ROW({row}), 0))"
    dialect = PostgresqlDialect()
    assert dialect.hashed(values, 7) == f"(hash_record_extended(ROW({once}), 7) & 4503599627370495)"
    assert dialect.hash_total("h") == "CAST(sum(h) % 4503599627370496 AS bigint)"
