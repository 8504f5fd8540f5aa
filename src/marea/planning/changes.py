"""Owns the comparison of payloads field by field: what stood there before, what after.

Payloads are canonical JSON texts of one entity. The comparison runs in the column engine: place
by place where both have the same fields and nothing nested, else name by name; numbers too
long for its JSON reader, which holds them as floats, are then compared by their text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from marea.sql.arrays import flat
from marea.sql.duck import literal

if TYPE_CHECKING:
    import duckdb

_LONG_NUMBER = re.compile(r"[:,\[]-?[0-9.]{16}")
_DECODER = json.JSONDecoder()


def changes(
    engine: duckdb.DuckDBPyConnection,
    fields: Sequence[str],
    before: pa.Array,
    after: pa.Array,
    alike: pa.Array,
) -> pa.Array:
    """For each pair of payloads `{field: [before, after]}` of the fields that differ, as JSON text.

    `alike` is true for pairs of one form: both have exactly these fields, in this order. In the
    others a field that only `after` has differs, also where it is null: what the target holds
    in it is not known. Fields that the mapping no longer has are not compared.
    """
    rows = _ask(engine, _by_place(fields), before=before, after=after, alike=alike)
    texts = flat(rows.column("changes"))
    odd = pc.invert(flat(rows.column("placed")))
    if not pc.any(odd).as_py():
        return texts
    return pc.replace_with_mask(texts, odd, _named(engine, fields, before.filter(odd), after.filter(odd)))


def _named(
    engine: duckdb.DuckDBPyConnection, fields: Sequence[str], before: pa.Array, after: pa.Array
) -> pa.Array:
    rows = _ask(engine, _by_name(fields), before=before, after=after)
    texts = flat(rows.column("changes"))
    long = [row for row, is_long in enumerate(rows.column("long").to_pylist()) if is_long]
    return _exact(texts, long, fields, before, after) if long else texts


def _ask(engine: duckdb.DuckDBPyConnection, sql: str, **columns: pa.Array) -> pa.Table:
    engine.register("pairs", pa.table(columns))
    rows = engine.sql(sql).to_arrow_table()
    engine.unregister("pairs")
    return rows


def _by_place(fields: Sequence[str]) -> str:
    """Payloads cut at `,"`, where each field begins: as many pieces as fields, so one piece a field.

    Lists, and texts that end with a comma, make more pieces: such a pair is not `placed`.
    """
    count = len(fields)
    heads = [json.dumps(name, ensure_ascii=False) + ":" for name in fields]
    opened = ", ".join(literal(head + "[") for head in heads)
    # A piece begins behind the quote of its name: its value stands where its head is long.
    starts = ", ".join(str(len(head)) for head in heads)
    before, after = (f"{side}[i][[{starts}][i]:]" for side in "ba")
    differ = f"list_filter(range(1, {count + 1}), lambda i: b[i] <> a[i])"
    pairs = f"list_transform({differ}, lambda i: [{opened}][i] || {before} || ',' || {after} || ']')"
    return (
        f"SELECT '{{' || array_to_string({pairs}, ',') || '}}' AS changes, "
        f"coalesce(alike AND len(b) = {count} AND len(a) = {count}, false) AS placed "
        "FROM (SELECT alike, string_split(before[3:-2], ',\"') AS b, string_split(after[3:-2], ',\"') AS a "
        "FROM pairs)"
    )


def _by_name(fields: Sequence[str]) -> str:
    paths = [literal("$." + json.dumps(name, ensure_ascii=False)) for name in fields]
    pairs = [_pair(number, name) for number, name in enumerate(fields, 1)]
    pattern = literal(_LONG_NUMBER.pattern)
    return (
        f"SELECT '{{' || concat_ws(',', {', '.join(pairs)}) || '}}' AS changes, long FROM (SELECT "
        f"json_extract(before, [{', '.join(paths)}]) AS b, json_extract(after, [{', '.join(paths)}]) AS a, "
        f"regexp_matches(before, {pattern}) OR regexp_matches(after, {pattern}) AS long FROM pairs)"
    )


def _pair(number: int, name: str) -> str:
    before, after = (f"CAST({side}[{number}] AS VARCHAR)" for side in "ba")
    head = literal(json.dumps(name, ensure_ascii=False) + ":[")
    pair = f"{head} || coalesce({before}, 'null') || ',' || {after} || ']'"
    return f"CASE WHEN {before} IS DISTINCT FROM {after} THEN {pair} END"


def _exact(
    texts: pa.Array, rows: Sequence[int], fields: Sequence[str], before: pa.Array, after: pa.Array
) -> pa.Array:
    result = texts.to_pylist()
    for row in rows:
        old, new = split(before[row].as_py() or "{}"), split(after[row].as_py())
        pairs = [(name, old.get(name), new[name]) for name in fields]
        parts = [
            f"{json.dumps(name, ensure_ascii=False)}:[{b or 'null'},{a}]" for name, b, a in pairs if b != a
        ]
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
