"""Owns the part of the contract of targets about values: what was delivered is what is held."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from typing import Any

import pyarrow as pa

from marea.model import Operation
from marea.ports import Shape, Target
from marea.testing.deciding import Deciding, Held
from marea.testing.delivering import Row
from marea.testing.values import TEXTS


class Holding(Deciding):
    """What a target makes of values, and of names."""

    def test_texts_arrive_unharmed_and_empty_is_not_null(
        self, target: Target, another: Target, held: Held
    ) -> None:
        texts = self.made({"id": pa.int64(), "text": pa.string()}, ("id",))
        rows = [{"id": index, "text": text} for index, text in enumerate([*TEXTS, None])]
        target.prepare(texts)
        self.deliver(target, texts, rows)
        assert _by(held("t"), "id") == rows
        another.prepare(texts)
        turned = [{**row, "text": other["text"]} for row, other in zip(rows, reversed(rows), strict=True)]
        self.deliver(another, texts, turned, Operation.UPDATE)
        assert _by(held("t"), "id") == turned

    def test_amounts_dates_and_truth_values_arrive(self, target: Target, held: Held) -> None:
        """However the system writes them, as long as each can be read back."""
        kinds = {"amount": pa.decimal128(12, 2), "day": pa.date32(), "valid": pa.bool_()}
        typed = self.made({"id": pa.int64(), **kinds}, ("id",))
        values = [
            (Decimal("-1234567890.12"), date(2024, 2, 29), True),
            (Decimal("0.05"), date(1970, 1, 1), False),
        ]
        target.prepare(typed)
        for turn in ([*values, (None,) * 3], [(None,) * 3, *values]):
            rows = [
                dict(zip(typed.fields.names, (number, *row), strict=True)) for number, row in enumerate(turn)
            ]
            self.deliver(target, typed, rows, Operation.UPDATE)
            assert [_read(row) for row in _by(held("t"), "id")] == rows

    def test_a_letters_case_is_a_change(self, target: Target, held: Held, codes: Shape) -> None:
        target.prepare(codes)
        self.deliver(target, codes, [self.row("a", "name")])
        for name in ("Name", "Näme", "name ", "name"):
            self.deliver(target, codes, [self.row("a", name)], Operation.UPDATE, ["a"])
            assert self.names(held) == {"a": name}

    def test_json_text_arrives(self, target: Target, held: Held) -> None:
        lines = pa.field("lines", pa.string(), metadata={b"marea": b"json"})
        made = self.made({"id": pa.int64(), "lines": pa.string()}, ("id",))
        fields = pa.schema([made.fields.field("id"), lines])
        json_shape = Shape(made.entity, made.object, made.key, fields, made.options)
        target.prepare(json_shape)
        values = ['[{"a":1.10,"b":"\\"x\\u00e8\\\\"},{"a":null}]', "[]", None]
        for turn in (values, values[::-1]):
            rows = [{"id": index, "lines": value} for index, value in enumerate(turn)]
            self.deliver(target, json_shape, rows, Operation.UPDATE)
            got = [row["lines"] for row in _by(held("t"), "id")]
            assert [text and json.loads(text) for text in got] == [text and json.loads(text) for text in turn]

    def test_names_may_be_reserved_or_quoted(self, target: Target, held: Held) -> None:
        fields = {name: pa.string() for name in ("Order", "select", "Mixed Case", 'q"u`o]te', "ünï")}
        odd = self.made(fields, ("Order", "Mixed Case"), "Group By")
        target.prepare(odd)
        for value in ("1", "2"):
            row = {name: name if name in odd.key else value for name in fields}
            self.deliver(target, odd, [row], Operation.UPDATE)
            assert held("Group By") == [row]


def _read(row: Row) -> dict[str, Any]:
    """An amount, a day and a truth value from however a system writes them."""
    amount, day, valid = (row.get(name) for name in ("amount", "day", "valid"))
    return {
        "id": row["id"],
        "amount": None if amount is None else Decimal(str(amount)),
        "day": None if day is None else date.fromisoformat(str(day)),
        "valid": None if valid is None else {1: True, 0: False}[valid],
    }


def _by(rows: list[dict[str, Any]], name: str) -> list[dict[str, Any]]:
    return sorted(rows, key=lambda row: row[name])
