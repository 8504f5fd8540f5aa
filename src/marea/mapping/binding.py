"""Owns the binding of an entity's configuration to its source: real tables, columns and types, or faults."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from marea.capabilities import Catalogue
from marea.config.names import nearest, suggest
from marea.config.settings import (
    EntitySettings,
    Field,
    ListField,
    ReferenceField,
    RelationSettings,
    SourceSettings,
    line_of,
)
from marea.errors import ConfigurationError, Fault
from marea.mapping.expression import ExpressionError, Parser, as_text
from marea.mapping.sound import Bound, sound, speaks_of_fields
from marea.ports import Column, Source, Table
from marea.sql.aggregate import Aggregate, Relation, Stamp
from marea.sql.conditions import incomplete, meant, told, tried


@dataclass(slots=True)
class _Level:
    """One table of the aggregate while its needed columns are gathered."""

    table: Table | None
    """None where the source has none of that name, or lets nobody read it: its columns cannot be judged."""
    alias: str
    settings: SourceSettings | RelationSettings
    place: str
    """Where its settings stand in the entity: `source.related.options`."""
    related: Sequence[RelationSettings]
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
        self._faults: list[Fault] = []

    def bind(self) -> Bound:
        """The aggregate with just the columns that the mapping needs, and what is wrong with it."""
        settings = self._entity.source
        root = self._level(settings, "r", "source", settings.related)
        key = tuple(map(root.need, self._columns(root, settings.key, "key")))
        self._use(self._entity.fields, root, "fields")
        self._use_checks()
        relations = self._relations(root, "")
        where, stamp = self._condition(root), self._stamp(root)
        aggregate = (
            Aggregate(
                table=root.table,
                key=key,
                relations=relations,
                columns=tuple(root.needed.values()),
                where=where,
                stamp=stamp,
            )
            if root.table
            else None
        )
        return Bound(aggregate, sound(self._entity, self._faults), tuple(self._faults))

    # -- tables and columns ----------------------------------------------------------------

    def _fault(self, message: str, line: int, place: str, hint: str = "") -> None:
        self._faults.append(Fault(message, self._file, line, self._entity.name, place, hint))

    def _level(
        self,
        settings: SourceSettings | RelationSettings,
        alias: str,
        place: str,
        related: Sequence[RelationSettings],
    ) -> _Level:
        table = self._source.describe(settings.table)
        if table is None or table.grant:
            self._unreadable(table, settings.table, line_of(settings, "table"), f"{place}.table")
        children = {
            relation.name: self._level(relation, "c", f"{place}.related.{relation.name}", relation.children)
            for relation in related
        }
        seen = table if table and not table.grant else None
        return _Level(seen, alias, settings, place, related, children)

    def _unreadable(self, table: Table | None, name: str, line: int, place: str) -> None:
        if table:
            self._fault(f"the login may not read table {table.name}", line, place, table.grant)
            return
        known = self._source.tables() if isinstance(self._source, Catalogue) else []
        hint = suggest(name, known) or "is the login allowed to see it?"
        self._fault(f"the source has no table {name}", line, place, hint)

    def _column(
        self, table: Table | None, name: str, line: int, place: str, otherwise: str = ""
    ) -> Column | None:
        """The column of that name; `otherwise` is what may be meant where none of a name like it is there."""
        column = table.column(name) if table else None
        if table and column is None:
            names = [column.name for column in table.columns]
            hint = suggest(name, names)
            if otherwise and not nearest(name, names):
                hint = f"{otherwise}; {hint}"
            self._fault(f"table {table.name} has no column {name}", line, place, hint)
        return column

    def _columns(self, level: _Level, names: Iterable[str], key: str) -> list[Column]:
        line, place = line_of(level.settings, key), f"{level.place}.{key}"
        found = [self._column(level.table, name, line, place) for name in names]
        return [column for column in found if column is not None]

    # -- SQL written by the user -------------------------------------------------------------

    def _stamp(self, level: _Level) -> Stamp | None:
        table, modified = level.table, level.settings.modified
        if table is None or modified is None:
            return None
        column = table.column(modified)
        if column is not None:
            return Stamp(f"{level.alias}.{self._source.dialect.quote(column.name)}", column.native)
        result = self._typed(level, table, modified, "modified")
        return Stamp(f"({modified})", result.native) if result else None

    def _condition(self, level: _Level) -> str | None:
        where = level.settings.where
        if where is not None and (why := incomplete(where)):
            line, place = line_of(level.settings, "where"), f"{level.place}.where"
            self._fault(f"the condition is not one complete expression: {why}", line, place)
        elif level.table and where is not None:
            self._typed(level, level.table, tried(where), "where")
        return where

    def _compare(self, level: _Level, pairs: Iterable[tuple[Column, Column]]) -> None:
        """Has the database compare columns of different types: a change in the one must find the other."""
        dialect = self._source.dialect
        for own, above in pairs:
            if level.table and _kind(own) != _kind(above):
                other = dialect.cast("NULL", above.native)
                self._typed(level, level.table, tried(f"{dialect.quote(own.name)} = {other}"), "on")

    def _typed(self, level: _Level, table: Table, expression: str, key: str) -> Column | None:
        try:
            return self._source.type_of(table.name, expression)
        except ConfigurationError as error:
            words = error.faults[0]
            names = [column.name for column in table.columns]
            hint = (
                meant(words.message, expression, names) or words.hint or f"columns: {', '.join(names[:12])}"
            )
            self._fault(
                told(words.message, expression), line_of(level.settings, key), f"{level.place}.{key}", hint
            )
            return None

    # -- names in expressions ------------------------------------------------------------------

    def _use(self, fields: tuple[Field, ...], level: _Level, place: str) -> None:
        for item in fields:
            own = f"{place}.{item.name}"
            if isinstance(item, ListField):
                self._use(item.fields, level.children[item.relation], f"{own}.fields")
                continue
            texts = item.value if isinstance(item, ReferenceField) else (item.expression,)
            for text in texts:
                for parts in self._names(text, item.line, own):
                    self._use_name(parts, level, item.line, own)

    def _names(self, text: str, line: int, place: str) -> tuple[tuple[str, ...], ...]:
        try:
            return self._parser.parse(text).names
        except ExpressionError as error:
            self._fault(str(error), line, place, error.hint)
            return ()

    def _use_name(self, parts: tuple[str, ...], level: _Level, line: int, place: str) -> None:
        if len(parts) == 1:
            column = self._column(level.table, parts[0], line, place, as_text(parts[0]))
            if column is not None:
                level.need(column)
            return
        child = _find(level.children, parts[0])
        if child is None:
            columns = level.table.columns if level.table else ()
            known = [*level.children, *(column.name for column in columns)]
            self._fault(f"{parts[0]} is no related table", line, place, suggest(parts[0], known))
        elif _find_settings(level.related, parts[0]).many:
            self._fault(f"{parts[0]} has many rows", line, place, f"use {{list: {parts[0]}, fields: …}}")
        else:
            self._use_name(parts[1:], child, line, place)

    def _use_checks(self) -> None:
        for rule in self._entity.checks:
            for parts in self._names(rule.that, rule.line, "checks"):
                hint = speaks_of_fields(self._entity.fields, parts[0])
                if hint is not None:
                    self._fault(f"there is no field {parts[0]} in this entity", rule.line, "checks", hint)

    # -- the aggregate -----------------------------------------------------------------------------

    def _relations(self, level: _Level, path: str) -> tuple[Relation, ...]:
        found = [self._relation(settings, level, path) for settings in level.related]
        self._tell_apart(level)
        return tuple(relation for relation in found if relation)

    def _tell_apart(self, level: _Level) -> None:
        """In an expression a name is that of a column or of a relation, as far as the column is needed."""
        needed = {name.casefold(): name for name in level.needed}
        for relation in level.related:
            column = needed.get(relation.name.casefold())
            if level.table and column:
                self._fault(
                    f"table {level.table.name} has a column {column} too",
                    relation.line,
                    f"{level.place}.related.{relation.name}",
                    "give the relation another name",
                )

    def _relation(self, settings: RelationSettings, above: _Level, path: str) -> Relation | None:
        level = above.children[settings.name]
        own = path + settings.name
        line, place = line_of(settings, "on"), f"{level.place}.on"
        columns = [self._column(level.table, name, line, place) for name, _ in settings.on]
        parents = [self._column(above.table, name, line, place) for _, name in settings.on]
        pairs = [(a, above.need(b)) for a, b in zip(columns, parents, strict=True) if a and b]
        if settings.dated:
            self._compare(level, pairs)
        order = tuple(map(level.need, self._columns(level, settings.order, "order")))
        children = self._relations(level, f"{own}.")
        where, stamp = self._condition(level), self._stamp(level)
        if level.table is None:
            return None
        return Relation(
            path=own,
            table=level.table,
            on=tuple(pairs),
            columns=tuple(level.needed.values()),
            many=settings.many,
            order=order,
            where=where,
            stamp=stamp,
            children=children,
        )


def _kind(column: Column) -> str:
    """The column's type in the system's own words, without its size."""
    return column.native.partition("(")[0].strip()


def _find(children: dict[str, _Level], name: str) -> _Level | None:
    folded = {known.casefold(): level for known, level in children.items()}
    return folded.get(name.casefold())


def _find_settings(settings: Sequence[RelationSettings], name: str) -> RelationSettings:
    return next(item for item in settings if item.name.casefold() == name.casefold())
