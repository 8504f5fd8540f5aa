"""Owns the SQL that maps a batch: expressions to fields, references to target ids, payload, fingerprint.

The SQL is built from the inside out: each list of related rows becomes a subquery that
gives JSON text per parent row; a related table with one row becomes a struct, so that
expressions call it by its name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from collections.abc import Mapping as Dictionary
from dataclasses import dataclass
from typing import TYPE_CHECKING

from marea.config.settings import EntitySettings, Field, ListField, ReferenceField, ScalarField
from marea.errors import ConfigurationError, Fault
from marea.flow import FINGERPRINT, MISSING, PROBLEMS
from marea.mapping.agreement import disagreements
from marea.mapping.canonical import form_of, json_object, json_scalar
from marea.ports import KEY, PAYLOAD, STAMP, Column
from marea.sql.aggregate import Aggregate, Relation, link
from marea.sql.duck import key_json, literal, quote
from marea.sql.pages import PARENT

if TYPE_CHECKING:
    import duckdb

ITEM = "$item"  # one element of a list as JSON text
ROWS = "$rows"  # rows found where a relation is meant to have one
EXPRESSION = "expression"  # code of a record that cannot be computed
FAILED = "$failed"  # the first field that could not be computed, empty for a check, or NULL
CHECK = "$check:"  # whether a record breaks the check of that number
IDS = ("key", "target_id", "delivered")  # columns under which target ids are registered

_COLUMN = re.compile(r"\s*[A-Za-z_]\w*(\.[A-Za-z_]\w*)*\s*")

Keys = Dictionary[str, Sequence[Column]]
"""Entity -> its key columns, of entities that are referred to, where they are known."""

_PROBLEM = "STRUCT(code VARCHAR, text VARCHAR, field VARCHAR)"


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


@dataclass(frozen=True, slots=True)
class _Rows:
    """A SELECT that gives a table's rows with their fields, and what travels up beside them."""

    sql: str
    fields: tuple[tuple[str, str], ...]


