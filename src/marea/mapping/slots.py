"""Owns the tables of the engine whose rows are exchanged from batch to batch, and the queries over them.

What is asked of every batch is prepared once: to parse and plan it anew takes as long as
to map a thousand records.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa


class _Slot:
    """Rows that the engine takes anew for each query, always of one schema: its plans rely on that."""

    def __init__(self, schema: pa.Schema) -> None:
        self._schema = schema
        self._rows = schema.empty_table()

    def fill(self, rows: pa.Table) -> None:
        """Columns that the schema does not name are left out."""
        self._rows = rows.select(self._schema.names).cast(self._schema)

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self._rows.__arrow_c_stream__(requested_schema)


class Slots:
    """The tables of one engine; serves one thread."""

    def __init__(self, engine: duckdb.DuckDBPyConnection) -> None:
        self._engine = engine
        self._slots: dict[str, _Slot] = {}
        self._prepared: dict[str, str] = {}

    def open(self, name: str, schema: pa.Schema) -> None:
        """Makes a table without rows."""
        self._slots[name] = _Slot(schema)
        self._engine.register(name, self._slots[name])

    def fill(self, name: str, rows: pa.Table) -> None:
        """These are its rows from now on."""
        self._slots[name].fill(rows)

    def ask(self, sql: str) -> pa.Table:
        """The rows of a query, as the tables are now. Raises duckdb.Error."""
        if sql not in self._prepared:
            name = f"query_{len(self._prepared)}"
            self._engine.execute(f"PREPARE {name} AS {sql}")
            self._prepared[sql] = name
        return self._engine.sql(f"EXECUTE {self._prepared[sql]}").to_arrow_table()
