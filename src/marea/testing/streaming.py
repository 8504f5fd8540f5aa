"""Owns the part of the source contract about rows: every value unharmed, in order, of one moment."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given

from marea.errors import ConfigurationError
from marea.ports import MISFIT, Column, Source
from marea.sql.dialect import Query
from marea.testing.suite import NEEDS, Execute, Suite
from marea.testing.values import TEXTS, rows_of, searching


class Streaming(Suite):
    """What a source hands over."""

    @pytest.fixture
    def unfit(self) -> tuple[str, str] | None:
        """A type of column, and a literal it takes that our type for it cannot hold; None: there is none."""
        return None

    # -- values --------------------------------------------------------------------------

    def test_values_come_unharmed(self, source: Source, execute: Execute) -> None:
        kinds = self.kinds
        self.make(source, execute, {"id": kinds["int64"], **kinds})
        table = self.table(source, "t")
        types = {column.name: column.type for column in table.columns}
        assert types == {"id": pa.int64(), **{name: kind.type for name, kind in kinds.items()}}

        @searching(self.examples)
        @given(rows_of(kinds))
        def check(rows: list[dict[str, Any]]) -> None:
            execute("DELETE FROM t")
            numbered = [{"id": index, **row} for index, row in enumerate(rows)]
            self.insert(execute, "t", numbered)
            assert self.read(source, "t", order="id") == numbered

        check()

    def test_texts_come_unharmed_and_empty_is_not_null(self, source: Source, execute: Execute) -> None:
        self.make(source, execute, {"id": self.kinds["int64"], "text": self.kinds["text"]})
        rows = [{"id": index, "text": text} for index, text in enumerate([*TEXTS, None])]
        self.insert(execute, "t", rows)
        assert self.read(source, "t", order="id") == rows

    def test_a_value_that_its_type_cannot_hold_is_null_and_told(
        self, source: Source, execute: Execute, unfit: tuple[str, str] | None
    ) -> None:
        assert unfit is not None, NEEDS.format("unfit")
        native, literal = unfit
        execute(f"CREATE TABLE t (id INTEGER, held {native})")
        for row in ("1, NULL", f"2, {literal}", "3, NULL"):
            execute(f"INSERT INTO t VALUES ({row})")
        with source.snapshot() as reader:
            tables = list(reader.stream(*self.select(source, "t", order="id"), 1_000))
        rows = [row for table in tables for row in table.to_pylist()]
        assert [(row["id"], row["held"]) for row in rows] == [(1, None), (2, None), (3, None)]
        told = [row.get(MISFIT) for row in rows]
        assert [bool(misfit) for misfit in told] == [False, True, False]
        assert told[1]["column"] == "held"
        assert told[1]["type"]
        assert told[1]["value"]

    def test_parameters_arrive_as_they_are(self, source: Source) -> None:
        dialect = source.dialect
        column = Column("a", pa.string(), dialect.text_type)
        select = f"SELECT {dialect.cast(dialect.placeholder(1), dialect.text_type)} AS a"
        with source.snapshot() as reader:
            for value in (*TEXTS, None):
                assert self.fetch(reader, Query(select, (value,)), [column]) == [{"a": value}]
            assert self.fetch(reader, Query(select, (-42,)), [column]) == [{"a": "-42"}]

    def test_a_users_sql_may_hold_what_looks_like_a_placeholder(self, source: Source) -> None:
        dialect = source.dialect
        written = "'$1 ? %s :1 --'"
        second = dialect.cast(dialect.placeholder(1), dialect.text_type)
        query = Query(dialect.escape(f"SELECT {written} AS a, ") + f"{second} AS b", ("bound",))
        columns = [Column(name, pa.string(), dialect.text_type) for name in "ab"]
        with source.snapshot() as reader:
            assert self.fetch(reader, query, columns) == [{"a": "$1 ? %s :1 --", "b": "bound"}]

    # -- streams: of a number of rows that makes no whole number of tables ---------------

    def test_a_stream_keeps_order_and_size(self, source: Source, execute: Execute) -> None:
        self.numbers(source, execute, 5_003)
        with source.snapshot() as reader:
            tables = list(reader.stream(*self.select(source, "t", order="id DESC"), 1_000))
        ids = [value for table in tables for value in table["id"].to_pylist()]
        assert ids == list(range(5_002, -1, -1))
        assert all(0 < table.num_rows <= 2_000 for table in tables)
        assert 3 <= len(tables) <= 10

    def test_an_empty_stream_yields_nothing(self, source: Source, execute: Execute) -> None:
        self.make(source, execute, {"id": self.kinds["int64"]})
        with source.snapshot() as reader:
            assert list(reader.stream(*self.select(source, "t"), 100)) == []

    def test_several_streams_are_open_at_once(self, source: Source, execute: Execute) -> None:
        self.numbers(source, execute, 3_007)
        query, columns = self.select(source, "t", order="id")
        with source.snapshot() as reader:
            streams = [reader.stream(query, columns, 100) for _ in range(4)]
            pages = [
                {tuple(table["id"].to_pylist()) for table in tables} for tables in zip(*streams, strict=True)
            ]
        assert all(len(page) == 1 for page in pages)
        assert [number for page in pages for number in page.pop()] == list(range(3_007))

    def test_a_stream_may_be_left_half_read(self, source: Source, execute: Execute) -> None:
        self.numbers(source, execute, 3_007)
        query, columns = self.select(source, "t", order="id")
        with source.snapshot() as reader:
            assert next(iter(reader.stream(query, columns, 100)))["id"][0].as_py() == 0
            assert self.fetch(reader, query, columns)[-1]["id"] == 3_006

    def test_a_snapshot_is_one_moment(self, source: Source, execute: Execute) -> None:
        self.numbers(source, execute, 10)
        query, columns = self.select(source, "t", order="id")
        with source.snapshot() as reader:
            first = self.fetch(reader, query, columns)
            execute("DELETE FROM t WHERE id < 5")
            open_streams = [reader.stream(query, columns, 2) for _ in range(2)]
            assert [next(stream)["id"].to_pylist() for stream in open_streams] == [[0, 1], [0, 1]]
            assert self.fetch(reader, query, columns) == first
        assert len(self.read(source, "t")) == 5

    def test_a_snapshot_locks_no_row(self, source: Source, execute: Execute) -> None:
        self.numbers(source, execute, 10)
        with source.snapshot() as reader:
            self.fetch(reader, *self.select(source, "t"))
            execute("UPDATE t SET id = id + 100")
        assert min(row["id"] for row in self.read(source, "t")) == 100

    def test_a_snapshot_writes_nothing(self, source: Source, execute: Execute) -> None:
        self.numbers(source, execute, 3)
        with source.snapshot() as reader, pytest.raises(ConfigurationError):
            list(reader.stream(Query("DELETE FROM t"), [], 100))
        assert len(self.read(source, "t")) == 3

    def test_a_select_can_be_cut(self, source: Source, execute: Execute) -> None:
        self.numbers(source, execute, 10)
        query, columns = self.select(source, "t", order="id")
        with source.snapshot() as reader:
            rows = self.fetch(reader, Query(source.dialect.limit(query.text, 3)), columns)
        assert [row["id"] for row in rows] == [0, 1, 2]
