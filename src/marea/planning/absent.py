"""Owns what becomes of records that were asked for and are not among the entity's in the source any more.

What the target has of one is due to be deleted (`LEAVING`). Of one in doubt it may have something under a key
or an id that nobody knows: that is left to people.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from marea.flow import Absent
from marea.model import ABSENT, GUARD, LEAVING, UNKNOWN, Operation, Outcome, Problem, RecordState

GONE = "no longer in the source"

DELETE = "look for it in the target, and delete it there by hand; then end this by its key"

_KEPT = "what the target was given was not deleted there"


_APPROVE = "is its source whole? `marea approve RUN` deletes what is still gone of what that run held back"


class Leaving(Enum):
    """What becomes, in one pass of a run, of records that the target has and the source does not."""

    STAY = "stay"
    """They stay at the target as they are: `deletes` says so."""
    DUE = "due"
    """They are noted, to be deleted in a later pass; what is held back already stays so."""
    HELD = "held"
    """They are held back until somebody approves."""
    DELETED = "deleted"
    """They are deleted: the plan has a row for each."""


@dataclass(frozen=True, slots=True)
class Absence:
    """What is the same for all records of an entity that are not in its source."""

    filtered: bool
    """Whether one may also have left the entity's filter."""
    leaving: Leaving
    """What becomes of those that the target has."""
    named: bool = False
    """Whether somebody asked for these by key, which ends their trouble whatever it is."""

    def ends(
        self, keys: Iterable[str], known: Iterable[Mapping[str, Any]], tried: Collection[str] = ()
    ) -> dict[str, Absent]:
        """Key -> how its record ends; `known` is a row of `Ledger.troubles` for each key, in their order.

        `tried` are the keys of those that may stand under several keys at the target.
        """
        return {key: self._end(row, key in tried) for key, row in zip(keys, known, strict=True)}

    @property
    def _where(self) -> str:
        return f"{GONE}, or not within the filter" if self.filtered else GONE

    def _end(self, row: Mapping[str, Any], tried: bool) -> Absent:
        if self._leaves(row, tried):
            return self._left(row)
        if row["state"] != RecordState.DUE:  # one in order has nothing to end
            return Absent(Outcome.UNCHANGED)
        if row["doubt"] is not None:
            return self._in_doubt(row)
        return _ended(row, Problem(ABSENT, f"{self._where}; {_KEPT}" if row["delivered"] else self._where))

    def _leaves(self, row: Mapping[str, Any], tried: bool) -> bool:
        """Whether it is at the target, and known where; a delete settles what one before left open."""
        known = row["delivered"] and not tried and row["doubt"] != Operation.CREATE
        return bool(known) and self.leaving is not Leaving.STAY

    def _left(self, row: Mapping[str, Any]) -> Absent:
        outcome, problem = Outcome.DEFERRED, Problem(LEAVING, self._where)
        if self.leaving is Leaving.HELD or (self.leaving is Leaving.DUE and row["held"]):
            said = f"{self._where}; its delete is held back: suspiciously many have left"
            outcome, problem = Outcome.HELD, Problem(GUARD, said, hint=_APPROVE)
        log = outcome is Outcome.HELD and not row["held"]
        return Absent(outcome, Operation.DELETE, row["stamp"], row["attempts"], problem, log)

    def _in_doubt(self, row: Mapping[str, Any]) -> Absent:
        """One in doubt stays so until it is named: the trouble ends then, and what is not known is said."""
        if not self.named:
            said = f"{self._where}; whether its last delivery arrived is not known"
            operation = Operation(row["doubt"])
            problem = Problem(ABSENT, said, hint=DELETE)
            return Absent(Outcome.DEFERRED, operation, row["stamp"], row["attempts"], problem)
        return _ended(row, Problem(UNKNOWN, f"{self._where}; nothing was sent, and the target may hold it"))


def _ended(row: Mapping[str, Any], why: Problem) -> Absent:
    return Absent(Outcome.UNCHANGED, stamp=row["stamp"], attempts=row["attempts"], problem=why)
