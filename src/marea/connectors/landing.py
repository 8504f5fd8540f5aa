"""Owns the sorting of a delivered batch into creates and updates, renamed keys, and deletes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from marea.model import Operation
from marea.ports import OPERATION, TARGET_ID, Shape
from marea.sql.keys import as_text, identities


@dataclass(frozen=True, slots=True)
class Work:
    """What a batch asks of a table."""

    upserts: pa.Table
    """The shape's fields of the records to create or update."""
    renames: pa.Table
    """Old key (o0, …) and new key (n0, …) of the records whose key at the target changed."""
    deletes: pa.Table
    """The key (o0, …) of the records to delete."""
    ids: pa.Array
    """The key of each row of the batch as text; null for deletes without key fields."""
    creates_only: bool
    repeats: bool
    """Whether two records to create or update have the same key."""


def sort_out(shape: Shape, batch: pa.Table) -> Work:
    """Takes a batch apart."""
    ids = identities([batch[name] for name in shape.key])
    deletes = pc.equal(batch[OPERATION], Operation.DELETE.value)
    previous = as_text(batch[TARGET_ID])
    writes = pc.invert(deletes)
    moved = pc.and_(writes, pc.fill_null(pc.not_equal(previous, ids), False))
    fields = batch.select(shape.fields.names)
    upserts = fields if pc.all(writes).as_py() else fields.filter(writes)
    return Work(
        upserts=upserts,
        renames=_renames(shape, batch.filter(moved), previous.filter(moved)),
        deletes=_old_keys(shape, batch.filter(deletes), pc.coalesce(previous, ids).filter(deletes)),
        ids=ids,
        creates_only=bool(pc.all(pc.equal(batch[OPERATION], Operation.CREATE.value)).as_py()),
        repeats=pc.count_distinct(ids.filter(writes)).as_py() < upserts.num_rows,
    )


def _key_value(texts: pa.Array, type_: pa.DataType) -> pa.Array:
    """What `as_text` wrote, in the type of the key field again."""
    if pa.types.is_binary(type_) or pa.types.is_large_binary(type_):
        values = [bytes.fromhex(text) if text is not None else None for text in texts.to_pylist()]
        return pa.array(values, type_)
    if pa.types.is_time(type_):
        moments = pc.binary_join_element_wise("1970-01-01 ", texts, "").cast(pa.timestamp("us"))
        return moments.cast(type_)
    return texts.cast(type_)


def _columns(
    prefix: str, columns: Sequence[pa.Array | pa.ChunkedArray]
) -> dict[str, pa.Array | pa.ChunkedArray]:
    return {f"{prefix}{index}": column for index, column in enumerate(columns)}


def _old_keys(shape: Shape, rows: pa.Table, ids: pa.Array) -> pa.Table:
    types = [shape.fields.field(name).type for name in shape.key]
    parts = _split(ids, len(types))
    keys = pa.table(
        _columns("o", [_key_value(part, type_) for part, type_ in zip(parts, types, strict=True)])
    )
    return keys.filter(pc.is_valid(ids))


def _split(ids: pa.Array, count: int) -> list[pa.Array]:
    if count == 1:
        return [ids]
    rows = [json.loads(text) if text is not None else [None] * count for text in ids.to_pylist()]
    return [pa.array([row[index] for row in rows], pa.string()) for index in range(count)]


def _renames(shape: Shape, rows: pa.Table, previous: pa.Array) -> pa.Table:
    old = _old_keys(shape, rows, previous)
    for name, column in _columns("n", [rows[name] for name in shape.key]).items():
        old = old.append_column(name, column)
    return old
