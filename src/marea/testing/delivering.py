"""Owns what the tests of a target share: shapes, batches as the delivery stage gives them, a table."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from marea.delivery.receipts import checked
from marea.model import Operation
from marea.ports import CHANGES, KEY, OPERATION, PAYLOAD, TARGET_ID, TRIED, Shape, Target
from marea.sql.keys import identities
from marea.testing.suite import Suite
from marea.testing.values import arrow

Row = Mapping[str, Any]

CODES = {"code": pa.string(), "name": pa.string(), "amount": pa.decimal128(12, 2)}


def shape(
    fields: Mapping[str, pa.DataType] = CODES,
    key: Sequence[str] = ("code",),
    table: str = "t",
    **options: Any,
) -> Shape:
    """A shape of these fields; an entity is named like its table."""
    return Shape(table, table, tuple(key), pa.schema(list(fields.items())), options)


def batch(
    shape: Shape, rows: Sequence[Row], operation: Operation, ids: Sequence[str | None] = ()
) -> pa.Table:
    """A batch as the delivery stage gives it: one operation for all rows, or one in each row's OPERATION.

    A row may have TRIED, and CHANGES as a dict: only the test knows what the record was before.
    """
    table = arrow(rows, shape.fields)
    keys = [json.dumps(index) for index, _ in enumerate(rows)]
    operations = [str(row.get(OPERATION, operation)) for row in rows]
    text = pa.string()
    for name, values in {
        KEY: keys,
        OPERATION: operations,
        TARGET_ID: list(ids) or [None] * len(rows),
        PAYLOAD: [_json({name: row[name] for name in shape.fields.names if name in row}) for row in rows],
        CHANGES: [_json(row[CHANGES]) if CHANGES in row else None for row in rows],
    }.items():
        table = table.append_column(name, pa.array(values, text))
    if any(TRIED in row for row in rows):
        tried = [row.get(TRIED) for row in rows]
        table = table.append_column(TRIED, pa.array(tried, pa.list_(text)))
    return table


def _json(value: Row) -> str:
    return json.dumps(value, default=str)


class Delivering(Suite):
    """Base of the target contracts: shapes, records, and deliveries of which nothing may fail."""

    def made(
        self, fields: Mapping[str, pa.DataType] = CODES, key: Sequence[str] = ("code",), name: str = "t"
    ) -> Shape:
        """A shape that the target takes though nothing was made ready for it."""
        return shape(fields, key, name)

    def row(self, code: str, name: str = "") -> dict[str, Any]:
        """A record of `codes`."""
        return {"code": code, "name": name or f"name {code}", "amount": None}

    def moved(self, before: str, code: str) -> dict[str, Any]:
        """A record of `codes` that was known by another code before."""
        former, row = self.row(before), self.row(code)
        return {**row, CHANGES: {name: [former[name], row[name]] for name in ("code", "name")}}

    def deliver(
        self,
        target: Target,
        shape: Shape,
        rows: Sequence[Row],
        operation: Operation = Operation.CREATE,
        ids: Sequence[str | None] = (),
    ) -> list[str | None]:
        """Delivers a batch of which nothing may be rejected; gives the target ids."""
        receipt = checked("erp", target.deliver(shape, batch(shape, rows, operation, ids)), len(rows))
        assert not receipt.rejected
        assert not receipt.deferred
        if receipt.target_ids is None:  # its keys stand for its ids
            keys = arrow(rows, shape.fields)
            return list(identities([keys[name] for name in shape.key]).to_pylist())
        return list(receipt.target_ids.to_pylist())
