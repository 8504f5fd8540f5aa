"""Owns what has become of a batch so far, and when to stop: the books of one delivery."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from marea.connectors.rest.retry import ENDED, Failure
from marea.connectors.rest.words import clean
from marea.errors import SystemUnreachable
from marea.model import UNKNOWN, Problem
from marea.ports import Receipt

STREAK = 5
"""Records in a row that failed, each insisted on, after which the application is taken to be away."""


@dataclass(frozen=True, slots=True)
class Applied:
    """The application did it."""

    target_id: str | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """The application, or a rule of ours, said no to this record."""

    problem: Problem


@dataclass(frozen=True, slots=True)
class Failed:
    """No decision, though it was insisted on."""

    failure: Failure


@dataclass(frozen=True, slots=True)
class InDoubt:
    """It may have been created, and another create would make a second one."""

    problem: Problem


Verdict = Applied | Refused | InDoubt | Failed


class Course:
    """Collects the verdicts of a batch of `rows` rows; what has none in the end is deferred."""

    def __init__(self, rows: int) -> None:
        self._open = bytearray(b"\1") * rows
        self._ids: list[str | None] = [None] * rows
        self._milliseconds: list[int | None] = [None] * rows
        self._rejected: dict[int, Problem] = {}
        self._unknown: dict[int, Problem] = {}
        self._in_doubt: dict[int, Problem] = {}
        self._failures = 0
        self._misread: Failure | None = None
        self._read = False
        self.given: set[str] = set()
        """The ids of what was applied so far."""
        self.end: Failure | None = None
        """Why nothing more is sent: the application is away, or the delivery was asked to end."""

    @property
    def away(self) -> Failure | None:
        """What tells that the application is away."""
        return self.end if self.end != ENDED else None

    @property
    def misread(self) -> Failure | None:
        """What tells that answers are looked up in the wrong place: none that came was understood."""
        return self._misread if not self._read else None

    @property
    def untouched(self) -> bool:
        """Whether the application applied nothing for certain."""
        return 0 not in self._open and not self._unknown

    def stop(self) -> None:
        """Nothing more is to be sent; what is on its way has its verdict still to come."""
        self.end = self.end or ENDED

    def settle(self, row: int, verdict: Verdict, milliseconds: int | None = None) -> None:
        """Books what became of a row; an application that is away leaves it open."""
        if isinstance(verdict, Failed):
            self._fail(row, verdict.failure, milliseconds)
            return
        self._failures = 0
        self._read = True
        self._open[row] = 0
        self._milliseconds[row] = milliseconds
        if isinstance(verdict, Refused):
            self._rejected[row] = verdict.problem
        elif isinstance(verdict, InDoubt):
            self._in_doubt[row] = verdict.problem
        else:
            self._ids[row] = verdict.target_id
            if verdict.target_id is not None:
                self.given.add(verdict.target_id)

    def _fail(self, row: int, failure: Failure, milliseconds: int | None) -> None:
        if failure.option:
            self._misread = failure
        if failure.lost:
            self._unknown[row] = Problem(UNKNOWN, f"whether it was applied is not known: {failure.text}")
        if failure.absent or self.end is not None:
            self.end = self.end or failure
            return
        # One record may fail for a reason of its own, and must not hold back the others (I8).
        self._open[row] = 0
        self._milliseconds[row] = milliseconds
        if not failure.lost:
            self._rejected[row] = Problem(failure.code, failure.text)
        self._failures += 1
        if self._failures == STREAK:
            self.end = failure

    def receipt(self, secrets: Iterable[str]) -> Receipt:
        """The receipt, every text in it fit to show."""
        import pyarrow as pa

        ids = pa.array(self._ids, pa.string())
        durations = pa.array(self._milliseconds, pa.int64())
        away = clean(self.away.text, secrets) if self.away is not None else ""
        undecided = Problem(SystemUnreachable.code, away) if away else Problem(ENDED.code, ENDED.text)
        deferred = {row: undecided for row, still in enumerate(self._open) if still and self.end}
        deferred |= {row: _shown(problem, secrets) for row, problem in self._unknown.items()}
        return Receipt(
            {row: _shown(problem, secrets) for row, problem in sorted(self._rejected.items())},
            None if ids.null_count == len(ids) else ids,
            dict(sorted(deferred.items())),
            {row: _shown(problem, secrets) for row, problem in sorted(self._in_doubt.items())},
            away,
            None if durations.null_count == len(durations) else durations,
        )


def _shown(problem: Problem, secrets: Iterable[str]) -> Problem:
    return replace(problem, text=clean(problem.text, secrets), field=clean(problem.field, secrets))
