"""Owns what the triggers of all databases share: their names, what is lacking, the order of making.

Triggers of watched tables write one row a change into one narrow table, `marea_change`. A row
without values says that any record of the entity may differ; the first is written before the
triggers are made, so that whoever reads the table knows that nothing before it was noted.
"""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from marea.capabilities import Watched
from marea.sql.dialect import Dialect, Query
from marea.sql.noted import CHANGES, ChangeTable

FORM = 1
"""Of what the triggers write; another one is another name, and made anew."""

EVENTS = {"i": "INSERT", "u": "UPDATE", "d": "DELETE"}
"""The last letter of a trigger's name -> when it fires."""

_LETTERS = 8


@dataclass(frozen=True, slots=True)
class Made:
    """The change table, a trigger of ours, or what else that needs, which is there."""

    table: str
    """The table it stands on, as `Triggers.place` has it; empty for what stands on none."""
    mark: str
    """Another one once it was made anew, where the database tells that."""


class Triggers(ABC):
    """The SQL of the change table and its triggers in one kind of database."""

    events: Sequence[str] = tuple(EVENTS)
    """The last letter of the name of each trigger that a table has, and of what else that needs."""
    knows_rights = True
    """Whether `granting` is sure to know all rights of the login: it may have some by a role."""

    def __init__(self, dialect: Dialect) -> None:
        self.dialect = dialect

    def names(self, watched: Sequence[Watched]) -> list[str]:
        """The names of the triggers that these tables need."""
        return [name for table in watched for name in self._of(table)]

    def lacking(self, watched: Sequence[Watched], made: Mapping[str, Made]) -> list[str]:
        """What is not there, one sentence each."""
        if CHANGES not in made:
            return [f"there is no table {CHANGES} for what triggers note"]
        rights = [f"the login may not read and delete what triggers noted in {CHANGES}"]
        return (rights if self.knows_rights and self.granting() else []) + [
            f"table {table.table.name} has not the triggers that note its changes for {table.entity}"
            for table in watched
            if self._missing(table, made)
        ]

    def installing(self, watched: Sequence[Watched], made: Mapping[str, Made]) -> list[str]:
        """The statements that make what is lacking; triggers made for another configuration go."""
        missing = {table: self._missing(table, made) for table in watched}
        entities = list(dict.fromkeys(table.entity for table, names in missing.items() if names))
        found = [*([] if CHANGES in made else self.making_table()), *self.granting()]
        found += self.dropping(self._others(watched, made), made)
        # Before the first trigger: what was not noted until now is found by whom this row tells of it.
        found += [self.noting_all(entity) for entity in entities]
        for table, names in missing.items():
            if names:
                found += self.making(table, names)
        return found

    def removing(self, watched: Sequence[Watched], made: Mapping[str, Made]) -> list[str]:
        """The statements that drop the triggers of these entities, and the change table with the last."""
        prefixes = {prefix(table.entity) for table in watched}
        its = [name for name in made if name.startswith(tuple(prefixes))]
        rest = [name for name in made if name != CHANGES and name not in its]
        found = self.dropping(its, made)
        if not rest:
            return found + (self.dropping_table() if CHANGES in made else [])
        entities = dict.fromkeys(table.entity for table in watched)
        return found + [self.forgetting(entity) for entity in entities if its]

    # -- of each database --------------------------------------------------------------------

    @abstractmethod
    def place(self, table: Watched) -> str:
        """The table as the database tells it of a trigger that stands on it."""

    @abstractmethod
    def changes(self) -> str:
        """The change table, quoted, with its schema where there is one."""

    @abstractmethod
    def made(self) -> Query:
        """As `ChangeTable.made`."""

    @abstractmethod
    def making_table(self) -> list[str]:
        """The statements that make the change table."""

    @abstractmethod
    def dropping_table(self) -> list[str]:
        """The statements that drop it, and all that was made with it."""

    @abstractmethod
    def making(self, table: Watched, names: Sequence[str]) -> list[str]:
        """The statements that make triggers of a table; `names` are those of `names` that lack."""

    @abstractmethod
    def dropping(self, names: Iterable[str], made: Mapping[str, Made]) -> list[str]:
        """The statements that drop triggers."""

    def granting(self) -> list[str]:
        """The statements that give the login the rights on the table that it lacks."""
        return []

    def noting_all(self, entity: str) -> str:
        """The statement that notes that any record of an entity may differ."""
        return f"INSERT INTO {self.changes()} (entity, path) VALUES ({self.text(entity)}, '')"

    def forgetting(self, entity: str) -> str:
        """The statement that deletes what was noted of an entity."""
        return f"DELETE FROM {self.changes()} WHERE entity = {self.text(entity)}"

    def text(self, value: str) -> str:
        """A text as a literal."""
        return "'" + value.replace("'", "''") + "'"

    def change_table(self) -> ChangeTable:
        """The table, and what is there of ours."""
        return ChangeTable(self.changes(), self.made())

    # -- names -----------------------------------------------------------------------------

    def _of(self, table: Watched) -> list[str]:
        parts = [FORM, self.changes(), table.path, table.table.name]
        parts += [f"{column.name} {column.native}" for column in table.columns]
        return [f"{prefix(table.entity)}{_digest(repr(parts))}_{event}" for event in self.events]

    def _missing(self, table: Watched, made: Mapping[str, Made]) -> list[str]:
        place = self.place(table)
        return [name for name in self._of(table) if name not in made or made[name].table not in ("", place)]

    def _others(self, watched: Sequence[Watched], made: Mapping[str, Made]) -> list[str]:
        """Triggers of these entities that are none of these."""
        prefixes, wanted = {prefix(table.entity) for table in watched}, set(self.names(watched))
        wrong = {name for table in watched for name in self._missing(table, made) if name in made}
        return [
            name
            for name in made
            if name.startswith(tuple(prefixes)) and (name not in wanted or name in wrong)
        ]


