"""Owns the reading of a database's own description: tables, columns, keys, references."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any

from marea.connectors.mysql.columns import arrow_type
from marea.connectors.mysql.link import Link, Row
from marea.connectors.mysql.types import TEXTS, Native
from marea.errors import ConfigurationError
from marea.ports import Column, ForeignKey, Table

_PLACE = "table_schema = %s AND table_name = %s"
_COLUMNS = f"""
    SELECT column_name, column_type, is_nullable, character_set_name, collation_name, column_default, extra,
        privileges
    FROM information_schema.columns WHERE {_PLACE} ORDER BY ordinal_position"""
_INDEXES = f"""
    SELECT index_name, column_name, sub_part
    FROM information_schema.statistics WHERE {_PLACE} AND non_unique = 0
    ORDER BY index_name, seq_in_index"""
_REFERENCES = f"""
    SELECT constraint_name, column_name,
        referenced_table_schema, referenced_table_name, referenced_column_name
    FROM information_schema.key_column_usage
    WHERE {_PLACE} AND referenced_table_name IS NOT NULL
    ORDER BY constraint_name, ordinal_position"""
_TABLES = "SELECT table_name FROM information_schema.tables WHERE table_schema = %s"
_ENGINE = f"""
    SELECT t.engine, e.transactions FROM information_schema.tables t
    JOIN information_schema.engines e ON e.engine = t.engine WHERE {_PLACE}"""


def describe(link: Link, name: str) -> Table | None:
    """The table or view of that name: exactly, else the only one that differs in case alone."""
    found = locate(link, name)
    if found is None:
        return None
    rows = link.rows(_COLUMNS, found)
    indexes = _indexes(link.rows(_INDEXES, found))
    schema, table = found
    own = schema == link.login.address.database
    return Table(
        name=table if own else f"{schema}.{table}",
        columns=tuple(_column(row, link) for row in rows),
        key=indexes.get("PRIMARY", ()),
        foreign_keys=_references(link.rows(_REFERENCES, found), schema),
        unique=tuple(indexes.values()),
        grant="" if any("select" in _text(row[-1]) for row in rows) else _grant(link, schema, table),
        folding=frozenset(_text(row[0]) for row in rows if _folds(_text(row[4]))),
    )


def _folds(collation: str) -> bool:
    """Whether a collation takes texts for equal that differ: all but those byte by byte without padding."""
    return bool(collation) and not collation.endswith(("_nopad_bin", "_0900_bin"))


def _grant(link: Link, schema: str, table: str) -> str:
    """What lets the login read a table."""
    return f"GRANT SELECT ON `{schema}`.`{table}` TO {login(link)}"


def login(link: Link) -> str:
    """Who is logged in, as a GRANT takes it."""
    user, _, host = _text(link.rows("SELECT CURRENT_USER()")[0][0]).rpartition("@")
    return f"'{user}'@'{host}'"


def tables(link: Link) -> list[str]:
    """The tables and views of the url's database."""
    return sorted(_text(row[0]) for row in link.rows(_TABLES, (link.login.address.database,)))


def require_transactions(link: Link, table: Table) -> None:
    """Raises ConfigurationError for a table whose engine would keep half of a refused batch."""
    found = locate(link, table.name)
    for engine, transactions in link.rows(_ENGINE, found) if found else ():
        if transactions != "YES":
            raise ConfigurationError.single(
                f'table "{table.name}" of system {link.login.system} is {engine}, which has no transactions',
                hint="ALTER TABLE … ENGINE = InnoDB",
            )


def locate(link: Link, name: str) -> tuple[str, str] | None:
    """(database, table) of a name that may be `database.table`."""
    schema, _, table = name.rpartition(".")
    schema = schema or link.login.address.database
    if (table,) in link.rows(f"{_TABLES} AND table_name = %s", (schema, table)):
        return schema, table
    names = [_text(row[0]) for row in link.rows(_TABLES, (schema,))]
    near = [other for other in names if other.casefold() == table.casefold()]
    return (schema, near[0]) if len(near) == 1 else None


def _column(row: Row, link: Link) -> Column:
    name, native, nullable, charset, collation, default, extra, _ = row
    native = _text(native)
    type_ = arrow_type(native, tiny_bool=link.login.tiny_bool)
    if charset and collation and Native.parse(native).word in TEXTS:
        native = f"{native} CHARACTER SET {charset} COLLATE {collation}"
    return Column(_text(name), type_, native, nullable == "YES", default is not None or _gives(extra))


def _gives(extra: str | None) -> bool:
    """Whether what is said of a column besides is that the server makes up its value."""
    return any(word in _text(extra).lower() for word in ("auto_increment", "generated"))


def _indexes(rows: Sequence[Row]) -> dict[str, tuple[str, ...]]:
    """Column sets by unique index; a part that is no whole column stands as `name(3)` or `(expression)`."""
    return {
        _text(index): tuple(_part(column, length) for _, column, length in parts)
        for index, parts in groupby(rows, key=lambda row: row[0])
    }


def _part(column: str | None, length: str | None) -> str:
    return f"{column}({length})" if length else column or "(expression)"


def _references(rows: Sequence[Row], schema: str) -> tuple[ForeignKey, ...]:
    found = []
    for _, group in groupby(rows, key=lambda row: row[0]):
        parts = [[_text(value) for value in row] for row in group]
        _, _, referred_schema, table, _ = parts[0]
        name = table if referred_schema == schema else f"{referred_schema}.{table}"
        found.append(ForeignKey(tuple(part[1] for part in parts), name, tuple(part[4] for part in parts)))
    return tuple(found)


def _text(value: str | None) -> str:
    return value or ""


# -- the type of an expression, from what the driver says about a result -------------------

_WORDS = {
    1: "tinyint",
    2: "smallint",
    3: "int",
    4: "float",
    5: "double",
    7: "timestamp",
    8: "bigint",
    9: "mediumint",
    10: "date",
    11: "time",
    12: "datetime",
    13: "year",
    14: "date",
    16: "bit",
    245: "json",
    255: "geometry",
}
_DECIMAL_CODES = (0, 246)
_LONG_CODES = (249, 250, 251, 252)
_BINARY_CHARSET = 63
_UNSIGNED_FLAG = 32
_BYTES_PER_CHARACTER = 4
_MOST_DIGITS = 6  # a scale above it says that the number of digits is not fixed


def native_of(field: Any) -> str:
    """The type of a result column in the server's words."""
    code = field.type_code
    unsigned = " unsigned" if field.flags & _UNSIGNED_FLAG else ""
    if code in _DECIMAL_CODES:
        precision = field.length - (field.scale > 0) - (not unsigned)
        return f"decimal({precision},{field.scale}){unsigned}"
    word = _WORDS.get(code)
    if word in ("datetime", "timestamp", "time"):
        return f"{word}({field.scale})" if 0 < field.scale <= _MOST_DIGITS else word
    if word in ("tinyint", "bit"):
        return f"{word}({field.length}){unsigned}"
    if word:
        return f"{word}{unsigned}"
    binary = field.charsetnr == _BINARY_CHARSET
    if code in _LONG_CODES:
        return "longblob" if binary else "longtext"
    return f"varbinary({field.length})" if binary else f"varchar({field.length // _BYTES_PER_CHARACTER})"
