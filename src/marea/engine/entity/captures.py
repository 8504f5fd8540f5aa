"""Owns which capture finds the changes of an entity, and makes it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from marea.capture.position import WATERMARK
from marea.config.digest import dates_digest
from marea.config.settings import EntitySettings

if TYPE_CHECKING:
    from marea.capture.batch import BatchReader
    from marea.capture.capture import Capture
    from marea.engine.entity.alignment import Alignment
    from marea.store.state import EntityRow


def capture_of(entity: EntitySettings, row: EntityRow) -> str:
    """The name of the capture that finds the changes of an entity: as configured, else as it went before."""
    wanted = entity.source.capture
    if wanted in _MAKERS:
        return wanted
    begun = [name for name in _MAKERS if name in row.positions]
    return begun[0] if begun else WATERMARK


def made(name: str, alignment: Alignment, batches: BatchReader) -> Capture:
    """The capture of that name, which reads with `batches`."""
    return _MAKERS[name](alignment, batches)


def _watermark(alignment: Alignment, batches: BatchReader) -> Capture:
    from marea.capture.watermark import Watermark

    return Watermark(batches, alignment.entity.lag, dates_digest(alignment.entity))


_MAKERS: dict[str, Callable[[Alignment, BatchReader], Capture]] = {WATERMARK: _watermark}
