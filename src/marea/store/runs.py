"""Owns the book of runs: what each was for, how it ended, and its counts per entity."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from marea.model import Books, Outcome, RunKind, RunStatus
from marea.store.database import Database, Row
from marea.store.moments import moment
from marea.store.owner import describe, is_dead


@dataclass(frozen=True, slots=True)
class RunRow:
    """One run as the state keeps it."""

    id: int
    kind: RunKind
    cause: str
    """What started it: a command, a schedule."""
    owner: str
    started: datetime
    ended: datetime | None
    status: RunStatus
    message: str
    books: Mapping[str, Books]
    """Entity name -> counts."""


class Runs:
    """All runs. Times given are microseconds since 1970 in UTC."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(self, kind: RunKind, cause: str, owner: str, now: int) -> int:
        """Opens a run; gives its number. Runs whose process has died are closed first."""
        with self._database.transaction():
            for other in {row[1] for row in self._database.rows("running")}:
                if is_dead(other):
                    self.close_those_of(other, now)
            row = self._database.row("begin_run", kind=kind.value, cause=cause, owner=owner, now=now)
            return int(row[0])  # type: ignore[index]

    def finish(self, run: int, status: RunStatus, now: int, message: str = "") -> None:
        """Closes a run with its status. Repeatable: the last word counts."""
        self._database.run("finish_run", run=run, status=status.value, now=now, message=message)

    def close_those_of(self, owner: str, now: int) -> None:
        """Closes as interrupted what a process left running."""
        for run, runner in self._database.rows("running"):
            if runner == owner:
                self.finish(run, RunStatus.INTERRUPTED, now, _without_a_word(owner))

    def recent(self, limit: int) -> list[RunRow]:
        """The last runs, newest first."""
        return self._read(None, limit)

    def get(self, run: int) -> RunRow | None:
        """One run by its number."""
        return next(iter(self._read(run, 1)), None)

    def books(self, run: int, entity: int) -> Books:
        """The counts of one entity in one run; all zero where it did nothing."""
        rows = self._database.rows("books", low=run, high=run, entity=entity)
        return _books(rows[0]) if rows else Books()

    def _read(self, run: int | None, limit: int) -> list[RunRow]:
        with self._database.transaction(write=False):
            rows = self._database.rows("runs", run=run, page=limit)
            if not rows:
                return []
            counted = self._database.rows("books", low=rows[-1][0], high=rows[0][0])
        books: dict[int, dict[str, Books]] = {}
        for row in counted:
            books.setdefault(row[0], {})[row[1]] = _books(row)
        return [_run(row, books.get(row[0], {})) for row in rows]


def _run(row: Row, books: Mapping[str, Books]) -> RunRow:
    number, kind, cause, owner, started, ended, status, message = row
    if status == RunStatus.RUNNING and is_dead(owner):  # as the next run will note
        status, message = RunStatus.INTERRUPTED, _without_a_word(owner)
    return RunRow(
        number, RunKind(kind), cause, owner, moment(started), moment(ended), RunStatus(status), message, books
    )


def _without_a_word(owner: str) -> str:
    return f"{describe(owner)} ended without a word; the next run delivers what was still due"


def _books(row: Row) -> Books:
    _, _, detected, *counts, skipped, seconds = row
    return Books(detected, dict(zip(Outcome, counts, strict=True)), json.loads(skipped), seconds)
