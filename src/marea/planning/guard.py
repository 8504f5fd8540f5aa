"""Owns the guard: how many deletes of one entity pass in one run; the others wait until somebody approves."""

from __future__ import annotations

from marea.config.settings import GuardSettings


def passing(guard: GuardSettings, records: int, leaving: int, held: int) -> int:
    """How many of the records that are leaving may be deleted, of an entity with so many at its target.

    None passes while earlier ones are `held`: repeated runs would delete all of them bit by bit.
    """
    if held:
        return 0
    return min(leaving, max(int(records * guard.deletes), guard.at_least))
