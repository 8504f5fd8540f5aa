"""Owns small works on Arrow columns that several stages do: no needless copy, masks by row and by value."""

from __future__ import annotations

from collections.abc import Collection, Iterable
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


def put(table: pa.Table, name: str, column: Any) -> pa.Table:
    """The table with a column in the place of the one of its name, else behind all others."""
    if name not in table.column_names:
        return table.append_column(name, column)
    return table.set_column(table.column_names.index(name), name, column)


def at(rows: Collection[int], length: int) -> Any:
    """A mask of that length that is true at these rows."""
    import pyarrow.compute as pc

    return pc.is_in(pa.arange(0, length), pa.array(list(rows), pa.int64()))


def among(column: Any, values: Iterable[str]) -> Any:
    """A mask that is true where a column of texts has one of these values."""
    import pyarrow.compute as pc

    return pc.is_in(column, pa.array(list(values), pa.string()))


def _whole(mask: Any) -> bool:
    import pyarrow.compute as pc

    return bool(pc.all(mask, min_count=0).as_py())
