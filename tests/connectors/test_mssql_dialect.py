"""The SQL of SQL Server: exact texts, and that a parser reads every one of them. No server runs them."""

from __future__ import annotations

import pyarrow as pa
import pytest
import sqlglot

from marea.connectors.mssql.dialect import MssqlDialect, parts
from marea.ports import Column, Table
from marea.sql.aggregate import ROOT, Aggregate, Relation, Stamp
from marea.sql.digests import Digests
from marea.sql.feeds import Cursor, Feeds
from marea.sql.pages import Pages

pytestmark = pytest.mark.unit

SOON = "90"
SQL = MssqlDialect()
CODE = Column("CustSupp", pa.string(), "varchar(12) COLLATE SQL_Latin1_General_CP1_CI_AS")
KIND = Column("CustSuppType", pa.int32(), "int")


def parses(text: str) -> bool:
    """Whether a parser of Transact-SQL reads a statement to its end."""
    return sqlglot.parse_one(text, dialect="tsql") is not None


@pytest.mark.parametrize(
    ("name", "quoted"), [("plain", "[plain]"), ("a]b", "[a]]b]"), ("Order By", "[Order By]")]
)
def test_names_are_quoted(name: str, quoted: str) -> None:
    assert SQL.quote(name) == quoted
    assert parses(f"SELECT {quoted} FROM {SQL.table('dbo.t')}")


@pytest.mark.parametrize(
    ("native", "cast"),
    [
        ("int", "CAST(x AS int)"),
        ("decimal(12,2)", "CAST(x AS decimal(12,2))"),
        (CODE.native, "CAST(x AS varchar(8000)) COLLATE SQL_Latin1_General_CP1_CI_AS"),
        ("nchar(3)", "CAST(x AS nvarchar(4000))"),
        ("nvarchar(max)", "CAST(x AS nvarchar(max))"),
        ("uniqueidentifier", "CAST(x AS uniqueidentifier)"),
    ],
)
def test_a_value_is_cast_and_never_cut(native: str, cast: str) -> None:
    assert SQL.cast("x", native) == cast
    assert parses(f"SELECT {cast}")


@pytest.mark.parametrize(
    ("native", "out", "back"),
    [
        ("datetime", "CONVERT(varchar(33), m, 126)", "CONVERT(datetime, ?, 126)"),
        ("datetime2(7)", "CONVERT(varchar(33), m, 126)", "CONVERT(datetime2(7), ?, 126)"),
        ("smalldatetime", "CONVERT(varchar(33), m, 126)", "CONVERT(smalldatetime, ?, 126)"),
        ("datetimeoffset(7)", "CONVERT(varchar(33), m, 127)", "CONVERT(datetimeoffset(7), ?, 127)"),
        ("date", "CONVERT(varchar(33), m, 23)", "CONVERT(date, ?, 23)"),
        ("float", "CONVERT(varchar(33), m, 3)", "CONVERT(float, ?, 3)"),
        ("money", "CONVERT(varchar(33), m, 2)", "CONVERT(money, ?, 2)"),
        ("timestamp", "CONVERT(varchar(18), CAST(m AS binary(8)), 1)", "CONVERT(binary(8), ?, 1)"),
        ("bigint", "CONVERT(nvarchar(4000), m)", "CAST(? AS bigint)"),
    ],
)
def test_stamps_keep_every_digit_of_their_type(native: str, out: str, back: str) -> None:
    assert (SQL.stamp_out("m", native), SQL.stamp_in("?", native)) == (out, back)
    assert parses(f"SELECT {out} FROM t WHERE m > {back}")


def test_a_moment_is_held_back_for_what_a_type_rounds_down() -> None:
    day = "DATEADD(day, (7 - 1) / 86400, CONVERT(datetime2(0), '1970-01-01', 126))"
    at = f"DATEADD(second, (7 - 1) % 86400, {day})"
    local = f"DATEADD(minute, DATEDIFF(minute, SYSUTCDATETIME(), SYSDATETIME()), {at})"
    assert SQL.moment("datetime", "7") == f"CAST({local} AS datetime)"
    assert SQL.moment("datetimeoffset(7)", "7") == f"CAST(TODATETIMEOFFSET({at}, 0) AS datetimeoffset(7))"
    assert "DATEDIFF(minute, '2000-01-01'" in str(SQL.moment("smalldatetime", "7"))
    for native in ("int", "timestamp", "nvarchar(20)", "time(7)"):
        assert SQL.moment(native, "0") is None


