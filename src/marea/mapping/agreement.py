"""Owns whether the values of a reference are written as the keys they are meant to find."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import pyarrow as pa

from marea.config.settings import ReferenceField
from marea.ports import Column
from marea.sql.duck import quote

if TYPE_CHECKING:
    import duckdb

_NULL = '"NULL"'
_TEXT = ("VARCHAR", "UUID")


def disagreements(
    engine: duckdb.DuckDBPyConnection, rows: str, item: ReferenceField, key: Sequence[Column]
) -> Iterator[tuple[str, str]]:
    """What is wrong with the values of a reference over `rows`, and how to mend it, one pair a value.

    A text never equals a number, nor a date a moment: a record with such a reference would
    wait for ever. `key` are the key columns of the entity referred to.
    """
    empty = pa.schema([(column.name, column.type) for column in key]).empty_table()
    engine.register("referred", empty)
    wanted = _types(engine, f"SELECT {', '.join(quote(column.name) for column in key)} FROM referred")
    engine.unregister("referred")
    for part, column, there in zip(item.value, key, wanted, strict=False):
        (here,) = _types(engine, f"SELECT ({part}\n) FROM ({rows})")
        if here != _NULL and _form(here) != _form(there):
            message = f"a value of type {here} never equals the key column {column.name} of {item.entity}"
            yield f"{message}, which is of type {there}", f"write CAST({part} AS {there})"


def _types(engine: duckdb.DuckDBPyConnection, sql: str) -> list[str]:
    return [row[1] for row in engine.execute(f"DESCRIBE {sql}").fetchall()]


def _form(type_: str) -> str:
    """Types of one form write equal values as the same text."""
    if type_ in _TEXT or type_.startswith("ENUM"):
        return "text"
    if type_.removeprefix("U") in ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT"):
        return "whole number"
    if type_.startswith("DECIMAL") and type_.endswith(",0)"):
        return "whole number"
    return "TIMESTAMP" if type_ in ("TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS") else type_
