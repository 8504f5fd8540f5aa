"""Owns why records that a run met are not in order: words that differ in values alone are one reason."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from marea.engine.entity.known import known_entity

if TYPE_CHECKING:
    from marea.config.settings import EntitySettings
    from marea.model import Outcome
    from marea.store.state import State

_VALUE = r"\"[^\"]*\"|'[^']*'|`[^`]*`|[0-9][0-9.,:-]*"


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason, with the words of its most frequent case."""

    entity: str
    text: str
    records: int
    key: str
    """One of them, as JSON text."""
    alike: bool
    """Whether words of other values are counted with it."""


def reasons(state: State, entities: Iterable[EntitySettings], run: int, outcome: Outcome) -> list[Reason]:
    """Why records of entities that a run met ended so; the most frequent first."""
    found = []
    for entity in entities:
        row = known_entity(state, entity)
        found += grouped(entity.name, state.ledger.reasons(row.id, run, outcome))
    return sorted(found, key=lambda reason: -reason.records)


def grouped(entity: str, found: Iterable[tuple[str, int, str]]) -> list[Reason]:
    """The reasons of one entity, of words, how many records and a key each, the most frequent first.

    The same words come once, and where words are alike those of most records before the others.
    """
    # A record may have words of its own, as where each waits for another: there may be as many as records.
    import pyarrow as pa
    import pyarrow.compute as pc

    names = ["text", "records", "key"]
    columns = list(zip(*found, strict=True))
    if not columns:
        return []
    words = pa.table(list(map(pa.array, columns)), names)
    pattern = pc.replace_substring_regex(words["text"], _VALUE, "…")
    groups = words.append_column("pattern", pattern).group_by("pattern", use_threads=False)
    sums = groups.aggregate([("text", "first"), ("records", "sum"), ("key", "first"), ("text", "count")])
    rows = sums.sort_by([("records_sum", "descending")]).select(
        ["text_first", "records_sum", "key_first", "text_count"]
    )
    return [
        Reason(entity, text, records, key, different > 1)
        for text, records, key, different in zip(*rows.to_pydict().values(), strict=True)
    ]
