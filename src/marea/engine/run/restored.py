"""Owns noticing that a source was put back: where it was read to no row is left, and records are older."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING

from marea.capture.batch import BatchReader
from marea.capture.names import TRIGGER, WATERMARK
from marea.capture.position import Position
from marea.capture.sweep import swept
from marea.capture.watermark import Watermark
from marea.config.digest import dates_digest
from marea.config.settings import EntitySettings
from marea.engine.entity.alignment import Alignment
from marea.engine.entity.captures import made
from marea.engine.entity.request import Request
from marea.engine.run.steps import Standing, reads_all
from marea.model import Cause
from marea.ports import KEY, STAMP
from marea.sql.aggregate import ROOT

if TYPE_CHECKING:
    from marea.capture.capture import Capture
    from marea.store.ledger import Ledger
    from marea.store.state import EntityRow


NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d*)?(e[-+]?\d+)?", re.IGNORECASE)
"""A stamp that counts, which no text puts in order: 9 comes before 10. A row version has all its digits."""

COMPARED = "all its records were compared; what had come since is still in the target"
WILL_BE = "the next run compares all its records"


@dataclass(frozen=True, slots=True)
class Restored:
    """A source of which the position says nothing any more."""

    entity: str
    noticed: str
    cause: Cause = Cause.RESTORED

    def told(self, then: str) -> str:
        """What was noticed in one sentence, and what follows."""
        asked = ": was the database restored? " if self.cause is Cause.RESTORED else "; "
        return f"{self.entity}: {self.noticed}{asked}{then}"


def restored(
    alignment: Alignment, capture: str, row: EntityRow, ledger: Ledger, batches: BatchReader
) -> Restored | None:
    """What tells that the source was put back, or None. Raises SystemUnreachable."""
    if capture == WATERMARK:
        return _older_again(alignment.entity, row, ledger, batches)
    text = row.positions.get(capture)
    if text is None or swept(text) is not None:
        return None
    return _lost(alignment, made(capture, alignment, batches, ledger.digests(row.id)), text)


def _lost(alignment: Alignment, capture: Capture, position: str) -> Restored | None:
    """What the capture itself tells."""
    lost = capture.lost(position)
    return Restored(alignment.entity.name, lost, capture.whole) if lost else None


def _older_again(
    entity: EntitySettings, row: EntityRow, ledger: Ledger, batches: BatchReader
) -> Restored | None:
    """What the last-edit dates tell.

    That no row has the date of the position says little: who deletes or edits that row takes it
    along. But then the record is gone, or newer. What was put back has records with an earlier
    date than they were delivered with, which no run that goes by dates would bring.
    """
    text = row.positions.get(WATERMARK)
    if text is None or swept(text) is not None:
        return None
    position = Position.from_text(text)
    cursor = position.cursors.get(ROOT)
    if cursor is None or position.dates != dates_digest(entity):
        return None
    newest = Watermark(batches, 0, position.dates).newest_behind(position)
    if newest is None or not _any_older(row.id, newest, cursor.stamp, ledger, batches):
        return None
    before, read = (stamp.strip('"') for stamp in (newest, cursor.stamp))
    return Restored(
        entity.name,
        f"of the edit dates up to {read}, where it was read to, the newest is now {before}, and records are "
        "as they were before",
    )


def _any_older(entity: int, newest: str, read: str, ledger: Ledger, batches: BatchReader) -> bool:
    """Whether the source has a record of an earlier date, of those delivered with one after its newest.

    A date behind what was `read` is brought as ever, though it be the earlier one: clocks differ.
    """
    for stamps in ledger.stamped_after(entity, newest, batches.rows, number=_is_number(newest)):
        for batch in batches.listed(list(stamps), Cause.RESTORED):
            now = zip(*(batch.root.column(name).to_pylist() for name in (KEY, STAMP)), strict=True)
            if any(
                stamp is None or (_older(stamp, stamps[key]) and not _older(read, stamp))
                for key, stamp in now
            ):
                return True
    return False


def _is_number(stamp: str) -> bool:
    return NUMBER.fullmatch(stamp) is not None


def _older(stamp: str, other: str) -> bool:
    if _is_number(stamp) and _is_number(other):
        return Decimal(stamp) < Decimal(other)
    return stamp < other


def beside_source(
    request: Request, standing: Standing, alignment: Alignment, row: EntityRow, ledger: Ledger, rows: int
) -> Standing:
    """The standing beside what the source is now, where that changes what is read; `rows` are read at once.

    It tells that the source was put back, and where what has changed since the position is not to be
    had any more. Raises SystemUnreachable.
    """
    position, told = standing.position, request.selects or request.reconcile
    if position is None or told or standing.loading or request.full or request.resend:
        return standing
    if standing.capture != TRIGGER and reads_all(request, standing, alignment.pages):
        return standing
    with alignment.source.snapshot() as reader:
        batches = BatchReader(alignment.pages, reader, rows)
        if standing.capture == WATERMARK:
            # Dates that are not those of the position are read from their beginning: the capture sees to it.
            return replace(standing, restored=_older_again(alignment.entity, row, ledger, batches))
        capture = made(standing.capture, alignment, batches, ledger.digests(row.id))
        found = _lost(alignment, capture, position)
        return replace(standing, restored=found, missed=not found and not capture.serves(position))
