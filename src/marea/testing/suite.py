"""Owns what all contract suites share: declared gaps, and the making and reading of test tables."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, ClassVar

import pytest

from marea.ports import Column, Reader, Source, Table
from marea.sql.dialect import Query
from marea.testing.values import KINDS, Kind, literal

Execute = Callable[[str], object]

NEEDS = "give the fixture `{}`, or declare a gap that says why there is none"


class Suite:
    """Base of the contract suites."""

    gaps: ClassVar[Mapping[str, str]] = {}
    """Tests this connector cannot pass, each with the reason. One that passes after all is an error."""
    capabilities: ClassVar[Collection[type]] = ()
    """The protocols of `marea.capabilities` that it has; it must have these, and no other."""
    kinds: ClassVar[Mapping[str, Kind]] = KINDS
    examples: ClassVar[int] = 15
    """How many random tables of values are sent through."""

    @pytest.fixture(autouse=True)
    def _declared_gaps(self, request: pytest.FixtureRequest) -> None:
        unknown = [name for name in self.gaps if not hasattr(self, name)]
        assert not unknown, f"gaps that are no tests: {unknown}"
        reason = self.gaps.get(request.node.originalname)
        if reason:
            request.node.add_marker(pytest.mark.xfail(reason=reason, strict=True))

    def can(self, protocol: type) -> None:
        """Skips a test of what the connector does not declare that it can."""
        if protocol not in self.capabilities:
            pytest.skip(f"no {protocol.__name__}")

    def can_what_it_declares(self, what: object, possible: Collection[type]) -> None:
        """Of the capabilities that are possible it has those declared: a method misspelt is none."""
        assert set(self.capabilities) <= set(possible)
        for protocol in possible:
            names = [name for name in vars(protocol) if not name.startswith("_")]
            has = all(callable(getattr(what, name, None)) for name in names)
            assert has == (protocol in self.capabilities), f"{protocol.__name__}: {', '.join(names)}"

    def literal(self, value: object) -> str:
        """A value as a literal in this database's SQL."""
        return literal(value)

    def make(self, source: Source, execute: Execute, columns: Mapping[str, Kind], name: str = "t") -> None:
        """A table with columns of these kinds, without a key."""
        dialect = source.dialect
        parts = [
            f"{dialect.quote(key)} {dialect.native(kind.type, key=False)}" for key, kind in columns.items()
        ]
        execute(f"CREATE TABLE {name} ({', '.join(parts)})")

    def insert(self, execute: Execute, table: str, rows: Sequence[Mapping[str, object]]) -> None:
        """Rows with every column of the table in order."""
        for start in range(0, len(rows), 500):
            part = rows[start : start + 500]
            values = ", ".join(f"({', '.join(map(self.literal, row.values()))})" for row in part)
            execute(f"INSERT INTO {table} VALUES {values}")

    def numbers(self, source: Source, execute: Execute, count: int) -> None:
        """A table t with the column id, from 0."""
        self.make(source, execute, {"id": self.kinds["int64"]})
        self.insert(execute, "t", [{"id": number} for number in range(count)])

    def table(self, source: Source, name: str) -> Table:
        """The description of a table that is there."""
        table = source.describe(name)
        assert table is not None, f"{name} is not described"
        return table

    def select(
        self, source: Source, name: str, *, where: str = "", order: str = ""
    ) -> tuple[Query, Sequence[Column]]:
        """A query of a whole table with its columns."""
        dialect, table = source.dialect, self.table(source, name)
        selects = [
            f"{dialect.read(dialect.quote(column.name), column)} AS {dialect.quote(column.name)}"
            for column in table.columns
        ]
        text = f"SELECT {', '.join(selects)} FROM {dialect.table(table.name)}"
        text += f" WHERE {where}" if where else ""
        text += f" ORDER BY {order}" if order else ""
        return Query(text), table.columns

    def read(self, source: Source, name: str, *, order: str = "") -> list[dict[str, Any]]:
        """A whole table as Python values."""
        query, columns = self.select(source, name, order=order)
        with source.snapshot() as reader:
            return [row for table in reader.stream(query, columns, 1_000) for row in table.to_pylist()]

    def column(self, table: Table, name: str) -> Column:
        column = table.column(name)
        assert column is not None
        return column

    def fetch(self, reader: Reader, query: Query, columns: Sequence[Column]) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = []
        for table in reader.stream(query, columns, 1_000):
            assert table.schema.types == [column.type for column in columns]
            rows.extend(table.to_pylist())
        return rows
