"""Owns what a capture gives: records that may have changed, and where it stands once they are settled."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from marea.capture.batch import Batch


@dataclass(frozen=True, slots=True)
class Step:
    """One batch, and what its outcome moves.

    A step without a batch moves the position alone; one without a position leaves it.
    """

    batch: Batch | None
    position: str | None
    """The durable text of where the capture stands then."""
    release: Callable[[], None] | None = None
    """Lets go of what the source keeps for it, once its outcome is committed (I2); any thread may call it.

    Repeatable. Raises SystemUnreachable: what is kept then is given once more.
    """
