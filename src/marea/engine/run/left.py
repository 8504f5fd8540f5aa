"""Owns what earlier runs left not in order, and what of it nothing but its key brings back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from marea.errors import MareaError

if TYPE_CHECKING:
    from marea.engine.entity.alignment import Alignment
    from marea.store.ledger import Ledger
    from marea.store.state import EntityRow


@dataclass(frozen=True, slots=True)
class ByKey:
    """Records in doubt of one entity that come back only when they are named."""

    entity: str
    records: int
    key: str
    """One of them, as JSON text."""
    hint: str
    """What to do about each."""


@dataclass(frozen=True, slots=True)
class Left:
    """Records of several entities that earlier runs left not in order."""

    records: int = 0
    by_key: tuple[ByKey, ...] = ()
    """Those among them that nothing but their keys brings back."""


def left_of(alignments: Mapping[str, Alignment], rows: Sequence[EntityRow], ledger: Ledger, run: int) -> Left:
    """What of these entities the run has not met."""
    numbers = [ledger.left(row.id, run) for row in rows]
    some = [row for row, number in zip(rows, numbers, strict=True) if number]
    by_key = [found for row in some for found in _by_key(alignments[row.name], ledger, row.id, run)]
    return Left(sum(numbers), tuple(by_key))


def _by_key(alignment: Alignment, ledger: Ledger, entity: int, run: int) -> Iterator[ByKey]:
    found = ledger.left_to_name(entity, run)
    repeats = bool(found) and _repeats(alignment)
    for hint, absent, records, key in found:
        # A create may come twice by now; what left the source is ended by nobody but who names it.
        if absent or not repeats:
            yield ByKey(alignment.entity.name, records, key, hint)


def _repeats(alignment: Alignment) -> bool:
    """Not where that cannot be told now: then the key helps in any case."""
    with suppress(MareaError):
        return alignment.repeats
    return False
