"""Owns the SQL that maps a batch: expressions to fields, references to target ids, lists to JSON.

The SQL is built from the inside out: each list of related rows becomes a subquery that
gives JSON text per parent row; a related table with one row becomes a struct, so that
expressions call it by its name.
"""

from __future__ import annotations

from collections.abc import Mapping as Dictionary
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from marea.config.settings import EntitySettings, Field, ListField, ReferenceField, ScalarField
from marea.errors import ConfigurationError
from marea.flow import MISSING, PROBLEMS
from marea.mapping.agreement import disagreements
from marea.mapping.canonical import form_of, json_scalar
from marea.mapping.guard import FAILED, Guard, may_fail
from marea.mapping.joins import ROWS, joined, lists, travelling
from marea.mapping.rules import Rows, Rules
from marea.mapping.trial import Trial
from marea.ports import KEY, STAMP, Column
from marea.sql.aggregate import Aggregate, Relation
from marea.sql.duck import key_json, literal, quote
from marea.sql.pages import PARENT

if TYPE_CHECKING:
    import duckdb

ITEM = "$item"  # one element of a list as JSON text
FIELDS = "fields"  # the key under which fields stand, in an entity and in a list
IDS = ("key", "target_id", "delivered")  # columns under which target ids are registered

Keys = Dictionary[str, Sequence[Column]]
"""Entity -> its key columns, of entities that are referred to, where they are known."""


@dataclass(frozen=True, slots=True)
class Reference:
    """A place where keys of another entity are needed: a query over the batch gives them."""

    entity: str
    sql: str


@dataclass(frozen=True, slots=True)
class Mapping:
    """A compiled mapping: `sql` over a registered batch gives one row a record.

    Its columns are KEY, STAMP, MISSING, the fields, PAYLOAD, PROBLEMS, FINGERPRINT.
    """

    sql: str
    references: tuple[Reference, ...]
    fields: tuple[tuple[str, str], ...]
    """(field, DuckDB type) in order; a list is of type JSON."""
    form: int


def ids_name(entity: str) -> str:
    """The name under which the target ids of an entity are registered."""
    return f"ids:{entity}"


