"""Owns the shape of an entity in its source: the root table, its related tables, the columns needed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from marea.ports import Column, Table

ROOT = ""
"""The feed name of the root table; related tables go by the path of their relation."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """A last-edit date: an SQL expression over its table's rows and its type."""

    expression: str
    native: str


@dataclass(frozen=True, slots=True)
class Relation:
    """A related table, joined to the rows of the table it hangs on."""

    path: str
    """Its name, with the names of the relations above it: `orders` or `orders.lines`."""
    table: Table
    on: tuple[tuple[Column, Column], ...]
    """(column of this table, column of the table above)."""
    columns: tuple[Column, ...]
    """What is read of it."""
    many: bool
    order: tuple[Column, ...] = ()
    where: str | None = None
    stamp: Stamp | None = None
    children: tuple[Relation, ...] = ()

    @property
    def name(self) -> str:
        """The last part of the path: how expressions call it."""
        return self.path.rpartition(".")[2]


@dataclass(frozen=True, slots=True)
class Aggregate:
    """An entity as its source holds it; a change in any of its tables re-evaluates the root."""

    table: Table
    key: tuple[Column, ...]
    columns: tuple[Column, ...]
    where: str | None = None
    stamp: Stamp | None = None
    relations: tuple[Relation, ...] = ()

    def lineages(self) -> Iterator[tuple[Relation, ...]]:
        """Every relation with those above it, outermost first, in the order of the configuration."""
        yield from _lineages(self.relations, ())

    def tables(self) -> list[tuple[str, Table]]:
        """Path (ROOT, or a relation's) and table of the root and of each relation."""
        return [(ROOT, self.table), *((line[-1].path, line[-1].table) for line in self.lineages())]

    def line(self, path: str) -> tuple[Relation, ...]:
        """A relation with those above it, outermost first."""
        return next(line for line in self.lineages() if line[-1].path == path)

    @property
    def dated(self) -> bool:
        """Whether every one of its tables has a last-edit date."""
        return self.stamp is not None and all(line[-1].stamp for line in self.lineages())

    @property
    def guarded(self) -> bool:
        """Whether the source itself makes sure that no two rows have the same key."""
        names = {column.name for column in self.key}
        return any(columns and names.issuperset(columns) for columns in self.table.unique)

    def feeds(self) -> list[str]:
        """Names of the tables whose stamps tell of changes: the root, then relations by path."""
        related = [line[-1].path for line in self.lineages() if line[-1].stamp]
        return [ROOT, *related] if self.stamp else related


def _lineages(relations: tuple[Relation, ...], above: tuple[Relation, ...]) -> Iterator[tuple[Relation, ...]]:
    for relation in relations:
        line = (*above, relation)
        yield line
        yield from _lineages(relation.children, line)


def link(path: str) -> str:
    """The column of a batch that tells which row of `path`'s key list a parent row points at."""
    return f"$link:{path}"
