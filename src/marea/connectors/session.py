"""Owns what the connection of a SQL target must do, whatever its driver is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING

from marea.errors import BatchRefused, SystemUnreachable

if TYPE_CHECKING:
    import pyarrow as pa

    from marea.ports import Table


class DuplicateKey(BatchRefused):
    """A row of the batch is already there: a unique index refused it."""


class Contended(SystemUnreachable):
    """Another transaction stood in the way (deadlock, serialization): trying again may succeed at once."""

    code = "contended"


class Session(ABC):
    """One connection to a SQL target in a transaction that begins by itself, its driver's errors translated.

    Every method raises SystemUnreachable when the connection is lost (`lost` is then True),
    `Contended`, ConfigurationError for SQL that is wrong or not allowed, and BatchRefused
    (`DuplicateKey` for a unique index) for data that the database refuses.
    """

    lost = False

    @abstractmethod
    def describe(self, name: str) -> Table | None:
        """The table, its name matched exactly, else by case alone."""

    @abstractmethod
    def tables(self) -> list[str]:
        """The names of the tables the login sees."""

    @abstractmethod
    def execute(self, statement: str) -> int:
        """Runs one statement without parameters; gives the rows it changed, as far as the driver knows."""

    @abstractmethod
    def empty(self, table: str) -> bool:
        """Whether a quoted table, or a SELECT in parentheses under an alias, has no row."""

    @abstractmethod
    def load(self, table: str, columns: Sequence[str], rows: pa.Table) -> int:
        """Inserts rows into a quoted table: the columns of `rows` by position into `columns`.

        Gives how many went in, as far as the driver knows.
        """

    @abstractmethod
    def commit(self) -> None:
        """Makes everything since the last commit last."""

    @abstractmethod
    def rollback(self) -> None:
        """Forgets everything since the last commit; raises nothing."""

    @abstractmethod
    def close(self) -> None:
        """Gives the connection back; raises nothing."""
