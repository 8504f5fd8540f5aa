"""Owns what of an entity can still be judged when some of it is wrong: the faulty parts become NULL.

So one pass of the compiler tells the faults of all other expressions as well.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from marea.config.names import closest
from marea.config.settings import EntitySettings, Field, ListField, ScalarField
from marea.errors import Fault
from marea.sql.aggregate import Aggregate

_NULL = "NULL"
_LISTED = 12  # more names than this in a hint are noise


@dataclass(frozen=True, slots=True)
class Bound:
    """What the binding of an entity came to."""

    aggregate: Aggregate | None
    """The entity in its source's tables, as far as they are there; None without a root table."""
    sound: EntitySettings
    """The entity with NULL for every field and check that has a fault."""
    faults: tuple[Fault, ...]

    def news(self, others: Sequence[Fault]) -> list[Fault]:
        """The faults among `others` that say more than a NULL in the place of what is wrong."""
        replaced = set(_replaced(self.sound.fields, "fields"))
        return [fault for fault in others if fault.field not in replaced]


def sound(entity: EntitySettings, faults: Sequence[Fault]) -> EntitySettings:
    """The entity with NULL for every field and check that has one of the faults."""
    places = {fault.field for fault in faults}
    lines = {fault.line for fault in faults if fault.field == "checks"}
    checks = tuple(replace(rule, that=_NULL) if rule.line in lines else rule for rule in entity.checks)
    return replace(entity, fields=_sound(entity.fields, "fields", "source", places), checks=checks)


def _sound(fields: tuple[Field, ...], place: str, table: str, places: Collection[str]) -> tuple[Field, ...]:
    return tuple(_part(item, f"{place}.{item.name}", table, places) for item in fields)


def _part(item: Field, place: str, table: str, places: Collection[str]) -> Field:
    """`place` is where the field stands, `table` where the settings of the table it is read from."""
    if isinstance(item, ListField):
        rows = f"{table}.related.{item.relation}"
        if f"{rows}.table" not in places:
            return replace(item, fields=_sound(item.fields, f"{place}.fields", rows, places))
    elif place not in places:
        return item
    return ScalarField(item.name, _NULL, item.line)


def _replaced(fields: Sequence[Field], place: str) -> list[str]:
    found: list[str] = []
    for item in fields:
        if isinstance(item, ListField):
            found += _replaced(item.fields, f"{place}.{item.name}.fields")
        elif isinstance(item, ScalarField) and item.expression == _NULL:
            found.append(f"{place}.{item.name}")
    return found


def speaks_of_fields(fields: Sequence[Field], name: str) -> str | None:
    """The hint for a name in a check that is no field of the entity; None for one that is."""
    known = [item.name for item in fields]
    if name.casefold() in {each.casefold() for each in known}:
        return None
    from_it = [
        item.name
        for item in fields
        if isinstance(item, ScalarField) and item.expression.strip().casefold() == name.casefold()
    ]
    near = from_it[0] if from_it else closest(name, known)
    if near is not None:
        return f'did you mean "{near}"? a check speaks of fields, not of columns'
    return f"a check speaks of fields, not of columns; known here: {', '.join(known[:_LISTED])}"
