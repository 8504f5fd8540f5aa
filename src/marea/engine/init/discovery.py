"""Owns finding the business objects in a database: entities, the tables that belong to them, references."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from marea.engine.init.edited import dates, modified
from marea.ports import ForeignKey, Table

GENERIC = {"id", "code", "key", "name", "uuid", "guid"}
"""Key columns that many tables have: that two tables share one says nothing."""


@dataclass(frozen=True, slots=True)
class Belonging:
    """A table whose rows belong to an entity's records."""

    name: str
    table: Table
    on: tuple[tuple[str, str], ...]
    """(its column, the root's column)."""
    many: bool
    modified: str | None
    dates: tuple[str, ...]
    """Where none is known for a last-edit date: what may be one."""


@dataclass(slots=True)
class Draft:
    """An entity as it was found."""

    name: str
    table: Table
    modified: str | None
    dates: tuple[str, ...] = ()
    """Where none is known for a last-edit date: what may be one."""
    related: list[Belonging] = field(default_factory=list)
    references: dict[str, str] = field(default_factory=dict)
    """Column -> the entity it refers to."""

    @property
    def dated(self) -> bool:
        """Whether any of its tables has a last-edit date: without one every run reads all."""
        return any([self.modified, *(part.modified for part in self.related)])


@dataclass(slots=True)
class Discovery:
    """What a database holds."""

    drafts: list[Draft]
    keyless: list[str]
    """Tables without a primary key, which cannot be kept aligned as they are."""
    unreadable: dict[str, str]
    """Tables that the login may not read, each with what lets it."""


def discover(tables: Sequence[Table]) -> Discovery:
    """Sorts the tables of a database into entities, what belongs to them, and what cannot be taken."""
    unreadable = {table.name: table.grant for table in tables if table.grant}
    tables = [table for table in tables if not table.grant]
    keyed = {table.name: table for table in tables if table.key}
    owners = {name: owner for name, table in keyed.items() if (owner := _owner(table, keyed))}
    # What belongs to a part of another would need nesting: it becomes an entity of its own.
    parts = {name: owner for name, owner in owners.items() if owner[0] not in owners}
    names = _names(keyed)
    drafts = {
        name: Draft(names[name], table, modified(table), dates(table))
        for name, table in keyed.items()
        if name not in parts
    }
    for name, (parent, on, many) in parts.items():
        table = keyed[name]
        own = _own_name(name, drafts[parent], names[name])
        drafts[parent].related.append(Belonging(own, table, on, many, modified(table), dates(table)))
    _refer(drafts)
    keyless = [table.name for table in tables if not table.key]
    return Discovery(list(drafts.values()), keyless, unreadable)


# -- which table belongs to which ----------------------------------------------------------------

_Owner = tuple[str, tuple[tuple[str, str], ...], bool]


def _owner(table: Table, tables: Mapping[str, Table]) -> _Owner | None:
    """The table whose records a table's rows are parts of: its name, how they join, whether many."""
    if any(_refers(other, table) for other in tables.values()):
        return None
    return _by_foreign_key(table, tables) or _by_names(table, tables)


def _refers(other: Table, table: Table) -> bool:
    return other is not table and any(key.table == table.name for key in other.foreign_keys)


def _by_foreign_key(table: Table, tables: Mapping[str, Table]) -> _Owner | None:
    """By a foreign key that the primary key begins with."""
    for key in table.foreign_keys:
        parent = tables.get(key.table)
        begins = set(key.columns) == set(table.key[: len(key.columns)])
        if parent is None or parent is table or not begins or set(key.referred) != set(parent.key):
            continue
        pairs = tuple(zip(key.columns, key.referred, strict=True))
        return parent.name, pairs, len(table.key) > len(key.columns)
    return None