def rows_name(path: str) -> str:
    """The name a relation's rows are registered under; the root's path is empty."""
    return f"rows:{path}"


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
        self._guard = guard
        self._file = file
        self._entity = entity
        self._aggregate = aggregate
        self._engine = engine
        self._keys = keys
        self._faults: list[Fault] = []
        self._references: list[Reference] = []

    def compile(self) -> Mapping:
        """The mapping. Raises ConfigurationError with every field the engine does not accept."""
        rows = self._rows("", self._aggregate.relations, self._entity.fields, {KEY: quote(KEY)})
        self._stop_on_faults()
        sql = self._with_payload(rows)
        self._stop_on_faults()
        return Mapping(sql, tuple(self._references), rows.fields, form_of(rows.fields))

    def alone(self, name: str) -> str:
        """A query of one field of every record, or of the checks where the name is empty."""
        wanted = [item for item in self._entity.fields if item.name == name]
        if not wanted:
            return f"SELECT {quote(PROBLEMS)} FROM ({self.compile().sql})"
        rows = self._rows("", self._aggregate.relations, wanted, {})
        return f"SELECT {quote(name)} FROM ({rows.sql})"

    # -- faults ------------------------------------------------------------------------------

    def _fault(self, message: str, line: int, name: str = "", hint: str = "") -> None:
        self._faults.append(Fault(message, self._file, line, self._entity.name, name, hint))

    def _stop_on_faults(self) -> None:
        if self._faults:
            raise ConfigurationError(self._faults)

    def _describe(self, sql: str) -> dict[str, str]:
        """Column -> DuckDB type of a SELECT. Raises duckdb.Error."""
        return {row[0]: row[1] for row in self._engine.execute(f"DESCRIBE {sql}").fetchall()}

    # -- rows of one table with their fields ---------------------------------------------------

    def _rows(
        self, path: str, relations: Sequence[Relation], fields: Sequence[Field], carried: dict[str, str]
    ) -> _Rows:
        """Fields of a table's rows; `carried` (name: column), STAMP, ROWS and MISSING go with them."""
        lists = {item.relation: self._list(_named(relations, item.relation), item) for item in _lists(fields)}
        joined = self._joined(path, relations, lists)
        inner = self._opened(self._selected(joined, relations, fields, carried, path), fields, carried)
        found = self._types(inner, joined, fields)
        if found is None:
            return _Rows(inner, ())
        self._agree(joined, fields)
        sql = self._resolved(inner, fields, carried)
        references = [item.name for item in fields if isinstance(item, ReferenceField)]
        typed = [(item.name, "VARCHAR" if item.name in references else found[item.name]) for item in fields]
        return _Rows(sql, tuple(typed))

    def _joined(self, path: str, relations: Sequence[Relation], lists: dict[str, str]) -> str:
        """A table's rows; one-relations as structs, lists as structs of their items and stamps."""
        selects, joins = ["t.*"], [f"FROM {quote(rows_name(path))} t"]
        for relation in relations:
            if relation.many and relation.name not in lists:
                continue
            name = quote(relation.name)
            inner = (
                lists[relation.name] if relation.many else self._joined(relation.path, relation.children, {})
            )
            selects.append(name)
            joins.append(
                f"LEFT JOIN ({inner}) {name} ON {name}.{quote(PARENT)} = t.{quote(link(relation.path))}"
            )
        return f"SELECT {', '.join(selects)} {' '.join(joins)}"

    def _selected(
        self,
        joined: str,
        relations: Sequence[Relation],
        fields: Sequence[Field],
        carried: dict[str, str],
        path: str,
    ) -> str:
        listed = {item.relation for item in _lists(fields)}
        stamps = [] if path and not self._stamped(path) else [quote(STAMP)]
        stamps += list(_inside(relations, listed, STAMP))
        rows = list(_inside(relations, listed, ROWS)) or ["1"]
        missing = [f"{quote(name)}.{quote(MISSING)}" for name in listed] or ["NULL"]
        # A list's own name stands for the fields inside it.
        failed = [
            f"CASE WHEN {quote(item.relation)}.{quote(FAILED)} IS NOT NULL THEN {literal(item.name)} END"
            for item in _lists(fields)
        ] or ["CAST(NULL AS VARCHAR)"]
        selects = [
            *(f"{value} AS {quote(name)}" for name, value in carried.items()),
            f"{_joined_stamps(stamps)} AS {quote(STAMP)}",
            f"greatest({', '.join(rows)}) AS {quote(ROWS)}",
            f"coalesce({', '.join(missing)}) AS {quote(MISSING)}",
            f"coalesce({', '.join(failed)}) AS {quote(FAILED)}",
            *(f"{self._guarded(item)} AS {quote(item.name)}" for item in fields),
        ]
        return f"SELECT {', '.join(selects)} FROM ({joined})"

    def _guarded(self, item: Field) -> str:
        """The value of a field in a struct that is NULL where its expression fails, if it can fail."""
        return self._tried(_value(item)) if _may_fail(item) else _value(item)

    def _tried(self, expression: str) -> str:
        return f"TRY({{'v': {expression}}})" if self._guard else expression

    def _value_of(self, name: str) -> str:
        """What a tried expression came to."""
        return f"{quote(name)}.v" if self._guard else quote(name)

    def _opened(self, sql: str, fields: Sequence[Field], carried: dict[str, str]) -> str:
        """The rows with their guarded fields taken out of the structs; FAILED names the first that failed."""
        guarded = [item.name for item in fields if self._guard and _may_fail(item)]
        if not guarded:
            return sql
        failed = [f"CASE WHEN {quote(name)} IS NULL THEN {literal(name)} END" for name in guarded]
        values = {item.name: quote(item.name) for item in fields}
        values |= {name: self._value_of(name) for name in guarded}
        selects = [
            *(quote(name) for name in (*carried, STAMP, ROWS, MISSING)),
            f"coalesce({quote(FAILED)}, {', '.join(failed)}) AS {quote(FAILED)}",
            *(f"{value} AS {quote(name)}" for name, value in values.items()),
        ]
        return f"SELECT {', '.join(selects)} FROM ({sql})"

    def _stamped(self, path: str) -> bool:
        return any(line[-1].path == path and line[-1].stamp for line in self._aggregate.lineages())

    def _types(self, sql: str, joined: str, fields: Sequence[Field]) -> dict[str, str] | None:
        """The types of the fields, or faults for each that the engine or the payload does not take."""
        import duckdb

        before = len(self._faults)
        try:
            found = self._describe(sql)
        except duckdb.Error as error:
            each = [
                self._try(f"SELECT {_value(item)} AS {quote(item.name)} FROM ({joined})", item)
                for item in fields
            ]
            found = {name: type_ for types in each for name, type_ in types.items()}
            if len(self._faults) == before:
                self._fault(_words(error), self._entity.line)
        for item in fields:
            if item.name in found and json_scalar("x", found[item.name]) is None:
                self._fault(
                    f"a value of type {found[item.name]} cannot be sent; cast it", item.line, item.name
                )
        return found if len(self._faults) == before else None

    def _try(self, sql: str, item: Field) -> dict[str, str]:
        import duckdb

        try:
            return self._describe(sql)
        except duckdb.Error as error:
            self._fault(_words(error), item.line, item.name)
            return {}

    def _agree(self, joined: str, fields: Sequence[Field]) -> None:
        """Faults for references whose values cannot be keys of what they refer to."""
        for item in fields:
            if isinstance(item, ReferenceField) and item.entity in self._keys:
                for message, hint in disagreements(self._engine, joined, item, self._keys[item.entity]):
                    self._fault(message, item.line, item.name, hint)

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

    def _list(self, relation: Relation, item: ListField) -> str:
        """A subquery with one row a parent: its items as JSON text, and what travels up."""
        # Under names of their own: a field may be called as the column that the list is ordered by.
        order = {f"$order:{place}": quote(column.name) for place, column in enumerate(relation.order)}
        carried = {PARENT: quote(PARENT), **order}
        rows = self._rows(relation.path, relation.children, item.fields, carried)
        item_text = quote(ITEM)
        by = ", ".join([*(f"{quote(name)} NULLS FIRST" for name in order), item_text])
        items = f"'[' || string_agg({item_text}, ',' ORDER BY {by}) || ']'"
        values = [(name, quote(name), type_) for name, type_ in rows.fields]
        inner = f"SELECT *, {json_object(values)} AS {item_text} FROM ({rows.sql})"
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

    # -- the finished record ---------------------------------------------------------------------

    def _with_payload(self, rows: _Rows) -> str:
        values = [(name, quote(name), type_) for name, type_ in rows.fields]
        # A check that cannot be computed names no field.
        checks = [f"{CHECK}{number}" for number in range(len(self._entity.checks))]
        unknown = [f"CASE WHEN {quote(name)} IS NULL THEN '' END" for name in checks if self._guard]
        failed = ", ".join([quote(FAILED), *unknown])
        selects = [
            f"* EXCLUDE ({', '.join(map(quote, (ROWS, FAILED, *checks)))})",
            f"{json_object(values)} AS {quote(PAYLOAD)}",
            f"{self._problems(rows, checks, f'coalesce({failed})')} AS {quote(PROBLEMS)}",
        ]
        inner = f"SELECT {', '.join(selects)} FROM ({self._checked(rows, checks)})"
        return f"SELECT *, unhex(md5({quote(PAYLOAD)})) AS {quote(FINGERPRINT)} FROM ({inner})"

    def _checked(self, rows: _Rows, names: Sequence[str]) -> str:
        """The rows, with a column a check that says whether the row breaks it."""
        selects = ["*"]
        for name, rule in zip(names, self._entity.checks, strict=True):
            broken = f"({rule.that}\n) IS FALSE"
            self._try_rule(f"SELECT {broken} FROM ({rows.sql})", rule.line)
            selects.append(f"{self._tried(broken)} AS {quote(name)}")
        return f"SELECT {', '.join(selects)} FROM ({rows.sql})"

    def _problems(self, rows: _Rows, checks: Sequence[str], failed: str) -> str:
        """The rules as a list of what each broken one says; NULL where none is broken."""
        broken = self._broken(rows, checks)
        if not self._guard:
            return broken
        struct = f"{{'code': {literal(EXPRESSION)}, 'text': '', 'field': {failed}}}"
        return f"CASE WHEN {failed} IS NOT NULL THEN CAST([{struct}] AS {_PROBLEM}[]) ELSE {broken} END"

    def _broken(self, rows: _Rows, checks: Sequence[str]) -> str:
        found = []
        if any(not line[-1].many for line in self._aggregate.lineages()):
            several = "a related table meant to have one row has several"
            found.append(_problem(f"{quote(ROWS)} > 1", "not-one", several))
        types = dict(rows.fields)
        for name in self._entity.require:
            empty = f"{quote(name)} IS NULL" + (
                f" OR trim({quote(name)}) = ''" if types[name] == "VARCHAR" else ""
            )
            found.append(_problem(empty, "required", f"{name} is required and empty", name))
        for name, rule in zip(checks, self._entity.checks, strict=True):
            found.append(_problem(self._value_of(name), "check", rule.say))
        if not found:
            return f"CAST(NULL AS {_PROBLEM}[])"
        listed = f"list_filter([{', '.join(found)}], lambda p: p IS NOT NULL)"
        return f"nullif(CAST({listed} AS {_PROBLEM}[]), CAST([] AS {_PROBLEM}[]))"

    def _try_rule(self, sql: str, line: int) -> None:
        import duckdb

        try:
            self._describe(sql)
        except duckdb.Error as error:
            self._fault(_words(error), line, "checks")


