"""The SQL of SQLite, letter by letter."""

from __future__ import annotations

import pyarrow as pa
import pytest

from marea.connectors.sqlite.dialect import SqliteDialect, affinity
from marea.ports import Column

pytestmark = pytest.mark.unit

SQL = SqliteDialect()
CODE = Column("code", pa.string(), "VARCHAR(10)")
LINE = Column("line", pa.int64(), "INTEGER")


def test_names_placeholders_and_limit() -> None:
    assert SQL.quote('a"b') == '"a""b"'
    assert SQL.placeholder(2) == "?2"
    assert SQL.limit("SELECT 1", 5) == "SELECT 1 LIMIT 5"


@pytest.mark.parametrize(
    ("native", "expected"),
    [
        ("BIGINT UNSIGNED", "INTEGER"),
        ("CHARINT", "INTEGER"),
        ("NVARCHAR(20)", "TEXT"),
        ("DECIMAL_TEXT(30,10)", "TEXT"),
        ("", ""),
        ("BLOB", ""),
        ("DOUBLE PRECISION", "REAL"),
        ("DECIMAL(12,2)", "NUMERIC"),
        ("DATETIME", "NUMERIC"),
        ("STRING", "NUMERIC"),
    ],
)
def test_affinity_follows_sqlites_own_rules(native: str, expected: str) -> None:
    assert affinity(native) == expected


def test_a_cast_never_makes_a_number_of_a_date() -> None:
    assert SQL.cast("?1", "DATE") == "(?1)"
    assert SQL.cast("?1", "VARCHAR(5)") == "CAST(?1 AS TEXT)"
    assert SQL.cast("?1", "INT") == "CAST(?1 AS INTEGER)"


@pytest.mark.parametrize(
    ("native", "type_", "expected"),
    [
        ("VARCHAR(10)", pa.string(), "x"),
        ("INTEGER", pa.int64(), "x"),
        ("DATE", pa.date32(), "x"),
        ("STRING", pa.string(), "CAST(x AS TEXT)"),
        ("", pa.string(), "CAST(x AS TEXT)"),
        ("DECIMAL(12,2)", pa.decimal128(12, 2), "CAST(x AS TEXT)"),
    ],
)
def test_what_is_read_as_text(native: str, type_: pa.DataType, expected: str) -> None:
    assert SQL.read("x", Column("x", type_, native)) == expected


def test_stamps_are_json_values() -> None:
    assert SQL.stamp_out("r.at", "DATETIME") == "nullif(json_quote(r.at), 'null')"
    assert SQL.stamp_in("?1", "DATETIME") == "json_extract(?1, '$')"


def test_moments() -> None:
    assert SQL.moment("DATETIME", "7") == "strftime('%Y-%m-%d %H:%M:%S', 7, 'unixepoch')"
    assert SQL.moment("DATE", "7") == "strftime('%Y-%m-%d', 7, 'unixepoch')"
    assert SQL.moment("INTEGER", "7") is None


def test_key_rows() -> None:
    assert SQL.key_rows("?1", [CODE]) == (
        "(SELECT e.key AS marea_n, CAST(e.value AS TEXT) AS marea_k0 FROM json_each(?1) AS e)"
    )
    assert SQL.key_rows("?2", [CODE, LINE]) == (
        "(SELECT e.key AS marea_n, CAST(json_extract(e.value, '$[0]') AS TEXT) AS marea_k0, "
        "CAST(json_extract(e.value, '$[1]') AS INTEGER) AS marea_k1 FROM json_each(?2) AS e)"
    )


@pytest.mark.parametrize(
    ("type_", "expected"),
    [
        (pa.bool_(), "BOOLEAN"),
        (pa.int32(), "INTEGER"),
        (pa.uint64(), "DECIMAL_TEXT(20,0)"),
        (pa.float64(), "REAL"),
        (pa.decimal128(15, 2), "DECIMAL(15,2)"),
        (pa.decimal128(16, 2), "DECIMAL_TEXT(16,2)"),
        (pa.string(), "TEXT"),
        (pa.binary(), "BLOB"),
        (pa.date32(), "DATE"),
        (pa.time64("us"), "TIME"),
        (pa.timestamp("us"), "TIMESTAMP"),
        (pa.timestamp("us", "UTC"), "TIMESTAMPTZ"),
    ],
)
def test_types_of_made_columns(type_: pa.DataType, expected: str) -> None:
    assert SQL.native(type_, key=False) == SQL.native(type_, key=True) == expected


def test_a_type_without_a_column() -> None:
    with pytest.raises(ValueError, match="list"):
        SQL.native(pa.list_(pa.int32()), key=False)
