"""Owns an entity in the hands of one run: what it takes over, and the intent before each delivery.

An intent names the records of a batch that is about to be delivered. It is committed before
the delivery and goes with the commit of the outcome, so one that is left behind says whose
outcome nobody knows: those records are due again, whatever the ledger believes (I6, I10).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from marea.model import UNKNOWN
from marea.store.commit import hold_lease
from marea.store.database import Database

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True, slots=True)
class Custody:
    """One run's hold on one entity."""

    entity: int
    run: int
    fence: int


def take_over(
    database: Database, custody: Custody, at: int, basis: str, *, anew: bool, referrers: Sequence[int]
) -> None:
    """What earlier runs left in doubt becomes due, and the ledger is one of `basis` from now on.

    `anew` forgets the entity's ledger, position and troubles, and keeps its journal; `referrers`
    are the entities that were given ids of its records, and become stale then. All of it is one
    transaction. Raises RunStopped when the lease was lost.
    """
    with database.transaction():
        hold_lease(database, custody.entity, custody.fence)
        if anew:
            _forget(database, custody.entity)
            for referrer in sorted(referrers):
                database.run("mark_stale", entity=referrer, mark=at)
        elif database.row("has_intent", entity=custody.entity) is not None:
            database.run("mark_intended", entity=custody.entity)
            database.run("note_doubts", entity=custody.entity, at=at, code=UNKNOWN)
            database.run("drop_intents", entity=custody.entity)
        database.run("set_basis", entity=custody.entity, basis=basis)


def intend(database: Database, custody: Custody, n: int, keys: pa.ChunkedArray) -> None:
    """Commits that the records of these keys (utf8, JSON text) are about to be delivered as batch `n`.

    Raises RunStopped when the lease was lost: nothing may be delivered then (I4).
    """
    text = listed(keys)  # before the transaction: a commit may be waiting for it
    with database.transaction():
        hold_lease(database, custody.entity, custody.fence)
        _add(database, custody, n, text)


def leave(database: Database, custody: Custody, n: int, keys: pa.ChunkedArray) -> None:
    """The same without the lease: of a batch that may have been delivered after it was lost.

    The run that has the entity now may have answered the first intent already, so it is there again.
    """
    _add(database, custody, n, listed(keys))


def _add(database: Database, custody: Custody, n: int, keys: str) -> None:
    ids = {"entity": custody.entity, "fence": custody.fence, "run": custody.run}
    database.run("add_intent", **ids, n=n, keys=keys)


def listed(keys: pa.ChunkedArray) -> str:
    """Keys as one JSON list of texts, for statements to take apart again."""
    import pyarrow as pa
    from pyarrow import compute as pc

    # JSON texts themselves: of what a JSON text must escape they hold quotes and backslashes alone.
    escaped = pc.replace_substring(pc.replace_substring(keys, "\\", "\\\\"), '"', '\\"')
    values = pa.concat_arrays(escaped.chunks)
    together = pa.ListArray.from_arrays([0, len(values)], values)
    joined = pc.binary_join(together, '","')[0].as_py()
    return f'["{joined}"]'


def _forget(database: Database, entity: int) -> None:
    for what in ("records", "troubles", "claims", "positions"):
        database.run(f"forget_{what}", entity=entity)
    database.run("drop_intents", entity=entity)
    database.run("begin_anew", entity=entity)
