"""Owns what reading commands take from the state without writing to it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from marea.config.settings import EntitySettings, Field, ReferenceField, ScalarField, Settings
from marea.engine.basis import Basis, moved

if TYPE_CHECKING:
    from marea.engine.request import Request
    from marea.store.journal import Entry
    from marea.store.state import EntityRow, State

NO_ID = -1  # an entity's id that no state has: its ledger is empty

NAME_IN_SQL = re.compile(r"\w+")

PRIVATE = "(private)"
"""What stands where the value of a private field would."""


def known_entity(state: State, entity: EntitySettings) -> EntityRow:
    """The entity as the state knows it; one without id and position where it does not."""
    for row in state.entities():
        if (row.name, row.target) == (entity.name, entity.target.system):
            return row
    return unknown_entity(entity)


def unknown_entity(entity: EntitySettings) -> EntityRow:
    """An entity as it is before its first run."""
    from marea.store.state import EntityRow

    return EntityRow(NO_ID, entity.name, entity.target.system, None, None, None, {}, {})


def basis_of(state: State, row: EntityRow) -> str | None:
    """What the entity's ledger was written under; None where it claims nothing, and so is of any basis."""
    return row.basis if state.ledger.claims(row.id) else None


def basis_for(state: State, row: EntityRow, now: Basis, request: Request) -> str | None:
    """What a request takes the entity's ledger to be written under; `now` is its basis of today."""
    known = basis_of(state, row)
    return moved(known, now) if request.moved else known


def known_ids(state: State, settings: Settings) -> dict[str, int]:
    """Every entity of the configuration -> its id in the state."""
    return {name: known_entity(state, entity).id for name, entity in settings.entities.items()}


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
