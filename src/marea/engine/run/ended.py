"""Owns how a run ended: its status, why it is not a success, the books of its entities, its entries."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from marea.engine.run.left import ByKey
from marea.model import TROUBLED, Books, RunKind, RunStatus

if TYPE_CHECKING:
    from marea.store.journal import Entry


@dataclass(frozen=True, slots=True)
class Run:
    """How a run ended."""

    id: int
    kind: RunKind
    status: RunStatus
    seconds: float
    messages: tuple[str, ...]
    """Why it was interrupted, one sentence a system or entity."""
    notes: tuple[str, ...]
    """What it noticed otherwise, one sentence each."""
    entities: Mapping[str, Books]
    """Entity -> its counts, parents first."""
    cut_short: frozenset[str]
    """Those that it did not come to, or not to the end of: a system went away, or it was stopped."""
    left: int
    """Records that earlier runs left not in order; 0 where the run chose records."""
    by_key: tuple[ByKey, ...]
    """Those among them that nothing but their keys brings back."""
    _read: Callable[[int], Iterator[Entry]] = field(repr=False)

    def entries(self) -> Iterator[Entry]:
        """Its entries in the log in their order; to be read before the project is closed."""
        return self._read(self.id)


def status_of(books: Mapping[str, Books], messages: Sequence[str]) -> RunStatus:
    """The status of a run that went to its end: `messages` say what it left undone."""
    if messages:
        return RunStatus.INTERRUPTED
    unfinished = any(book.counts[outcome] for book in books.values() for outcome in TROUBLED)
    left_out = any(book.left_out for book in books.values())
    return RunStatus.PARTIAL if unfinished or left_out else RunStatus.SUCCEEDED
