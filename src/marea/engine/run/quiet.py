"""Owns telling that an entity has nothing to do, before anything costly is made ready for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from marea.capture.sweep import swept
from marea.engine.entity.alignment import Alignment
from marea.engine.entity.basis import differences
from marea.engine.entity.captures import known_capture, unchanged
from marea.engine.entity.request import Request

if TYPE_CHECKING:
    from marea.store.state import EntityRow


def is_quiet(alignment: Alignment, row: EntityRow, mapping: str, request: Request) -> bool:
    """Whether an incremental run would find no change. Raises SystemUnreachable."""
    if request != Request() or row.mapping != mapping or row.stale is not None:
        return False
    capture = known_capture(alignment.entity, row)
    text = row.positions.get(capture) if capture else None
    if capture is None or text is None or swept(text) is not None:
        return False
    if differences(row.basis, alignment.configured):
        return False
    with alignment.source.snapshot() as reader:
        return unchanged(capture, text, alignment, reader)
