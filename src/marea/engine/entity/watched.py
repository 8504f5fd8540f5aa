"""Owns which tables of an entity a capture watches that the source itself tells of changes."""

from __future__ import annotations

from marea.capabilities import Watched
from marea.sql.aggregate import ROOT, Aggregate


def watched(entity: str, aggregate: Aggregate) -> list[Watched]:
    """The root table by its key, then every related table by what joins it to the one above."""
    lines = aggregate.lineages()
    return [
        Watched(entity, ROOT, aggregate.table, aggregate.key),
        *(
            Watched(entity, line[-1].path, line[-1].table, tuple(own for own, _ in line[-1].on))
            for line in lines
        ),
    ]
