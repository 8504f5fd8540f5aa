"""Owns how many records a run is about to read, for those who watch it: counted beside the run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from marea.config.settings import EntitySettings, Settings
from marea.engine.entity.captures import known_capture
from marea.engine.entity.known import known_entity
from marea.engine.entity.systems import Systems
from marea.ports import Column
from marea.sql.dialect import Query

if TYPE_CHECKING:
    from marea.store.state import State

COUNT = "$count"


def not_loaded(state: State, entities: Sequence[EntitySettings]) -> list[str]:
    """The names of those that no capture of theirs has begun to read."""
    rows = {entity.name: known_entity(state, entity) for entity in entities}
    return [
        one.name for one in entities if known_capture(one, rows[one.name]) not in rows[one.name].positions
    ]


def totals(settings: Settings, names: Sequence[str]) -> Iterator[tuple[str, int]]:
    """Entity -> records in its source, one after the other, on connections of their own.

    Raises ConfigurationError, SystemUnreachable.
    """
    systems = Systems(settings)
    try:
        for name in names:
            yield name, count(settings.entities[name], systems)
    finally:
        systems.close()


def count(entity: EntitySettings, systems: Systems, condition: str | None = None) -> int:
    """The records of an entity, or those of them that fulfil a condition in the source's own SQL."""
    import pyarrow as pa

    source = systems.source(entity.source.system)
    dialect = source.dialect
    conditions = " AND ".join(f"({text})" for text in (condition, entity.source.where) if text)
    where = f" WHERE {conditions}" if conditions else ""
    text = f"SELECT count(*) AS {dialect.quote(COUNT)} FROM {dialect.table(entity.source.table)} r{where}"
    with source.snapshot() as reader:
        page = next(reader.stream(Query(dialect.escape(text)), [Column(COUNT, pa.int64(), "")], 1))
    return int(page.column(COUNT)[0].as_py())
