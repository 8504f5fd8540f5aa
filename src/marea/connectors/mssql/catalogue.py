"""Owns the reading of a database's own description, and the Arrow types of its columns."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any

import pyarrow as pa

from marea.connectors.mssql.dialect import parts
from marea.connectors.mssql.link import Link
from marea.errors import ConfigurationError
from marea.ports import Column, ForeignKey, Table

_OBJECTS = """
SELECT o.object_id, o.name FROM sys.objects AS o
WHERE o.type IN ('U', 'V') AND o.is_ms_shipped = 0 AND o.schema_id = SCHEMA_ID(COALESCE(?, SCHEMA_NAME()))"""
_COLUMNS = """
SELECT c.name, t.name, c.max_length, c.precision, c.scale, c.is_nullable, c.collation_name,
    CASE WHEN c.default_object_id <> 0 OR c.is_identity = 1 OR c.is_computed = 1
        OR t.name = 'timestamp' THEN 1 ELSE 0 END
FROM sys.columns AS c JOIN sys.types AS t ON t.user_type_id = c.system_type_id
WHERE c.object_id = ? ORDER BY c.column_id"""
_INDEXES = """
SELECT i.index_id, i.is_primary_key, c.name FROM sys.indexes AS i
JOIN sys.index_columns AS k ON k.object_id = i.object_id AND k.index_id = i.index_id
JOIN sys.columns AS c ON c.object_id = i.object_id AND c.column_id = k.column_id
WHERE i.object_id = ? AND i.is_unique = 1 AND i.has_filter = 0 AND k.is_included_column = 0
ORDER BY i.index_id, k.key_ordinal"""
_REFERENCES = """
SELECT k.constraint_object_id, c.name, OBJECT_SCHEMA_NAME(k.referenced_object_id),
    OBJECT_NAME(k.referenced_object_id), r.name
FROM sys.foreign_key_columns AS k
JOIN sys.columns AS c ON c.object_id = k.parent_object_id AND c.column_id = k.parent_column_id
JOIN sys.columns AS r ON r.object_id = k.referenced_object_id AND r.column_id = k.referenced_column_id
WHERE k.parent_object_id = ? ORDER BY k.constraint_object_id, k.constraint_column_id"""
_TYPE = """
SELECT system_type_name, collation_name, error_message
FROM sys.dm_exec_describe_first_result_set(?, NULL, 0)"""
_OWN_SCHEMA = "SELECT SCHEMA_NAME()"

QUERIES = (_OBJECTS, _COLUMNS, _INDEXES, _REFERENCES, _TYPE, _OWN_SCHEMA)
"""All of them, for the test that parses them."""

_PLAIN = {
    "bit": pa.bool_(),
    "tinyint": pa.int16(),
    "smallint": pa.int16(),
    "int": pa.int32(),
    "bigint": pa.int64(),
    "money": pa.decimal128(19, 4),
    "smallmoney": pa.decimal128(10, 4),
    "float": pa.float64(),
    "real": pa.float32(),
    "date": pa.date32(),
    "time": pa.time64("us"),
    "datetime": pa.timestamp("us"),
    "datetime2": pa.timestamp("us"),
    "smalldatetime": pa.timestamp("us"),
    "datetimeoffset": pa.timestamp("us", "UTC"),
    "varbinary": pa.binary(),
    "image": pa.binary(),
}


def arrow_type(native: str) -> pa.DataType:
    """The Arrow type of a column; row versions and BINARY(n) are text in hexadecimal."""
    word, size, _ = parts(native)
    if word in ("decimal", "numeric"):
        precision, scale = (*(int(part) for part in size.strip("()").split(",")), 0)[:2]
        return pa.decimal128(precision, scale)
    return _PLAIN.get(word, pa.string())


def native_type(word: str, length: int, precision: int, scale: int, collation: str | None) -> str:
    """A type in the server's words, from a row of sys.columns; a length of -1 is `max`."""
    if word in ("decimal", "numeric"):
        return f"{word}({precision},{scale})"
    if word in ("datetime2", "datetimeoffset", "time"):
        return f"{word}({scale})"
    if word in ("char", "varchar", "nchar", "nvarchar", "binary", "varbinary"):
        characters = length // 2 if word.startswith("n") else length
        suffix = f" COLLATE {collation}" if collation else ""
        return f"{word}({'max' if length < 0 else characters}){suffix}"
    return f"{word} COLLATE {collation}" if collation and word in ("text", "ntext") else word


def describe(link: Link, name: str) -> Table | None:
    """The table or view of that name: exactly, else the only one that differs in case alone."""
    schema, _, table = name.rpartition(".")
    found = link.rows(_OBJECTS, (schema or None,))
    exact = [row for row in found if row[1] == table]
    near = exact or [row for row in found if row[1].casefold() == table.casefold()]
    if len(near) != 1:
        return None
    number, own = near[0]
    indexes = [(primary, names) for primary, names in _indexes(link.rows(_INDEXES, (number,)))]
    default = link.rows(_OWN_SCHEMA)[0][0]
    rows = link.rows(_COLUMNS, (number,))
    return Table(
        name=f"{schema}.{own}" if schema else own,
        columns=tuple(_column(row) for row in rows),
        key=next((names for primary, names in indexes if primary), ()),
        foreign_keys=_references(link.rows(_REFERENCES, (number,)), default),
        unique=tuple(names for _, names in indexes),
        # Every collation takes texts for equal that differ in blanks at the end.
        folding=frozenset(row[0] for row in rows if row[-1]),
    )


def tables(link: Link) -> list[str]:
    """The tables and views of the login's default schema."""
    return sorted(str(row[1]) for row in link.rows(_OBJECTS, (None,)))


def describe_expression(link: Link, select: str, expression: str) -> Column:
    """The type of the only column of a SELECT. Raises ConfigurationError with the server's words."""
    found = link.rows(_TYPE, (select,))
    words = next((row[2] for row in found if row[2]), None)
    if words or len(found) != 1:
        text = words or f"{expression} is not one expression"
        raise ConfigurationError.single(f"system {link.login.system} says: {text}")
    native, collation, _ = found[0]
    native = f"{native} COLLATE {collation}" if collation else str(native)
    return Column(expression, arrow_type(native), native)


def _column(row: Sequence[Any]) -> Column:
    name, word, length, precision, scale, nullable, collation, given = row
    native = native_type(word, length, precision, scale, collation)
    return Column(name, arrow_type(native), native, bool(nullable), bool(given))


def _indexes(rows: Sequence[Sequence[Any]]) -> list[tuple[bool, tuple[str, ...]]]:
    found = []
    for (_, primary), group in groupby(rows, key=lambda row: (row[0], row[1])):
        found.append((bool(primary), tuple(str(row[2]) for row in group)))
    return found


def _references(rows: Sequence[Sequence[Any]], default: str) -> tuple[ForeignKey, ...]:
    found = []
    for _, group in groupby(rows, key=lambda row: row[0]):
        columns = list(group)
        _, _, schema, table, _ = columns[0]
        name = table if schema == default else f"{schema}.{table}"
        found.append(ForeignKey(tuple(row[1] for row in columns), name, tuple(row[4] for row in columns)))
    return tuple(found)
