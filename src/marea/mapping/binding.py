"""Owns the binding of an entity's configuration to its source: real tables, columns and types, or faults."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from marea.config.names import suggest
from marea.config.settings import EntitySettings, Field, ReferenceField, RelationSettings, ScalarField
from marea.errors import ConfigurationError, Fault
from marea.mapping.expression import ExpressionError, Parser
from marea.ports import Catalogue, Column, Source, Table
from marea.sql.aggregate import Aggregate, Relation, Stamp
from marea.sql.conditions import incomplete


@dataclass(slots=True)
class _Level:
    """One table of the aggregate while its needed columns are gathered."""

    table: Table
    alias: str
    settings: Sequence[RelationSettings]
    children: dict[str, _Level] = field(default_factory=dict)
    needed: dict[str, Column] = field(default_factory=dict)

    def need(self, column: Column) -> Column:
        self.needed[column.name] = column
        return column


class Binder:
    """Binds one entity; every fault found is gathered, none stops the search for the others."""

    def __init__(self, file: str, entity: EntitySettings, source: Source, parser: Parser) -> None:
        self._file = file
        self._entity = entity
        self._source = source
        self._parser = parser
        self.faults: list[Fault] = []

    def bind(self) -> Aggregate:
        """The aggregate with just the columns that the mapping needs. Raises ConfigurationError."""
        settings = self._entity.source
        table = self._table(settings.table, settings.line)
        if table is None:
            raise ConfigurationError(self.faults)
        root = _Level(table, "r", settings.related)
        key = tuple(root.need(column) for column in self._columns(table, settings.key, settings.line, "key"))
        self._open(root)
        self._use(self._entity.fields, root)
        aggregate = Aggregate(
            table=table,
            key=key,
            relations=self._relations(root, ""),
            columns=tuple(root.needed.values()),
            where=self._condition(table, settings.where, settings.line),
            stamp=self._stamp(root, settings.modified, settings.line),
        )
        if self.faults:
            raise ConfigurationError(self.faults)
        return aggregate

    # -- tables and columns ----------------------------------------------------------------

    def _fault(self, message: str, line: int, hint: str = "", name: str = "") -> None:
        self.faults.append(Fault(message, self._file, line, self._entity.name, name, hint))

    def _table(self, name: str, line: int) -> Table | None:
        table = self._source.describe(name)
        if table is None:
            known = self._source.tables() if isinstance(self._source, Catalogue) else []
            self._fault(f"the source has no table {name}", line, suggest(name, known))
        return table

    def _column(self, table: Table, name: str, line: int, place: str) -> Column | None:
        column = table.column(name)
        if column is None:
            hint = suggest(name, [column.name for column in table.columns])
            self._fault(f"table {table.name} has no column {name}", line, hint, place)
        return column

    def _columns(self, table: Table, names: Iterable[str], line: int, place: str) -> list[Column]:
        found = [self._column(table, name, line, place) for name in names]
        return [column for column in found if column is not None]

    def _open(self, level: _Level) -> None:
        for relation in level.settings:
            table = self._table(relation.table, relation.line)
            if table is not None:
                child = _Level(table, "c", relation.children)
                level.children[relation.name] = child
                self._open(child)

    # -- SQL written by the user -------------------------------------------------------------

    def _stamp(self, level: _Level, modified: str | None, line: int) -> Stamp | None:
        if modified is None:
            return None
        column = level.table.column(modified)
        if column is not None:
            return Stamp(f"{level.alias}.{self._source.dialect.quote(column.name)}", column.native)
        result = self._typed(level.table, modified, line, "modified")
        return Stamp(f"({modified})", result.native) if result else None

    def _condition(self, table: Table, where: str | None, line: int) -> str | None:
        if where is not None and (why := incomplete(where)):
            self._fault(f"the condition is not one complete expression: {why}", line, name="where")
        elif where is not None:
            self._typed(table, f"CASE WHEN ({where}) THEN 1 ELSE 0 END", line, "where")
        return where

    def _typed(self, table: Table, expression: str, line: int, place: str) -> Column | None:
        try:
            return self._source.type_of(table.name, expression)
        except ConfigurationError as error:
            words = error.faults[0]
            names = [column.name for column in table.columns]
            self._fault(words.message, line, words.hint or f"columns: {', '.join(names[:12])}", place)
            return None

    # -- names in expressions ------------------------------------------------------------------

    def _use(self, fields: tuple[Field, ...], level: _Level) -> None:
        for item in fields:
            if isinstance(item, ScalarField):
                self._use_text(item.expression, level, item)
            elif isinstance(item, ReferenceField):
                for text in item.value:
                    self._use_text(text, level, item)
            elif item.relation in level.children:
                self._use(item.fields, level.children[item.relation])

    def _use_text(self, text: str, level: _Level, item: Field) -> None:
        try:
            expression = self._parser.parse(text)
        except ExpressionError as error:
            self._fault(str(error), item.line, name=item.name)
            return
        for parts in expression.names:
            self._use_name(parts, level, item)

    def _use_name(self, parts: tuple[str, ...], level: _Level, item: Field) -> None:
        if len(parts) == 1:
            column = self._column(level.table, parts[0], item.line, item.name)
            if column is not None:
                level.need(column)
            return
        child = _find(level.children, parts[0])
        if child is None:
            known = [*level.children, *(column.name for column in level.table.columns)]
            self._fault(f"{parts[0]} is no related table", item.line, suggest(parts[0], known), item.name)
        elif _find_settings(level.settings, parts[0]).many:
            self._fault(
                f"{parts[0]} has many rows", item.line, f"use {{list: {parts[0]}, fields: …}}", item.name
            )
        else:
            self._use_name(parts[1:], child, item)

    # -- the aggregate -----------------------------------------------------------------------------

    def _relations(self, level: _Level, path: str) -> tuple[Relation, ...]:
        used = [settings for settings in level.settings if settings.name in level.children]
        return tuple(self._relation(settings, level, path) for settings in used)

    def _relation(self, settings: RelationSettings, above: _Level, path: str) -> Relation:
        level = above.children[settings.name]
        table = level.table
        own = path + settings.name
        columns = [self._column(table, name, settings.line, "on") for name, _ in settings.on]
        parents = [self._column(above.table, name, settings.line, "on") for _, name in settings.on]
        pairs = [(a, above.need(b)) for a, b in zip(columns, parents, strict=True) if a and b]
        order = tuple(level.need(c) for c in self._columns(table, settings.order, settings.line, "order"))
        children = self._relations(level, f"{own}.")
        return Relation(
            path=own,
            table=table,
            on=tuple(pairs),
            columns=tuple(level.needed.values()),
            many=settings.many,
            order=order,
            where=self._condition(table, settings.where, settings.line),
            stamp=self._stamp(level, settings.modified, settings.line),
            children=children,
        )


def _find(children: dict[str, _Level], name: str) -> _Level | None:
    folded = {known.casefold(): level for known, level in children.items()}
    return folded.get(name.casefold())


def _find_settings(settings: Sequence[RelationSettings], name: str) -> RelationSettings:
    return next(item for item in settings if item.name.casefold() == name.casefold())
