"""The SQL of MariaDB and MySQL: exact texts, and that a parser reads them."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
import pytest
import sqlglot

from marea.connectors.mysql.dialect import MysqlDialect
from marea.connectors.mysql.types import Native
from marea.errors import ConfigurationError
from marea.ports import Column

pytestmark = pytest.mark.unit

CODE = Column("code", pa.string(), "varchar(12) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci")
NUMBER = Column("number", pa.int32(), "int(11)")
SOON = "90"
SQL = MysqlDialect()


def parses(text: str) -> bool:
    """Whether a parser of MySQL reads a statement with its parameters filled in."""
    return (
        sqlglot.parse_one((text % tuple("'x'" for _ in range(text.count("%s")))), dialect="mysql") is not None
    )


@pytest.mark.parametrize(
    ("name", "quoted"),
    [("plain", "`plain`"), ("a`b", "`a``b`"), ("Order By", "`Order By`"), ("50%", "`50%`")],
)
def test_names_are_quoted(name: str, quoted: str) -> None:
    assert SQL.quote(name) == quoted


def test_a_table_may_name_its_database() -> None:
    assert SQL.table("erp.MA_Items") == "`erp`.`MA_Items`"


def test_percent_signs_of_a_user_are_doubled() -> None:
    assert SQL.escape("name LIKE 'A%' AND t > DATE_FORMAT(x, '%s')") % () == (
        "name LIKE 'A%' AND t > DATE_FORMAT(x, '%s')"
    )


@pytest.mark.parametrize(
    ("native", "cast"),
    [
        ("int(10) unsigned", "CAST(x AS UNSIGNED)"),
        ("bigint(20)", "CAST(x AS SIGNED)"),
        ("tinyint(3) unsigned zerofill", "CAST(x AS UNSIGNED)"),
        ("decimal(12,2)", "CAST(x AS DECIMAL(12,2))"),
        ("double(10,2)", "CAST(x AS DOUBLE)"),
        ("float", "CAST(x AS DOUBLE)"),
        ("datetime(6)", "CAST(x AS DATETIME(6))"),
        ("timestamp", "CAST(x AS DATETIME)"),
        ("date", "CAST(x AS date)"),
        ("time(3)", "CAST(x AS time(3))"),
        ("year(4)", "CAST(x AS UNSIGNED)"),
        (CODE.native, "CAST(x AS CHAR CHARACTER SET utf8mb4) COLLATE utf8mb4_general_ci"),
        (
            "enum('a','(b)','it''s') CHARACTER SET latin1 COLLATE latin1_bin",
            "CAST(x AS CHAR CHARACTER SET latin1) COLLATE latin1_bin",
        ),
        ("varbinary(20)", "CAST(x AS BINARY)"),
        ("CHAR", "CAST(x AS CHAR)"),
    ],
)
def test_a_value_is_cast_to_what_cast_knows_and_never_cut(native: str, cast: str) -> None:
    assert SQL.cast("x", native) == cast
    assert parses(f"SELECT {cast}")


@pytest.mark.parametrize(
    ("native", "type_", "read"),
    [
        ("float", pa.float32(), "(`a` + 0E0)"),
        ("bit(8)", pa.uint64(), "(`a` + 0)"),
        ("point", pa.string(), "ST_AsText(`a`)"),
        ("binary(16)", pa.string(), "HEX(`a`)"),
        ("varbinary(16)", pa.binary(), "`a`"),
        ("datetime(6)", pa.timestamp("us"), "`a`"),
    ],
)
def test_a_column_is_read_without_loss(native: str, type_: pa.DataType, read: str) -> None:
    assert SQL.read("`a`", Column("a", type_, native)) == read


def test_stamps_go_out_as_text_and_come_in_as_their_type() -> None:
    assert SQL.stamp_out("r.`m`", "datetime(6)") == "CAST(r.`m` AS CHAR)"
    assert SQL.stamp_in("%s", "datetime(6)") == "CAST(%s AS DATETIME(6))"
    assert SQL.stamp_out("r.`v`", "binary(8)") == "HEX(r.`v`)"
    assert SQL.stamp_in("%s", "binary(8)") == "UNHEX(%s)"
    assert SQL.stamp_out("r.`f`", "float") == "CAST((r.`f` + 0E0) AS CHAR)"


def test_the_moment_of_a_naive_time_is_the_servers_and_survives_the_hour_that_happens_twice() -> None:
    at = "TIMESTAMP'1970-01-01 00:00:00' + INTERVAL 7 SECOND"
    assert SQL.moment("datetime(6)", "7") == (
        f"CAST(LEAST(CONVERT_TZ({at}, '+00:00', @@global.time_zone), "
        f"(CONVERT_TZ({at} + INTERVAL 1 HOUR, '+00:00', @@global.time_zone) - INTERVAL 1 HOUR), {at}) "
        "AS DATETIME)"
    )
    assert "'Europe/Rome'" in str(MysqlDialect("Europe/Rome").moment("datetime", "7"))


def test_the_moment_of_an_instant_is_utc_and_of_a_number_is_none() -> None:
    at = "TIMESTAMP'1970-01-01 00:00:00' + INTERVAL 7 SECOND"
    assert SQL.moment("timestamp(6)", "7") == f"CAST({at} AS DATETIME)"
    for native in ("int(11)", "varchar(20)", "year(4)", "time", "binary(8)"):
        assert SQL.moment(native, "0") is None


@pytest.mark.parametrize("native", ["datetime", "datetime(6)", "timestamp(3)", "date"])
def test_a_moment_is_sql(native: str) -> None:
    assert parses(f"SELECT {SQL.stamp_out(str(SQL.moment(native, SOON)), native)}")


def test_a_list_of_keys_becomes_rows_in_their_own_collations() -> None:
    assert SQL.key_rows("%s", [NUMBER, CODE]) == (
        "(SELECT j.n - 1 AS marea_n, j.k0 AS marea_k0, j.k1 AS marea_k1 FROM JSON_TABLE(%s, '$[*]' COLUMNS "
        "(n FOR ORDINALITY, k0 BIGINT PATH '$[0]', "
        "k1 VARCHAR(13) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci PATH '$[1]')) AS j)"
    )
    assert "k0 VARCHAR(13) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci PATH '$')" in SQL.key_rows(
        "%s", [CODE]
    )


@pytest.mark.parametrize(
    ("native", "part"),
    [
        ("bigint(20) unsigned", "BIGINT UNSIGNED"),
        ("decimal(12,2)", "DECIMAL(65,30)"),
        ("datetime(3)", "DATETIME(6)"),
        ("date", "DATE"),
        ("double", "DOUBLE"),
        (
            "enum('a','b') CHARACTER SET latin1 COLLATE latin1_bin",
            "VARCHAR(256) CHARACTER SET latin1 COLLATE latin1_bin",
        ),
        (
            "text CHARACTER SET utf8mb4 COLLATE utf8mb4_bin",
            "LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin",
        ),
        ("uuid", "VARCHAR(255)"),
    ],
)
def test_a_key_is_wider_in_json_than_in_its_column(native: str, part: str) -> None:
    assert f"k0 {part} PATH" in SQL.key_rows("%s", [Column("k", pa.string(), native)])


def test_fixed_bytes_are_keys_in_hexadecimal_and_others_are_none() -> None:
    fixed, free = (Column("id", pa.string(), native) for native in ("binary(16)", "varbinary(16)"))
    assert "UNHEX(j.k0) AS marea_k0" in SQL.key_rows("%s", [fixed])
    assert SQL.key_in("%s", fixed) == "UNHEX(%s)"
    with pytest.raises(ConfigurationError, match='"id"'):
        SQL.key_rows("%s", [free])


def test_parts_of_a_key_are_texts() -> None:
    assert [SQL.key_value(value) for value in (True, False, 42, "0815")] == ["1", "0", "42", "0815"]
    assert SQL.key_in("%s", CODE) == "CAST(%s AS CHAR CHARACTER SET utf8mb4) COLLATE utf8mb4_general_ci"


EXACT = "CHARACTER SET utf8mb4 COLLATE /*M! utf8mb4_nopad_bin */ /*!80017 utf8mb4_0900_bin */"


@pytest.mark.parametrize(
    ("type_", "free", "key"),
    [
        (pa.string(), f"LONGTEXT {EXACT}", f"VARCHAR(255) {EXACT}"),
        (pa.binary(), "LONGBLOB", "VARBINARY(255)"),
        (pa.bool_(), "TINYINT(1)", "TINYINT(1)"),
        (pa.int64(), "BIGINT", "BIGINT"),
        (pa.uint64(), "BIGINT UNSIGNED", "BIGINT UNSIGNED"),
        (pa.float64(), "DOUBLE", "DOUBLE"),
        (pa.decimal128(18, 4), "DECIMAL(18,4)", "DECIMAL(18,4)"),
        (pa.date32(), "DATE", "DATE"),
        (pa.time64("us"), "TIME(6)", "TIME(6)"),
        (pa.timestamp("us"), "DATETIME(6)", "DATETIME(6)"),
        (pa.timestamp("us", "UTC"), "DATETIME(6)", "DATETIME(6)"),
    ],
)
def test_a_column_is_made_for_a_type(type_: pa.DataType, free: str, key: str) -> None:
    assert (SQL.native(type_, key=False), SQL.native(type_, key=True)) == (free, key)


@pytest.mark.parametrize(
    "type_", [pa.null(), pa.list_(pa.int32()), pa.decimal128(38, 31), pa.decimal128(10, -2)]
)
def test_a_type_without_a_column_is_an_error(type_: pa.DataType) -> None:
    with pytest.raises(ValueError, match="MySQL has no"):
        SQL.native(type_, key=False)


def test_a_select_is_cut() -> None:
    assert SQL.limit("SELECT 1", 5) == "SELECT 1 LIMIT 5"


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("VARCHAR(12) CHARACTER SET x COLLATE y", ("varchar", "(12)", 12, " CHARACTER SET x", " COLLATE y")),
        ("enum('a)','b''(')", ("enum", "('a)','b''(')", None, "", "")),
        ("", ("", "", None, "", "")),
    ],
)
def test_a_type_is_taken_apart(text: str, parts: Sequence[object]) -> None:
    native = Native.parse(text)
    assert (native.word, native.size, native.length, native.charset, native.collation) == parts
