"""Owns what SQLite's pragmas say of a table, and the Arrow types of its declared types."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pyarrow as pa

from marea.ports import Column, ForeignKey, Table

if TYPE_CHECKING:
    import apsw

_NAMED = "SELECT name FROM sqlite_schema WHERE type IN ('table', 'view') AND lower(name) = lower(?)"
_TABLES = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
_IS_TABLE = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?"
_COLUMNS = """
SELECT name, type, "notnull", pk, dflt_value IS NOT NULL OR hidden FROM pragma_table_xinfo(?)
WHERE hidden <> 1 ORDER BY cid"""
_INDEXES = 'SELECT name FROM pragma_index_list(?) WHERE "unique" AND NOT partial ORDER BY seq'
_INDEXED = "SELECT name FROM pragma_index_info(?) ORDER BY seqno"
_REFERENCES = 'SELECT id, "table", "from", "to" FROM pragma_foreign_key_list(?) ORDER BY id, seq'

_MADE = "SELECT sql FROM sqlite_schema WHERE tbl_name = ? AND type IN ('table', 'trigger')"

ON_CONFLICT = "ON CONFLICT"
_YIELDING = re.compile(r"ON\s+CONFLICT\s+(?:IGNORE|REPLACE)|RAISE\s*\(\s*IGNORE\s*\)")

_DECIMAL = re.compile(r"\(\s*(\d+)\s*(?:,\s*(\d+)\s*)?\)")

# In this order: a declared type means the first word it contains.
_WORDS: tuple[tuple[tuple[str, ...], pa.DataType], ...] = (
    (("DECIMAL", "NUMERIC", "NUMBER", "MONEY"), pa.decimal128(38, 18)),
    (("INT",), pa.int64()),
    (("CHAR", "CLOB", "TEXT", "UUID", "STRING", "JSON"), pa.string()),
    (("BLOB", "BINARY", "BYTEA"), pa.binary()),
    (("REAL", "FLOA", "DOUB"), pa.float64()),
    (("BOOL",), pa.bool_()),
    (("TIMESTAMPTZ", "WITH TIME ZONE"), pa.timestamp("us", "UTC")),
    (("TIMESTAMP", "DATETIME"), pa.timestamp("us")),
    (("DATE",), pa.date32()),
    (("TIME",), pa.time64("us")),
)

_KEEPING = frozenset({"coalesce", "ifnull", "nullif", "max", "min", "null"})
"""What may stand in an expression without making another type of its columns."""


def arrow_type(native: str) -> pa.DataType:
    """The Arrow type a declared type is read as; text where it says nothing."""
    kind = native.upper()
    for words, type_ in _WORDS:
        if any(word in kind for word in words):
            return _sized(kind) if pa.types.is_decimal(type_) else type_
    return pa.string()


def _sized(kind: str) -> pa.DataType:
    match = _DECIMAL.search(kind)
    if match is None:
        return pa.decimal128(38, 18)
    precision, scale = int(match[1]), int(match[2] or 0)
    return pa.decimal128(precision, scale) if scale <= precision <= 38 else pa.string()


def describe(connection: apsw.Connection, name: str) -> Table | None:
    """The table or view of a name, with or without `main.`; SQLite knows names by case alone."""
    found = list(connection.execute(_NAMED, (name.removeprefix("main."),)))
    if not found:
        return None
    table = str(found[0][0])
    rows = list(connection.execute(_COLUMNS, (table,)))
    key = tuple(name for name, _, _, place, _ in sorted(rows, key=lambda row: row[3]) if place)
    rowid = {row[0] for row in rows if len(key) == 1 and row[3] and row[1].upper() == "INTEGER"}
    columns = tuple(
        Column(
            name, arrow_type(native), native, not needed and name not in rowid, bool(given) or name in rowid
        )
        for name, native, needed, _, given in rows
    )
    return Table(
        table,
        columns,
        key,
        _references(connection, table),
        _uniques(connection, table, key),
        folding=_folding(connection, table, columns),
        yielding=_yielding(connection, table),
    )


def tables(connection: apsw.Connection) -> list[str]:
    """The names of all tables, sorted."""
    return sorted(str(row[0]) for row in connection.execute(_TABLES))


def expression_type(table: Table, expression: str) -> str:
    """The declared type an expression keeps: that of its columns where it only chooses among them."""
    if not re.fullmatch(r'[\w\s,()."]+', expression):
        return ""
    words = set(re.findall(r"\w+", expression.casefold())) - _KEEPING
    columns = [column for column in table.columns if column.name.casefold() in words]
    natives = {column.native for column in columns}
    known = {column.name.casefold() for column in columns}
    return natives.pop() if len(natives) == 1 and words <= known else ""


def is_table(connection: apsw.Connection, name: str) -> bool:
    """Whether it is a table, and no view."""
    return bool(list(connection.execute(_IS_TABLE, (name,))))


def _folding(connection: apsw.Connection, table: str, columns: tuple[Column, ...]) -> frozenset[str]:
    """The columns of another collation than BINARY; those of a view are not known."""
    if not is_table(connection, table):
        return frozenset()
    names = [column.name for column in columns]
    collations = [connection.column_metadata("main", table, name)[1] for name in names]
    return frozenset(name for name, used in zip(names, collations, strict=True) if used.upper() != "BINARY")


def _yielding(connection: apsw.Connection, table: str) -> tuple[str, ...]:
    """The clauses with which a table and its triggers drop rows without an error."""
    texts = [str(row[0]).upper() for row in connection.execute(_MADE, (table,))]
    found = (match for text in texts for match in _YIELDING.findall(text))
    return tuple(dict.fromkeys(" ".join(match.split()) for match in found))


def _uniques(connection: apsw.Connection, table: str, key: tuple[str, ...]) -> tuple[tuple[str, ...], ...]:
    found = {key: None} if key else {}
    for (index,) in list(connection.execute(_INDEXES, (table,))):
        names = [row[0] for row in connection.execute(_INDEXED, (index,))]
        if None not in names:  # an expression is no column
            found.setdefault(tuple(map(str, names)))
    distinct = {frozenset(columns): columns for columns in reversed(found)}
    return tuple(reversed(distinct.values()))


def _references(connection: apsw.Connection, table: str) -> tuple[ForeignKey, ...]:
    rows = list(connection.execute(_REFERENCES, (table,)))
    found = []
    for number in dict.fromkeys(row[0] for row in rows):
        parts = [row for row in rows if row[0] == number]
        referred = tuple(str(row[3]) for row in parts if row[3] is not None) or _key(connection, parts[0][1])
        found.append(ForeignKey(tuple(str(row[2]) for row in parts), str(parts[0][1]), referred))
    return tuple(found)


def _key(connection: apsw.Connection, table: str) -> tuple[str, ...]:
    """The primary key of a table that a reference names without its columns."""
    rows = [row for row in connection.execute(_COLUMNS, (table,)) if row[3]]
    return tuple(str(row[0]) for row in sorted(rows, key=lambda row: int(row[3])))