class RowTriggers(Triggers):
    """Triggers of one event each, which fire for every row."""

    def place(self, table: Watched) -> str:
        """The table's name."""
        return table.table.name

    def making(self, table: Watched, names: Sequence[str]) -> list[str]:
        """One trigger an event, for each row."""
        return [self._trigger(table, name, EVENTS[name[-1]], self._writes(table, name[-1])) for name in names]

    def _writes(self, table: Watched, event: str) -> str:
        """What a trigger carries out: it notes what the row leads to, and led to before."""
        new, old = self._values(table, "NEW"), self._values(table, "OLD")
        writes = []
        if event != "d":
            writes.append(self._write(table, new, self._present(table, "NEW")))
        if event != "i":
            moved = [self._moved(old, new)] if event == "u" else []
            writes.append(self._write(table, old, [*self._present(table, "OLD"), *moved]))
        return " ".join(writes)

    def _write(self, table: Watched, values: str, conditions: Sequence[str]) -> str:
        named = f"{self.text(table.entity)}, {self.text(table.path)}"
        return self._noting(f"{named}, {values}", " AND ".join(conditions))

    def _present(self, table: Watched, row: str) -> list[str]:
        """That a row leads anywhere: none of its values is NULL."""
        return [f"{row}.{self.dialect.quote(column.name)} IS NOT NULL" for column in table.columns]

    @abstractmethod
    def _trigger(self, table: Watched, name: str, event: str, writes: str) -> str:
        """The statement that makes a trigger of an event, in words, which carries out `writes`."""

    @abstractmethod
    def _noting(self, values: str, condition: str) -> str:
        """The statement that writes entity, path and values where a condition holds."""

    @abstractmethod
    def _moved(self, old: str, new: str) -> str:
        """That two values are not the same text: a collation may take for equal what are two keys."""

    @abstractmethod
    def _values(self, table: Watched, row: str) -> str:
        """The values of a row that lead to its record, as JSON text."""


def prefix(entity: str) -> str:
    """What the names of all triggers of an entity begin with."""
    return f"marea_{_digest(entity)}_"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:_LETTERS]
