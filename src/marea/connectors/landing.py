"""Owns the sorting of a delivered batch into creates and updates, renamed keys, and deletes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from marea.model import Operation
from marea.ports import OPERATION, TARGET_ID, TRIED, Shape
from marea.sql.arrays import flat
from marea.sql.keys import as_text, identities, parted


@dataclass(frozen=True, slots=True)
class Work:
    """What a batch asks of a table."""

    upserts: pa.Table
    """The shape's fields of the records to create or update."""
    renames: pa.Table
    """Old key (o0, …) and new key (n0, …) of the records whose key at the target changed."""
    tried: pa.Table
    """The same of the records that may stand under an old key, or may not."""
    deletes: pa.Table
    """The key (o0, …) of the records to delete."""
    ids: pa.Array
    """The key of each row of the batch as text; null for deletes without key fields."""
    creates_only: bool
    twice: bool
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
        tried=_tried(shape, batch.filter(writes) if TRIED in batch.column_names else batch),
        deletes=_old_keys(shape, pc.coalesce(previous, ids).filter(deletes)),
        ids=ids,
        creates_only=bool(pc.all(pc.equal(batch[OPERATION], Operation.CREATE.value)).as_py()),
        twice=pc.count_distinct(ids.filter(writes)).as_py() < upserts.num_rows,
    )


def _columns(
    prefix: str, columns: Sequence[pa.Array | pa.ChunkedArray]
) -> dict[str, pa.Array | pa.ChunkedArray]:
    return {f"{prefix}{index}": column for index, column in enumerate(columns)}


def _old_keys(shape: Shape, ids: pa.Array) -> pa.Table:
    types = [shape.fields.field(name).type for name in shape.key]
    return pa.table(_columns("o", parted(ids, types))).filter(pc.is_valid(ids))


def _renames(shape: Shape, rows: pa.Table, previous: pa.Array) -> pa.Table:
    old = _old_keys(shape, previous)
    for name, column in _columns("n", [rows[name] for name in shape.key]).items():
        old = old.append_column(name, column)
    return old


def _tried(shape: Shape, batch: pa.Table) -> pa.Table:
    """One row a key that a record may stand under."""
    if TRIED not in batch.column_names:
        return _renames(shape, batch.slice(0, 0), pa.nulls(0, pa.string()))
    keys = flat(batch[TRIED])
    return _renames(shape, batch.take(pc.list_parent_indices(keys)), pc.list_flatten(keys))
