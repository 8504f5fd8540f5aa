"""What SQLite promises beyond the contract: values of any type in any column, declared types, locks."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import apsw
import pyarrow as pa
import pytest

from marea.config.settings import SystemSettings
from marea.connectors.relational import RelationalTarget
from marea.connectors.sqlite import file
from marea.connectors.sqlite.source import SqliteSource
from marea.connectors.sqlite.target import SqliteTarget
from marea.errors import BatchRefused, ConfigurationError, SystemUnreachable
from marea.model import Operation
from marea.testing import batch, shape

pytestmark = pytest.mark.integration

Run = Callable[[str], Any]


@pytest.fixture
def source(sqlite: SystemSettings) -> SqliteSource:
    return SqliteSource(sqlite)


@pytest.fixture
def target(sqlite: SystemSettings) -> Iterator[RelationalTarget]:
    target = SqliteTarget(sqlite)
    yield target
    target.close()


# -- values ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("native", "literal", "value"),
    [
        ("DECIMAL(12,2)", "19.99", Decimal("19.99")),
        ("DECIMAL(12,2)", "20", Decimal(20)),
        ("NUMERIC", "0.1", Decimal("0.1")),
        ("MONEY", "1e20 / 1e19", Decimal(10)),
        (
            "DECIMAL_TEXT(30,10)",
            "'12345678901234567890.0123456789'",
            Decimal("12345678901234567890.0123456789"),
        ),
        ("STRING", "815", "815"),
        ("UUID", "'a0eebc99'", "a0eebc99"),
        ("", "'text'", "text"),
        ("", "42", "42"),
        ("BOOLEAN", "1", True),
        ("DATE", "'2024-02-29'", dt.date(2024, 2, 29)),
        ("DATE", "'2024-02-29 00:00:00'", dt.date(2024, 2, 29)),
        ("DATETIME", "'2024-02-29 10:11:12'", dt.datetime(2024, 2, 29, 10, 11, 12)),
        ("DATETIME", "'2024-02-29T10:11:12.5'", dt.datetime(2024, 2, 29, 10, 11, 12, 500_000)),
        ("DATETIME", "'2024-02-29T10:11:12+02:00'", dt.datetime(2024, 2, 29, 8, 11, 12)),
        ("DATETIME", "'2024-02-29T10:11:12Z'", dt.datetime(2024, 2, 29, 10, 11, 12)),
        ("TIMESTAMPTZ", "'2024-02-29 10:11:12'", dt.datetime(2024, 2, 29, 10, 11, 12, tzinfo=dt.UTC)),
        ("TIME", "'10:11'", dt.time(10, 11)),
        ("REAL", "3", 3.0),
        ("VARCHAR(3)", "'long text'", "long text"),
    ],
)
def test_declared_types(
    native: str, literal: str, value: object, source: SqliteSource, on_sqlite: Run, peek: Any
) -> None:
    on_sqlite(f"CREATE TABLE t (a {native}); INSERT INTO t VALUES ({literal}), (NULL)")
    assert peek(source).rows("t") == [(value,), (None,)]


@pytest.mark.parametrize(
    ("native", "literal", "shown"),
    [
        ("INTEGER", "'many'", "'many'"),
        ("INTEGER", "1.5", "1.5"),
        ("REAL", "'much'", "'much'"),
        ("TEXT", "x'00ff'", r"b'\x00\xff'"),
        ("BLOB", "'text'", "'text'"),
        ("BOOLEAN", "2", "2"),
        ("BOOLEAN", "'true'", "'true'"),
        ("DATE", "'29.02.2024'", "'29.02.2024'"),
        ("DATE", "'2024-02-29 10:00:00'", "'2024-02-29 10:00:00'"),
        ("DATETIME", "1709200000", "1709200000"),
        ("TIME", "'noon'", "'noon'"),
        ("DECIMAL(5,2)", "1.005", "'1.005'"),
        ("DECIMAL(5,2)", "'dear'", "'dear'"),
        ("NUMERIC", "1e30", "'1.0e+30'"),
    ],
)
def test_a_value_of_another_type_is_named(
    native: str, literal: str, shown: str, source: SqliteSource, on_sqlite: Run, peek: Any
) -> None:
    on_sqlite(f"CREATE TABLE t (id INTEGER PRIMARY KEY, a {native})")
    on_sqlite(f"INSERT INTO t VALUES (1, NULL), (2, {literal})")
    first, second = peek(source).rows("t")
    assert first == (1, None, None)
    assert second == (2, None, {"column": "a", "type": native, "value": shown})


def test_text_that_is_no_unicode_is_told_and_its_neighbours_are_read(
    source: SqliteSource, on_sqlite: Run, peek: Any
) -> None:
    on_sqlite("CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT, b BLOB, c DECIMAL(5,2))")
    on_sqlite(
        "INSERT INTO t VALUES (1, 'é', x'ff', 1.5), (2, CAST(x'ff' AS TEXT), NULL, 2), (3, NULL, x'', 3)"
    )
    told = {"column": "a", "type": "TEXT", "value": "b'\\xff'"}
    assert peek(source).rows("t") == [
        (1, "é", b"\xff", Decimal("1.50"), None),
        (2, None, None, Decimal("2.00"), told),
        (3, None, b"", Decimal("3.00"), None),
    ]


# -- descriptions ------------------------------------------------------------------------


def test_keys_and_references(source: SqliteSource, on_sqlite: Run) -> None:
    on_sqlite(
        """CREATE TABLE parent (id INTEGER PRIMARY KEY, code TEXT, part INT);
        CREATE UNIQUE INDEX some ON parent (part) WHERE part > 0;
        CREATE UNIQUE INDEX made ON parent (lower(code));
        CREATE UNIQUE INDEX pair ON parent (part, code);
        CREATE TABLE child (a INT REFERENCES parent, double INT GENERATED ALWAYS AS (a * 2) VIRTUAL)"""
    )
    parent, child = source.describe("main.PARENT"), source.describe("child")
    assert parent is not None
    assert child is not None
    assert (parent.name, parent.key, parent.unique) == ("parent", ("id",), (("id",), ("part", "code")))
    assert [column.nullable for column in parent.columns] == [False, True, True]
    assert [column.name for column in child.columns] == ["a", "double"]
    assert (child.foreign_keys[0].columns, child.foreign_keys[0].referred) == (("a",), ("id",))


@pytest.mark.parametrize(
    ("expression", "native"),
    [
        ("coalesce(changed, created)", "DATETIME"),
        ("MAX(Changed, created)", "DATETIME"),
        ("strftime('%s', changed)", ""),
        ("coalesce(changed, day)", ""),
        ("changed || ''", ""),
    ],
)
def test_an_expression_that_only_chooses_keeps_its_columns_type(
    expression: str, native: str, source: SqliteSource, on_sqlite: Run
) -> None:
    on_sqlite("CREATE TABLE t (created DATETIME, changed DATETIME, day DATE)")
    found = source.type_of("t", expression)
    assert found.native == native
    assert (source.dialect.moment(found.native, "0") is None) == (native == "")


# -- the file ------------------------------------------------------------------------------


def test_a_file_that_is_no_database(sqlite: SystemSettings, tmp_path: Path) -> None:
    (tmp_path / "source.db").write_text(
        "this is a letter, not a database, and long enough to be read as one" * 9
    )
    with pytest.raises(ConfigurationError, match="not a database"):
        SqliteSource(sqlite).describe("t")


def test_a_source_makes_no_file_and_names_the_nearest(sqlite: SystemSettings, tmp_path: Path) -> None:
    for others, hint in (((), "correct the path"), (("soruce.db", "x.txt"), 'did you mean "soruce.db"?')):
        for other in others:
            (tmp_path / other).touch()
        with pytest.raises(ConfigurationError) as caught:
            SqliteSource(sqlite).describe("t")
        (fault,) = caught.value.faults
        assert (fault.message, fault.hint) == (f"there is no file {tmp_path / 'source.db'}", hint)
        assert fault.field == f"systems.{sqlite.name}.url"
    assert not (tmp_path / "source.db").exists()


def test_a_file_whose_folder_is_missing_is_away(tmp_path: Path) -> None:
    """It may lie on a share that is not mounted now."""
    source = SqliteSource(SystemSettings("erp", "sqlite", f"sqlite:///{tmp_path}/share/erp.db"))
    with pytest.raises(SystemUnreachable, match=r"share/erp\.db"):
        source.describe("t")


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///", "sqlite:///:memory:"])
def test_an_address_without_a_file(url: str) -> None:
    with pytest.raises(ConfigurationError, match="names no file"):
        SqliteSource(SystemSettings("erp", "sqlite", url)).describe("t")


def test_a_writer_in_the_way_is_an_outage(
    sqlite: SystemSettings, on_sqlite: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file, "BUSY_MS", 20)
    on_sqlite("CREATE TABLE t (code TEXT PRIMARY KEY, name TEXT, amount NUMERIC)")
    target = SqliteTarget(sqlite)
    target.prepare(shape())
    other = apsw.Connection(str(tmp_path / "source.db"))
    other.execute("BEGIN EXCLUSIVE")
    rows = batch(shape(), [{"code": "a", "name": "x"}], Operation.CREATE)
    with pytest.raises(SystemUnreachable, match="locked"):
        target.deliver(shape(), rows)
    with pytest.raises(SystemUnreachable, match="locked"):
        SqliteSource(sqlite).describe("t")
    other.execute("COMMIT")
    target.deliver(shape(), rows)
    target.close()
    other.close()
    assert on_sqlite("SELECT code FROM t") == [("a",)]


def test_a_source_says_that_who_writes_waits_for_it_until_its_file_is_in_wal_mode(
    source: SqliteSource, on_sqlite: Run, tmp_path: Path
) -> None:
    on_sqlite("CREATE TABLE t (a TEXT)")
    other = apsw.Connection(str(tmp_path / "source.db"))
    said = source.hindrance()
    assert "not in WAL mode" in said
    with source.snapshot(), pytest.raises(apsw.BusyError, match="database is locked"):
        other.execute("INSERT INTO t VALUES ('x')")
    other.execute(said.rpartition(": ")[2])
    with source.snapshot():
        other.execute("INSERT INTO t VALUES ('y')")
    other.close()
    assert (source.hindrance(), on_sqlite("SELECT a FROM t")) == ("", [("y",)])


# -- as a target -----------------------------------------------------------------------------


def test_a_reference_is_checked_and_one_checked_at_the_end_too(
    target: RelationalTarget, on_sqlite: Run
) -> None:
    on_sqlite("CREATE TABLE p (id TEXT PRIMARY KEY)")
    for suffix in ("", "DEFERRABLE INITIALLY DEFERRED"):
        on_sqlite(f"CREATE TABLE t (code TEXT PRIMARY KEY, name TEXT REFERENCES p {suffix}, amount NUMERIC)")
        target.prepare(shape())
        with pytest.raises(BatchRefused, match="FOREIGN KEY"):
            target.deliver(shape(), batch(shape(), [{"code": "a", "name": "none"}], Operation.CREATE))
        target.deliver(shape(), batch(shape(), [{"code": "a"}], Operation.CREATE))
        assert on_sqlite("SELECT code FROM t") == [("a",)]
        on_sqlite("DROP TABLE t")


def test_nan_is_refused_rather_than_lost(target: RelationalTarget) -> None:
    to = shape({"code": pa.string(), "value": pa.float64()}, create=True)
    target.prepare(to)
    with pytest.raises(BatchRefused, match="NaN"):
        target.deliver(to, batch(to, [{"code": "a", "value": float("nan")}], Operation.CREATE))


def test_moments_are_written_as_iso_text(target: RelationalTarget, on_sqlite: Run) -> None:
    to = shape(
        {"code": pa.string(), "at": pa.timestamp("us"), "zoned": pa.timestamp("us", "UTC")}, create=True
    )
    moment = dt.datetime(2024, 2, 29, 10, 11, 12)
    target.prepare(to)
    row = {"code": "a", "at": moment, "zoned": moment.replace(microsecond=5, tzinfo=dt.UTC)}
    target.deliver(to, batch(to, [row], Operation.CREATE))
    assert on_sqlite("SELECT at, zoned FROM t") == [("2024-02-29 10:11:12", "2024-02-29 10:11:12.000005Z")]


def test_a_key_of_text_is_not_put_where_texts_become_numbers(sqlite: SystemSettings, on_sqlite: Run) -> None:
    on_sqlite("CREATE TABLE t (code NUMERIC PRIMARY KEY, name INTEGER, amount INTEGER)")
    target = SqliteTarget(sqlite)
    try:
        with pytest.raises(ConfigurationError, match='"code" is NUMERIC and makes numbers of texts'):
            target.prepare(shape())
    finally:
        target.close()
