"""Owns the reading of PostgreSQL's catalogs: a table's description and the list of tables."""

from __future__ import annotations

import json
import re
from typing import Any

import pyarrow as pa

from marea.connectors.postgresql.dialect import base
from marea.ports import Column, ForeignKey, Table
from marea.sql.dialect import Query

# The name is matched exactly, with its schema, then by case alone where that leaves one table. An ERP has
# thousands of tables: what is not asked for must not be computed.
_DESCRIBE = """
WITH named AS (
    SELECT c.oid, c.relname, n.nspname, c.relkind, pg_catalog.pg_table_is_visible(c.oid) AS visible
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND lower(c.relname) = lower($5)
), ranked AS (
    SELECT oid, relname, nspname, relkind, visible, CASE
        WHEN visible AND relname = $1 THEN 1
        WHEN nspname || '.' || relname = $2 THEN 2
        WHEN visible AND lower(relname) = lower($3) THEN 3
        WHEN lower(nspname || '.' || relname) = lower($4) THEN 4 END AS rank
    FROM named
), found AS (
    SELECT * FROM ranked r WHERE rank = (SELECT min(rank) FROM ranked)
    AND (SELECT count(*) FROM ranked x WHERE x.rank = r.rank) = 1
), attribute AS NOT MATERIALIZED (
    SELECT a.attrelid, a.attnum, a.attname, a.attnotnull,
        a.atthasdef OR a.attidentity <> '' OR t.typdefault IS NOT NULL AS given, CASE WHEN t.typtype = 'd'
        THEN pg_catalog.format_type(t.typbasetype, t.typtypmod)
        ELSE pg_catalog.format_type(a.atttypid, a.atttypmod) END AS native, l.collisdeterministic AS exact
    FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
    LEFT JOIN pg_catalog.pg_collation l ON l.oid = a.attcollation
    WHERE a.attnum > 0 AND NOT a.attisdropped
), uniques AS NOT MATERIALIZED (
    SELECT i.indrelid, i.indexrelid, i.indisprimary, (SELECT json_agg(a.attname ORDER BY k.place)
        FROM unnest(i.indkey) WITH ORDINALITY AS k(attnum, place)
        JOIN attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
        WHERE k.place <= i.indnkeyatts) AS columns
    FROM pg_catalog.pg_index i
    WHERE i.indisunique AND i.indisvalid AND i.indimmediate AND i.indpred IS NULL AND i.indexprs IS NULL
), referred AS NOT MATERIALIZED (
    SELECT c.conrelid, c.conname,
        CASE WHEN pg_catalog.pg_table_is_visible(c.confrelid) THEN r.relname
            ELSE n.nspname || '.' || r.relname END AS name,
        (SELECT json_agg(a.attname ORDER BY k.place)
            FROM unnest(c.conkey) WITH ORDINALITY AS k(attnum, place)
            JOIN attribute a ON a.attrelid = c.conrelid AND a.attnum = k.attnum) AS columns,
        (SELECT json_agg(a.attname ORDER BY k.place)
            FROM unnest(c.confkey) WITH ORDINALITY AS k(attnum, place)
            JOIN attribute a ON a.attrelid = c.confrelid AND a.attnum = k.attnum) AS theirs
    FROM pg_catalog.pg_constraint c JOIN pg_catalog.pg_class r ON r.oid = c.confrelid
    JOIN pg_catalog.pg_namespace n ON n.oid = r.relnamespace
    WHERE c.contype = 'f'
)
SELECT CAST(json_build_object(
    'name', CASE WHEN f.visible THEN f.relname ELSE f.nspname || '.' || f.relname END,
    'columns', (SELECT json_agg(json_build_array(attname, native, NOT attnotnull, given) ORDER BY attnum)
        FROM attribute WHERE attrelid = f.oid),
    'folding', (SELECT json_agg(attname) FROM attribute
        WHERE attrelid = f.oid AND (NOT exact OR native ~ '(^|[.])citext$')),
    'key', (SELECT columns FROM uniques WHERE indrelid = f.oid AND indisprimary),
    'unique', (SELECT json_agg(columns ORDER BY indexrelid) FROM uniques WHERE indrelid = f.oid),
    'foreign', (SELECT json_agg(json_build_array(columns, name, theirs) ORDER BY conname)
        FROM referred WHERE conrelid = f.oid),
    'stored', f.relkind IN ('r', 'p', 'm') AND NOT EXISTS (
        SELECT 1 FROM pg_catalog.pg_partition_tree(f.oid) t JOIN pg_catalog.pg_class c ON c.oid = t.relid
        WHERE c.relkind = 'f'),
    'grant', CASE
        WHEN NOT pg_catalog.has_schema_privilege(f.nspname, 'USAGE')
        THEN pg_catalog.format('GRANT USAGE ON SCHEMA %I TO %I', f.nspname, current_user)
        WHEN NOT pg_catalog.has_any_column_privilege(f.oid, 'SELECT')
        THEN pg_catalog.format('GRANT SELECT ON %I.%I TO %I', f.nspname, f.relname, current_user) END
) AS text) AS description FROM found f
"""

TABLES = """
SELECT CASE WHEN pg_catalog.pg_table_is_visible(c.oid) THEN c.relname
    ELSE n.nspname || '.' || c.relname END AS name
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'f') AND NOT c.relispartition
    AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg\\_%'
"""
"""One column with the names of all tables, in no order; `grant` of each says whether it may be read."""

_ARROW = {
    "boolean": pa.bool_(),
    "smallint": pa.int16(),
    "integer": pa.int32(),
    "bigint": pa.int64(),
    "real": pa.float32(),
    "double precision": pa.float64(),
    "bytea": pa.binary(),
    "date": pa.date32(),
    "time without time zone": pa.time64("us"),
    "timestamp without time zone": pa.timestamp("us"),
    "timestamp with time zone": pa.timestamp("us", "UTC"),
}

_NUMERIC = re.compile(r"numeric\((\d+),(-?\d+)\)")
_DIGITS = 38
_SCALE = 18


def describing(name: str) -> Query:
    """The query whose one text, if any, `described` reads."""
    return Query(_DESCRIBE, (name, name, name, name, name.rpartition(".")[2]))


def described(text: str) -> Table:
    """A table from its description."""
    found: dict[str, Any] = json.loads(text)
    return Table(
        found["name"],
        tuple(
            Column(name, arrow_type(native), native, null, given)
            for name, native, null, given in found["columns"] or ()
        ),
        tuple(found["key"] or ()),
        tuple(ForeignKey(tuple(own), name, tuple(its)) for own, name, its in found["foreign"] or ()),
        tuple(tuple(columns) for columns in found["unique"] or ()),
        found["grant"] or "",
        frozenset(found["folding"] or ()),
        stored=found["stored"],
    )


def arrow_type(native: str) -> pa.DataType:
    """The Arrow type a column of this type is read as; text for all that has no other."""
    if base(native) == "numeric":
        return _decimal(native)
    return _ARROW.get(base(native), pa.string())


def _decimal(native: str) -> pa.DataType:
    match = _NUMERIC.fullmatch(native)
    if match is None:
        return pa.decimal128(_DIGITS, _SCALE)
    precision, scale = int(match[1]), int(match[2])
    fits = precision <= _DIGITS and 0 <= scale <= precision
    return pa.decimal128(precision, scale) if fits else pa.string()
