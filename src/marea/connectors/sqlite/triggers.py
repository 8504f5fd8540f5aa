"""Owns the change table and the triggers of SQLite.

A trigger must not fail the statement that fires it: a value that no JSON text holds (a BLOB) is
noted as a change of any record.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from marea.capabilities import Watched
from marea.connectors.triggers import Made, RowTriggers
from marea.sql.dialect import Query
from marea.sql.noted import CHANGES

_MADE = (
    "SELECT name, '' AS mark, CASE type WHEN 'trigger' THEN tbl_name ELSE '' END AS place FROM sqlite_schema "
    f"WHERE name = '{CHANGES}' AND type = 'table' OR type = 'trigger' AND name GLOB 'marea_*_*_[iud]'"
)


class SqliteTriggers(RowTriggers):
    """One change table in the file; its ids are those of its rows."""

    def changes(self) -> str:
        """Without a schema: a trigger of SQLite writes into its own alone."""
        return CHANGES

    def made(self) -> Query:
        """From the schema; what was made anew is not told apart."""
        return Query(_MADE)

    def making_table(self) -> list[str]:
        """A table whose highest id is never given again: that row is kept until there is a higher one."""
        now = "strftime('%Y-%m-%d %H:%M:%f', 'now')"
        columns = "id INTEGER PRIMARY KEY, entity TEXT NOT NULL, path TEXT NOT NULL, noted TEXT"
        return [f"CREATE TABLE IF NOT EXISTS {CHANGES} ({columns}, at TEXT NOT NULL DEFAULT ({now}))"]

    def dropping_table(self) -> list[str]:
        """The table alone."""
        return [f"DROP TABLE IF EXISTS {CHANGES}"]

    def dropping(self, names: Iterable[str], made: Mapping[str, Made]) -> list[str]:
        """One statement a trigger."""
        return [f"DROP TRIGGER IF EXISTS {self.dialect.quote(name)}" for name in names]

    def _trigger(self, table: Watched, name: str, event: str, writes: str) -> str:
        return (
            f"CREATE TRIGGER IF NOT EXISTS {self.dialect.quote(name)} AFTER {event} "
            f"ON {self.dialect.quote(table.table.name)} FOR EACH ROW BEGIN {writes} END"
        )

    def _noting(self, values: str, condition: str) -> str:
        return f"INSERT INTO {CHANGES} (entity, path, noted) SELECT {values} WHERE {condition};"

    def _moved(self, old: str, new: str) -> str:
        # Of these texts, not of the columns: IS NOT compares by the column's collation.
        return f"{old} IS NOT {new}"

    def _values(self, table: Watched, row: str) -> str:
        """The values that lead to the record, NULL where one of them is a BLOB."""
        read = [f"{row}.{self.dialect.quote(column.name)}" for column in table.columns]
        text = f"json_quote({read[0]})" if len(read) == 1 else f"json_array({', '.join(read)})"
        blobs = " OR ".join(f"typeof({name}) = 'blob'" for name in read)
        return f"CASE WHEN {blobs} THEN NULL ELSE {text} END"
