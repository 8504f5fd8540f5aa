"""Owns the keys at the target that records stand under there, told from the payloads they were given."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

import pyarrow as pa

from marea.sql.duck import literal
from marea.sql.keys import key_texts

if TYPE_CHECKING:
    import duckdb


def keys_in(
    engine: duckdb.DuckDBPyConnection, fields: Sequence[tuple[str, str]], payloads: pa.Array
) -> pa.Array:
    """The key (utf8, as `Claims` has it) in each canonical payload; null where a part is missing or empty.

    `fields` are those of the key at the target with the DuckDB types that the mapping gives them now,
    which need not be those that a payload was written with.
    """
    return key_texts(values_in(engine, fields, payloads).columns)


def values_in(
    engine: duckdb.DuckDBPyConnection, fields: Sequence[tuple[str, str]], payloads: pa.Array
) -> pa.Table:
    """The columns of some fields, in their order and types, of each canonical payload; as in `keys_in`."""
    paths = ", ".join(literal("$." + json.dumps(name, ensure_ascii=False)) for name, _ in fields)
    values = ", ".join(_value(place, type_) for place, (_, type_) in enumerate(fields, 1))
    engine.register("agreed", pa.table({"payload": payloads}))
    found = engine.sql(
        f"SELECT {values} FROM (SELECT json_extract_string(payload, [{paths}]) AS v FROM agreed)"
    ).to_arrow_table()
    engine.unregister("agreed")
    return found


def _value(place: int, type_: str) -> str:
    """A field of a payload in the type that it has now; null where it does not fit that."""
    text = f"v[{place}]"
    return f"{f'from_base64({text})' if type_ == 'BLOB' else f'TRY_CAST({text} AS {type_})'} AS k{place}"


def latest(claims: pa.Table) -> pa.Table:
    """The columns target_key and key of claims, the one with the newest payload of each target key.

    Where two records stood under one key, one after the other, it is the later one's now.
    """
    known = claims.filter(claims.column("target_key").is_valid()).sort_by([("payload", "descending")])
    numbered = known.append_column("n", pa.array(range(known.num_rows), pa.int64()))
    first = numbered.group_by("target_key").aggregate([("n", "min")])
    return known.take(first.column("n_min")).select(["target_key", "key"])
