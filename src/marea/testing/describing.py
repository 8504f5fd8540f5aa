"""Owns the part of the source contract about descriptions: tables, names, keys, types of expressions."""

from __future__ import annotations

import pyarrow as pa
import pytest

from marea.capabilities import Catalogue
from marea.errors import ConfigurationError
from marea.ports import Column, Source
from marea.testing.suite import Execute, Suite


class Describing(Suite):
    """What a source says of its tables."""

    def test_describes_columns_keys_and_references(self, source: Source, execute: Execute) -> None:
        text = source.dialect.native(pa.string(), key=True)
        execute(f"CREATE TABLE parent (code {text} NOT NULL PRIMARY KEY, name {text} NOT NULL UNIQUE)")
        execute(
            f"CREATE TABLE child (line INTEGER NOT NULL, code {text} NOT NULL, note {text}, up {text}, "
            "PRIMARY KEY (code, line), FOREIGN KEY (up) REFERENCES parent (code))"
        )
        parent, child = self.table(source, "parent"), self.table(source, "child")
        assert [column.name for column in child.columns] == ["line", "code", "note", "up"]
        assert [column.nullable for column in child.columns] == [False, False, True, True]
        assert child.key == ("code", "line")
        assert [(key.columns, key.table, key.referred) for key in child.foreign_keys] == [
            (("up",), "parent", ("code",))
        ]
        assert {frozenset(columns) for columns in parent.unique} == {frozenset({"code"}), frozenset({"name"})}
        assert {frozenset(columns) for columns in child.unique} == {frozenset({"code", "line"})}

    def test_tells_which_columns_the_database_fills(self, source: Source, execute: Execute) -> None:
        execute("CREATE TABLE t (id INTEGER NOT NULL, filled INTEGER DEFAULT 7 NOT NULL)")
        given = {column.name: column.given for column in self.table(source, "t").columns}
        assert given == {"id": False, "filled": True}

    def test_tells_what_indexes_begin_with(self, source: Source, execute: Execute) -> None:
        text = source.dialect.native(pa.string(), key=True)
        execute(f"CREATE TABLE t (code {text} NOT NULL, name {text}, note {text}, PRIMARY KEY (code, name))")
        execute("CREATE INDEX by_note ON t (note, name)")
        columns = [Column("column_name", pa.string(), source.dialect.text_type)]
        with source.snapshot() as reader:
            rows = self.fetch(reader, source.dialect.leading_columns(self.table(source, "t").name), columns)
        assert sorted(row["column_name"] for row in rows) == ["code", "note"]

    def test_finds_a_table_by_case_alone(self, source: Source, execute: Execute) -> None:
        execute(f"CREATE TABLE {source.dialect.quote('MixedCase')} (a INTEGER)")
        assert self.table(source, "MixedCase").name == self.table(source, "mixedcase").name
        assert source.describe("mixed") is None
        assert source.describe("nowhere.mixedcase") is None

    def test_describes_a_view(self, source: Source, execute: Execute) -> None:
        self.make(source, execute, {"id": self.kinds["int64"]})
        execute("CREATE VIEW seen AS SELECT id FROM t")
        assert self.table(source, "seen").column("id") is not None
        assert self.table(source, "seen").key == ()

    def test_names_may_be_reserved_or_quoted(self, source: Source, execute: Execute) -> None:
        names = ["select", "Order By", 'double "quote"', "back`tick", "brac]ket", "ünïcode"]
        quoted = [source.dialect.quote(name) for name in names]
        execute(f"CREATE TABLE {source.dialect.quote('group')} ({', '.join(f'{q} INTEGER' for q in quoted)})")
        execute(f"INSERT INTO {source.dialect.quote('group')} VALUES (1, 2, 3, 4, 5, 6)")
        assert [column.name for column in self.table(source, "group").columns] == names
        assert [list(row.values()) for row in self.read(source, "group")] == [[1, 2, 3, 4, 5, 6]]

    def test_lists_its_tables(self, source: Source, execute: Execute) -> None:
        self.can(Catalogue)
        assert isinstance(source, Catalogue)
        execute("CREATE TABLE zulu (a INTEGER)")
        execute("CREATE TABLE alpha (a INTEGER)")
        assert source.tables() == ["alpha", "zulu"]

    def test_an_expression_that_chooses_among_columns_keeps_their_type(
        self, source: Source, execute: Execute
    ) -> None:
        """As a last-edit date over two columns does; its stamps go out and in by `native`."""
        for name in ("timestamp", "date", "int64"):
            columns = {"id": self.kinds["int64"], "stamp": self.kinds[name]}
            self.make(source, execute, columns, f"t_{name}")
            column = self.column(self.table(source, f"t_{name}"), "stamp")
            chosen = source.type_of(f"t_{name}", "coalesce(stamp, stamp)")
            assert chosen.type == column.type, name
            moments = [source.dialect.moment(each.native, "0") for each in (chosen, column)]
            assert [bool(moment) for moment in moments] == [name != "int64"] * 2, name

    def test_types_an_expression(self, source: Source, execute: Execute) -> None:
        self.make(source, execute, {"id": self.kinds["int64"], "stamp": self.kinds["timestamp"]})
        described = self.table(source, "t").column("stamp")
        assert described is not None
        column = source.type_of("t", "stamp")
        assert (column.type, column.native) == (described.type, described.native)
        with pytest.raises(ConfigurationError, match=r"(?i)stmap"):
            source.type_of("t", "stmap")
