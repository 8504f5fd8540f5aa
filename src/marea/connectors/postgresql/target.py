"""Owns PostgreSQL as a target: its statements for a table that records land in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from marea.config.settings import SystemSettings
from marea.connectors.postgresql.dialect import PostgresqlDialect
from marea.connectors.postgresql.session import PostgresqlSession
from marea.connectors.relational import RelationalTarget
from marea.connectors.statements import Landing, StandardStatements

if TYPE_CHECKING:
    import pyarrow as pa

_WITH_EQUALITY = ("text", "char", "bool", "int", "bigint", "smallint", "numeric", "date", "timestamp", "uuid")
"""How the names of types begin that `=` compares cheaply; there are types that have none."""


class PostgresqlStatements(StandardStatements):
    """What PostgreSQL says differently."""

    def native(self, field: pa.Field, *, key: bool) -> str:
        """JSON text goes to a json column, which keeps it letter by letter."""
        metadata = field.metadata or {}
        if metadata.get(b"marea") == b"json":
            return "json"
        return super().native(field, key=key)

    def bytewise(self, text: str) -> str:
        """As text of the collation that compares byte by byte."""
        return f'CAST({text} AS text) COLLATE "C"'

    def clear(self, table: str) -> list[str]:
        """TRUNCATE: a staging table is used for every batch and would grow with its dead rows."""
        return [f"TRUNCATE {self.dialect.quote(table)}"]

    def differs(self, one: str, other: str, landing: Landing) -> str:
        """Byte by byte: `=` holds for 1.0 and 1.00 and some letters, and json has none at all.

        Where `=` already tells two rows apart, which is nearly always, the bytes need not be asked.
        """
        left, right = (", ".join(self.qualified(alias, landing.rest)) for alias in (one, other))
        bytewise = f"CAST(ROW({left}) AS record) *<> CAST(ROW({right}) AS record)"
        named = [name for name in landing.rest if _has_equality(landing, name)]
        if not named:
            return bytewise
        left, right = (", ".join(self.qualified(alias, named)) for alias in (one, other))
        return f"(ROW({left}) IS DISTINCT FROM ROW({right}) OR {bytewise})"


def _has_equality(landing: Landing, name: str) -> bool:
    column = landing.table.column(name)
    return column is not None and column.native.startswith(_WITH_EQUALITY)


def postgresql_target(system: SystemSettings) -> RelationalTarget:
    """The tables of a PostgreSQL database as a target; opens nothing yet."""
    statements = PostgresqlStatements(PostgresqlDialect())
    return RelationalTarget(system.name, lambda: PostgresqlSession(system), statements)
