"""Owns the SQL with which a batch lands in a table of SQL Server: UPDATE and INSERT, never MERGE."""

from __future__ import annotations

from collections.abc import Sequence

from marea.connectors.statements import Landing, Statements
from marea.sql.mssql import parts

_HELD = "WITH (UPDLOCK, HOLDLOCK)"
"""Keeps other writers from a key between the UPDATE that did not find it and the INSERT."""

_TEXTS = frozenset({"char", "varchar", "nchar", "nvarchar", "text", "ntext", "xml"})
_BYTES = frozenset({"image"})


class MssqlStatements(Statements):
    """UPDATE … FROM and INSERT … WHERE NOT EXISTS: MERGE has a long list of known faults."""

    def staging(self, table: str) -> str:
        """A temporary table of the session."""
        return self.dialect.quote(f"#{table}")

    def stage(self, landing: Landing) -> list[str]:
        """Temporary tables in the types of the table, every column allowed to be empty."""
        natives = {column.name: column.native for column in landing.table.columns}
        key = [natives[name] for name in landing.key]
        fields = [natives[name] for name in landing.columns]
        return [
            *self._temporary(landing.stage, landing.columns, fields),
            *self._temporary(landing.keys, (*landing.old, *landing.new), key * 2),
        ]

    def _temporary(self, name: str, columns: Sequence[str], natives: Sequence[str]) -> list[str]:
        parts = [
            f"{self.dialect.quote(column)} {native} NULL"
            for column, native in zip(columns, natives, strict=True)
        ]
        table = self.staging(name)
        return [f"DROP TABLE IF EXISTS {table}", f"CREATE TABLE {table} ({', '.join(parts)})"]

    def upsert(self, landing: Landing) -> list[str]:
        """Updates the rows that differ, then inserts those that are not there."""
        return [*self._update(landing), self._insert_missing(landing)]

    def _update(self, landing: Landing) -> list[str]:
        if not landing.rest:
            return []
        values = self.qualified("s", landing.rest)
        assigned = self._assigned(landing.rest, values)
        differs = (
            f"EXISTS (SELECT {self._compared(landing, 's')} EXCEPT SELECT {self._compared(landing, 't')})"
        )
        statement = (
            f"UPDATE t SET {assigned} FROM {self.dialect.table(landing.table.name)} AS t {_HELD} "
            f"JOIN {self.staging(landing.stage)} AS s ON {self._same(landing, 's', landing.key)} "
            f"WHERE {differs}"
        )
        return [statement]

    def _compared(self, landing: Landing, alias: str) -> str:
        """The columns outside the key so that EXCEPT tells every difference, of case and blanks too."""
        natives = {column.name: column.native for column in landing.table.columns}
        names = self.qualified(alias, landing.rest)
        return ", ".join(
            _exact(name, natives[column]) for name, column in zip(names, landing.rest, strict=True)
        )

    def _insert_missing(self, landing: Landing) -> str:
        table = self.dialect.table(landing.table.name)
        return (
            f"INSERT INTO {table} ({self.names(landing.columns)}) "
            f"SELECT {self.names(landing.columns, 's')} FROM {self.staging(landing.stage)} AS s "
            f"WHERE NOT EXISTS (SELECT 1 FROM {table} AS t {_HELD} "
            f"WHERE {self._same(landing, 's', landing.key)})"
        )

    def rename(self, landing: Landing) -> list[str]:
        """One UPDATE of the key columns."""
        assigned = self._assigned(landing.key, self.qualified("k", landing.new))
        statement = (
            f"UPDATE t SET {assigned} FROM {self.dialect.table(landing.table.name)} AS t "
            f"JOIN {self.staging(landing.keys)} AS k ON {self._same(landing, 'k', landing.old)}"
        )
        return [statement]

    def delete(self, landing: Landing) -> list[str]:
        """One DELETE by the keys."""
        statement = (
            f"DELETE t FROM {self.dialect.table(landing.table.name)} AS t "
            f"JOIN {self.staging(landing.keys)} AS k ON {self._same(landing, 'k', landing.old)}"
        )
        return [statement]

    def _same(self, landing: Landing, alias: str, columns: Sequence[str]) -> str:
        return self.equal(self.qualified("t", landing.key), self.qualified(alias, columns))

    def _assigned(self, columns: Sequence[str], values: Sequence[str]) -> str:
        pairs = zip(self.qualified("t", columns), values, strict=True)
        return ", ".join(f"{column} = {value}" for column, value in pairs)


def _exact(expression: str, native: str) -> str:
    word, _, _ = parts(native)
    if word in _TEXTS:
        return f"CAST(CAST({expression} AS nvarchar(max)) AS varbinary(max))"
    return f"CAST({expression} AS varbinary(max))" if word in _BYTES else expression
