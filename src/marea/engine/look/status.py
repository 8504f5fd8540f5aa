"""Owns where a project stands: entities, positions, records, what is left undone, the last runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from marea.capture.sweep import swept
from marea.config.digest import mapping_digest
from marea.config.settings import EntitySettings, Settings
from marea.engine.entity.captures import known_capture
from marea.engine.entity.known import known_entity
from marea.engine.entity.order import in_order
from marea.model import FirstLoad

if TYPE_CHECKING:
    from datetime import datetime

    from marea.model import Outcome, RecordState
    from marea.store.runs import RunRow
    from marea.store.state import State

RUNS = 5  # the last runs a status shows


@dataclass(frozen=True, slots=True)
class EntityStatus:
    """Where one entity stands."""

    source: str
    target: str
    loaded: FirstLoad
    moved_at: datetime | None
    """When its position last moved: what was committed in the source before then is delivered or due."""
    mapping_changed: bool
    """Whether the next run evaluates every record again, because the mapping is another."""
    records: Mapping[RecordState, int]
    delivered: int
    """How many of them the target was given, and has by us."""
    backlog: Mapping[Outcome, int]
    """Records that are not in order, by outcome; only those there are."""
    circling: int
    """How many of them wait for each other in a circle, or for one of these."""
    circling_key: str | None
    """The key of one of those, JSON text."""


@dataclass(frozen=True, slots=True)
class Status:
    """Where entities of the configuration stand."""

    entities: Mapping[str, EntityStatus]
    runs: list[RunRow]
    """The last ones, newest first."""


def status(settings: Settings, state: State, names: Sequence[str]) -> Status:
    """Where these entities stand; asks the state alone."""
    entities = {name: _entity(settings.entities[name], state) for name in names}
    return Status(entities, last_runs(settings, state, RUNS))


def last_runs(settings: Settings, state: State, limit: int) -> list[RunRow]:
    """The last runs, newest first; of each the entities in their order, former ones last."""
    order = in_order(settings.entities, settings.entities)
    place = {name: number for number, name in enumerate(order)}

    def ordered(run: RunRow) -> RunRow:
        names = sorted(run.books, key=lambda name: place.get(name, len(place)))
        return replace(run, books={name: run.books[name] for name in names})

    return list(map(ordered, state.runs.recent(limit)))


def _entity(entity: EntitySettings, state: State) -> EntityStatus:
    row = known_entity(state, entity)
    capture = known_capture(entity, row) or ""
    circling, circling_key = state.waits.circling_of(row.id)
    records, delivered = state.ledger.count(row.id)
    return EntityStatus(
        source=entity.source.system,
        target=entity.target.system,
        loaded=loaded(row.positions.get(capture)),
        moved_at=row.moved_at.get(capture),
        mapping_changed=row.mapping is not None and row.mapping != mapping_digest(entity),
        records=records,
        delivered=delivered,
        backlog=state.ledger.count_troubled(row.id),
        circling=circling,
        circling_key=circling_key,
    )


def loaded(position: str | None) -> FirstLoad:
    """How far the first load is, by an entity's position."""
    if position is None:
        return FirstLoad.NEVER
    return FirstLoad.UNDERWAY if swept(position) else FirstLoad.THROUGH
