"""Owns the hiding of private fields: in entries of the log, payloads, changes, and rows of the source."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from marea.config.settings import EntitySettings, Field, ReferenceField, ScalarField, Settings

if TYPE_CHECKING:
    from marea.store.journal import Entry

PRIVATE = "(private)"
"""What stands where the value of a private field would."""

NAME_IN_SQL = re.compile(r"\w+")


def hidden(settings: Settings, entries: Iterable[Entry]) -> Iterator[Entry]:
    """The entries, values of private fields hidden."""
    for entry in entries:
        entity = settings.entities.get(entry.entity)
        private = set(entity.private if entity else ()) & entry.changes.keys()
        pairs = dict.fromkeys(private, (PRIVATE, PRIVATE))
        yield replace(entry, changes={**entry.changes, **pairs}) if private else entry


def private_columns(entity: EntitySettings) -> set[str]:
    """The names, in lower case, of source columns that private fields are made of."""
    private = [field for field in entity.fields if field.name in entity.private]
    return {
        name
        for field in private
        for text in _expressions(field)
        for name in NAME_IN_SQL.findall(text.lower())
    }


def _expressions(field: Field) -> Iterator[str]:
    if isinstance(field, ScalarField):
        yield field.expression
    elif isinstance(field, ReferenceField):
        yield from field.value
    else:
        for inner in field.fields:
            yield from _expressions(inner)


def values(entity: EntitySettings, payload: str | None) -> dict[str, Any]:
    """The fields of a payload, numbers exact, private ones hidden."""
    found: dict[str, Any] = json.loads(payload, parse_float=Decimal) if payload else {}
    return {name: PRIVATE if name in entity.private else value for name, value in found.items()}


def pairs(entity: EntitySettings, changes: str | None) -> dict[str, tuple[Any, Any]]:
    """Field -> (before, after) of changes as JSON text, numbers exact, private ones hidden."""
    found: Mapping[str, list[Any]] = json.loads(changes, parse_float=Decimal) if changes else {}
    return {
        name: (PRIVATE, PRIVATE) if name in entity.private else (before, after)
        for name, (before, after) in found.items()
    }
