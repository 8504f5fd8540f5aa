"""Owns the SQL with which a batch lands in a table of MariaDB or MySQL."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from marea.connectors.statements import Landing, Statements
from marea.sql.mysql import BYTES, TEXTS, Native

if TYPE_CHECKING:
    import pyarrow as pa

_PREFIX = 64
"""Characters of a text that the index of a staging table holds."""


class MysqlStatements(Statements):
    """INSERT … ON DUPLICATE KEY UPDATE where only the key can be a duplicate, else UPDATE and INSERT.

    A row that is set to the values it has is not written: the server compares it byte by byte,
    and leaves its ON UPDATE CURRENT_TIMESTAMP columns alone.
    """

    def native(self, field: pa.Field, *, key: bool) -> str:
        """JSON for lists."""
        if (field.metadata or {}).get(b"marea") == b"json":
            return "JSON"
        return super().native(field, key=key)

    def stage(self, landing: Landing) -> list[str]:
        """Temporary tables in the types of the table, every column allowed to be empty."""
        natives = {column.name: column.native for column in landing.table.columns}
        key = [natives[name] for name in landing.key]
        fields = [natives[name] for name in landing.columns]
        return [
            *self._temporary(landing, landing.stage, landing.columns, fields, landing.key),
            *self._temporary(landing, landing.keys, (*landing.old, *landing.new), key * 2, landing.old),
        ]

    def _temporary(
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
            return [*self._update(landing), self._insert_missing(landing)]
        changed = landing.rest or landing.key[:1]
        pairs = zip(map(self.dialect.quote, changed), self.qualified("s", changed), strict=True)
        assigned = ", ".join(f"{name} = {value}" for name, value in pairs)
        statement = (
            f"INSERT INTO {self.dialect.table(landing.table.name)} ({self.names(landing.columns)}) "
            f"SELECT {self.names(landing.columns, 's')} FROM {self.dialect.quote(landing.stage)} s "
            f"ON DUPLICATE KEY UPDATE {assigned}"
        )
        return [statement]

    def _update(self, landing: Landing) -> list[str]:
        if not landing.rest:
            return []
        assigned = self._assigned(landing.rest, self.qualified("s", landing.rest))
        statement = (
            f"UPDATE {self.dialect.table(landing.table.name)} t JOIN {self.dialect.quote(landing.stage)} s "
            f"ON {self._same(landing, 's', landing.key)} SET {assigned}"
        )
        return [statement]

    def _insert_missing(self, landing: Landing) -> str:
        table = self.dialect.table(landing.table.name)
        return (
            f"INSERT INTO {table} ({self.names(landing.columns)}) "
            f"SELECT {self.names(landing.columns, 's')} FROM {self.dialect.quote(landing.stage)} s "
            f"WHERE NOT EXISTS (SELECT 1 FROM {table} t WHERE {self._same(landing, 's', landing.key)})"
        )

    def rename(self, landing: Landing) -> list[str]:
        """One UPDATE of the key columns."""
        assigned = self._assigned(landing.key, self.qualified("k", landing.new))
        statement = (
            f"UPDATE {self.dialect.table(landing.table.name)} t JOIN {self.dialect.quote(landing.keys)} k "
            f"ON {self._same(landing, 'k', landing.old)} SET {assigned}"
        )
        return [statement]

    def delete(self, landing: Landing) -> list[str]:
        """One DELETE by the keys."""
        statement = (
            f"DELETE t FROM {self.dialect.table(landing.table.name)} t "
            f"JOIN {self.dialect.quote(landing.keys)} k ON {self._same(landing, 'k', landing.old)}"
        )
        return [statement]

    def _same(self, landing: Landing, alias: str, columns: Sequence[str]) -> str:
        return self.equal(self.qualified("t", landing.key), self.qualified(alias, columns))

    def _assigned(self, columns: Sequence[str], values: Sequence[str]) -> str:
        pairs = zip(self.qualified("t", columns), values, strict=True)
        return ", ".join(f"{column} = {value}" for column, value in pairs)


def _prefix(native: str) -> str:
    """How much of a column an index of a staging table holds: `(64)` of a text, all of a number."""
    kind = Native.parse(native)
    if kind.word in ("enum", "set") or kind.word not in TEXTS | BYTES:
        return ""
    return f"({min(kind.length or _PREFIX, _PREFIX)})"
