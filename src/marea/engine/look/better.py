"""Owns what would find more of an entity's changes than its capture does, and what that needs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from marea.capabilities import Entitled, Right
from marea.capture.names import LOG, TRIGGER, WATERMARK, XMIN
from marea.engine.entity.alignment import Alignment
from marea.engine.entity.captures import CAPTURES, NEEDING, installed, installs, unnumbered

SETTLES = "would keep more of what it promises"

BETTER = {
    XMIN: "would see direct SQL, and tables without a date, at every run",
    TRIGGER: "would see every change, with no pass over a table, for one row written a change",
    LOG: "would see every change, at next to no cost for who writes",
}
"""What each capture sees that one before it does not, the best last."""


@dataclass(frozen=True, slots=True)
class Better:
    """A capture that would find more, or the same sooner, and what stands against it."""

    capture: str
    would: str
    lacks: tuple[str, ...]
    """What its source or its login lacks for it, one sentence each."""
    steps: tuple[str, ...]
    """The statements for the source, or the commands, that bring it about, in order."""


def better(alignment: Alignment, capture: str) -> list[Better]:
    """What would find more than a capture does, the best last. Raises SystemUnreachable."""
    rights = _rights(alignment)
    found = list(_settling(capture, rights))
    ranks = list(BETTER)
    for name in ranks[ranks.index(capture) + 1 if capture in ranks else 0 :]:
        if name in CAPTURES and _serves(alignment, name):
            there = name in NEEDING and installed(alignment, name)
            lacking = [right for right in rights if right.capture == name and not (there and right.making)]
            lacks = tuple(right.lacks for right in lacking)
            grants = tuple(right.grant for right in lacking)
            steps = _steps(alignment, name, there=there)
            found.append(Better(name, BETTER[name], lacks, (*grants, *steps)))
    return found


def _settling(capture: str, rights: Sequence[Right]) -> Iterator[Better]:
    """What the capture in use lacks to keep all of what it promises."""
    for right in rights:
        if right.capture == capture == WATERMARK:
            yield Better(capture, SETTLES, (right.lacks,), (right.grant,))


def _serves(alignment: Alignment, capture: str) -> bool:
    if capture == XMIN:
        return not unnumbered(alignment)
    return installs(alignment.source, capture)


def _steps(alignment: Alignment, capture: str, *, there: bool) -> tuple[str, ...]:
    """What the user does once nothing is lacking any more."""
    name = alignment.entity.name
    asked = f"write `capture: {capture}` for {name}"
    return (asked, f"marea capture install {name}") if capture in NEEDING and not there else (asked,)


def _rights(alignment: Alignment) -> list[Right]:
    source = alignment.source
    names = dict.fromkeys(table.name for _, table in alignment.aggregate.tables())
    return source.rights(list(names)) if isinstance(source, Entitled) else []
