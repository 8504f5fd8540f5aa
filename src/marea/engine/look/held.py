"""Owns telling how much of its log a source keeps for an entity: what nobody reads fills a disk."""

from __future__ import annotations

from typing import TYPE_CHECKING

from marea.capture.names import LOG
from marea.capture.sweep import swept
from marea.engine.entity.captures import logged

if TYPE_CHECKING:
    from marea.engine.entity.alignment import Alignment
    from marea.store.state import EntityRow


def held(alignment: Alignment, row: EntityRow) -> list[str]:
    """How many bytes the source keeps until the next run, where it keeps any; one sentence or none.

    Raises SystemUnreachable.
    """
    position = row.positions.get(LOG)
    if position is None:
        return []
    sweep = swept(position)
    kept = logged(alignment).held(sweep.then if sweep else position)
    told = f"{alignment.entity.source.system} keeps {kept / (1 << 20):,.1f} MiB of its log for this entity"
    return [f"{told}, and more until it is read: marea sync; or marea capture remove"]
