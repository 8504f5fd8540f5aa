"""Owns the text of a starter configuration: its systems, its entities, what is said of each."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from marea.config.declared import Declaration
from marea.engine.init.discovery import Belonging, Discovery, Draft, distinct, free, snake
from marea.engine.init.edited import edited
from marea.engine.init.places import Place, Places
from marea.ports import Column, Table

if TYPE_CHECKING:
    import duckdb

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_BARE = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_URL = re.compile(r"[a-z]+://[\w./:@%+-]*[\w/]")
_YAML_WORDS = {"y", "n", "yes", "no", "on", "off", "true", "false", "null", "none"}
_UNSENDABLE = ("interval", "list", "struct", "map", "large_list", "month_day_nano_interval")


@dataclass(frozen=True, slots=True)
class _List:
    relation: str
    fields: dict[str, str]


class Text:
    """The file, line by line."""

    def __init__(self, places: Places, found: Discovery, takes: Declaration) -> None:
        """`takes` is what the target's connector says of itself."""
        self._places = places
        self._found = found
        self._takes = takes
        self._reserved = _reserved()

    def lines(self) -> Iterator[str]:
        """Every line, ready to be written."""
        yield from _HEAD
        yield f"state: {_address(self._places.state)}     # {_KEPT}"
        yield ""
        yield "systems:"
        yield from self._system(self._places.source)
        yield from self._system(self._places.target)
        yield from (f"    {line}" for line in self._takes.starter)
        yield from ("", "entities:")
        for draft in self._found.drafts:
            yield from self._entity(draft)
        for table in self._found.keyless:
            yield f"  # {table} has no primary key: nothing tells its rows apart, so it is left out."
        for table, grant in self._found.unreadable.items():
            yield f"  # {table} is left out, the login may not read it: {grant}"

    def _system(self, place: Place) -> Iterator[str]:
        yield f"  {scalar(place.name)}:"
        if place.variable:
            yield f"    # The password is taken from the environment: set {place.variable}."
        yield f"    url: {_address(place.url)}"

    def _entity(self, draft: Draft) -> Iterator[str]:
        table = draft.table
        yield from ("", f"  {scalar(draft.name)}:", "    source:")
        yield f"      system: {scalar(self._places.source.name)}"
        yield f"      table: {scalar(table.name)}"
        yield f"      key: {_names(table.key)}"
        yield from self._modified(draft, draft, "      ")
        if draft.related:
            yield "      related:"
        for part in draft.related:
            yield from self._related(draft, part)
        fields = self._fields(draft)
        name = draft.name if self._takes.database else draft.name.replace("_", "-")
        key = _names(self._key_fields(draft))
        create = ", create: true" if self._takes.database else ""
        system = scalar(self._places.target.name)
        yield f"    target: {{system: {system}, object: {scalar(name)}, key: {key}{create}}}"
        yield "    fields:"
        for field, value in fields.items():
            yield from _field(field, value)

    def _modified(self, draft: Draft, part: Draft | Belonging, indent: str) -> Iterator[str]:
        """The last-edit date of a table of an entity, or what is so without one, and what may be one."""
        if part.modified:
            yield f"{indent}modified: {part.modified}"
            return
        without = "a change here alone needs a full run" if draft.dated else "every run reads the whole table"
        yield f"{indent}# no last-edit date was found, so {without}"
        for name in part.dates:
            yield f"{indent}# modified: {scalar(name)}   # a date and time: set by every edit?"

    def _related(self, draft: Draft, part: Belonging) -> Iterator[str]:
        on = ", ".join(f"{scalar(own)}: {scalar(root)}" for own, root in part.on)
        yield f"        {scalar(part.name)}:"
        yield f"          table: {scalar(part.table.name)}"
        yield f"          on: {{{on}}}"
        yield from self._modified(draft, part, "          ")
        if part.many:
            yield "          many: true"
            yield f"          order: {_names(part.table.key[len(part.on) :])}"

    # -- fields ------------------------------------------------------------------------------

    def _key_fields(self, draft: Draft) -> list[str]:
        names = distinct({column.name: snake(column.name) for column in draft.table.columns})
        return [names[name] for name in draft.table.key]

    def _fields(self, draft: Draft) -> dict[str, str | _List]:
        found: dict[str, str | _List] = {**self._columns(draft, draft.table, "", ())}
        for part in draft.related:
            joins = tuple(own for own, _ in part.on)
            if part.many:
                inner = self._columns(draft, part.table, "", joins)
                if inner:
                    found[free(part.name, found)] = _List(part.name, inner)
                continue
            prefix = f"{self._quoted(part.name)}."
            for name, text in self._columns(draft, part.table, prefix, joins).items():
                found[free(f"{part.name}_{name}", found)] = text
        return found

    def _columns(self, draft: Draft, table: Table, prefix: str, without: tuple[str, ...]) -> dict[str, str]:
        """Field -> its expression, reference included, for the columns of one table."""
        names = distinct({column.name: snake(column.name) for column in table.columns})
        # A date that says when the ERP wrote a row would make every touch of it a change.
        left_out = (*without, column.name) if (column := edited(table)) else without
        return {
            names[column.name]: self._value(draft, table, column, prefix)
            for column in table.columns
            if column.name not in left_out
        }

    def _value(self, draft: Draft, table: Table, column: Column, prefix: str) -> str:
        expression = prefix + self._quoted(column.name)
        entity = draft.references.get(f"{table.name}.{column.name}")
        if entity:
            return f"{{reference: {scalar(entity)}, value: {scalar(expression)}}}"
        kind = str(column.type)
        return scalar(f"CAST({expression} AS VARCHAR)" if kind.startswith(_UNSENDABLE) else expression)

    def _quoted(self, name: str) -> str:
        """A column as an expression calls it."""
        plain = _PLAIN.fullmatch(name) and name.lower() not in self._reserved
        return name if plain else '"' + name.replace('"', '""') + '"'


def _reserved() -> set[str]:
    """The words an expression cannot use as names, asked of the engine that reads it."""
    from marea.sql import duck

    engine: duckdb.DuckDBPyConnection = duck.connect()
    rows = engine.execute(
        "SELECT keyword_name FROM duckdb_keywords() WHERE keyword_category <> 'unreserved'"
    ).fetchall()
    return {row[0] for row in rows}


def scalar(text: str) -> str:
    """A text as a YAML value: bare where that is safe, else in double quotes."""
    plain = _BARE.fullmatch(text) and text.lower() not in _YAML_WORDS
    return text if plain else json.dumps(text, ensure_ascii=False)


def _address(url: str) -> str:
    return url if _URL.fullmatch(url) else json.dumps(url, ensure_ascii=False)


def _names(names: Sequence[str]) -> str:
    shown = [scalar(name) for name in names]
    return shown[0] if len(shown) == 1 else f"[{', '.join(shown)}]"


def _field(name: str, value: str | _List) -> Iterator[str]:
    if isinstance(value, str):
        yield f"      {scalar(name)}: {value}"
        return
    yield from (f"      {scalar(name)}:", f"        list: {scalar(value.relation)}", "        fields:")
    yield from (f"          {scalar(inner)}: {text}" for inner, text in value.fields.items())


_KEPT = "ledger, log and positions; postgresql://… where several share them"

_HEAD = (
    "# Written by `marea init` from what it found in the source; it runs as it is. What to do next:",
    "#   marea check     what is wrong or missing, and what each capture can promise",
    "#   marea plan      what a run would deliver, field by field; writes nothing",
    "#   marea sync      the first run delivers everything, later ones what changed",
    "# Rename entities and fields as the target knows them, and delete what it does not need.",
    "version: 1",
)
