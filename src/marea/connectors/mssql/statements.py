"""Owns the SQL with which a batch lands in a table of SQL Server: UPDATE and INSERT, never MERGE."""

from __future__ import annotations

from collections.abc import Sequence

from marea.connectors.joining import JoiningStatements
from marea.connectors.mssql.dialect import parts
from marea.connectors.statements import Landing

_TEXTS = frozenset({"char", "varchar", "nchar", "nvarchar", "text", "ntext", "xml"})
_BYTES = frozenset({"image"})


class MssqlStatements(JoiningStatements):
    """UPDATE … FROM and INSERT … WHERE NOT EXISTS: MERGE has a long list of known faults."""

    held = " WITH (UPDLOCK, HOLDLOCK)"

    def staging(self, table: str) -> str:
        """A temporary table of the session."""
        return self.dialect.quote(f"#{table}")

    def temporary(
        self, landing: Landing, name: str, columns: Sequence[str], natives: Sequence[str], key: Sequence[str]
    ) -> list[str]:
        """A heap: the table's own index on the key serves the join."""
        parts = [
            f"{self.dialect.quote(column)} {native} NULL"
            for column, native in zip(columns, natives, strict=True)
        ]
        table = self.staging(name)
        return [f"DROP TABLE IF EXISTS {table}", f"CREATE TABLE {table} ({', '.join(parts)})"]

    def bytewise(self, text: str) -> str:
        """Its bytes."""
        return f"CAST(CAST({text} AS nvarchar(max)) AS varbinary(max))"

    def change(self, table: str, joined: str, assigned: str) -> str:
        """UPDATE of the alias, FROM the table."""
        return f"UPDATE t SET {assigned} FROM {table} JOIN {joined}"

    def upsert(self, landing: Landing) -> list[str]:
        """Updates the rows that differ, then inserts those that are not there."""
        left, right = self._compared(landing, "s"), self._compared(landing, "t")
        differs = f" WHERE EXISTS (SELECT {left} EXCEPT SELECT {right})"
        return [*(f"{text}{differs}" for text in self.update(landing)), self.insert_missing(landing)]

    def _compared(self, landing: Landing, alias: str) -> str:
        """The columns outside the key so that EXCEPT tells every difference, of case and blanks too."""
        natives = {column.name: column.native for column in landing.table.columns}
        names = self.qualified(alias, landing.rest)
        return ", ".join(
            self._exact(name, natives[column]) for name, column in zip(names, landing.rest, strict=True)
        )

    def _exact(self, expression: str, native: str) -> str:
        word, _, _ = parts(native)
        if word in _TEXTS:
            return self.bytewise(expression)
        return f"CAST({expression} AS varbinary(max))" if word in _BYTES else expression
