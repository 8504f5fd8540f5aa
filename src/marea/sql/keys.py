"""Owns the text of keys: how the columns of a key become one text, for whole tables at once."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from marea.sql import duck
from marea.sql.arrays import flat

_ESCAPED = r'["\\\x00-\x1f]'  # what JSON does not take as it is inside a text


def key_texts(columns: Sequence[pa.ChunkedArray]) -> pa.Array:
    """Keys as JSON text, `"0815"`, `42` or `[3211264,"0815"]`; null where a part is null.

    Equal to what `duck.key_json` writes. Whole numbers and plain texts, which keys mostly
    are, are joined without an engine; all else goes through it.
    """
    parts = [_plain(column) for column in columns]
    if any(part is None for part in parts):
        return _by_engine(columns)
    if len(parts) == 1:
        return flat(parts[0])
    separated = [item for part in parts for item in (",", part)][1:]
    return flat(pc.binary_join_element_wise("[", *separated, "]", ""))


def identities(columns: Sequence[pa.ChunkedArray]) -> pa.Array:
    """What stands for the id of records whose target goes by their keys; null where a part is null.

    The value of a single field as text, else a JSON array of such texts.
    """
    texts = [as_text(column) for column in columns]
    return texts[0] if len(texts) == 1 else key_texts([pa.chunked_array([text]) for text in texts])


def parted(ids: pa.Array, types: Sequence[pa.DataType]) -> list[pa.Array]:
    """What `identities` wrote of columns of these types, as such columns again; null of null."""
    if len(types) == 1:
        return [_value(ids, types[0])]
    rows = [json.loads(text) if text is not None else [None] * len(types) for text in ids.to_pylist()]
    parts = [pa.array([row[place] for row in rows], pa.string()) for place in range(len(types))]
    return [_value(part, type_) for part, type_ in zip(parts, types, strict=True)]


def _value(texts: pa.Array, type_: pa.DataType) -> pa.Array:
    """What `as_text` wrote, in its own type again."""
    if pa.types.is_binary(type_) or pa.types.is_large_binary(type_):
        values = [bytes.fromhex(text) if text is not None else None for text in texts.to_pylist()]
        return pa.array(values, type_)
    if pa.types.is_time(type_):
        moments = pc.binary_join_element_wise("1970-01-01 ", texts, "").cast(pa.timestamp("us"))
        return moments.cast(type_)
    return texts.cast(type_)


def as_text(column: pa.ChunkedArray) -> pa.Array:
    """The values as plain text; bytes as hexadecimal."""
    if pa.types.is_binary(column.type) or pa.types.is_large_binary(column.type):
        values = [value.hex() if value is not None else None for value in column.to_pylist()]
        return pa.array(values, pa.string())
    return flat(column).cast(pa.string())


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray | None:
    """The JSON text of numbers and of texts that need no escape; None for everything else."""
    if pa.types.is_integer(column.type):
        return column.cast(pa.string())
    if not pa.types.is_string(column.type) or pc.any(pc.match_substring_regex(column, _ESCAPED)).as_py():
        return None
    return pc.binary_join_element_wise('"', column, '"', "")


def _by_engine(columns: Sequence[pa.ChunkedArray]) -> pa.Array:
    names = [f"k{index}" for index in range(len(columns))]
    engine = duck.connect()
    engine.register("keys", pa.table(dict(zip(names, columns, strict=True))))
    return flat(engine.sql(f"SELECT {duck.key_json(names)} AS k FROM keys").to_arrow_table().column("k"))
