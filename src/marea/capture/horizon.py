"""Owns how far a position may move: never past a transaction that may still commit an earlier stamp.

A stamp is written when a transaction begins, or later, and seen when it commits. So what a snapshot
shows is all there is of the time before the oldest transaction that was open when it was taken. Where
the login may see that a transaction is open and not since when, a mark helps: a run notes when it
asked and who was open, and who was not among them began after that.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from marea.ports import Writers

MARKS = 20
"""Marks that are kept; more are needed only where as many transactions stay open from run to run."""


@dataclass(frozen=True, slots=True)
class Mark:
    """When a run asked, in seconds since 1970 by the source's clock, and who was open then."""

    at: float
    open: frozenset[str]


def horizon(writers: Writers, marks: Iterable[Mark]) -> float | None:
    """The moment before which no stamp can come any more, in seconds since 1970; None where none is known."""
    begun = [start for start in writers.open.values() if start is not None]
    undated = _undated(writers)
    moments = [writers.asked, *begun]
    if undated:
        clear = [mark.at for mark in marks if not mark.open & undated]
        if not clear:
            return None
        moments.append(max(clear))
    return min(moments)


def marked(writers: Writers, marks: Iterable[Mark]) -> tuple[Mark, ...]:
    """The marks that a later run may need, this one's included, the oldest first.

    Of two that the same transactions stand against the later one is as good. Those that are over
    stand against none.
    """
    undated = _undated(writers)
    by_open = {mark.open & undated: replace(mark, open=mark.open & undated) for mark in marks}
    by_open.pop(undated, None)
    kept = [*by_open.values(), Mark(writers.asked, undated)]
    # The oldest is what the transactions that have been open for longest are measured by.
    return (*kept[:1], *kept[1:][-(MARKS - 1) :])


def _undated(writers: Writers) -> frozenset[str]:
    return frozenset(name for name, start in writers.open.items() if start is None)
