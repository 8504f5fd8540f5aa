"""Owns the one transaction of a delivered batch: position, ledger, journal and books together (I1, I3)."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from marea.errors import RunStopped
from marea.model import AGREED, LEAVING, TROUBLED, UNKNOWN, Outcome
from marea.store.database import Database
from marea.store.statements import CODES

if TYPE_CHECKING:
    import pyarrow as pa

LEASE_LOST = "lease-lost"
"""The code of the error that says that another run has the entity."""


@dataclass(frozen=True, slots=True)
class Move:
    """A position that is moved: of which capture, from where it must be now, to where."""

    capture: str
    old: str | None
    """None where the capture has no position yet."""
    new: str
    ends: tuple[str, ...] = ()
    """Captures whose positions end with it: this one has taken their place."""


@dataclass(frozen=True, slots=True)
class Commit:
    """What became of a batch of one entity, and how far that has brought the capture.

    `rows` has one row a record, no key twice, of these columns (those left out are null):
    key, operation, outcome, cause, stamp, target_id, payload, changes, code, error, field,
    hint, blocked_key, target_key (utf8), fingerprint, form, next_attempt, blocked_entity,
    duration_ms, digest (int64), attempt (int32), log (bool: write a journal entry for an outcome
    that changed nothing). Payload, fingerprint and form are one value: a row has all three, which
    the ledger then takes, or none, and it keeps what it has. `target_key` is the key at the
    target that an applied, unchanged or deferred record claims, and that a rejected one could
    not have. `digest` is that of the content which was evaluated; null where it is not known, and then
    the ledger knows none either. Unchanged records are among them only when something of their ledger
    row follows: a newer stamp, a new form, a digest, a claim, a trouble to clear.
    """

    entity: int
    run: int
    fence: int
    at: int
    """Microseconds since 1970 in UTC."""
    rows: pa.Table | None = None
    """None is the table without rows."""
    position: Move | None = None
    """None where it stays."""
    intent: int | None = None
    """The number of the intent that this outcome answers."""
    mapping: str | None = None
    """The digest of the mapping that the ledger follows from now on."""
    referrers: Sequence[int] = ()
    """Entities that become stale: ids they were given have changed with these rows."""
    ends_stale: int | None = None
    """The mark with which the entity was stale, and which ends: all its records are looked at since."""
    gives_ids: bool = False
    """Whether the target gives ids of its own, so that the state knows which record has which."""
    detected: int = 0
    """How many records the capture gave with this batch."""
    counts: Mapping[Outcome, int] = field(default_factory=dict)
    """How they ended; adds up to `detected` (I5)."""
    skipped: Mapping[str, int] = field(default_factory=dict)
    """Why records were unchanged, or rows left out that are no records: reason -> how many."""
    again: Mapping[Outcome, int] = field(default_factory=dict)
    """What of these counts does not count, or of earlier ones no more: records met before in order."""
    skipped_again: Mapping[str, int] = field(default_factory=dict)
    """The same of `skipped`."""
    seconds: float = 0.0
    """Time spent on the entity since its last commit in this run."""


def apply_commit(database: Database, commit: Commit, first: int) -> None:
    """Writes it; `first` is the id of its first payload and entry.

    Raises RunStopped and writes nothing when the lease was lost, the position is not
    where it was, a row has no key, or rows, counts and what was detected disagree (I5).
    """
    if commit.rows is not None and commit.rows["key"].null_count:
        raise no_key()
    present = _check_books(commit)
    with database.transaction():
        hold_lease(database, commit.entity, commit.fence)
        if commit.position is not None:
            _move_position(database, commit, commit.position)
        again = Counter[str](commit.again)
        if commit.rows is not None and present:
            database.stage(_append_payloads(database, commit.rows, first), first)
            again.update(_met_again(database, commit))
            _write_rows(database, commit, present)
            _write_tried(database, commit, present)
            if commit.gives_ids:
                database.run("note_own_ids", entity=commit.entity)
        if commit.intent is not None:
            database.run("drop_intent", entity=commit.entity, fence=commit.fence, n=commit.intent)
        if commit.mapping is not None:
            database.run("set_mapping", entity=commit.entity, mapping=commit.mapping)
        if commit.ends_stale is not None:
            database.run("end_stale", entity=commit.entity, mark=commit.ends_stale)
        for referrer in sorted(commit.referrers):
            database.run("mark_stale", entity=referrer, mark=first)
            database.run("forget_digests", entity=referrer)
        _add_books(database, commit, again)


def _check_books(commit: Commit) -> set[Outcome]:
    """The outcomes among the rows. Each record detected is counted once, each counted one is a row (I5).

    Of unchanged records only those have a row whose ledger row follows.
    """
    counted = sum(commit.counts.values())
    if counted != commit.detected:
        raise _unbalanced(f"{commit.detected} records detected, {counted} have an outcome")
    pairs: list[dict[str, Any]] = (
        commit.rows["outcome"].value_counts().to_pylist() if commit.rows is not None else []
    )
    found: dict[str, int] = {pair["values"]: pair["counts"] for pair in pairs}
    for outcome in Outcome:
        rows, counted = found.get(outcome, 0), commit.counts.get(outcome, 0)
        if rows > counted or (rows < counted and outcome != Outcome.UNCHANGED):
            raise _unbalanced(f"{counted} records counted as {outcome}, {rows} to be written")
    return {Outcome(name) for name in found}


def no_key() -> RunStopped:
    """The error for a record that could not be remembered."""
    return RunStopped(
        "a record without a key was about to be written",
        where="state",
        hint="nothing of the batch was written; please report this",
        code="key",
    )


def _unbalanced(what: str) -> RunStopped:
    return RunStopped(
        f"the books do not balance: {what}",
        where="state",
        hint="nothing of the batch was written; please report this",
        code="books",
    )


def hold_lease(database: Database, entity: int, fence: int) -> None:
    """Keeps the lease from passing on until the transaction ends. Raises RunStopped when it was lost."""
    if database.row("hold_lease", entity=entity, fence=fence) is None:
        raise lost_lease()


def lost_lease() -> RunStopped:
    """The error of a run that went on after another had taken its entity over."""
    return RunStopped(
        "this run lost its lease of the entity: another run has taken over",
        where="state",
        hint="nothing is lost: the other run goes on from the last commit",
        code=LEASE_LOST,
    )


def _move_position(database: Database, commit: Commit, move: Move) -> None:
    name = "start_position" if move.old is None else "move_position"
    moved = database.row(
        name, entity=commit.entity, capture=move.capture, old=move.old, new=move.new, at=commit.at
    )
    if moved is None:
        raise RunStopped(
            f"the position of {move.capture} is no longer where this run read it",
            where="state",
            hint="was the state put back from a backup while a run went on? Run again",
            code="position",
        )
    for capture in move.ends:
        database.run("end_position", entity=commit.entity, capture=capture)


def _append_payloads(database: Database, rows: pa.Table, first: int) -> pa.Table:
    """Writes the payloads that rows have; gives the rows with their ids instead of them."""
    import pyarrow as pa
    from pyarrow import compute as pc

    from marea.sql.arrays import put

    if "payload" not in rows.column_names:
        return rows
    wanted = rows["payload"].is_valid()
    database.append_payloads(first, rows["payload"].filter(wanted))
    ids = pc.add(pc.cumulative_sum(wanted.cast(pa.int64())), first - 1)
    pointers = pc.if_else(wanted, ids, pa.scalar(None, pa.int64()))
    return put(rows, "payload", pointers)


def _write_rows(database: Database, commit: Commit, present: set[Outcome]) -> None:
    ids = {"entity": commit.entity, "run": commit.run, "at": commit.at}
    applied = present.difference(TROUBLED)
    database.run("write_entries", **ids)
    # Before the ledger forgets the payload that a delete's entry points at.
    database.run("write_entries_of_deletes", **ids)
    if applied - {Outcome.DELETED}:
        database.run("align_records", **ids)
    if Outcome.DELETED in applied:
        database.run("bury_records", **ids)
    _write_claims(database, commit, present)
    if applied and database.row("has_trouble", entity=commit.entity):
        database.run("clear_troubles", **ids)
    if present.intersection(TROUBLED):
        database.run("mark_records", **ids)
        if Outcome.DEFERRED in present:
            database.run("keep_doubts", entity=commit.entity, unknown=UNKNOWN, **CODES)
        database.run("note_troubles", **ids, **CODES)


def _write_tried(database: Database, commit: Commit, present: set[Outcome]) -> None:
    """Which keys records in doubt may have been given at the target, from now on."""
    if present.difference(TROUBLED) and database.row("has_tried", entity=commit.entity):
        database.run("clear_tried", entity=commit.entity)
    if Outcome.DEFERRED in present and commit.intent is not None:
        database.run("keep_tried", entity=commit.entity, fence=commit.fence, n=commit.intent, **CODES)


def _write_claims(database: Database, commit: Commit, present: set[Outcome]) -> None:
    """Who has which key at the target from now on; nothing for entities that need no claims."""
    ids = {"entity": commit.entity, "run": commit.run}
    claiming = _claiming(commit.rows)
    if claiming and present.intersection(AGREED):
        database.run("bury_replaced", **ids)
        database.run("clear_replaced", **ids, leaving=LEAVING)
    if claiming or (Outcome.DELETED in present and database.row("has_claims", entity=commit.entity)):
        database.run("release_claims", **ids)
    if claiming:
        database.run("take_claims", **ids)
        database.run("reserve_claims", **ids)


def _claiming(rows: pa.Table | None) -> bool:
    if rows is None or "target_key" not in rows.column_names:
        return False
    return bool(rows["target_key"].null_count < rows.num_rows)


def _met_again(database: Database, commit: Commit) -> dict[str, int]:
    """Outcome -> records of the batch in trouble that this run has counted so before, and takes back."""
    if database.row("has_trouble", entity=commit.entity) is None:
        return {}
    return dict(database.rows("taken_back", entity=commit.entity, run=commit.run))


def _add_books(database: Database, commit: Commit, again: Mapping[str, int]) -> None:
    """Adds the batch; a record that a run meets twice counts once, by its last outcome (I5)."""
    if not (commit.counts or commit.skipped or commit.seconds):
        return
    before = database.row("skipped", run=commit.run, entity=commit.entity)
    skipped = Counter[str](json.loads(before[0]) if before else {})
    skipped.update(commit.skipped)
    skipped.subtract(commit.skipped_again)
    database.run(
        "add_books",
        run=commit.run,
        entity=commit.entity,
        detected=commit.detected - sum(again.values()),
        **{outcome.value: commit.counts.get(outcome, 0) - again.get(outcome, 0) for outcome in Outcome},
        skipped=json.dumps({why: number for why, number in skipped.items() if number}, ensure_ascii=False),
        seconds=commit.seconds,
    )
