"""Owns reading the ledger: what the target was last given of each record, and what is still due."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from marea.model import ABSENT, Cause, Operation, Outcome, RecordState, leaves_doubt
from marea.store.custody import in_doubt, tried
from marea.store.database import Database, Row
from marea.store.digests import Digests
from marea.store.moments import moment
from marea.store.statements import CODES

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why a record is not in order, and what happens next."""

    outcome: Outcome
    attempts: int
    next_attempt: datetime | None
    """None when time alone does not bring it back: a new change, a request or its parent does."""
    code: str | None
    error: str | None
    field: str | None
    hint: str | None
    blocked_on: tuple[str, str] | None
    """(entity, key) of the record it waits for."""
    since: datetime
    """When it first went wrong."""
    run: int

    @property
    def in_doubt(self) -> bool:
        """Whether the target may have applied its last delivery; else nothing of it was."""
        return leaves_doubt(self.outcome, self.code)


@dataclass(frozen=True, slots=True)
class RecordRow:
    """One record as the ledger has it."""

    key: str
    """JSON text, as in every batch."""
    state: RecordState
    target_id: str | None
    fingerprint: int | None
    form: int | None
    stamp: str | None
    payload: str | None
    """The last agreed payload; None when the target has none of us."""
    run: int
    """The run that last wrote this row."""
    delivered_at: datetime | None
    """When it was last created or updated in the target."""
    blocks: int
    """How many records wait for this one."""
    trouble: Trouble | None


