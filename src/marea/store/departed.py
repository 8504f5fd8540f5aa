"""Owns which records are due to be deleted at their target, and whose deletes are held back."""

from __future__ import annotations

from marea.model import LEAVING
from marea.store.database import Database


class Departed:
    """Records that left the source and are still at the target; keys are JSON text."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def due(self, entity: int, run: int | None = None) -> list[str]:
        """The keys of the records that are due to be deleted, of all or as one run has found them."""
        return [key for (key,) in self._database.rows("leaving", entity=entity, leaving=LEAVING, run=run)]

    def any_due(self, entity: int, run: int | None = None) -> bool:
        """Whether `due` has any."""
        return bool(self._database.rows("leaving", entity=entity, leaving=LEAVING, run=run, most=1))

    def held(self, entity: int, run: int) -> list[str]:
        """The keys of the records whose deletes a run has held back, and are so still."""
        return [key for (key,) in self._database.rows("held", entity=entity, run=run)]