@pytest.mark.parametrize("native", ["datetime", "datetime2(7)", "smalldatetime", "datetimeoffset(7)", "date"])
def test_a_moment_is_sql(native: str) -> None:
    assert parses(f"SELECT {SQL.stamp_out(str(SQL.moment(native, SOON)), native)} AS h")


@pytest.mark.parametrize(
    ("native", "type_", "read"),
    [
        ("timestamp", pa.string(), "CONVERT(varchar(18), CAST(a AS binary(8)), 1)"),
        ("binary(16)", pa.string(), "CONVERT(varchar(8000), a, 1)"),
        ("uniqueidentifier", pa.string(), "CAST(a AS nvarchar(4000))"),
        ("datetimeoffset(7)", pa.timestamp("us", "UTC"), "CAST(SWITCHOFFSET(a, '+00:00') AS datetime2(6))"),
        ("datetime2(7)", pa.timestamp("us"), "CAST(a AS datetime2(6))"),
        ("nvarchar(20)", pa.string(), "a"),
    ],
)
def test_a_column_is_read_as_its_driver_can_hand_it_over(native: str, type_: pa.DataType, read: str) -> None:
    assert SQL.read("a", Column("a", type_, native)) == read
    assert parses(f"SELECT {read} FROM t")


def test_a_list_of_keys_becomes_rows_in_their_own_collations() -> None:
    rows = SQL.key_rows("?", [KIND, CODE])
    assert rows == (
        "(SELECT CAST(j.[key] AS int) AS marea_n, CAST(JSON_VALUE(j.[value], '$[0]') AS int) AS marea_k0, "
        "CAST(JSON_VALUE(j.[value], '$[1]') AS varchar(8000)) COLLATE SQL_Latin1_General_CP1_CI_AS "
        "AS marea_k1 "
        "FROM OPENJSON(CAST(? AS nvarchar(max))) AS j)"
    )
    assert parses(f"SELECT t.* FROM t JOIN {rows} k ON t.a = k.marea_k0 AND t.b = k.marea_k1")
    assert "CAST(j.[value] AS int) AS marea_k0" in SQL.key_rows("?", [KIND])
    assert "CONVERT(varbinary(8000), j.[value], 1)" in SQL.key_rows(
        "?", [Column("b", pa.string(), "binary(16)")]
    )


def test_parts_of_a_key_are_texts() -> None:
    assert [SQL.key_value(value) for value in (True, 42, "0815")] == ["1", "42", "0815"]


@pytest.mark.parametrize(
    ("select", "cut"),
    [
        ("SELECT a FROM t ORDER BY a", "SELECT TOP (5) a FROM t ORDER BY a"),
        ("select distinct a FROM t", "select distinct TOP (5) a FROM t"),
    ],
)
def test_a_select_is_cut(select: str, cut: str) -> None:
    assert SQL.limit(select, 5) == cut
    assert parses(cut)


@pytest.mark.parametrize(
    ("type_", "free", "key"),
    [
        (
            pa.string(),
            "nvarchar(max) COLLATE Latin1_General_100_BIN2",
            "nvarchar(255) COLLATE Latin1_General_100_BIN2",
        ),
        (pa.binary(), "varbinary(max)", "varbinary(255)"),
        (pa.bool_(), "bit", "bit"),
        (pa.int8(), "smallint", "smallint"),
        (pa.uint64(), "decimal(20,0)", "decimal(20,0)"),
        (pa.decimal128(18, 4), "decimal(18,4)", "decimal(18,4)"),
        (pa.float64(), "float(53)", "float(53)"),
        (pa.date32(), "date", "date"),
        (pa.time64("us"), "time(6)", "time(6)"),
        (pa.timestamp("us"), "datetime2(6)", "datetime2(6)"),
        (pa.timestamp("us", "UTC"), "datetimeoffset(6)", "datetimeoffset(6)"),
    ],
)
def test_a_column_is_made_for_a_type(type_: pa.DataType, free: str, key: str) -> None:
    assert (SQL.native(type_, key=False), SQL.native(type_, key=True)) == (free, key)
    assert parses(f"CREATE TABLE t (a {free}, b {key} NOT NULL)")


