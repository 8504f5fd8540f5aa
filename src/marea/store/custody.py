"""Owns an entity in the hands of one run: what it takes over, and the intent before each delivery.

An intent names the records of a batch that is about to be delivered. It is committed before
the delivery and goes with the commit of the outcome, so one that is left behind says whose
outcome nobody knows: those records are due again, whatever the ledger believes (I6, I10).
It tells creates from the rest: where one that is sent again could make a second record, the plan
keeps it back (`marea.ports.Target.repeats`).
Where its run may still be alive, and its delivery on the way, they are so once more when it has ended.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from typing import TYPE_CHECKING

from marea.model import UNKNOWN, Operation
from marea.store.commit import hold_lease, no_key
from marea.store.database import Database
from marea.store.owner import is_dead

if TYPE_CHECKING:
    import pyarrow as pa


OPEN = "open"
"""The standing of an intent whose delivery is going on."""
KEPT = "kept"
"""Of one whose records a later run has taken up, while the process that announced it may still deliver."""
LEFT = "left"
"""Of one whose delivery is over: it reaches the target no more, and nobody knows what became of it."""


@dataclass(frozen=True, slots=True)
class Custody:
    """One run's hold on one entity."""

    entity: int
    run: int
    fence: int


def take_over(
    database: Database,
    custody: Custody,
    at: int,
    basis: str,
    *,
    anew: bool,
    elsewhere: bool,
    referrers: Sequence[int],
) -> None:
    """What earlier runs left in doubt becomes due, and the ledger is one of `basis` from now on.

    `anew` forgets the entity's ledger, position and troubles, and keeps its journal; `referrers`
    are the entities that were given ids of its records, and become stale then. `elsewhere` forgets
    the position alone: all records are compared, however often that is interrupted. All of it is one
    transaction. Raises RunStopped when the lease was lost.
    """
    intending = _intending(database, custody.entity)
    with database.transaction():
        hold_lease(database, custody.entity, custody.fence)
        if anew:
            _forget(database, custody.entity)
            for referrer in sorted(referrers):
                database.run("mark_stale", entity=referrer, mark=at)
        elif elsewhere:
            database.run("forget_positions", entity=custody.entity)
        if intending and not anew:
            _take_up(database, custody.entity, at, {run for run, _, dead in intending if dead})
        database.run("set_basis", entity=custody.entity, basis=basis)


def set_claims(database: Database, custody: Custody, claims: pa.Table | None) -> None:
    """Writes who has which key at the target (target_key, key), in the place of what was known of that.

    None where the entity needs no claims. Raises RunStopped when the lease was lost.
    """
    with database.transaction():
        hold_lease(database, custody.entity, custody.fence)
        database.run("forget_claims", entity=custody.entity)
        if claims is not None:
            database.stage(claims)
            database.run("put_claims", entity=custody.entity)


def in_doubt(database: Database, entity: int) -> dict[str, Operation]:
    """Key -> operation of what `take_over` would make due: deliveries begun, whose outcome is not known."""
    found: dict[str, str] = {}
    for run, standing, dead in _intending(database, entity):
        if dead or standing != KEPT:
            for key, operation in database.rows("in_doubt", entity=entity, run=run, standing=standing):
                found[key] = min(operation, found.get(key, operation))
    return {key: Operation(operation) for key, operation in sorted(found.items())}


def tried(database: Database, entity: int) -> pa.Table | None:
    """The keys at the target that records in doubt may stand under, and that no other record has.

    Columns: key (utf8), tried (list of utf8, as `marea.sql.keys.identities` writes them); None for none.
    """
    import pyarrow as pa

    found: dict[str, list[str]] = {}
    for key, target_id in database.rows("tried", entity=entity):
        found.setdefault(key, []).append(target_id)
    lists = pa.array(found.values(), pa.list_(pa.string()))
    return pa.table({"key": pa.array(found, pa.string()), "tried": lists}) if found else None


