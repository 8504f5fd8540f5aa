"""Owns whether a record is in its source at this moment, and what it is there."""

from __future__ import annotations

from dataclasses import dataclass, replace

from marea.capture.batch import Batch, BatchReader
from marea.engine.entity.alignment import Alignment
from marea.errors import SystemUnreachable
from marea.model import Cause, Presence
from marea.ports import KEY
from marea.sql.pages import Pages


@dataclass(frozen=True, slots=True)
class Present:
    """A record as its source has it, or why there is none."""

    found: Presence
    system: str
    message: str = ""
    """Why it did not answer, or was not asked."""
    batch: Batch | None = None
    """The record alone."""

    @property
    def key(self) -> str | None:
        """Its key as the source writes it, which may take letters or blanks less exactly than a target."""
        return str(self.batch.root.column(KEY)[0].as_py()) if self.batch else None


def present(alignment: Alignment, key: str) -> Present:
    """The record with this key (JSON text), inside the entity's filter or outside it."""
    system = alignment.entity.source.system
    try:
        pages = alignment.pages
        batch = _read(alignment, pages, key)
        if batch is not None:
            return Present(Presence.THERE, system, "", batch)
        everything = replace(pages, aggregate=replace(pages.aggregate, where=None))
        outside = _read(alignment, everything, key)
    except SystemUnreachable as error:
        return Present(unknown(error), error.system, error.message)
    return Present(Presence.OUTSIDE if outside else Presence.NOT_THERE, system, "", outside)


def unknown(error: SystemUnreachable) -> Presence:
    """Why it is not known whether a record is there."""
    return Presence.AWAY if error.asked else Presence.NOT_ASKED


def _read(alignment: Alignment, pages: Pages, key: str) -> Batch | None:
    with alignment.source.snapshot() as reader:
        return next(BatchReader(pages, reader, 1).read(pages.keys(f"[{key}]"), Cause.REQUEST), None)
