"""Owns what entities are to each other at their targets: two at one place, one in the place of another."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from marea.config.settings import EntitySettings, Settings
from marea.engine.entity.basis import Basis, from_text
from marea.engine.entity.known import basis_of
from marea.errors import ConfigurationError

if TYPE_CHECKING:
    from marea.engine.entity.alignment import Alignment
    from marea.store.state import State


@dataclass(frozen=True, slots=True)
class Known:
    """What the state knows of an entity at a target."""

    name: str
    target: str
    basis: str | None = None
    """What its ledger was written under, as JSON text; None where it is empty."""
    delivered: bool = False
    """Whether any record of it was delivered."""
    begun: str | None = None
    """The basis of its last run that began to deliver, as JSON text; None before the first."""


def remembered(state: State) -> list[Known]:
    """Every entity there ever was."""
    return [
        Known(row.name, row.target, basis_of(state, row), state.ledger.delivered(row.id), row.basis)
        for row in state.entities()
    ]


def shared(name: str, places: Mapping[str, Basis]) -> list[str]:
    """A note for each other entity that is delivered to the same object of the same system."""
    place = places.get(name)
    others = [other for other, its in places.items() if other != name and place and _same(its, place)]
    return [
        f"{other} is delivered to the same object: where their keys meet, one overwrites the other"
        for other in others
    ]


def take_place(
    alignment: Alignment, begun: str | None, known: Callable[[], Iterable[Known]], settings: Settings
) -> list[str]:
    """A note for each entity, configured no longer, in whose place this one is to be delivered.

    `begun` is the basis under which this one has begun to deliver; where that is at this place, all is
    said. Raises ConfigurationError where every record would be made a second time.
    """
    place = alignment.configured
    if begun is not None and _same(from_text(begun), place):
        return []
    configured = {(entity.name, entity.target.system) for entity in settings.entities.values()}
    dropped = [one for one in known() if (one.name, one.target) not in configured]
    found = [one for one in dropped if one.basis is not None and _same(from_text(one.basis), place)]
    if found and not alignment.repeats:
        raise _twice(settings.file, alignment.entity, found)
    return [_followed(alignment.entity.name, one) for one in found]


def _twice(file: str, entity: EntitySettings, found: Sequence[Known]) -> ConfigurationError:
    return ConfigurationError.single(
        f"{_names(found)}, configured no longer, was delivered to the same object, and "
        f"{entity.target.system} cannot be asked what is there: {entity.name} would make "
        "every record a second time",
        file=file,
        line=entity.line,
        entity=entity.name,
        hint=f"to go on with the ledger there is, {_called_again(found[0])}; to make every record again all "
        f"the same: marea sync {entity.name} --resend",
    )


def _followed(name: str, known: Known) -> str:
    return (
        f"{_names([known])}, configured no longer, was delivered to the same object: its ledger is not taken "
        f"over, and the first run delivers all of {name} over what is there; to go on with that ledger, "
        f"{_called_again(known)}"
    )


def _names(found: Sequence[Known]) -> str:
    return " and ".join(f"{known.name} at {known.target}" for known in found)


def _called_again(known: Known) -> str:
    return f"call the entity {known.name} and its target {known.target} again"


def _same(one: Basis, other: Basis) -> bool:
    return (one["address"], one["object"]) == (other["address"], other["object"])