def _intending(database: Database, entity: int) -> list[tuple[int, str, bool]]:
    """Run, standing, and whether its process is known to be dead, of all intents there are."""
    found = database.rows("intending", entity=entity)
    return [(run, standing, is_dead(owner)) for run, standing, owner in found]


def _take_up(database: Database, entity: int, at: int, dead: Set[int]) -> None:
    """Makes due what intents name, and keeps those whose delivery may still reach the target after ours."""
    for run in sorted(dead):
        database.run("leave_intents", entity=entity, run=run)
    database.run("mark_intended", entity=entity)
    database.run("note_doubts", entity=entity, at=at, code=UNKNOWN)
    database.run("note_tried", entity=entity)
    database.run("claim_tried", entity=entity)
    database.run("drop_left", entity=entity)
    database.run("keep_intents", entity=entity)


@dataclass(frozen=True, slots=True)
class Announced:
    """What is about to be delivered."""

    keys: Mapping[Operation, pa.ChunkedArray]
    """The keys of the records (utf8, JSON text), by operation."""
    given: pa.Table | None = None
    """key, target_id, target_key (utf8): the keys at the target that records are given which they may not
    have in the next delivery; the last is null where the entity keeps no claims. None where none is."""


def intend(database: Database, custody: Custody, n: int, announced: Announced) -> None:
    """Commits that these records are about to be delivered as batch `n`.

    Raises RunStopped when the lease was lost: nothing may be delivered then (I4); and for a
    key that is null, of which no state could tell whose outcome is not known.
    """
    if any(column.null_count for column in announced.keys.values()):
        raise no_key()
    texts = _texts(announced)  # before the transaction: a commit may be waiting for it
    with database.transaction():
        hold_lease(database, custody.entity, custody.fence)
        _add(database, custody, n, texts, OPEN)


def leave(database: Database, custody: Custody, n: int, announced: Announced) -> None:
    """Says that the delivery of batch `n` is over and its outcome not known; with or without the lease.

    A run that has taken the entity over may have dropped the intent already, so it is there again.
    """
    texts = _texts(announced)
    with database.transaction():
        _add(database, custody, n, texts, LEFT)


def withdraw(database: Database, custody: Custody, n: int) -> None:
    """Takes the intent of batch `n` back: its delivery was never begun."""
    database.run("drop_intent", entity=custody.entity, fence=custody.fence, n=n)


_Texts = list[tuple[Operation, str, str | None]]
"""Operation, its keys, and what is given: that stands in one of an intent's rows."""


def _texts(announced: Announced) -> _Texts:
    texts: _Texts = [(operation, as_list(column), None) for operation, column in announced.keys.items()]
    if announced.given is not None:
        operation, keys, _ = texts[0]
        texts[0] = operation, keys, _as_lists(announced.given)
    return texts


def _add(database: Database, custody: Custody, n: int, texts: _Texts, standing: str) -> None:
    ids = {"entity": custody.entity, "fence": custody.fence, "run": custody.run, "n": n, "standing": standing}
    for operation, keys, given in texts:
        database.run("add_intent", **ids, operation=operation.value, keys=keys, given=given)


def _as_lists(given: pa.Table) -> str:
    """Rows as one JSON list of lists of texts."""
    import pyarrow as pa
    from pyarrow import compute as pc

    from marea.sql.keys import key_texts

    texts = [pc.coalesce(key_texts([column]), "null") for column in given.columns]
    rows = pc.binary_join_element_wise(*texts, ",")
    together = pa.ListArray.from_arrays([0, len(rows)], rows)
    return f"[[{pc.binary_join(together, '],[')[0].as_py()}]]"


def as_list(keys: pa.ChunkedArray) -> str:
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
    for statement in (
        "forget_records",
        "forget_troubles",
        "forget_claims",
        "forget_tried",
        "forget_own_ids",
        "forget_positions",
        "drop_intents",
        "begin_anew",
    ):
        database.run(statement, entity=entity)