class Ledger:
    """What the state knows of the records; reads see only what was committed.

    Made for one thread, with a connection of its own, so that it never waits for a commit.
    Keys are JSON text; entities are the ids of `State.entity`.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def empty(self, entity: int) -> bool:
        """Whether nothing of the entity is known: its first load has not begun."""
        return self._database.row("has_records", entity=entity) is None

    def claims(self, entity: int) -> bool:
        """Whether the target has anything of the entity, or may have."""
        return self._database.row("claims_target", entity=entity) is not None

    def delivered(self, entity: int) -> bool:
        """Whether any record of the entity was delivered and not deleted since."""
        return self._database.row("has_delivered", entity=entity) is not None

    def look_up(self, entity: int, keys: pa.Array) -> pa.Table:
        """One row a key, in the order given; all null where the key is unknown.

        Columns: state, target_id, stamp (utf8), fingerprint, form, payload (int64: an id for `payloads`),
        digest (int64), attempts (int32; null for a record in order), doubt (utf8, as in `troubles`, or null),
        unsent (int32: 1 for a record not in order of which nothing was sent since its payload was agreed).
        """
        schema = _known()
        rows = self._database.match("look_up", keys, entity=entity)
        return _table(rows, schema.names, schema.types)

    def nothing(self, keys: pa.Array) -> pa.Table:
        """What `look_up` gives when it knows none of the keys, without asking."""
        import pyarrow as pa

        schema = _known()
        return pa.table([pa.nulls(len(keys), kind) for kind in schema.types], schema=schema)

    def digests(self, entity: int) -> Digests:
        """The digests of an entity's records."""
        return Digests(self._database, entity)

    def payloads(self, ids: pa.Array) -> pa.Array:
        """The payload texts (utf8) of these ids, in the order given; null for a null id."""
        import pyarrow as pa

        return pa.array([row[0] for row in self._database.match("payloads", ids)], pa.string())

    def target_ids(self, entity: int, keys: pa.Array) -> pa.Table:
        """One row a key, in the order given: target_id (utf8) and delivered (bool).

        Delivered is a record that was applied at least once and not deleted since.
        """
        import pyarrow as pa

        rows = self._database.match("target_ids", keys, entity=entity)
        found = [(target_id, bool(delivered)) for target_id, delivered in rows]
        return _table(found, ("target_id", "delivered"), (pa.string(), pa.bool_()))

    def holders(self, entity: int, target_keys: pa.Array) -> pa.Array:
        """The key (utf8) of the record that has each key at the target, in the order given; null for none."""
        import pyarrow as pa

        rows = self._database.match("holders", target_keys, entity=entity)
        return pa.array([row[0] for row in rows], pa.string())

    def tried(self, entity: int) -> pa.Table | None:
        """The keys at the target that records in doubt may stand under; see `marea.store.custody`."""
        return tried(self._database, entity)

    def claiming(self, entity: int) -> bool:
        """Whether any record of the entity has a claim."""
        return self._database.row("has_claims", entity=entity) is not None

    def agreed(self, entity: int, rows: int) -> Iterator[pa.Table]:
        """Key and body (utf8) of the last agreed payload of every record delivered, and the payload's id.

        In the order of their keys, `rows` at a time; a later payload has a higher id.
        """
        import pyarrow as pa

        types = (pa.string(), pa.string(), pa.int64())
        after = None
        while found := self._database.rows("agreed", entity=entity, most=rows, after=after):
            yield _table(found, ("key", "body", "payload"), types)
            after = found[-1][0]

    def due(self, entity: int, now: int) -> pa.Table:
        """Key and cause (utf8) of what to try again.

        By time, because a parent came or a key got free, or because a delivery is in doubt.
        """
        causes = dict.fromkeys(self.in_doubt(entity), Cause.RETRY.value)
        causes |= dict(self._database.rows("due", entity=entity, now=now))
        return _table(list(causes.items()), ("key", "cause"))

    def is_due(self, entity: int, now: int, key: str | None = None) -> bool:
        """Whether `due` has any row, or the one of a key."""
        if self._database.rows("due", entity=entity, now=now, key=key, most=1):
            return True
        doubts = self.in_doubt(entity)
        return bool(doubts) if key is None else key in doubts

    def in_doubt(self, entity: int) -> dict[str, Operation]:
        """Key -> operation of records whose delivery was begun and whose outcome is not known.

        Empty once a run has taken the entity over: they are due then like any other.
        """
        return in_doubt(self._database, entity)

    def troubled(self, entity: int, before: int | None = None) -> pa.Table:
        """The key (utf8) of every record that is not in order, or of those that no run since `before` met."""
        return _table(self._database.rows("troubled", entity=entity, before=before), ("key",))

    def stamped_after(self, entity: int, stamp: str, rows: int, *, number: bool) -> Iterator[dict[str, str]]:
        """Key -> its root row's stamp, of delivered records where that is later, `rows` at a time.

        The ledger has it before those of related rows. Compared as numbers, or as texts, as times
        of one column may be.
        """
        wanted: dict[str, Any] = {"stamp": stamp, "number": number or None, "after": None}
        if not number:
            wanted |= {"first": f"{stamp}|", "length": len(stamp) + 1}
        while found := self._database.rows("stamped_after", entity=entity, most=rows, **wanted):
            yield {key: stamps.partition("|")[0] for key, stamps in found}
            wanted["after"] = found[-1][0]

    def left(self, entity: int, run: int) -> int:
        """How many records are not in order that this run has not met."""
        return int(self._database.rows("left", entity=entity, before=run)[0][0])

    def left_to_name(self, entity: int, run: int) -> list[tuple[str, bool, int, str]]:
        """Of what `left` counts the records in doubt that wait until they are named.

        What to do, whether they left the source, how many, one of their keys (JSON text).
        """
        rows = self._database.rows("left_to_name", entity=entity, before=run, absent=ABSENT, **CODES)
        return [(hint, bool(absent), number, key) for hint, absent, number, key in rows]

    def troubles(self, entity: int, keys: Sequence[str]) -> list[dict[str, Any]]:
        """One row a key, in the order given; None where unknown.

        Columns: state, stamp, delivered (applied once and not deleted since); of its trouble attempts, doubt
        (the operation of a delivery that the target may have applied), and held (its delete is held back).
        """
        import pyarrow as pa

        names = ("state", "stamp", "delivered", "attempts", "doubt", "held")
        rows = self._database.match("troubles", pa.array(keys, pa.string()), entity=entity)
        return [dict(zip(names, row, strict=True)) for row in rows]

    def count(self, entity: int) -> tuple[dict[RecordState, int], int]:
        """How many records stand in each state, and how many the target has; reads the whole entity."""
        counted = dict.fromkeys(RecordState, 0)
        delivered = 0
        for state, number, known in self._database.rows("count_records", entity=entity):
            counted[RecordState(state)] = number
            delivered += known
        return counted, delivered

    def count_troubled(self, entity: int) -> dict[Outcome, int]:
        """How many records are not in order, by outcome; only those there are."""
        rows = self._database.rows("count_troubles", entity=entity)
        return {Outcome(outcome): number for outcome, number in rows}

    def reasons(self, entity: int, run: int, outcome: Outcome) -> list[tuple[str, int, str]]:
        """Why records a run met are not in order, most frequent first: words, how many, a key (JSON text)."""
        rows = self._database.rows("reasons", entity=entity, run=run, outcome=outcome.value)
        return [(error or "", number, key) for error, number, key in rows]

    def record(self, entity: int, key: str) -> RecordRow | None:
        """Everything known of one record."""
        row = self._database.row("record", entity=entity, key=key)
        if row is None:
            return None
        trouble = self._database.row("trouble", entity=entity, key=key)
        state, target_id, fingerprint, form, stamp, payload, run, at, blocks = row
        state, at, told = RecordState(state), moment(at), _trouble(trouble) if trouble else None
        return RecordRow(key, state, target_id, fingerprint, form, stamp, payload, run, at, blocks, told)


def _known() -> pa.Schema:
    import pyarrow as pa

    return pa.schema(
        {
            "state": pa.string(),
            "target_id": pa.string(),
            "fingerprint": pa.int64(),
            "form": pa.int64(),
            "stamp": pa.string(),
            "payload": pa.int64(),
            "digest": pa.int64(),
            "attempts": pa.int32(),
            "doubt": pa.string(),
            "unsent": pa.int32(),
        }
    )


def _trouble(row: Row) -> Trouble:
    outcome, attempts, next_attempt, code, error, field, hint, parent, parent_key, since, run = row
    return Trouble(
        Outcome(outcome),
        attempts,
        moment(next_attempt),
        code,
        error,
        field,
        hint,
        (parent, parent_key) if parent_key is not None else None,
        moment(since),
        run,
    )


def _table(rows: Sequence[Row], names: Sequence[str], types: Sequence[pa.DataType] = ()) -> pa.Table:
    """Rows as a table; of utf8 columns where no types are given."""
    import pyarrow as pa

    columns = list(zip(*rows, strict=True)) or [()] * len(names)
    kinds = types or [pa.string()] * len(names)
    return pa.table(
        [pa.array(column, kind) for column, kind in zip(columns, kinds, strict=True)], list(names)
    )
