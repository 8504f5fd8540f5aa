"""Owns what every capture does: all records at first or when asked for, then those that may have changed."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import replace
from typing import ClassVar

from marea.capture.batch import BatchReader
from marea.capture.step import Step
from marea.capture.sweep import Sweep, swept
from marea.model import Cause
from marea.ports import KEY


class Capture(ABC):
    """Finds the records of one entity that may have changed; serves one run in one thread.

    Its position is a text that only it understands, wrapped in a `Sweep` while a first load is on its way.
    """

    name: ClassVar[str]
    """What its position goes by in the state, and `capture:` in the configuration."""

    whole: ClassVar[Cause] = Cause.RESTORED
    """The cause of records that are read because of what `lost` says."""

    def __init__(self, batches: BatchReader) -> None:
        self._batches = batches

    @abstractmethod
    def start(self, position: str | None) -> str:
        """The position once everything that this moment shows has been read; `position` is where it stood."""

    @abstractmethod
    def changes(self, position: str, upto: str | None = None) -> Iterator[Step]:
        """The records that may have changed since a position; `upto` a key (JSON text), or all."""

    @abstractmethod
    def brings(self, position: str, key: str) -> bool:
        """Whether `changes` would read the record of a key (JSON text)."""

    def serves(self, position: str) -> bool:
        """Whether a position written earlier says something about the entity as it is bound today."""
        return True

    def lost(self, position: str) -> str:
        """What was noticed where the source tells nothing any more of what changed since a position.

        One sentence without its end; empty where it does. All records are read then.
        """
        return ""

    def first_load(self, position: str | None, cause: Cause) -> Iterator[Step]:
        """All records in key order, continued where an earlier process stopped.

        What that one has passed and has changed since is then brought as changes are.
        """
        before = swept(position)
        begun = before if before is not None and self.serves(before.then) else None
        sweep = begun or Sweep(None, self.start(before.then if before else position))
        for batch in self._batches.everything(sweep.after, cause):
            if batch.root.num_rows:
                sweep = replace(sweep, after=batch.root.column(KEY)[-1].as_py())
            yield Step(batch, sweep.to_text())
        yield Step(None, sweep.then)
        if begun and begun.after is not None:
            # What lies behind was read just now, at the same moment: read again it would count twice (I5).
            yield from self.changes(sweep.then, upto=begun.after)

    def full(self, cause: Cause, position: str) -> Iterator[Step]:
        """All records in key order; the position moves at the end alone, to before the read."""
        then = self.start(position)
        for batch in self._batches.everything(None, cause):
            yield Step(batch, position)
        yield Step(None, then)