def test_a_type_without_a_column_is_an_error() -> None:
    with pytest.raises(ValueError, match="SQL Server has no"):
        SQL.native(pa.list_(pa.int32()), key=False)


def test_a_type_is_taken_apart() -> None:
    assert parts("NVARCHAR(12) COLLATE Latin1_General_BIN") == ("nvarchar", "(12)", "Latin1_General_BIN")
    assert parts("rowversion") == ("rowversion", "", "")


def test_every_query_of_an_aggregate_is_sql() -> None:
    stamp = Stamp("TBModified", "datetime")
    options = Relation(
        "options",
        Table("MA_CustSuppCustomerOptions", (KIND, CODE)),
        ((KIND, KIND), (CODE, CODE)),
        (CODE,),
        many=False,
        stamp=stamp,
    )
    table = Table("MA_CustSupp", (KIND, CODE))
    aggregate = Aggregate(table, (KIND, CODE), (KIND, CODE), "CustSuppType = 1", stamp, (options,))
    pages, feeds = Pages(SQL, aggregate), Feeds(SQL, aggregate)
    cursor = Cursor("2024-01-31T23:59:59.997", '[1,"0815"]')
    since = {ROOT: cursor, "options": cursor}
    queries = [
        pages.everything(None),
        pages.everything('[1,"0815"]'),
        pages.keys('[[1,"0815"]]'),
        pages.related(options, '[[1,"0815"]]'),
        *(feeds.changed(feed, since, "2024-02-01T00:00:00") for feed in since),
        *(feeds.horizon(feed, 0) for feed in since),
    ]
    for query in queries:
        assert parses(query.text), query.text
        assert query.text.count("?") == len(query.parameters)


def test_what_indexes_begin_with_is_asked_by_the_name_in_brackets() -> None:
    query = SQL.leading_columns("dbo.Order Lines")
    assert query.parameters == ("[dbo].[Order Lines]",)
    assert parses(query.text)


def test_values_are_hashed_as_exact_texts_behind_their_lengths() -> None:
    named = "CAST(DATALENGTH({0}) AS nvarchar(20)) + N':' + {0} END"
    text = "CAST(c AS nvarchar(max))"
    moment = "CONVERT(varchar(33), m, 126)"
    blob = "CONVERT(varchar(max), CAST(b AS varbinary(max)), 1)"
    parted = " + ".join(
        f"CASE WHEN {name} IS NULL THEN N'-' ELSE {named.format(value)}"
        for name, value in (("c", text), ("m", moment), ("b", blob))
    )
    joined = f"CAST(N'7' AS nvarchar(max)) + {parted}"
    hashed = SQL.hashed([("c", CODE.native), ("m", "datetime"), ("b", "varbinary(max)")], 7)
    assert hashed == f"(CAST(SUBSTRING(HASHBYTES('MD5', {joined}), 1, 8) AS bigint) & 4503599627370495)"
    assert parses(f"SELECT {SQL.hash_total(hashed)} FROM t")


def test_a_scan_is_written_for_a_parser() -> None:
    lines = Table("lines", (CODE, KIND))
    relation = Relation("lines", lines, ((CODE, CODE),), (KIND,), many=True)
    table = Table("dbo.customers", (KIND, CODE))
    digests = Digests(SQL, Aggregate(table, (KIND, CODE), (KIND, CODE), "1 = 1", None, (relation,)), 7)
    for query in (digests.total(), digests.buckets(), digests.keyed([1, 2]), digests.keyed(None)):
        assert parses(query.text)
        assert query.parameters == ()
