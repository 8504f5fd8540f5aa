"""Owns what the tests of a target share: shapes, batches as the delivery stage gives them, a table."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
import pytest

from marea.model import Operation
from marea.ports import KEY, OPERATION, PAYLOAD, TARGET_ID, Shape, Source, Target
from marea.sql.keys import identities
from marea.testing.suite import Execute, Suite
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
    """A batch as the delivery stage gives it: one operation for all rows, or one in each row's OPERATION."""
    table = arrow(rows, shape.fields)
    keys = [json.dumps(index) for index, _ in enumerate(rows)]
    operations = [str(row.get(OPERATION, operation)) for row in rows]
    text = pa.string()
    for name, values in {
        KEY: keys,
        OPERATION: operations,
        TARGET_ID: list(ids) or [None] * len(rows),
        PAYLOAD: [json.dumps(row, default=str) for row in rows],
    }.items():
        table = table.append_column(name, pa.array(values, text))
    return table


class Delivering(Suite):
    """Base of the target contract: a table of codes, and deliveries to it."""

    @pytest.fixture
    def codes(self, source: Source, execute: Execute) -> Shape:
        """A table with a text key, a text and an amount, and a column that is not ours."""
        columns = [
            f"{source.dialect.quote(name)} {source.dialect.native(type_, key=name == 'code')}"
            for name, type_ in CODES.items()
        ]
        columns[0] += " NOT NULL PRIMARY KEY"
        columns[1] += " NOT NULL"
        execute(f"CREATE TABLE t ({', '.join(columns)}, theirs INTEGER DEFAULT 7)")
        return shape()

    def row(self, code: str, name: str = "") -> dict[str, Any]:
        """A record of `codes`."""
        return {"code": code, "name": name or f"name {code}", "amount": None}

    def names(self, source: Source) -> dict[str, str]:
        """What the table t holds: code -> name."""
        return {row["code"]: row["name"] for row in self.read(source, "t")}

    def deliver(
        self,
        target: Target,
        shape: Shape,
        rows: Sequence[Row],
        operation: Operation = Operation.CREATE,
        ids: Sequence[str | None] = (),
    ) -> list[str | None]:
        """Delivers a batch of which nothing may be rejected; gives the target ids."""
        receipt = target.deliver(shape, batch(shape, rows, operation, ids))
        assert not receipt.rejected
        assert not receipt.deferred
        if receipt.target_ids is None:  # its keys stand for its ids
            keys = arrow(rows, shape.fields)
            return list(identities([keys[name] for name in shape.key]).to_pylist())
        return list(receipt.target_ids.to_pylist())
