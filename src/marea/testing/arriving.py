"""Owns the part of the target contract about values: every one arrives unharmed."""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa
from hypothesis import given

from marea.model import Operation
from marea.ports import Shape, Source, Target
from marea.testing.delivering import Delivering, Row, shape
from marea.testing.values import TEXTS, Kind, rows_of, searching


class Arriving(Delivering):
    """What a target makes of values."""

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

    def test_texts_arrive_unharmed_and_empty_is_not_null(
        self, target: Target, another: Target, source: Source
    ) -> None:
        texts = shape({"id": pa.int64(), "text": pa.string()}, ("id",), create=True)
        rows = [{"id": index, "text": text} for index, text in enumerate([*TEXTS, None])]
        target.prepare(texts)
        self.deliver(target, texts, rows)
        assert self.read(source, "t", order="id") == rows
        another.prepare(texts)
        turned = [{**row, "text": other["text"]} for row, other in zip(rows, reversed(rows), strict=True)]
        self.deliver(another, texts, turned, Operation.UPDATE)
        assert self.read(source, "t", order="id") == turned

    def test_a_letters_case_is_a_change(self, target: Target, source: Source, codes: Shape) -> None:
        target.prepare(codes)
        self.deliver(target, codes, [self.row("a", "name")])
        for name in ("Name", "Näme", "name ", "name"):
            self.deliver(target, codes, [self.row("a", name)], Operation.UPDATE, ["a"])
            assert self.names(source) == {"a": name}

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

    def test_json_text_arrives(self, target: Target, source: Source) -> None:
        lines = pa.field("lines", pa.string(), metadata={b"marea": b"json"})
        json_shape = Shape(
            "t", "t", ("id",), pa.schema([pa.field("id", pa.int64()), lines]), {"create": True}
        )
        target.prepare(json_shape)
        values = ['[{"a":1.10,"b":"\\"x\\u00e8\\\\"},{"a":null}]', "[]", None]
        for turn in (values, values[::-1]):
            rows = [{"id": index, "lines": value} for index, value in enumerate(turn)]
            self.deliver(target, json_shape, rows, Operation.UPDATE)
            got = [row["lines"] for row in self.read(source, "t", order="id")]
            assert [text and json.loads(text) for text in got] == [text and json.loads(text) for text in turn]

    def test_names_may_be_reserved_or_quoted(self, target: Target, source: Source) -> None:
        fields = {name: pa.string() for name in ("Order", "select", "Mixed Case", 'q"u`o]te', "ünï")}
        odd = shape(fields, ("Order", "Mixed Case"), "Group By", create=True)
        target.prepare(odd)
        for value in ("1", "2"):
            row = {name: name if name in odd.key else value for name in fields}
            self.deliver(target, odd, [row], Operation.UPDATE)
            assert self.read(source, "Group By") == [row]
