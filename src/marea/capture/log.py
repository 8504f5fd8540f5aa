"""Owns the log capture: which records may have changed, read from the log that the source keeps anyway.

The position is a place in the log. All that was committed before it, and nothing that the moment of a
read did not show, lies behind it; so whatever is read while somebody writes is told by the next run.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

from marea.capture.batch import BatchReader
from marea.capture.capture import Capture
from marea.capture.names import LOG
from marea.capture.notices import Noticed, followed, root_keys
from marea.capture.step import Step
from marea.capture.sweep import swept
from marea.model import Cause
from marea.sql.aggregate import ROOT

if TYPE_CHECKING:
    from marea.capabilities import ChangeLog, LogPage, Noted
    from marea.ports import Reader

HELD = 1 << 26
"""Bytes of its log that a source may keep before a run moves on without a change."""

ROWS = 10_000
"""What is noted at once, however few records a batch has."""

WHOLE = "a table was emptied, or the log does not tell what a changed row had before"


class Log(Capture):
    """Reads what the log tells of one entity; serves one run in one thread."""

    name = LOG
    whole = Cause.LOG

    def __init__(self, batches: BatchReader, log: ChangeLog) -> None:
        super().__init__(batches)
        self._log = log

    def start(self, position: str | None) -> str:
        """Where the log is read to that this moment shows, whatever it tells on the way."""
        at: str | None = None
        for page in self._log.pages(self._batches.reader, None, ROWS):
            at = page.position or at
        if at is None:
            raise AssertionError("a log ended without a position")
        return at

    def serves(self, position: str) -> bool:
        """Not where the log is not kept since."""
        return not self._log.lost(position)

    def first_load(self, position: str | None, cause: Cause) -> Iterator[Step]:
        """As ever; begun again where the log tells that any record may differ since."""
        before = swept(position)
        lost = before is not None and self.lost(before.then)
        yield from super().first_load(None if lost else position, cause)

    def lost(self, position: str) -> str:
        """Why what changed since is not to be told by the log."""
        why = self._log.lost(position)
        if not why and any(page.whole for page in self._pages(position)):
            return WHOLE
        return why

    def changes(self, position: str, upto: str | None = None) -> Iterator[Step]:
        """The records that the log leads to since a position; `upto` a key, or all."""
        yield from followed(self._batches, self._noticed(position), Cause.LOG, upto)

    def brings(self, position: str, key: str) -> bool:
        """Whether `changes` would read the record of a key (JSON text)."""
        return any(key in root_keys(self._batches, one.values) for one in self._noticed(position))

    def _pages(self, position: str) -> Iterator[LogPage]:
        return self._log.pages(self._batches.reader, position, ROWS)

    def _noticed(self, position: str) -> Iterator[Noticed]:
        for page in self._pages(position):
            at = page.position
            release = partial(self._log.release, at) if at is not None else None
            yield Noticed(self._values(page.noted), at, release)

    def _values(self, noted: Mapping[str, Sequence[Noted]]) -> dict[str, list[str]]:
        """What was noted in the form of keys: those of the root as Marea writes them."""
        found = {path: [_listed(one) for one in values] for path, values in noted.items()}
        return found | {ROOT: self._batches.spelt(found.get(ROOT, []))}


def nothing_logged(position: str, log: ChangeLog, reader: Reader) -> bool:
    """Whether the log tells of no change since a position, and keeps little for it.

    What it keeps is let go of by runs that move the position, even where nothing of ours was changed.
    """
    if log.lost(position) or log.held(position) > HELD:
        return False
    return not any(page.whole or any(page.noted.values()) for page in log.pages(reader, position, 1))


def _listed(noted: Noted) -> str:
    """What the log has of a row as JSON text in the form of keys."""
    value = noted[0] if len(noted) == 1 else noted
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
