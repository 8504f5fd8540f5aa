"""Owns the comparison of payloads field by field: what stood there before, what after.

Payloads are canonical JSON texts of one entity. The comparison runs in the column engine;
records with numbers too long for its JSON reader, which holds them as floats, are compared
by their text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

import pyarrow as pa

from marea.sql.duck import literal

if TYPE_CHECKING:
    import duckdb

_LONG_NUMBER = re.compile(r"[:,\[]-?[0-9.]{16}")
_DECODER = json.JSONDecoder()


def changes(
    engine: duckdb.DuckDBPyConnection, fields: Sequence[str], before: pa.Array, after: pa.Array
) -> pa.Array:
    """For each pair of payloads `{field: [before, after]}` of the fields that differ, as JSON text.

    A field that a payload does not have counts as null, so that a new field that is null
    is no difference. Fields that the mapping no longer has are not compared.
    """
    engine.register("pairs", pa.table({"before": before, "after": after}))
    rows = engine.sql(_query(fields)).to_arrow_table()
    engine.unregister("pairs")
    texts = rows.column("changes").combine_chunks()
    long = [row for row, is_long in enumerate(rows.column("long").to_pylist()) if is_long]
    return _exact(texts, long, fields, before, after) if long else texts


def _query(fields: Sequence[str]) -> str:
    paths = [literal("$." + json.dumps(name, ensure_ascii=False)) for name in fields]
    pairs = [_pair(number, name) for number, name in enumerate(fields, 1)]
    listed = f"array_to_string(list_filter([{', '.join(pairs)}], lambda p: p IS NOT NULL), ',')"
    pattern = literal(_LONG_NUMBER.pattern)
    return (
        f"SELECT '{{' || {listed} || '}}' AS changes, long FROM (SELECT "
        f"json_extract(before, [{', '.join(paths)}]) AS b, json_extract(after, [{', '.join(paths)}]) AS a, "
        f"regexp_matches(before, {pattern}) OR regexp_matches(after, {pattern}) AS long FROM pairs)"
    )


def _pair(number: int, name: str) -> str:
    before, after = (f"coalesce(CAST({side}[{number}] AS VARCHAR), 'null')" for side in "ba")
    head = literal(json.dumps(name, ensure_ascii=False) + ":[")
    return f"CASE WHEN {before} <> {after} THEN {head} || {before} || ',' || {after} || ']' END"


def _exact(
    texts: pa.Array, rows: Sequence[int], fields: Sequence[str], before: pa.Array, after: pa.Array
) -> pa.Array:
    result = texts.to_pylist()
    for row in rows:
        old, new = split(before[row].as_py()), split(after[row].as_py())
        pairs = [(name, old.get(name, "null"), new.get(name, "null")) for name in fields]
        parts = [f"{json.dumps(name, ensure_ascii=False)}:[{b},{a}]" for name, b, a in pairs if b != a]
        result[row] = "{" + ",".join(parts) + "}"
    return pa.array(result, pa.string())


def split(payload: str) -> dict[str, str]:
    """The fields of a canonical payload as the texts they are written as, to the last digit."""
    found: dict[str, str] = {}
    at = 1
    while payload[at] != "}":
        name, at = _DECODER.raw_decode(payload, at)
        _, end = _DECODER.raw_decode(payload, at + 1)
        found[name] = payload[at + 1 : end]
        at = end + 1 if payload[end] == "," else end
    return found
