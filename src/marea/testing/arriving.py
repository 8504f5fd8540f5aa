"""Owns the part of the contract of SQL targets about values: every one arrives unharmed."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
from hypothesis import given

from marea.model import Operation
from marea.ports import Source, Target
from marea.testing.delivering import Row, shape
from marea.testing.receiving import TargetContract
from marea.testing.values import Kind, rows_of, searching


class Arriving(TargetContract):
    """What a table makes of values."""

    def test_values_arrive_unharmed(self, target: Target, another: Target, source: Source) -> None:
        kinds = self.kinds
        fields = {"id": pa.int64(), **{name: kind.type for name, kind in kinds.items()}}
        all_kinds = shape(fields, ("id",), create=True)
        target.prepare(all_kinds)
        another.prepare(all_kinds)
        described = {column.name: column.type for column in self.table(source, "t").columns}
        assert described == fields
        arrived: dict[int, Row] = {}

        @searching(self.examples)
        @given(rows_of(kinds))
        def check(rows: list[dict[str, Any]]) -> None:
            known = {row["id"]: row for row in self.read(source, "t")}
            start = max(known, default=0) + 1
            numbered = [{"id": start + index, **row} for index, row in enumerate(rows)]
            self.deliver(target, all_kinds, numbered)
            turned = [{**row, "id": start + index} for index, row in enumerate(reversed(rows))]
            arrived.update({row["id"]: row for row in numbered})
            assert {row["id"]: row for row in self.read(source, "t")} == arrived
            self.deliver(another, all_kinds, turned, Operation.UPDATE)
            arrived.update({row["id"]: row for row in turned})
            assert {row["id"]: row for row in self.read(source, "t")} == arrived

        check()

    def test_keys_of_every_kind(self, target: Target, source: Source) -> None:
        for name in self.key_kinds():
            fields = {"id": self.kinds[name].type, "name": pa.string()}
            keyed = shape(fields, ("id",), f"t_{name}", create=True)
            target.prepare(keyed)
            values = self.samples(self.kinds[name])
            ids = self.deliver(target, keyed, [{"id": value, "name": "x"} for value in values])
            assert all(isinstance(text, str) for text in ids)
            self.deliver(target, keyed, [{"id": None}], Operation.DELETE, ids[:1])
            assert [row["id"] for row in self.read(source, f"t_{name}")] == values[1:], name

    def key_kinds(self) -> list[str]:
        """The kinds a key may have."""
        return [name for name in self.kinds if name not in ("float64", "bool")]

    def samples(self, kind: Kind) -> list[Any]:
        """Two values of a kind."""
        found: list[Any] = []

        @searching(10)
        @given(kind.values)
        def collect(value: Any) -> None:
            if value not in found and value:
                found.append(value)

        collect()
        return found[:2]
