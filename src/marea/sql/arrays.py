"""Owns what Arrow copies needlessly: columns already in one piece, masks that keep every row."""

from __future__ import annotations

from typing import Any

import pyarrow as pa


def flat(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    """The values in one array; in one piece they are not copied."""
    if not isinstance(column, pa.ChunkedArray):
        return column
    if column.num_chunks == 1:
        return column.chunk(0)
    return pa.concat_arrays(column.chunks) if column.num_chunks else pa.nulls(0, column.type)


def kept(table: pa.Table, mask: Any) -> pa.Table:
    """The rows of a mask; a first load keeps all, and copies none."""
    return table if _whole(mask) else table.filter(mask)


def where(mask: Any, column: Any) -> Any:
    """A column with null where a mask is false."""
    import pyarrow.compute as pc

    return column if _whole(mask) else pc.if_else(mask, column, pa.scalar(None, column.type))


def _whole(mask: Any) -> bool:
    import pyarrow.compute as pc

    return bool(pc.all(mask, min_count=0).as_py())
