"""Owns what all entities of one run share."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from marea.engine.entity.clock import Clock
from marea.stop import Stop

if TYPE_CHECKING:
    from marea.engine.run.counted import Counted
    from marea.store.state import State

PAGE_ROWS = 10_000  # large enough for set-based work, small enough for 300 MB in all

Progress = Callable[[str, int], None]
"""(entity, records settled so far in this run)."""


def silent(entity: str, settled: int) -> None:
    """Reports to nobody."""


@dataclass(frozen=True, slots=True)
class Context:
    """What all entities of one run share."""

    state: State
    run: int
    entities: Mapping[str, int]
    """Entity -> its id in the state, those that references name included."""
    referrers: Mapping[str, Sequence[int]]
    """Entity -> the ids of those that refer to it."""
    counted: Mapping[str, Counted]
    """Entity -> what the run has counted of it."""
    clock: Clock
    progress: Progress
    page: int
    """Records read at once."""
    notes: list[str]
    """What the run noticed beside what it does, one sentence each."""
    stop: Stop
    """Asks the whole run to end early."""
