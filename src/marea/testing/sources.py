"""Owns the contract suite of sources: what every connector that reads must prove on a real database."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

import pyarrow as pa
import pytest

from marea.capabilities import Catalogue, Editable, Hindering
from marea.errors import ConfigurationError, SystemUnreachable
from marea.ports import Column, Source
from marea.sql.dialect import Query
from marea.testing.describing import Describing
from marea.testing.hashing import Hashing
from marea.testing.streaming import Streaming
from marea.testing.suite import Execute
from marea.testing.values import KINDS, Kind
from marea.testing.writing import Writing


class SourceContract(Describing, Hashing, Streaming, Writing):
    """Subclass it, give the fixtures, and every test of it is a promise of the connector.

    `source` is the connector's source on an empty database of the test's own; `execute` runs SQL
    there by other means, `transaction` so that it commits when its block ends; `unreachable` is a
    source whose system does not answer and whose password is "pa55word"; `cut` breaks all connections
    of `source` from outside. Where there is no `unfit`, the test that needs it is a gap.
    """

    kinds: ClassVar[Mapping[str, Kind]] = KINDS
    """Column kinds the database can hold; replace values where it has narrower limits."""
    stamps: ClassVar[Mapping[str, Sequence[str]]] = {
        "timestamp": ("'2024-02-29 23:59:59.123456'", "'2024-02-29 23:59:59.123457'"),
        "timestamptz": ("'2024-02-29 23:59:59.123456+00:00'", "'2024-02-29 23:59:59.123457+00:00'"),
        "date": ("'2024-02-29'", "'2024-03-01'"),
        "int64": ("9007199254740992", "9007199254740993"),
    }
    """For each kind a stamp may have: two literals one smallest step apart."""

    def test_it_can_what_it_declares(self, source: Source) -> None:
        self.can_what_it_declares(source, (Catalogue, Editable, Hindering))

    # -- keys ----------------------------------------------------------------------------

    def test_rows_are_found_by_a_list_of_keys(self, source: Source, execute: Execute) -> None:
        keys = [
            ["A", 1],
            ["a'b", 2],
            ['q"q', 3],
            ["back\\slash", -4],
            ["日本🧭", 5],
            ["0815", 6],
            ["x,[y]", 7],
        ]
        integer = source.dialect.native(pa.int32(), key=True)
        text = source.dialect.native(pa.string(), key=True)
        execute(f"CREATE TABLE t (code {text} NOT NULL, line {integer} NOT NULL, PRIMARY KEY (code, line))")
        rows = [{"code": code, "line": line} for code, line in keys]
        self.insert(execute, "t", rows)
        asked = [*reversed(keys), ["missing", 1]]
        assert self.by_keys(source, "t", ("code", "line"), asked) == list(enumerate(reversed(rows)))
        assert self.by_keys(source, "t", ("code",), ["back\\slash", "a'b"]) == [(0, rows[3]), (1, rows[1])]
        assert self.by_keys(source, "t", ("line",), [7, 1]) == [(0, rows[6]), (1, rows[0])]

    def test_a_key_part_stands_in_a_comparison(self, source: Source, execute: Execute) -> None:
        self.numbers(source, execute, 10)
        dialect, table = source.dialect, self.table(source, "t")
        bound = dialect.key_in(dialect.placeholder(1), self.column(table, "id"))
        query, columns = self.select(source, "t", where=f"id > {bound}", order="id")
        with source.snapshot() as reader:
            rows = self.fetch(reader, Query(query.text, (dialect.key_value(7),)), columns)
        assert [row["id"] for row in rows] == [8, 9]

    # -- stamps --------------------------------------------------------------------------

    def test_stamps_go_out_and_in_and_compare_strictly(self, source: Source, execute: Execute) -> None:
        for kind, literals in self.stamps.items():
            self.make(source, execute, {"id": self.kinds["int64"], "stamp": self.kinds[kind]}, f"t_{kind}")
            for index, value in enumerate(literals):
                execute(f"INSERT INTO t_{kind} VALUES ({index}, {value})")
            assert self.stamped(source, f"t_{kind}", ">") == [[1], []], kind
            assert self.stamped(source, f"t_{kind}", "=") == [[0], [1]], kind

    def test_a_stamp_that_is_null_stays_null(self, source: Source, execute: Execute) -> None:
        for kind in self.stamps:
            self.make(source, execute, {"id": self.kinds["int64"], "stamp": self.kinds[kind]}, f"t_{kind}")
            dialect, native = source.dialect, source.type_of(f"t_{kind}", "stamp").native
            execute(f"INSERT INTO t_{kind} VALUES (1, NULL)")
            out = [
                dialect.stamp_out(text, native) for text in ("stamp", f"(SELECT max(stamp) FROM t_{kind})")
            ]
            query = Query(f"SELECT {out[0]} AS s, {out[1]} AS m FROM t_{kind}")
            with source.snapshot() as reader:
                columns = [Column(name, pa.string(), dialect.text_type) for name in "sm"]
                assert self.fetch(reader, query, columns) == [{"s": None, "m": None}], kind

    def stamped(self, source: Source, table: str, operator: str) -> list[list[int]]:
        """For each row in order: which rows' stamps compare so with its stamp, sent out and back in."""
        dialect = source.dialect
        native = source.type_of(table, "stamp").native
        out = Query(f"SELECT {dialect.stamp_out('stamp', native)} AS s FROM {table} ORDER BY id")
        bound = dialect.stamp_in(dialect.placeholder(1), native)
        query, columns = self.select(source, table, where=f"stamp {operator} {bound}", order="id")
        with source.snapshot() as reader:
            texts = self.fetch(reader, out, [Column("s", pa.string(), dialect.text_type)])
            found = [self.fetch(reader, Query(query.text, (row["s"],)), columns) for row in texts]
        return [[row["id"] for row in rows] for rows in found]

    # -- failures ------------------------------------------------------------------------

    def test_rejected_sql_is_a_fault_of_the_configuration(self, source: Source, execute: Execute) -> None:
        self.numbers(source, execute, 3)
        column = Column("a", pa.string(), source.dialect.text_type)
        for text in ("SELECT nonsense AS a FROM t", "SELEKT 1", "SELECT 'x' AS a FROM nowhere"):
            with source.snapshot() as reader, pytest.raises(ConfigurationError):
                list(reader.stream(Query(text), [column], 100))
        assert len(self.read(source, "t")) == 3

    def test_a_source_that_is_away_says_so(self, unreachable: Source) -> None:
        for attempt in (
            lambda: unreachable.describe("t"),
            lambda: unreachable.type_of("t", "a"),
            lambda: unreachable.snapshot().__enter__(),
        ):
            with pytest.raises(SystemUnreachable) as caught:
                attempt()
            assert caught.value.system
            assert caught.value.hint
            assert "pa55word" not in str(caught.value)
        unreachable.close()

    def test_a_connection_that_breaks_says_so(
        self, source: Source, execute: Execute, cut: Callable[[], None]
    ) -> None:
        self.numbers(source, execute, 3)
        with pytest.raises(SystemUnreachable):
            self.read_across_a_cut(source, cut)
        self.recovers(cut, lambda: self.read(source, "t"))
        self.recovers(cut, lambda: source.describe("t"))

    def test_it_carries_out_an_update(self, source: Source, execute: Execute) -> None:
        self.can(Editable)
        assert isinstance(source, Editable)
        self.numbers(source, execute, 10)
        placeholder = source.dialect.cast(
            source.dialect.placeholder(1), source.dialect.native(pa.int64(), key=False)
        )
        assert source.execute(Query(f"UPDATE t SET id = id + 100 WHERE id >= {placeholder}", ("7",))) == 3
        assert max(row["id"] for row in self.read(source, "t")) == 109
        with pytest.raises(ConfigurationError):
            source.execute(Query("UPDATE t SET nonsense = 1"))

    def test_closing_is_repeatable(self, source: Source, execute: Execute) -> None:
        self.numbers(source, execute, 1)
        assert len(self.read(source, "t")) == 1
        source.close()
        source.close()

    # -- helpers ---------------------------------------------------------------------------

    def by_keys(
        self, source: Source, table: str, names: tuple[str, ...], keys: Sequence[object]
    ) -> list[tuple[int, dict[str, Any]]]:
        """The rows of a list of keys, each with its key's place in the list."""
        dialect, described = source.dialect, self.table(source, table)
        columns = [self.column(described, name) for name in names]
        join = " AND ".join(f"t.{dialect.quote(name)} = k.marea_k{index}" for index, name in enumerate(names))
        selects = ["k.marea_n AS n", *(f"t.{dialect.quote(column.name)}" for column in described.columns)]
        text = (
            f"SELECT {', '.join(selects)} FROM {dialect.table(table)} t "
            f"JOIN {dialect.key_rows(dialect.placeholder(1), columns)} k ON {join}"
        )
        parameter = json.dumps(keys, ensure_ascii=False, separators=(",", ":"))
        with source.snapshot() as reader:
            place = Column("n", pa.int64(), "")
            rows = self.fetch(reader, Query(text, (parameter,)), [place, *described.columns])
        return sorted(((row.pop("n"), row) for row in rows), key=lambda pair: pair[0])

    def read_across_a_cut(self, source: Source, cut: Callable[[], None]) -> None:
        query, columns = self.select(source, "t")
        with source.snapshot() as reader:
            self.fetch(reader, query, columns)
            cut()
            self.fetch(reader, query, columns)

    def recovers(self, cut: Callable[[], None], call: Callable[[], object]) -> None:
        """After a cut one call may still find the dead connection; the next one must not."""
        assert call()
        cut()
        try:
            assert call()
        except SystemUnreachable:
            assert call()
