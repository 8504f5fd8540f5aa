"""Owns what entities are to each other at their targets: two at one place, one in the place of another."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from marea.engine.basis import Basis, from_text
from marea.engine.known import basis_of

if TYPE_CHECKING:
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


def remembered(state: State) -> list[Known]:
    """Every entity there ever was."""
    return [
        Known(row.name, row.target, basis_of(state, row), state.ledger.delivered(row.id))
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


def renamed(name: str, place: Basis | None, dropped: Iterable[Known]) -> list[str]:
    """A note for each entity that is configured no longer and was delivered where a new one is to be."""
    found = [known for known in dropped if place and known.basis and _same(from_text(known.basis), place)]
    return [
        f"{known.name} at {known.target}, configured no longer, was delivered to the same object: its ledger "
        f"is not taken over, and the first run delivers all of {name} over what is there; to go on with that "
        f"ledger, call the entity {known.name} and its target {known.target} again"
        for known in found
    ]


def _same(one: Basis, other: Basis) -> bool:
    return (one["address"], one["object"]) == (other["address"], other["object"])