def _by_names(table: Table, tables: Mapping[str, Table]) -> _Owner | None:
    """Where nobody declared foreign keys: by a key that begins with the key of a table."""
    if any(other.foreign_keys for other in tables.values()):
        return None
    for parent in sorted(tables.values(), key=lambda other: (-len(other.key), -len(other.name))):
        if parent is table or len(parent.key) > len(table.key):
            continue
        begin = table.key[: len(parent.key)]
        many = len(table.key) > len(parent.key)
        same = begin == parent.key and not {name.casefold() for name in begin} <= GENERIC
        if (same and many) or _extends(table, parent):
            return parent.name, tuple(zip(begin, parent.key, strict=True)), many
    return None


def _extends(table: Table, parent: Table) -> bool:
    """Whether its name continues the other's and its key begins with columns of the same types."""
    if not table.name.startswith(parent.name) or len(parent.key) < 2:
        return False
    pairs = zip(table.key, parent.key, strict=False)
    types = [(table.column(own), parent.column(other)) for own, other in pairs]
    return all(own and other and own.native == other.native for own, other in types)


# -- references ---------------------------------------------------------------------------------


def _refer(drafts: Mapping[str, Draft]) -> None:
    """Adds references to the drafts, but none that would make two entities wait for each other."""
    edges: dict[str, set[str]] = {name: set() for name in drafts}
    for name, draft in drafts.items():
        for table in [draft.table, *(part.table for part in draft.related)]:
            for key in table.foreign_keys:
                if _usable(key, table, draft, drafts) and not _reaches(edges, key.table, name):
                    edges[name].add(key.table)
                    draft.references[f"{table.name}.{key.columns[0]}"] = drafts[key.table].name


def _usable(key: ForeignKey, table: Table, draft: Draft, drafts: Mapping[str, Draft]) -> bool:
    """A single column that is no part of the key and names the key of another entity."""
    parent = drafts.get(key.table)
    if parent is None or parent is draft or len(key.columns) != 1 or key.referred != parent.table.key:
        return False
    joins = {own for part in draft.related if part.table is table for own, _ in part.on}
    return key.columns[0] not in (joins if table is not draft.table else table.key)


def _reaches(edges: Mapping[str, set[str]], start: str, end: str) -> bool:
    seen: set[str] = set()
    waiting = [start]
    while waiting:
        name = waiting.pop()
        if name == end:
            return True
        if name not in seen:
            seen.add(name)
            waiting.extend(edges[name])
    return False


# -- names --------------------------------------------------------------------------------------


def _names(tables: Iterable[str]) -> dict[str, str]:
    """Table -> a name for it, without the prefix that all tables share; no name twice."""
    bare = {table: table.rpartition(".")[2] for table in tables}
    prefixes = {name.partition("_")[0] for name in bare.values() if "_" in name}
    shared = prefixes.pop() + "_" if len(prefixes) == 1 and len(bare) > 1 else ""
    if not all(name.startswith(shared) for name in bare.values()):
        shared = ""
    return distinct({table: snake(name.removeprefix(shared)) for table, name in bare.items()})


def _own_name(table: str, parent: Draft, name: str) -> str:
    """The name of a part among its record's: `branches` for the table CustSuppBranches of CustSupp."""
    bare = table.rpartition(".")[2]
    begin = parent.table.name.rpartition(".")[2]
    short = snake(bare.removeprefix(begin)) if bare.startswith(begin) and bare != begin else name
    taken = [*(part.name for part in parent.related), *(snake(c.name) for c in parent.table.columns)]
    return name if short in taken else short


def distinct(names: Mapping[str, str]) -> dict[str, str]:
    """The same names, those that occur again numbered."""
    found: dict[str, str] = {}
    for original, name in names.items():
        found[original] = free(name, found.values())
    return found


def free(name: str, taken: Collection[str]) -> str:
    """The name, numbered where it is taken."""
    candidate, number = name, 2
    while candidate in taken:
        candidate, number = f"{name}_{number}", number + 1
    return candidate


def snake(name: str) -> str:
    """`CustSupp` as `cust_supp`, `TBModifiedID` as `tb_modified_id`."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name)
    return re.sub(r"\W+|__+", "_", spaced).strip("_").lower() or "field"
