"""Owns `touch`: setting the last-edit date in the source, as an administrator does after direct SQL."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pyarrow as pa

from marea.capabilities import Editable
from marea.config.settings import EntitySettings
from marea.engine.entity.condition import check_taken, check_whole
from marea.engine.entity.systems import Systems
from marea.engine.entity.totals import count
from marea.errors import ConfigurationError
from marea.ports import Column, Source, Table
from marea.sql.dialect import Query

LOGIN = (Column("login", pa.string(), ""),)


@dataclass(frozen=True, slots=True)
class Touched:
    """How many rows were given a new last-edit date, or would be."""

    entity: str
    table: str
    column: str
    rows: int
    outside: int
    """Where none is: rows of the table that fulfil the condition, but lie outside the entity's filter."""
    dry_run: bool


def touch(file: str, entity: EntitySettings, systems: Systems, where: str, dry_run: bool) -> Touched:
    """Sets the date of the entity's root rows that fulfil `where` to the source's own clock.

    Raises ConfigurationError where there is no such column, the condition is wrong or the
    login may not write; SystemUnreachable.
    """
    touching = _Touching(file, entity, systems.source(entity.source.system))
    table = touching.table()
    column = touching.column(table)
    touching.check(table, where)
    rows = count(entity, systems, where) if dry_run else touching.update(table, column, where)
    outside = 0 if rows or not entity.source.where else count(_whole(entity), systems, where)
    return Touched(entity.name, table.name, column.name, rows, outside, dry_run)


def _whole(entity: EntitySettings) -> EntitySettings:
    """The entity without its filter."""
    return replace(entity, source=replace(entity.source, where=None))


class _Touching:
    def __init__(self, file: str, entity: EntitySettings, source: Source) -> None:
        self._file = file
        self._entity = entity
        self._source = source
        self._dialect = source.dialect

    def _fault(self, message: str, hint: str) -> ConfigurationError:
        settings = self._entity.source
        return ConfigurationError.single(
            message, file=self._file, line=settings.line, entity=self._entity.name, hint=hint
        )

    def table(self) -> Table:
        """The root table."""
        name = self._entity.source.table
        table = self._source.describe(name)
        if table is None:
            raise self._fault(f"the source has no table {name}", "see `marea check`")
        return table

    def column(self, table: Table) -> Column:
        """The column that holds the last-edit date; an expression cannot be set."""
        modified = self._entity.source.modified
        if modified is None:
            raise self._fault(
                f"table {table.name} has no last-edit date to set",
                f"name its column in `modified`, or deliver the records with "
                f"`marea sync {self._entity.name} --where …`",
            )
        column = table.column(modified)
        if column is None:
            raise self._fault(
                f"`modified` is an expression ({modified}) and cannot be set",
                f"set the column it reads yourself, or use `marea sync {self._entity.name} --where …`",
            )
        return column

    def check(self, table: Table, where: str) -> None:
        """Raises ConfigurationError where the condition is not a whole one, or the database rejects it."""
        check_whole(where)
        check_taken(self._source, table, where)

    def update(self, table: Table, column: Column, where: str) -> int:
        """Sets the date of the entity's rows that fulfil it."""
        now = self._dialect.now(column.native)
        if now is None:
            raise self._fault(
                f"column {column.name} of type {column.native} holds no time, and cannot be set to the clock",
                f"deliver the records with `marea sync {self._entity.name} --where …`",
            )
        if not isinstance(self._source, Editable):
            raise self._fault(
                f"nothing can be written to system {self._entity.source.system}",
                f"deliver the records with `marea sync {self._entity.name} --where …`",
            )
        set_ = f"{self._dialect.quote(column.name)} = {now}"
        own = self._entity.source.where
        condition = f"({where}) AND ({own})" if own else f"({where})"
        text = f"UPDATE {self._dialect.table(table.name)} SET {set_} WHERE {condition}"
        try:
            return self._source.execute(Query(self._dialect.escape(text)))
        except ConfigurationError as error:  # the statement is known to be right: what is left is the login
            raise self._fault(error.faults[0].message, self._allowing(table, column)) from None

    def _allowing(self, table: Table, column: Column) -> str:
        """What lets the login set the column, and what needs no such right."""
        without = f"deliver without it: `marea sync {self._entity.name} --full`"
        if self._dialect.login is None:
            return without
        with self._source.snapshot() as reader:
            query = Query(f"SELECT {self._dialect.login} AS login")
            [login] = [row["login"] for page in reader.stream(query, LOGIN, 1) for row in page.to_pylist()]
        column_, table_ = self._dialect.quote(column.name), self._dialect.table(table.name)
        return f"let the login set it: GRANT UPDATE ({column_}) ON {table_} TO {login}; or {without}"