class Compiler:
    """Compiles one mapping; the engine, with empty tables registered, tells the types.

    Guarded, an expression that fails names its field in FAILED, and its record alone is
    lost; unguarded, it fails the query in the engine's own words.
    """

    def __init__(
        self,
        file: str,
        entity: EntitySettings,
        aggregate: Aggregate,
        engine: duckdb.DuckDBPyConnection,
        keys: Keys,
        *,
        guard: bool,
    ) -> None:
        self._entity = entity
        self._aggregate = aggregate
        self._keys = keys
        self._guard = Guard(guard)
        self._trial = Trial(file, entity, engine)
        self._references: list[Reference] = []

    def compile(self) -> Mapping:
        """The mapping. Raises ConfigurationError with every field and check the engine does not accept."""
        rows = self._rows("", self._aggregate.relations, self._entity.fields, {KEY: quote(KEY)}, FIELDS)
        sql = Rules(self._entity, self._aggregate, self._guard, self._trial).finished(rows)
        self._trial.stop_on_faults()
        return Mapping(sql, tuple(self._references), rows.fields, form_of(rows.fields, self._trial.proof()))

    def alone(self, name: str) -> str:
        """A query of one field of every record, or of the checks where the name is empty."""
        wanted = [item for item in self._entity.fields if item.name == name]
        if not wanted:
            return f"SELECT {quote(PROBLEMS)} FROM ({self.compile().sql})"
        rows = self._rows("", self._aggregate.relations, wanted, {}, FIELDS)
        return f"SELECT {quote(name)} FROM ({rows.sql})"

    def _rows(
        self,
        path: str,
        relations: Sequence[Relation],
        fields: Sequence[Field],
        carried: dict[str, str],
        place: str,
    ) -> Rows:
        """Fields of a table's rows; `carried` (name: column) and what travels up go with them.

        `place` is where the fields stand in the entity. One with a fault is NULL, of no
        type, so that what is made from it can still be judged.
        """
        items = {
            item.relation: self._list(_named(relations, item.relation), item, f"{place}.{item.name}.{FIELDS}")
            for item in lists(fields)
        }
        source = joined(path, relations, items)
        selects = [
            *(f"{value} AS {quote(name)}" for name, value in carried.items()),
            *travelling(relations, fields, stamped=not path or self._stamped(path)),
        ]
        opened = [*carried, STAMP, ROWS, MISSING]
        values = {item.name: self._evaluated(item) for item in fields}
        inner = self._guard.opened(_selected(selects, values, source), fields, opened)
        found = self._types(inner, source, fields, place)
        if len(found) < len(fields):
            values = {name: value if name in found else "NULL" for name, value in values.items()}
            inner = _selected(selects, values, source)
        self._agree(source, [item for item in fields if item.name in found], place)
        sql = self._resolved(inner, fields, carried)
        references = [item.name for item in fields if isinstance(item, ReferenceField)]
        types = found | dict.fromkeys(references, "VARCHAR")
        return Rows(sql, tuple((item.name, types.get(item.name, "VARCHAR")) for item in fields))

    def _evaluated(self, item: Field) -> str:
        return self._guard.tried(_value(item)) if may_fail(item) else _value(item)

    def _stamped(self, path: str) -> bool:
        return any(line[-1].path == path and line[-1].stamp for line in self._aggregate.lineages())

    def _types(self, sql: str, source: str, fields: Sequence[Field], place: str) -> dict[str, str]:
        """The types of the fields; faults for those that the engine or the payload does not take."""
        trial, before = self._trial, len(self._trial.faults)
        found = trial.types(sql, self._entity.line)
        if not found:
            # Each field alone: its own words with its own line say more than those of the whole.
            whole = trial.faults.pop()
            for item in fields:
                query = f"SELECT {_value(item)} AS {quote(item.name)} FROM ({source})"
                found |= trial.types(query, item.line, f"{place}.{item.name}")
            if len(trial.faults) == before:
                raise ConfigurationError([*trial.faults, whole])
        sent = {item.name: found[item.name] for item in fields if item.name in found}
        for item in fields:
            if item.name in sent and json_scalar("x", sent[item.name]) is None:
                message = f"a value of type {sent.pop(item.name)} cannot be sent; cast it"
                trial.fault(message, item.line, f"{place}.{item.name}")
        return sent

    def _agree(self, source: str, fields: Sequence[Field], place: str) -> None:
        """Faults for references whose values cannot be keys of what they refer to."""
        for item in fields:
            if isinstance(item, ReferenceField) and item.entity in self._keys:
                key = self._keys[item.entity]
                for message, hint in disagreements(self._trial.engine, source, item, key):
                    self._trial.fault(message, item.line, f"{place}.{item.name}", hint)

    def _resolved(self, sql: str, fields: Sequence[Field], carried: dict[str, str]) -> str:
        """The rows with each reference's key replaced by the target id of the record it names."""
        references = [item for item in fields if isinstance(item, ReferenceField)]
        if not references:
            return sql
        joins, missing = [], [f"s.{quote(MISSING)}"]
        values = {item.name: f"s.{quote(item.name)}" for item in fields}
        for number, item in enumerate(references):
            key, ids = f"s.{quote(item.name)}", f"i{number}"
            self._references.append(
                Reference(item.entity, f"SELECT DISTINCT {quote(item.name)} AS k FROM ({sql})")
            )
            joins.append(f"LEFT JOIN {quote(ids_name(item.entity))} {ids} ON {ids}.key = {key}")
            struct = f"{{'entity': {literal(item.entity)}, 'key': {key}}}"
            missing.append(f"CASE WHEN {key} IS NOT NULL AND {ids}.delivered IS NOT TRUE THEN {struct} END")
            values[item.name] = f"{ids}.target_id"
        selects = [
            *(f"s.{quote(name)}" for name in (*carried, STAMP, ROWS, FAILED)),
            f"coalesce({', '.join(missing)}) AS {quote(MISSING)}",
            *(f"{value} AS {quote(name)}" for name, value in values.items()),
        ]
        return f"SELECT {', '.join(selects)} FROM ({sql}) s {' '.join(joins)}"

    def _list(self, relation: Relation, item: ListField, place: str) -> str:
        """A subquery with one row a parent: its items as JSON text, and what travels up."""
        # Under names of their own: a field may be called as the column that the list is ordered by.
        order = {f"$order:{place}": quote(column.name) for place, column in enumerate(relation.order)}
        carried = {PARENT: quote(PARENT), **order}
        rows = self._rows(relation.path, relation.children, item.fields, carried, place)
        item_text = quote(ITEM)
        by = ", ".join([*(f"{quote(name)} NULLS FIRST" for name in order), item_text])
        items = f"'[' || string_agg({item_text}, ',' ORDER BY {by}) || ']'"
        inner = f"SELECT *, {rows.json()} AS {item_text} FROM ({rows.sql})"
        latest = f"max({quote(STAMP)})"
        # The number of rows tells of deleted ones; without dates there is nothing to tell.
        stamp = f"CASE WHEN {latest} <> '' THEN concat(count(*), '/', {latest}) END"
        selects = [
            quote(PARENT),
            f"{items} AS items",
            f"{stamp} AS {quote(STAMP)}",
            f"max({quote(ROWS)}) AS {quote(ROWS)}",
            f"any_value({quote(MISSING)}) AS {quote(MISSING)}",
            f"any_value({quote(FAILED)}) AS {quote(FAILED)}",
        ]
        return f"SELECT {', '.join(selects)} FROM ({inner}) GROUP BY {quote(PARENT)}"


def _named(relations: Sequence[Relation], name: str) -> Relation:
    return next(relation for relation in relations if relation.name == name)


def _selected(selects: Sequence[str], values: Dictionary[str, str], source: str) -> str:
    fields = [f"{value} AS {quote(name)}" for name, value in values.items()]
    return f"SELECT {', '.join([*selects, *fields])} FROM ({source})"


def _value(item: Field) -> str:
    if isinstance(item, ScalarField):
        return f"({item.expression}\n)"
    if isinstance(item, ReferenceField):
        return key_json([f"({part}\n)" for part in item.value])
    return f"CAST(coalesce({quote(item.relation)}.items, '[]') AS JSON)"
