"""Owns the embedded column engine: a DuckDB connection that expressions cannot escape from."""

from __future__ import annotations

from functools import cache
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb

_SETTINGS = (
    "SET GLOBAL python_enable_replacements = false",
    "SET GLOBAL TimeZone = 'UTC'",
    "SET GLOBAL preserve_insertion_order = true",
    "SET lock_configuration = true",
)
_lock = Lock()


def connect() -> duckdb.DuckDBPyConnection:
    """A new connection to an engine without access to files, network, extensions or Python variables.

    A connection serves one thread. Tables come in by `register` or are
    temporary: no other connection sees them.
    """
    with _lock:
        return _engine().cursor()


@cache
def _engine() -> duckdb.DuckDBPyConnection:
    """The one engine of the process: to start one takes longer than to map a thousand records."""
    import duckdb

    engine = duckdb.connect(
        config={
            "threads": "1",  # a connection works in the thread that uses it
            "enable_external_access": "false",
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
            "memory_limit": "512MB",
        }
    )
    for setting in _SETTINGS:
        engine.execute(setting)
    return engine


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
