"""Owns the SQL of a landing where a table is changed by joining it with the staged rows."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence

from marea.connectors.statements import Landing, Statements


class JoiningStatements(Statements):
    """SQL Server and MariaDB: staging tables in written types, UPDATE and DELETE by a JOIN."""

    def stage(self, landing: Landing) -> list[str]:
        """Temporary tables in the types of the table, every column allowed to be empty."""
        natives = {column.name: column.native for column in landing.table.columns}
        key = [natives[name] for name in landing.key]
        fields = [natives[name] for name in landing.columns]
        return [
            *self.temporary(landing, landing.stage, landing.columns, fields, landing.key),
            *self.temporary(landing, landing.keys, (*landing.old, *landing.new), key * 2, landing.old),
        ]

    @abstractmethod
    def temporary(
        self, landing: Landing, name: str, columns: Sequence[str], natives: Sequence[str], key: Sequence[str]
    ) -> list[str]:
        """Makes one staging table, whatever of that name was left."""

    @abstractmethod
    def change(self, table: str, joined: str, assigned: str) -> str:
        """An UPDATE of the table, `t` behind its name, joined with a staging table."""

    def update(self, landing: Landing) -> list[str]:
        """Updates the rows that are in `stage`."""
        if not landing.rest:
            return []
        joined = f"{self.staging(landing.stage)} AS s ON {self.same(landing, 's', landing.key)}"
        assigned = self._assigned(landing.rest, self.qualified("s", landing.rest))
        return [self.change(f"{self._table(landing)}{self.held}", joined, assigned)]

    def rename(self, landing: Landing) -> list[str]:
        """A DELETE where the new key is taken, and one UPDATE of the key columns."""
        assigned = self._assigned(landing.key, self.qualified("k", landing.new))
        return [
            *(f"{text} JOIN {self.taken(landing, 'x')}" for text in self.delete(landing)),
            self.change(self._table(landing), self._by_old_key(landing), assigned),
        ]

    def delete(self, landing: Landing) -> list[str]:
        """One DELETE by the keys."""
        return [f"DELETE t FROM {self._table(landing)} JOIN {self._by_old_key(landing)}"]

    def _table(self, landing: Landing) -> str:
        return f"{self.dialect.table(landing.table.name)} AS t"

    def _by_old_key(self, landing: Landing) -> str:
        return f"{self.staging(landing.keys)} AS k ON {self.same(landing, 'k', landing.old)}"

    def _assigned(self, columns: Sequence[str], values: Sequence[str]) -> str:
        pairs = zip(self.qualified("t", columns), values, strict=True)
        return ", ".join(f"{column} = {value}" for column, value in pairs)
