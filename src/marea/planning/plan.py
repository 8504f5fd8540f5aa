"""Owns the plan of a batch: create, update or nothing for each record, with its reason.

A plan is data: a dry run prints it, a run performs it. Everything is computed over columns.
No delete is inferred from what a read did not bring (I7): see `marea.planning.leaving`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from marea.flow import (
    ATTEMPT,
    CAUSE,
    FINGERPRINT,
    FOLLOW,
    MISSING,
    NEW_FORM,
    OUTCOME,
    PROBLEMS,
    SKIP,
    STATE,
    Plan,
)
from marea.model import APPLIED, NO_KEY, Cause, Operation, Outcome, Problem, RecordState
from marea.planning.causes import causes
from marea.planning.changes import changes
from marea.ports import CHANGES, DIGEST, OPERATION, PAYLOAD, STAMP, TARGET_ID
from marea.sql import duck
from marea.sql.arrays import at

if TYPE_CHECKING:
    import duckdb

SAME = "same content"
SAME_TOUCHED = "same content, newer date"
SAME_REMAPPED = "same content, other mapping"


@dataclass(frozen=True, slots=True)
class _Compared:
    """Records beside the ledger: masks of their rows, and the changed fields of each as JSON text."""

    known: Any
    same_form: Any
    equal: Any
    changes: pa.Array


class Planner:
    """Plans batches of one entity; serves one thread.

    `key` names the fields that identify a record at the target; `dated` says whether every
    table of the entity has a last-edit date.
    """

    def __init__(
        self,
        fields: list[str],
        key: Sequence[str],
        form: int,
        payloads: Callable[[pa.Array], pa.Array],
        *,
        dated: bool,
    ) -> None:
        self._fields = fields
        self._key = key
        self._form = form
        self._payloads = payloads
        self._dated = dated
        self._engine: duckdb.DuckDBPyConnection | None = None

    def plan(
        self,
        records: pa.Table,
        ledger: pa.Table,
        cause: Cause,
        *,
        detected: int,
        resend: bool = False,
    ) -> Plan:
        """The plan of mapped records, beside the ledger's rows of the same keys in the same order.

        `detected` is how many the capture gave. Where the ledger is in `doubt` about a create the
        record is kept back.
        """
        found = self._compared(records, ledger)
        operation, outcome, problems = self._ends(records, ledger, found, resend=resend)
        unchanged = pc.equal(outcome, Outcome.UNCHANGED.value)
        same_date = _true(pc.equal(ledger.column("stamp"), records.column(STAMP)))
        skip = _skip(unchanged, same_date, found.same_form)
        noted = _new_digest(records, ledger)
        columns = {
            TARGET_ID: ledger.column("target_id"),
            OPERATION: operation,
            OUTCOME: outcome,
            CAUSE: causes(
                cause, records.column(STAMP), ledger.column("stamp"), found.known, dated=self._dated
            ),
            CHANGES: _computed(found.changes, problems),
            STATE: ledger.column("state"),
            ATTEMPT: pc.cast(pc.add(pc.fill_null(ledger.column("attempts"), 0), 1), pa.int32()),
            NEW_FORM: pc.invert(found.same_form),
            SKIP: skip,
            FOLLOW: pc.and_(
                unchanged, pc.or_(pc.invert(_settled(ledger, pc.and_(same_date, found.same_form))), noted)
            ),
        }
        return Plan(_beside(records, columns), cause, detected, problems, self._form, _number(skip))

    def _ends(
        self, records: pa.Table, ledger: pa.Table, found: _Compared, *, resend: bool
    ) -> tuple[Any, Any, dict[int, Problem]]:
        """Operation and outcome of each record, and what is said of those that are not delivered."""
        # What an unfinished delivery left at the target is not known: such a record is sent again.
        unsent = _true(pc.equal(ledger.column("unsent"), 1))
        certain = pc.or_(unsent, _true(pc.equal(ledger.column("state"), RecordState.ALIGNED.value)))
        operation = _operations(found.known, pc.and_(found.equal, certain), resend=resend)
        problems = {**_keyless(records, self._key), **_broken_rules(records)}
        outcome = _outcomes(operation, records, problems)
        kept = _kept_back(ledger.column("doubt"))
        if not kept:
            return operation, outcome, problems
        mask = at(kept, records.num_rows)
        operation = pc.if_else(mask, Operation.CREATE.value, operation)
        return operation, pc.if_else(mask, Outcome.DEFERRED.value, outcome), problems | kept

    def _compared(self, records: pa.Table, ledger: pa.Table) -> _Compared:
        """The records beside what the ledger has; one of another form without changes is equal after all."""
        known = pc.is_valid(ledger.column("fingerprint"))
        same_form = _true(pc.equal(ledger.column("form"), self._form))
        same = _true(pc.equal(ledger.column("fingerprint"), records.column(FINGERPRINT)))
        equal = pc.and_(known, pc.and_(same_form, same))
        differs = pc.and_(known, pc.invert(equal))
        texts = self._changes(records, ledger, differs, same_form)
        none = pc.and_(_true(pc.equal(texts, "{}")), pc.invert(same_form))
        return _Compared(known, same_form, pc.or_(equal, none), texts)

    def _changes(self, records: pa.Table, ledger: pa.Table, differs: Any, same_form: Any) -> pa.Array:
        """Changed fields of the records that differ, JSON text; null of the others."""
        rows = pc.indices_nonzero(differs)
        texts = pa.nulls(records.num_rows, pa.string())
        if not len(rows):
            return texts
        before = self._payloads(ledger.column("payload").take(rows).combine_chunks())
        after = records.column(PAYLOAD).take(rows).combine_chunks()
        alike = same_form.take(rows).combine_chunks()
        found = changes(self._open(), self._fields, before, after, alike)
        return pc.replace_with_mask(texts, differs.combine_chunks(), found)

    def _open(self) -> duckdb.DuckDBPyConnection:
        if self._engine is None:
            self._engine = duck.connect()
        return self._engine


def _beside(records: pa.Table, columns: Mapping[str, Any]) -> pa.Table:
    """The records with the columns of a plan in the place of their problems."""
    table = records.drop_columns([PROBLEMS])
    for name, column in columns.items():
        table = table.append_column(name, column)
    return table


def _settled(ledger: pa.Table, same: Any) -> Any:
    """A mask of the records of which nothing is to be written where they stay as they are."""
    return pc.and_(same, _true(pc.not_equal(ledger.column("state"), RecordState.DUE.value)))


def _true(mask: Any) -> Any:
    """A mask with NULL as false."""
    return pc.fill_null(mask, False)


def _operations(known: Any, equal: Any, *, resend: bool) -> Any:
    kept = Operation.UPDATE if resend else Operation.NONE
    existing = pc.if_else(equal, kept.value, Operation.UPDATE.value)
    return pc.if_else(known, existing, Operation.CREATE.value)


def _keyless(records: pa.Table, key: Sequence[str]) -> dict[int, Problem]:
    """Row -> which of its key fields are empty: no target could find such a record again."""
    empty: dict[int, list[str]] = {}
    for name in key:
        column = records.column(name)
        if column.null_count:
            for row in pc.indices_nonzero(pc.is_null(column)).to_pylist():
                empty.setdefault(row, []).append(name)
    return {row: _no_key(", ".join(names)) for row, names in empty.items()}


def _kept_back(doubt: Any) -> dict[int, Problem]:
    """Row -> what is said of a record that may have been created, whatever else there is to say of it."""
    if doubt.null_count == len(doubt):
        return {}
    rows = pc.indices_nonzero(_true(pc.equal(doubt, Operation.CREATE.value)))
    return dict.fromkeys(rows.to_pylist(), Problem.made_once())


def _no_key(names: str) -> Problem:
    return Problem(NO_KEY, f"the key field {names} is empty", names, "give every record a key at its target")


def _broken_rules(records: pa.Table) -> dict[int, Problem]:
    """Row -> every rule that its record breaks, in one problem."""
    column = records.column(PROBLEMS)
    rows = pc.indices_nonzero(pc.is_valid(column))
    return {
        row: _problem(found)
        for row, found in zip(rows.to_pylist(), column.take(rows).to_pylist(), strict=True)
    }


def _computed(changes: pa.Array, problems: Mapping[int, Problem]) -> pa.Array:
    """The changes without those of records that could not be computed: what they would be is not known."""
    rows = [row for row, problem in problems.items() if problem.code == "expression"]
    if not rows:
        return changes
    return pc.if_else(at(rows, len(changes)), pa.scalar(None, changes.type), changes)


def _problem(found: list[dict[str, str]]) -> Problem:
    text = "; ".join(item["text"] for item in found)
    return Problem(found[0]["code"], text, found[0]["field"], "mend it in the source")


def _outcomes(operation: Any, records: pa.Table, problems: Mapping[int, Problem]) -> Any:
    outcome = operation
    for op, applied in APPLIED.items():
        outcome = pc.if_else(pc.equal(operation, op.value), applied.value, outcome)
    delivers = pc.not_equal(operation, Operation.NONE.value)
    outcome = pc.if_else(
        pc.and_(delivers, pc.is_valid(records.column(MISSING))), Outcome.WAITING.value, outcome
    )
    return (
        pc.if_else(at(problems, records.num_rows), Outcome.REJECTED.value, outcome) if problems else outcome
    )


def _skip(unchanged: Any, same_date: Any, same_form: Any) -> Any:
    """Why each record is unchanged; null where it is not. A newer date says more than another mapping."""
    if not pc.any(unchanged).as_py():
        return pa.nulls(len(unchanged), pa.string())
    reason = pc.if_else(same_date, pc.if_else(same_form, SAME, SAME_REMAPPED), SAME_TOUCHED)
    return pc.if_else(unchanged, reason, pa.scalar(None, pa.string()))


def _new_digest(records: pa.Table, ledger: pa.Table) -> Any:
    """Whether the content has a digest that the ledger has not."""
    if DIGEST not in records.column_names:
        return pa.scalar(False)
    found = records.column(DIGEST)
    return pc.and_(found.is_valid(), pc.invert(_true(pc.equal(found, ledger.column("digest")))))


def _number(skip: Any) -> dict[str, int]:
    """Reason -> how many."""
    return {item["values"]: item["counts"] for item in skip.drop_null().value_counts().to_pylist()}