def _named(relations: Sequence[Relation], name: str) -> Relation:
    return next(relation for relation in relations if relation.name == name)


def _lists(fields: Sequence[Field]) -> list[ListField]:
    return [item for item in fields if isinstance(item, ListField)]


def _inside(relations: Sequence[Relation], listed: set[str], column: str) -> Iterator[str]:
    """Where a column of the joined relations is found, those inside one-relations included."""
    for relation in relations:
        name = quote(relation.name)
        if relation.many and relation.name not in listed:
            continue
        if relation.many or column == ROWS or relation.stamp:
            yield f"{name}.{quote(column)}"
        if not relation.many:
            children = [child for child in relation.children if not child.many]
            yield from (f"{name}.{inner}" for inner in _inside(children, set(), column))


def _joined_stamps(stamps: Sequence[str]) -> str:
    """The stamps of a whole aggregate as one text that differs when any of them does."""
    if len(stamps) == 1:
        return f"coalesce({stamps[0]}, '')"
    return f"concat_ws('|', {', '.join(stamps)})" if stamps else "''"


def _value(item: Field) -> str:
    if isinstance(item, ScalarField):
        return f"({item.expression}\n)"
    if isinstance(item, ReferenceField):
        return key_json([f"({part}\n)" for part in item.value])
    return f"CAST(coalesce({quote(item.relation)}.items, '[]') AS JSON)"


def _may_fail(item: Field) -> bool:
    """Whether a field's own expression can fail: all but plain columns, and lists, whose fields tell."""
    if isinstance(item, ScalarField):
        return not _COLUMN.fullmatch(item.expression)
    return isinstance(item, ReferenceField)


def _problem(condition: str, code: str, text: str, name: str = "") -> str:
    struct = f"{{'code': {literal(code)}, 'text': {literal(text)}, 'field': {literal(name)}}}"
    return f"CASE WHEN {condition} THEN {struct} END"


def _words(error: Exception) -> str:
    """The engine's own words without its picture of the query and its list of functions."""
    text = str(error).partition("Error: ")[2] or str(error)
    lines = text.split("\n\n")[0].partition("Candidate functions")[0].splitlines()
    return " ".join(line.strip() for line in lines if line.strip() and not line.startswith("LINE"))
