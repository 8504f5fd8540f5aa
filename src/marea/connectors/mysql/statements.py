"""Owns the SQL with which a batch lands in a table of MariaDB or MySQL."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from marea.connectors.joining import JoiningStatements
from marea.connectors.mysql.types import BYTES, TEXTS, Native
from marea.connectors.statements import Landing

if TYPE_CHECKING:
    import pyarrow as pa

_PREFIX = 64
"""Characters of a text that the index of a staging table holds."""


class MysqlStatements(JoiningStatements):
    """INSERT … ON DUPLICATE KEY UPDATE where only the key can be a duplicate, else UPDATE and INSERT.

    A row that is set to the values it has is not written: the server compares it byte by byte,
    and leaves its ON UPDATE CURRENT_TIMESTAMP columns alone.
    """

    def native(self, field: pa.Field, *, key: bool) -> str:
        """JSON for lists."""
        if (field.metadata or {}).get(b"marea") == b"json":
            return "JSON"
        return super().native(field, key=key)

    def temporary(
        self, landing: Landing, name: str, columns: Sequence[str], natives: Sequence[str], key: Sequence[str]
    ) -> list[str]:
        """A temporary table, indexed where the table itself may have no index on the key."""
        quoted = [self.dialect.quote(column) for column in columns]
        parts = [f"{column} {native} NULL" for column, native in zip(quoted, natives, strict=True)]
        if not landing.guarded:
            prefixes = dict(zip(columns, map(_prefix, natives), strict=True))
            indexed = (self.dialect.quote(column) + prefixes[column] for column in key)
            parts.append(f"KEY marea ({', '.join(indexed)})")
        table = self.dialect.quote(name)
        return [
            f"DROP TEMPORARY TABLE IF EXISTS {table}",
            f"CREATE TEMPORARY TABLE {table} ({', '.join(parts)})",
        ]

    def upsert(self, landing: Landing) -> list[str]:
        """One statement where the key is the table's only unique index.

        ON DUPLICATE KEY looks at every unique index: with a second one it could overwrite
        the record of another key.
        """
        if not (landing.guarded and len(landing.table.unique) == 1):
            return [*self.update(landing), self.insert_missing(landing)]
        changed = landing.rest or landing.key[:1]
        pairs = zip(map(self.dialect.quote, changed), self.qualified("s", changed), strict=True)
        assigned = ", ".join(f"{name} = {value}" for name, value in pairs)
        statement = (
            f"INSERT INTO {self.dialect.table(landing.table.name)} ({self.names(landing.columns)}) "
            f"SELECT {self.names(landing.columns, 's')} FROM {self.dialect.quote(landing.stage)} s "
            f"ON DUPLICATE KEY UPDATE {assigned}"
        )
        return [statement]

    def bytewise(self, text: str) -> str:
        """Its bytes."""
        return f"CAST({text} AS BINARY)"

    def change(self, table: str, joined: str, assigned: str) -> str:
        """UPDATE of the join."""
        return f"UPDATE {table} JOIN {joined} SET {assigned}"


def _prefix(native: str) -> str:
    """How much of a column an index of a staging table holds: `(64)` of a text, all of a number."""
    kind = Native.parse(native)
    if kind.word in ("enum", "set") or kind.word not in TEXTS | BYTES:
        return ""
    return f"({min(kind.length or _PREFIX, _PREFIX)})"
