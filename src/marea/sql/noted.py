"""Owns the SELECTs and the DELETE over the table that triggers write changes into."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from marea.sql.dialect import Dialect, Query
from marea.sql.parts import Text, integer_column, text_column

CHANGES = "marea_change"
"""The table: id (ascending as they are given, not as they are committed), entity, path, noted, at.

`path` is that of a relation, empty for the root; `noted` the values that lead to the record as JSON
text in the form of keys, NULL where any record of the entity may differ; `at` the moment.
"""

ID, PATH, NOTED, AT, NAME, MARK, PLACE = "id", "path", "noted", "at", "name", "mark", "place"
MADE_COLUMNS = (text_column(NAME), text_column(MARK), text_column(PLACE))
"""What `ChangeTable.made` gives."""
COLUMNS = (integer_column(ID), text_column(PATH), text_column(NOTED))
"""What `Noted.all` gives."""
TOLD_COLUMNS = (integer_column(ID), text_column(AT))
"""What `Noted.last`, `first`, `whole` and `one` give."""

LISTED = 900
"""Ids a DELETE names: each is then looked up by the index; MariaDB makes a subquery of 1000."""


@dataclass(frozen=True, slots=True)
class ChangeTable:
    """Where the triggers of a source write, and how it tells which of them are there."""

    name: str
    """Quoted, with its schema."""
    made: Query
    """One row NAME, MARK, PLACE for the change table and for each trigger of ours that works.

    PLACE is the table it stands on, empty for the change table itself; MARK is another one once it
    was made anew or switched off meanwhile, where the source tells that.
    """


class Noted:
    """Composes what is asked of the notices of one entity."""

    def __init__(self, dialect: Dialect, table: ChangeTable, entity: str) -> None:
        self._dialect = dialect
        self._table = table.name
        self._entity = entity

    def all(self) -> Query:
        """Every notice, those of one row together, the root's first."""
        text = Text(self._dialect)
        rows = f"SELECT {ID}, {PATH}, {NOTED} FROM {self._table} WHERE {self._own(text)}"
        return text.query(f"{rows} ORDER BY {PATH}, {NOTED}")

    def last(self) -> Query:
        """The notice of the highest id, with its moment; no row where there is none."""
        text = Text(self._dialect)
        rows = f"SELECT {self._told()} FROM {self._table} WHERE {self._own(text)} ORDER BY {ID} DESC"
        return text.query(self._dialect.limit(rows, 1))

    def first(self, rows: int) -> Query:
        """So many notices, with their moments, in no order."""
        text = Text(self._dialect)
        found = f"SELECT {self._told()} FROM {self._table} WHERE {self._own(text)}"
        return text.query(self._dialect.limit(found, rows))

    def whole(self) -> Query:
        """Notices that any record may differ, with their moments."""
        text = Text(self._dialect)
        return text.query(
            f"SELECT {self._told()} FROM {self._table} WHERE {self._own(text)} AND {NOTED} IS NULL"
        )

    def one(self, number: int) -> Query:
        """The notice of an id, with its moment; no row where there is none."""
        text = Text(self._dialect)
        own = self._own(text)
        return text.query(f"SELECT {self._told()} FROM {self._table} WHERE {own} AND {ID} = {int(number)}")

    def release(self, numbers: Sequence[int]) -> list[Query]:
        """Deletes the notices of exactly these ids."""
        return [self._delete(numbers[start : start + LISTED]) for start in range(0, len(numbers), LISTED)]

    def _delete(self, numbers: Sequence[int]) -> Query:
        text = Text(self._dialect)
        listed = ", ".join(str(int(number)) for number in numbers)
        return text.query(f"DELETE FROM {self._table} WHERE {self._own(text)} AND {ID} IN ({listed})")

    def _own(self, text: Text) -> str:
        return f"entity = {self._dialect.cast(text.bind(self._entity), self._dialect.text_type)}"

    def _told(self) -> str:
        return f"{ID}, CAST({AT} AS {self._dialect.text_type}) AS {AT}"
