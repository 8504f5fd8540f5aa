"""Owns the part of PostgreSQL as a source that has triggers note what changes there."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from marea.connectors.noting import VIEW, Noter, unwatchable
from marea.connectors.postgresql.binding import inline, literal
from marea.connectors.postgresql.dialect import PostgresqlDialect
from marea.errors import ConfigurationError
from marea.sql.dialect import Query

if TYPE_CHECKING:
    import pyarrow as pa

    from marea.capabilities import Watched
    from marea.connectors.postgresql.triggers import PostgresqlTriggers
    from marea.connectors.triggers import Made, Triggers


QUIETLY = "SET LOCAL client_min_messages = warning;"
"""Says nothing of what is dropped in case that it is there."""


class PostgresqlNoter(Noter):
    """Asks and installs by what a source can do."""

    dialect: PostgresqlDialect

    def let_go(self, queries: Sequence[Query]) -> None:
        """In one transaction."""
        self._written([inline(query) for query in queries])

    def carry_out(self, statements: Sequence[str]) -> None:
        """All in one transaction: to make triggers the login must be, or belong to, who owns the tables."""
        try:
            self._written(statements)
        except ConfigurationError as error:
            hint = "let the login act as who owns the tables: GRANT (that role) TO (this login)"
            raise ConfigurationError([replace(fault, hint=hint) for fault in error.faults]) from None

    def script(self, statements: Sequence[str]) -> str:
        """For psql."""
        return "\n".join(["BEGIN;", QUIETLY, *(f"{statement};" for statement in statements), "COMMIT;"])

    def _triggers(self, watched: Sequence[Watched]) -> PostgresqlTriggers:
        from marea.connectors.postgresql.triggers import LOGIN, PARTED, VIEWS, PostgresqlTriggers

        found = {one.table.name: self._place(one.table.name) for one in watched}
        if views := [name for name, (_, kind) in found.items() if kind in VIEWS]:
            raise unwatchable(views, *VIEW)
        if parted := [name for name, (_, kind) in found.items() if kind != "r"]:
            raise unwatchable(parted, *PARTED)
        [login] = self.ask(LOGIN).to_pylist()
        places = {name: place for name, (place, _) in found.items()}
        return PostgresqlTriggers(
            self.dialect, login["schema"], places, login["login"], granted=bool(login["granted"])
        )

    def _place(self, table: str) -> tuple[str, str]:
        """Schema and name of a table, and its kind."""
        from marea.connectors.postgresql.triggers import PLACE

        [row] = self.ask(PLACE.format(literal(self.dialect.table(table)))).to_pylist()
        return str(row["place"]), str(row["kind"])

    def _made(self, triggers: Triggers) -> dict[str, Made]:
        from marea.connectors.triggers import Made

        rows = self.ask(triggers.made().text).to_pylist()
        return {row["name"]: Made(row["place"], row["mark"]) for row in rows}

    @abstractmethod
    def ask(self, text: str) -> pa.Table:
        """Runs a statement of a small result, on its own."""

    @abstractmethod
    def _written(self, statements: Sequence[str]) -> int:
        """Runs statements in one transaction of their own; gives the rows they changed."""
