"""Owns what a run could not do: systems that are away, entities that another run holds, what was stopped."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from marea.engine.entity.alignment import Alignment
from marea.errors import EntityBusy, RunInterrupted, SystemUnreachable

T = TypeVar("T")


class Undone:
    """Gathers what is left undone, so that one missing system does not hold up the others."""

    def __init__(self) -> None:
        self._away: dict[str, str] = {}
        self._busy: dict[str, str] = {}
        self._interrupted: list[str] = []
        self.ended: set[str] = set()
        """The entities that the run came to, and to the end of."""

    @property
    def messages(self) -> list[str]:
        """One sentence for each."""
        return [*self._away.values(), *self._busy.values(), *self._interrupted]

    def interrupted(self, why: RunInterrupted, settled: int) -> None:
        """Note that the run was asked to end when so many records were settled."""
        records = "1 record is" if settled == 1 else f"{settled:,} records are"
        self._interrupted.append(f"{why}: {records} settled, nothing is lost; the next run goes on from here")

    def attempt(self, alignment: Alignment, action: Callable[[], T]) -> T | None:
        """Do it, unless one of the entity's systems is known to be away; note what is found away or busy."""
        if self._away.keys() & alignment.systems:
            return None
        try:
            return action()
        except SystemUnreachable as error:
            self._away[error.system] = str(error)
        except EntityBusy as error:
            self._busy[alignment.entity.name] = str(error)
        return None
