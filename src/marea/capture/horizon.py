"""Owns how far a position may move: never past a transaction that may still commit an earlier stamp.

A stamp is written when a transaction begins, or later, and seen when it commits. So what a snapshot
shows is all there is of the time before the oldest transaction that was open when it was taken. Where
the login may see that a transaction is open and not since when, a mark helps: a run notes when it
asked and who was open, and who was not among them began after that.

A stamp that is a number says nothing of when. Where numbers are drawn in ascending order a mark helps too:
a run notes the highest it sees before it asks, and who was not open then draws higher ones.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from marea.ports import Writers

MARKS = 20
"""Marks that are kept; more are needed only where as many transactions stay open from run to run."""


@dataclass(frozen=True, slots=True)
class Mark:
    """When a run asked, in seconds since 1970 by the source's clock, and who was open then."""

    at: float
    open: frozenset[str]
    """Those who stand against it: of whom it is not known when they began; where numbers count, all."""
    latest: Mapping[str, str] = field(default_factory=dict)
    """Feed whose stamps are numbers -> the highest there was before that."""


@dataclass(frozen=True, slots=True)
class Before:
    """What was asked directly before a snapshot."""

    writers: Writers
    latest: Mapping[str, str] = field(default_factory=dict)
    """As `Mark.latest`, read before the writers were asked for."""


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


def numbered(before: Before, marks: Iterable[Mark]) -> Mapping[str, str]:
    """Feed -> the number before which none can come any more, where they are drawn in ascending order.

    Empty where none is known. A source that does not tell who is open is taken to have nobody.
    """
    now = Mark(before.writers.asked, frozenset(before.writers.open), before.latest)
    clear = [mark.latest for mark in (*marks, now) if mark.latest and not mark.open & now.open]
    return clear[-1] if clear else {}


def marked(before: Before, marks: Iterable[Mark]) -> tuple[Mark, ...]:
    """The marks that a later run may need, this one's included, the oldest first.

    Of two that the same transactions stand against the later one is as good. Those that are over
    stand against none.
    """
    writers = before.writers
    against = frozenset(writers.open) if before.latest else _undated(writers)
    by_open = {mark.open & against: replace(mark, open=mark.open & against) for mark in marks}
    by_open.pop(against, None)
    kept = [*by_open.values(), Mark(writers.asked, against, before.latest)]
    # The oldest is what the transactions that have been open for longest are measured by.
    return (*kept[:1], *kept[1:][-(MARKS - 1) :])


def _undated(writers: Writers) -> frozenset[str]:
    return frozenset(name for name, start in writers.open.items() if start is None)
