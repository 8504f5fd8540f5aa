"""Owns the SQL with which a batch lands in a table: staging, upsert, renamed keys, deletes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from marea.ports import Column, Table

if TYPE_CHECKING:
    import pyarrow as pa

    from marea.sql.dialect import Dialect


@dataclass(frozen=True, slots=True)
class Landing:
    """Where the records of one shape land: a table of the target and two staging tables.

    `stage` has the columns of the shape in the types of the table. `keys` has for each key
    column the old value (o0, o1, …) and the new one (n0, n1, …), for deletes and renamed keys.
    """

    table: Table
    columns: tuple[str, ...]
    """The table's own names of the shape's fields, in order."""
    key: tuple[str, ...]
    number: int
    """Tells the staging tables of the shapes of one session apart."""

    @property
    def stage(self) -> str:
        """The staging table of creates and updates."""
        return f"marea_stage_{self.number}"

    @property
    def keys(self) -> str:
        """The staging table of deletes and renamed keys."""
        return f"marea_keys_{self.number}"

    @property
    def rest(self) -> tuple[str, ...]:
        """The columns that are not part of the key."""
        return tuple(name for name in self.columns if name not in self.key)

    @property
    def guarded(self) -> bool:
        """Whether a unique index makes sure that a key is there once."""
        return any(set(columns) == set(self.key) for columns in self.table.unique)

    @property
    def folding(self) -> tuple[str, ...]:
        """The columns of the key that take texts for equal which are spelt otherwise."""
        return tuple(name for name in self.key if name in self.table.folding)

    @property
    def old(self) -> tuple[str, ...]:
        """The names of the old key values in `keys`."""
        return tuple(f"o{index}" for index in range(len(self.key)))

    @property
    def new(self) -> tuple[str, ...]:
        """The names of the new key values in `keys`."""
        return tuple(f"n{index}" for index in range(len(self.key)))


class Statements(ABC):
    """The statements of one kind of database; every method gives SQL text, run in its order."""

    held: ClassVar[str] = ""
    """What follows the table to keep other writers from a key that was not found in it yet."""

    strict: ClassVar[bool] = True
    """Whether a column holds nothing but values of its type."""

    def __init__(self, dialect: Dialect) -> None:
        self.dialect = dialect

    def names(self, columns: Sequence[str], alias: str = "") -> str:
        """Quoted names, separated by commas."""
        prefix = f"{alias}." if alias else ""
        return ", ".join(prefix + self.dialect.quote(column) for column in columns)

    def same(self, landing: Landing, alias: str, columns: Sequence[str], table: str = "t") -> str:
        """Whether the key of the table behind its own alias is that of a row behind another."""
        pairs = zip(self.qualified(table, landing.key), self.qualified(alias, columns), strict=True)
        return " AND ".join(f"{one} = {other}" for one, other in pairs)

    def qualified(self, alias: str, columns: Sequence[str]) -> list[str]:
        """Quoted names behind an alias."""
        return [f"{alias}.{self.dialect.quote(column)}" for column in columns]

    def create(self, name: str, fields: pa.Schema, key: Sequence[str]) -> list[str]:
        """The table itself, made for `create: true`. Raises ValueError for a type it cannot hold."""
        columns = [self.column(field, key=field.name in key) for field in fields]
        columns.append(f"PRIMARY KEY ({self.names(key)})")
        return [f"CREATE TABLE {self.dialect.table(name)} ({', '.join(columns)})"]

    def column(self, field: pa.Field, *, key: bool) -> str:
        """One column of a table made for a field."""
        suffix = " NOT NULL" if key else ""
        return f"{self.dialect.quote(field.name)} {self.native(field, key=key)}{suffix}"

    def native(self, field: pa.Field, *, key: bool) -> str:
        """The type of a column made for a field; a database with a type for JSON text adds it here."""
        return self.dialect.native(field.type, key=key)

    @abstractmethod
    def stage(self, landing: Landing) -> list[str]:
        """Makes both staging tables, gone with the session."""

    def staging(self, table: str) -> str:
        """The name of a staging table in SQL."""
        return self.dialect.quote(table)

    def clear(self, table: str) -> list[str]:
        """Empties a staging table."""
        return [f"DELETE FROM {self.staging(table)}"]

    @abstractmethod
    def upsert(self, landing: Landing) -> list[str]:
        """Creates or updates the rows of `stage`; equal rows are best left alone."""

    def insert_missing(self, landing: Landing) -> str:
        """Inserts the rows of `stage` whose key is not there."""
        table = self.dialect.table(landing.table.name)
        return (
            f"{self.order('INSERT', landing)} INTO {table} ({self.names(landing.columns)}) "
            f"SELECT {self.names(landing.columns, 's')} FROM {self.staging(landing.stage)} s "
            f"WHERE NOT EXISTS (SELECT 1 FROM {table} t{self.held} "
            f"WHERE {self.same(landing, 's', landing.key)})"
        )

    def taken_for_equal(self, landing: Landing) -> str:
        """A SELECT of the rows of `stage` whose key the table takes for that of a row spelt otherwise."""
        names = landing.folding
        pairs = zip(self.qualified("t", names), self.qualified("s", names), strict=True)
        differs = " OR ".join(f"{self.bytewise(one)} <> {self.bytewise(other)}" for one, other in pairs)
        # No subquery: MariaDB remembers what one gave, and takes it for keys that it takes for equal.
        return (
            f"SELECT 1 AS one FROM {self.staging(landing.stage)} AS s "
            f"JOIN {self.dialect.table(landing.table.name)} AS t "
            f"ON {self.same(landing, 's', landing.key)} WHERE {differs}"
        )

    @abstractmethod
    def bytewise(self, text: str) -> str:
        """An expression of text that equals another only where both are spelt alike."""

    def unwritten(self, landing: Landing) -> str:
        """A SELECT of the rows of `stage` that the table does not hold after an upsert."""
        lacks = f"t.{self.dialect.quote(landing.key[0])} IS NULL"
        return (
            f"SELECT 1 AS one FROM {self.staging(landing.stage)} AS s "
            f"LEFT JOIN {self.dialect.table(landing.table.name)} AS t "
            f"ON {self.same(landing, 's', landing.key)} WHERE {lacks}{self.outdated(landing)}"
        )

    def outdated(self, landing: Landing) -> str:
        """What `unwritten` asks besides, where only an ignored UPDATE leaves a row unlike the staged one."""
        return ""

    def alters(self, type_: pa.DataType, column: Column) -> str:
        """What a column does to some values of a type that it takes; empty where it keeps them all."""
        from marea.connectors.altering import altered  # what a run never needs

        return altered(type_, column)

    def order(self, verb: str, landing: Landing) -> str:
        """INSERT or UPDATE, as it is said for a table."""
        return verb

    @abstractmethod
    def rename(self, landing: Landing) -> list[str]:
        """Gives the rows with an old key of `keys` their new key.

        Where another row has that, it is the record's from now on, as it would be a create's, and
        the one under the old key goes.
        """

    def taken(self, landing: Landing, table: str) -> str:
        """What to join with `keys`, `k`, to find those whose new key another row has, behind an alias."""
        new, old = (self.same(landing, "k", columns, table) for columns in (landing.new, landing.old))
        return f"{self.dialect.table(landing.table.name)} AS {table} ON {new} AND NOT ({old})"

    def untaken(self, landing: Landing) -> list[str]:
        """Leaves of `keys` those alone whose new key no row has."""
        keys = self.staging(landing.keys)
        there = f"{self.dialect.table(landing.table.name)} t WHERE {self.same(landing, keys, landing.new)}"
        return [f"DELETE FROM {keys} WHERE EXISTS (SELECT 1 FROM {there})"]

    @abstractmethod
    def delete(self, landing: Landing) -> list[str]:
        """Deletes the rows with an old key of `keys`."""


class StandardStatements(Statements):
    """PostgreSQL and SQLite: INSERT … ON CONFLICT and UPDATE … FROM."""

    def stage(self, landing: Landing) -> list[str]:
        """Temporary tables, typed by the table itself."""
        table = self.dialect.table(landing.table.name)
        pairs = [*zip(landing.key, landing.old, strict=True), *zip(landing.key, landing.new, strict=True)]
        keys = ", ".join(f"{self.dialect.quote(column)} AS {name}" for column, name in pairs)
        return [
            self.temporary(landing.stage, f"SELECT {self.names(landing.columns)} FROM {table} WHERE 1 = 0"),
            self.temporary(landing.keys, f"SELECT {keys} FROM {table} WHERE 1 = 0"),
        ]

    def temporary(self, name: str, select: str) -> str:
        """A temporary table with the columns of a SELECT."""
        return f"CREATE TEMPORARY TABLE {self.dialect.quote(name)} AS {select}"

    def upsert(self, landing: Landing) -> list[str]:
        """One INSERT … ON CONFLICT where an index guards the key, else UPDATE and INSERT."""
        if not landing.guarded:
            return [*self._update(landing), self.insert_missing(landing)]
        action = "NOTHING"
        if landing.rest:
            assigned = ", ".join(
                f"{self.names([name])} = excluded.{self.names([name])}" for name in landing.rest
            )
            action = f"UPDATE SET {assigned} WHERE {self.differs('t', 'excluded', landing)}"
        names = self.names(landing.columns)
        statement = (
            f"{self.order('INSERT', landing)} INTO {self.dialect.table(landing.table.name)} AS t ({names}) "
            f"SELECT {names} FROM {self.dialect.quote(landing.stage)} WHERE true "
            f"ON CONFLICT ({self.names(landing.key)}) DO {action}"
        )
        return [statement]

    def differs(self, one: str, other: str, landing: Landing) -> str:
        """Whether two rows differ outside the key, byte by byte and NULL included."""
        left, right = self.qualified(one, landing.rest), self.qualified(other, landing.rest)
        return "(" + " OR ".join(f"{a} IS NOT {b}" for a, b in zip(left, right, strict=True)) + ")"

    def _update(self, landing: Landing) -> list[str]:
        if not landing.rest:
            return []
        assigned = ", ".join(f"{self.names([name])} = s.{self.names([name])}" for name in landing.rest)
        statement = (
            f"{self.order('UPDATE', landing)} {self.dialect.table(landing.table.name)} AS t SET {assigned} "
            f"FROM {self.dialect.quote(landing.stage)} AS s "
            f"WHERE {self.same(landing, 's', landing.key)} AND {self.differs('t', 's', landing)}"
        )
        return [statement]

    def rename(self, landing: Landing) -> list[str]:
        """A DELETE where the new key is taken, and one UPDATE of the key columns."""
        pairs = zip(landing.key, landing.new, strict=True)
        assigned = ", ".join(f"{self.dialect.quote(column)} = k.{new}" for column, new in pairs)
        statement = (
            f"{self.order('UPDATE', landing)} {self.dialect.table(landing.table.name)} AS t SET {assigned} "
            f"FROM {self.dialect.quote(landing.keys)} AS k WHERE {self.same(landing, 'k', landing.old)}"
        )
        return [self._delete(landing, f" JOIN {self.taken(landing, 'x')}"), statement]

    def delete(self, landing: Landing) -> list[str]:
        """One DELETE by the keys."""
        return [self._delete(landing)]

    def _delete(self, landing: Landing, joined: str = "") -> str:
        old = ", ".join(self.qualified("k", landing.old))
        return (
            f"DELETE FROM {self.dialect.table(landing.table.name)} AS t "
            f"WHERE ({', '.join(self.qualified('t', landing.key))}) IN "
            f"(SELECT {old} FROM {self.dialect.quote(landing.keys)} AS k{joined})"
        )
