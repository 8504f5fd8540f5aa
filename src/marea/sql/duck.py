"""Owns the embedded column engine: a DuckDB connection that expressions cannot escape from."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb

_SETTINGS = (
    "SET python_enable_replacements = false",
    "SET TimeZone = 'UTC'",
    "SET preserve_insertion_order = true",
    "SET lock_configuration = true",
)


def connect(threads: int = 1) -> duckdb.DuckDBPyConnection:
    """A new in-memory engine without access to files, network, extensions or Python variables.

    A connection serves one thread. Tables come in by `register` alone.
    """
    import duckdb

    connection = duckdb.connect(
        config={
            "threads": str(threads),
            "enable_external_access": "false",
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
            "memory_limit": "512MB",
        }
    )
    for setting in _SETTINGS:
        connection.execute(setting)
    return connection


def quote(name: str) -> str:
    """An identifier, quoted for DuckDB."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text literal for DuckDB."""
    return "'" + text.replace("'", "''") + "'"


def key_json(expressions: list[str] | tuple[str, ...]) -> str:
    """The DuckDB expression of a record's key as JSON text: a scalar for one column, else an array.

    NULL when any part is NULL: no record has such a key.
    """
    if len(expressions) == 1:
        return f"CAST(to_json({expressions[0]}) AS VARCHAR)"
    parts = ", ".join(expressions)
    nulls = " OR ".join(f"({part}) IS NULL" for part in expressions)
    return f"CASE WHEN {nulls} THEN NULL ELSE CAST(json_array({parts}) AS VARCHAR) END"
