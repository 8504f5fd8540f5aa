"""Owns what the state knows of an entity: its row, its id, what its ledger was written under; read alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from marea.config.settings import EntitySettings, Settings
from marea.engine.entity.basis import Basis, moved

if TYPE_CHECKING:
    from marea.engine.entity.request import Request
    from marea.store.state import EntityRow, State

NO_ID = -1  # an entity's id that no state has: its ledger is empty


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
