"""Owns telling that an entity has nothing to do, before anything costly is made ready for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from marea.capture.position import WATERMARK, Position
from marea.capture.probe import nothing_new
from marea.capture.sweep import swept
from marea.config.digest import dates_digest
from marea.engine.entity.alignment import Alignment
from marea.engine.entity.basis import differences
from marea.engine.entity.captures import capture_of
from marea.engine.entity.request import Request

if TYPE_CHECKING:
    from marea.store.state import EntityRow


def is_quiet(alignment: Alignment, row: EntityRow, mapping: str, request: Request) -> bool:
    """Whether an incremental run would find no change. Raises SystemUnreachable."""
    if request != Request() or row.mapping != mapping or row.stale is not None:
        return False
    text = row.positions.get(WATERMARK) if capture_of(alignment.entity, row) == WATERMARK else None
    if text is None or swept(text) is not None:
        return False
    position = Position.from_text(text)
    if position.dates != dates_digest(alignment.entity) or differences(row.basis, alignment.configured):
        return False
    with alignment.source.snapshot() as reader:
        return nothing_new(position, alignment.source.dialect, reader)
