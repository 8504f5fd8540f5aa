"""Owns the part of the source contract about hashes: values that differ in anything have other ones."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marea.ports import Column, Source
from marea.sql.dialect import HASHES, Query
from marea.sql.parts import Text
from marea.testing.suite import Execute, Suite
from marea.testing.values import TEXTS, searching

HASH = Column("h", pa.int64(), "")


class Hashing(Suite):
    """What the hashes are that a dialect makes of values (`Dialect.hashed`)."""

    def test_values_that_differ_have_other_hashes(self, source: Source, execute: Execute) -> None:
        self.make(source, execute, {"id": self.kinds["int64"], "value": self.kinds["text"]})
        texts = [*TEXTS[:-1], "a", "A", "á", "a ", None]
        self.insert(execute, "t", [{"id": number, "value": text} for number, text in enumerate(texts)])
        found = self.hashes(source, ["value"])
        assert len(set(found)) == len(texts)
        assert all(0 <= number < HASHES for number in found)
        assert found == self.hashes(source, ["value"])
        assert not set(found) & set(self.hashes(source, ["value"], salt=1))

    @pytest.mark.parametrize(
        ("kind", "literals"),
        {
            "int64": ("5", "-5", "21474836480", "0", "9223372036854775807", "NULL"),
            "float64": ("0.1", "0.10000000000000002", "1e300", "-1e300", "1e-300", "NULL"),
            "decimal": ("5.50", "-5.50", "55.0", "0.55", "NULL"),
            "bool": ("true", "false", "NULL"),
            "timestamp": ("'2024-02-29 23:59:59.123456'", "'2024-02-29 23:59:59.123457'", "NULL"),
            "date": ("'2024-02-29'", "'2024-03-01'", "NULL"),
        }.items(),
    )
    def test_values_of_every_type_are_told_apart(
        self, source: Source, execute: Execute, kind: str, literals: tuple[str, ...]
    ) -> None:
        type_ = pa.decimal128(12, 2) if kind == "decimal" else self.kinds[kind].type
        native = source.dialect.native(type_, key=False)
        execute(f"CREATE TABLE t (id INTEGER, value {native})")
        for number, value in enumerate(literals):
            execute(f"INSERT INTO t VALUES ({number}, {value})")
        assert len(set(self.hashes(source, ["value"]))) == len(literals)

    def test_columns_keep_their_order_and_their_bounds(self, source: Source, execute: Execute) -> None:
        columns = {"id": self.kinds["int64"], "one": self.kinds["text"], "other": self.kinds["text"]}
        self.make(source, execute, columns)
        pairs = [
            ("a", "b"),
            ("b", "a"),
            ("ab", ""),
            ("", "ab"),
            ("a", None),
            (None, "a"),
            ("a,b", ""),
            ("'", "'"),
        ]
        self.insert(
            execute,
            "t",
            [{"id": number, "one": one, "other": other} for number, (one, other) in enumerate(pairs)],
        )
        assert len(set(self.hashes(source, ["one", "other"]))) == len(pairs)
        wide = self.hashes(source, ["one", "other"] * 75)
        assert len(set(wide)) == len(pairs)

    def test_a_swap_between_rows_changes_their_total(self, source: Source, execute: Execute) -> None:
        columns = {"id": self.kinds["int64"], "one": self.kinds["int64"], "other": self.kinds["int64"]}
        self.make(source, execute, columns)
        self.insert(execute, "t", [{"id": 1, "one": 1, "other": 2}, {"id": 2, "one": 3, "other": 4}])
        before = self.total(source, ["one", "other"])
        execute("UPDATE t SET one = 4 - one")
        assert self.total(source, ["one", "other"]) != before

    def test_a_total_is_that_of_the_hashes_however_many(self, source: Source, execute: Execute) -> None:
        self.numbers(source, execute, 5_003)
        assert self.total(source, ["id"]) == sum(self.hashes(source, ["id"])) % HASHES
        execute("DELETE FROM t")
        assert self.total(source, ["id"]) is None

    def test_no_two_texts_have_one_hash(self, source: Source) -> None:
        dialect = source.dialect

        def hashing(value: str) -> Query:
            text = Text(dialect)
            bound = dialect.cast(text.bind(value), dialect.text_type)
            return text.query(f"SELECT {dialect.hashed([(bound, dialect.text_type)], 0)} AS h")

        drawn = st.lists(st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=4), unique=True)

        @searching(self.examples)
        @given(drawn)
        def told_apart(texts: list[str]) -> None:
            with source.snapshot() as reader:
                found = [self.fetch(reader, hashing(one), [HASH])[0]["h"] for one in texts]
            assert len(set(found)) == len(texts)

        told_apart()

    def hashes(self, source: Source, names: list[str], salt: int = 0) -> list[int]:
        """The hashes of the rows of t by id."""
        text = f"SELECT {self.hashing(source, names, salt)} AS h FROM t ORDER BY id"
        with source.snapshot() as reader:
            return [row["h"] for row in self.fetch(reader, Query(source.dialect.escape(text)), [HASH])]

    def total(self, source: Source, names: list[str]) -> int | None:
        text = f"SELECT {source.dialect.hash_total(self.hashing(source, names, 0))} AS h FROM t"
        with source.snapshot() as reader:
            [row] = self.fetch(reader, Query(source.dialect.escape(text)), [HASH])
        found: int | None = row["h"]
        return found

    def hashing(self, source: Source, names: list[str], salt: int) -> str:
        table = self.table(source, "t")
        columns = [self.column(table, name) for name in names]
        return source.dialect.hashed([(column.name, column.native) for column in columns], salt)
