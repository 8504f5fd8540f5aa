"""Owns which record has which id at a target that gives ids of its own, and which ids several have."""

from __future__ import annotations

from typing import TYPE_CHECKING

from marea.model import ID_TAKEN, INTERRUPTED
from marea.store.commit import hold_lease
from marea.store.custody import Custody
from marea.store.database import Database

if TYPE_CHECKING:
    import pyarrow as pa


class OwnIds:
    """The ids that targets gave the records they hold. Threads may share it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def holders(self, entity: int, ids: pa.Array) -> list[tuple[str | None, str | None]]:
        """For each id (utf8) the first and the last key of the records that have it; null for none."""
        return [(first, last) for first, last in self._database.match("id_holders", ids, entity=entity)]

    def given(self, entity: int, target_id: str) -> bool:
        """Whether a record has this id."""
        import pyarrow as pa

        ((first, _),) = self.holders(entity, pa.array([target_id], pa.string()))
        return first is not None

    def contested(self, entity: int) -> dict[str, list[str]]:
        """Each id that several records were given -> their keys, in the order in which they got it."""
        return {one: [key for key, _ in having] for one, having in self._contested(entity).items()}

    def distrust(self, custody: Custody, at: int) -> None:
        """Ends all contests: the records that were given their ids before an id came twice are created anew.

        A target that gives an id twice has begun anew itself: whoever got the id last has it, and what
        it gave before says nothing. These records are due at once, also where the run ends before it has
        read them. Nothing where no id is contested. Raises RunStopped when the lease was lost.
        """
        contested = self._contested(custody.entity)
        if not contested:
            return
        since = {"entity": custody.entity, "n": min(having[-1][1] for having in contested.values())}
        with self._database.transaction():
            hold_lease(self._database, custody.entity, custody.fence)
            self._database.run("note_replaced_ids", **since, at=at, interrupted=INTERRUPTED)
            self._database.run("bury_replaced_ids", **since)
            self._database.run("drop_replaced_ids", **since)
            self._database.run("release_taken", entity=custody.entity, code=ID_TAKEN, at=at)

    def _contested(self, entity: int) -> dict[str, list[tuple[str, int]]]:
        found: dict[str, list[tuple[str, int]]] = {}
        for target_id, key, n in self._database.rows("contested_ids", entity=entity, code=ID_TAKEN):
            found.setdefault(target_id, []).append((key, n))
        return {target_id: having for target_id, having in found.items() if len(having) > 1}
