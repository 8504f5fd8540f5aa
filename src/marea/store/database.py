"""Owns the narrow port between the store and its two databases: named statements, batches, transactions."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Any

from marea.errors import RunStopped
from marea.store.statements import fit, migrations, statement

if TYPE_CHECKING:
    import pyarrow as pa

Row = tuple[Any, ...]


class Database(ABC):
    """One connection to the state. Threads may share it: each waits for the other's transaction.

    Every method raises SystemUnreachable when the database is away or stays locked, and
    RunStopped when it is damaged, full or read-only.
    """

    words: Mapping[str, str]
    """What the {words} of the SQL are in this database."""

    def __init__(self) -> None:
        self._lock = threading.RLock()

    def rows(self, name: str, /, **parameters: object) -> list[Row]:
        """All rows of a named statement."""
        with self._lock, self._translated():
            return self._execute(self._text(name, parameters), parameters)

    def row(self, name: str, /, **parameters: object) -> Row | None:
        """The first row of a named statement, if any."""
        rows = self.rows(name, **parameters)
        return rows[0] if rows else None

    def run(self, name: str, /, **parameters: object) -> None:
        """A named statement whose rows, if any, are of no interest."""
        self.rows(name, **parameters)

    def match(self, name: str, asked: pa.Array, **parameters: object) -> list[Row]:
        """The rows of a statement that joins a table to `asked`: one a value, in their order.

        Values are texts or whole numbers; one that is null matches nothing.
        """
        return self.rows(name, asked=self._bind(asked), **parameters) if len(asked) else []

    @contextmanager
    def transaction(self, *, write: bool = True) -> Iterator[None]:
        """All statements inside commit together, or none. Not nested.

        One that only reads and stages does not keep others from writing.
        """
        with self._lock, self._translated(), self._begin(write):
            yield

    def stage(self, table: pa.Table, first: int = 0) -> None:
        """Puts a table into the temporary table `batch`, rows numbered by n from `first`.

        Once a transaction, which it lives for. Columns are those of `batch`; left out are null.
        """
        import pyarrow as pa

        filled = [name for name in table.column_names if table[name].null_count < table.num_rows]
        numbers = pa.array(range(first, first + table.num_rows), pa.int64())
        self._clear_batch()
        self._load("batch", table.select(filled).add_column(0, "n", numbers))

    def migrate(self) -> None:
        """Brings the tables to the version of this program. Several processes may try at once.

        Raises RunStopped when a newer program has already been here.
        """
        with self._lock:
            if self._version() < migrations()[-1][0]:
                with self.transaction():
                    self._exclude()
                    self._catch_up(self._version())
            with self._translated():
                self._execute(self._text("create_batch", {}), {})

    @property
    def made(self) -> bool:
        """Whether any Marea has made its tables here."""
        with self._lock:
            return self._has_table("migration")

    def close(self) -> None:
        """Gives the connection back. Repeatable."""
        with self._lock, self._translated():
            self._close()

    def _version(self) -> int:
        found = self.row("version")[0] if self._has_table("migration") else 0  # type: ignore[index]
        known = migrations()[-1][0]
        if found > known:
            raise RunStopped(
                f"the state has version {found}, this program knows versions up to {known}",
                where="state",
                hint="a newer Marea has used it: upgrade this one, or give it a state of its own",
                code="state-newer",
            )
        return int(found)

    def _catch_up(self, version: int) -> None:
        if version == 0:
            self.run("create_migration")
        for number, name, text in migrations():
            if number > version:
                self._script(fit(text, self.words))
                self.run("add_migration", number=number, name=name)

    def _text(self, name: str, given: Mapping[str, object]) -> str:
        return fit(statement(name, given), self.words)

    @abstractmethod
    def _bind(self, values: pa.Array) -> object:
        """The values as the parameter `asked`."""

    @abstractmethod
    def _execute(self, text: str, parameters: Mapping[str, object]) -> list[Row]:
        """One statement with `:name` parameters; those it does not name are ignored."""

    @abstractmethod
    def _script(self, text: str) -> None:
        """Several statements without parameters."""

    @abstractmethod
    def _clear_batch(self) -> None:
        """Removes what an earlier transaction left in `batch`."""

    @abstractmethod
    def append_payloads(self, first: int, bodies: pa.ChunkedArray) -> None:
        """Appends texts to the table `payload`, their ids counted from `first`; part of a transaction."""

    @abstractmethod
    def _load(self, name: str, table: pa.Table) -> None:
        """Adds the rows to a table, in bulk."""

    @abstractmethod
    def _begin(self, write: bool) -> AbstractContextManager[object]:
        """A transaction."""

    @abstractmethod
    def _exclude(self) -> None:
        """Keeps other processes from migrating until the transaction ends; makes the place for the tables."""

    @abstractmethod
    def _has_table(self, name: str) -> bool:
        """Whether the state has this table."""

    @abstractmethod
    def _translated(self) -> AbstractContextManager[None]:
        """Turns the driver's errors into Marea's."""

    @abstractmethod
    def _close(self) -> None:
        """Closes the connection. Repeatable."""
