"""Owns who may run an entity: leases that are fenced, expire, and pass on at once when their owner died."""

from __future__ import annotations

from marea.errors import EntityBusy
from marea.store.commit import lost_lease
from marea.store.database import Database
from marea.store.moments import SECOND
from marea.store.owner import describe, is_dead
from marea.store.runs import Runs


class Leases:
    """The leases of all entities. Times are microseconds since 1970 in UTC."""

    def __init__(self, database: Database, runs: Runs) -> None:
        self._database = database
        self._runs = runs

    def acquire(self, entity: int, owner: str, now: int, seconds: float) -> int:
        """Takes the entity for `owner`; gives the fence that its commits must show.

        Raises EntityBusy while another run has it: its lease has not expired and its
        process is not known to be dead. What a dead or silent owner left running is closed.
        """
        with self._database.transaction():
            self._database.run("add_lease", entity=entity)
            holder, fence, since, expires, name = self._database.rows("lease", entity=entity)[0]
            if holder is not None and expires > now and not is_dead(holder):
                raise _busy(name, f"{describe(holder)} has been running it for {_lasting(now - since)}")
            expiry = now + int(seconds * SECOND)
            taken = self._database.row(
                "take_lease",
                entity=entity,
                owner=owner,
                now=now,
                expires=expiry,
                seen_fence=fence,
                seen_expires=expires,
            )
            if taken is None:
                raise _busy(name, "another process took it just now")
            if holder is not None and holder != owner:
                self._runs.close_those_of(holder, now)
            return int(taken[0])

    def renew(self, entity: int, fence: int, now: int, seconds: float) -> None:
        """Keeps the entity for `seconds` more. Raises RunStopped when another run has taken over."""
        expires = now + int(seconds * SECOND)
        if self._database.row("renew_lease", entity=entity, fence=fence, expires=expires) is None:
            raise lost_lease()

    def release(self, entity: int, fence: int) -> None:
        """Gives the entity back. Repeatable; does nothing when another run has taken over."""
        self._database.run("release_lease", entity=entity, fence=fence)


def _busy(entity: str, why: str) -> EntityBusy:
    hint = "wait for it, or stop it; a run that was killed is taken over at once"
    return EntityBusy(why, where=entity, hint=hint)


def _lasting(micros: int) -> str:
    """A time that has passed: a moment would be in a zone, and the message is told and kept in several."""
    seconds = max(0, micros // SECOND)
    return f"{seconds} s" if seconds < 120 else f"{seconds // 60:,} minutes"
