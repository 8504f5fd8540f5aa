"""Owns what becomes of records that were asked for and are not among the entity's in the source any more.

This version delivers no deletes: what the target was given stays there, and that is said.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from marea.flow import Absent
from marea.model import ABSENT, UNKNOWN, Operation, Outcome, Problem, RecordState

GONE = "no longer in the source"

DELETE = "look for it in the target, and delete it there by hand; then end this by its key"


def absent(
    keys: Iterable[str], known: Iterable[Mapping[str, Any]], *, filtered: bool, named: bool = False
) -> dict[str, Absent]:
    """Key -> how its record ends.

    `known` is a row of `Ledger.troubles` for each key, in their order; `filtered` says
    whether a record may also have left the entity's filter; `named` that somebody asked for
    these by key, which ends their trouble whatever it is.
    """
    where = f"{GONE}, or not within the filter" if filtered else GONE
    return {key: _absent(row, where, named) for key, row in zip(keys, known, strict=True)}


def _absent(row: Mapping[str, Any], where: str, named: bool) -> Absent:
    """A record in order has nothing to end."""
    if row["state"] != RecordState.DUE:
        return Absent(Outcome.UNCHANGED)
    if row["doubt"] is not None:
        return _in_doubt(row, where, named)
    said = f"{where}; what the target was given was not deleted there" if row["delivered"] else where
    return _ended(row, Problem(ABSENT, said))


def _in_doubt(row: Mapping[str, Any], where: str, named: bool) -> Absent:
    """One in doubt stays so until it is named: the trouble ends then, and what is not known is said."""
    if not named:
        said = f"{where}; whether its last delivery arrived is not known"
        operation = Operation(row["doubt"])
        problem = Problem(ABSENT, said, hint=DELETE)
        return Absent(Outcome.DEFERRED, operation, row["stamp"], row["attempts"], problem)
    return _ended(row, Problem(UNKNOWN, f"{where}; nothing was sent, and the target may hold it"))


def _ended(row: Mapping[str, Any], why: Problem) -> Absent:
    return Absent(Outcome.UNCHANGED, stamp=row["stamp"], attempts=row["attempts"], problem=why)
