"""Owns the settlement of a batch: plan and receipt together become the rows the state commits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from marea.delivery.deliver import Delivered
from marea.delivery.retry import next_attempt
from marea.flow import (
    ATTEMPT,
    CAUSE,
    FINGERPRINT,
    FOLLOW,
    MISSING,
    NEW_FORM,
    OUTCOME,
    SKIP,
    STATE,
    TARGET_KEY,
    Absent,
    Plan,
)
from marea.model import DELIVERED, NOTHING_APPLIED, WRITTEN, Operation, Outcome, Problem, RecordState
from marea.ports import CHANGES, DIGEST, KEY, OPERATION, PAYLOAD, STAMP, TARGET_ID
from marea.sql.arrays import among, at, kept, where

ENDS = ["key", "outcome", "skip"]


@dataclass(frozen=True, slots=True)
class Settlement:
    """The rows a commit writes (see `marea.store.commit.Commit`) and the counts of its books."""

    rows: pa.Table
    ends: pa.Table
    """How every record ended: key, outcome, and skip, why it is unchanged; null where it is absent."""
    counts: Mapping[Outcome, int]
    detected: int
    """How many records the capture gave: what the counts must add up to (I5)."""
    renamed: bool = False
    """Whether a record that references may have been given the id of has another one now."""


@dataclass(frozen=True, slots=True)
class _Exception:
    """A record that does not end as planned."""

    outcome: Outcome
    problem: Problem
    blocked: tuple[str, str] | None = None
    log: bool = True
    again: bool = True
    """Whether it is tried again by itself; else what is in doubt of it waits for a person."""
    tried: bool = True
    """Whether this counts as an attempt."""


def settle(plan: Plan, delivery: Delivered | None, entities: Mapping[str, int], now: int) -> Settlement:
    """What became of every record of a plan; `delivery` is of `to_deliver(plan)`, in its order.

    `entities` maps the names of referenced entities to their ids in the state.
    """
    records = plan.records
    sent = pc.indices_nonzero(among(records.column(OUTCOME), DELIVERED)).to_pylist() if delivery else []
    found = _exceptions(plan, delivery, sent)
    outcomes = _outcomes(records.column(OUTCOME), found)
    target_ids = _target_ids(records, delivery, sent)
    columns = {
        "key": records.column(KEY),
        "operation": _operations(records.column(OPERATION), delivery, sent),
        "outcome": outcomes,
        "cause": records.column(CAUSE),
        "stamp": records.column(STAMP),
        "target_id": target_ids,
        "changes": records.column(CHANGES),
        "attempt": _attempts(records.column(ATTEMPT), found),
        "duration_ms": _scattered(delivery.receipt.durations if delivery else None, sent, records.num_rows),
        **_agreed(plan, outcomes),
        **_claims(records, outcomes),
        **({"digest": records.column(DIGEST)} if DIGEST in records.column_names else {}),
        **_details(found, records, entities, now),
    }
    rows = pa.table(columns)
    ends = pa.table([rows["key"], rows["outcome"], records.column(SKIP)], names=ENDS)
    noted = pc.or_(pc.not_equal(outcomes, Outcome.UNCHANGED.value), records.column(FOLLOW))
    rows = kept(rows, noted)
    if plan.absent:
        rows = pa.concat_tables([rows, _absent(plan, rows.schema, now)])
        ends = pa.concat_tables([ends, _absent_ends(plan.absent)])
    renamed = _renamed(records.column(TARGET_ID), target_ids, outcomes)
    return Settlement(rows, ends, _counts(outcomes, plan.absent), plan.detected, renamed)


def _exceptions(plan: Plan, delivery: Delivered | None, sent: Sequence[int]) -> dict[int, _Exception]:
    found = {row: _planned(plan, row, problem) for row, problem in plan.problems.items()}
    found.update(_waiting(plan.records))
    if delivery is not None:
        for outcome, problems in (
            (Outcome.REJECTED, delivery.receipt.rejected),
            (Outcome.DEFERRED, delivery.receipt.deferred),
        ):
            found.update({sent[row]: _answered(outcome, problem) for row, problem in problems.items()})
        for row, problem in delivery.receipt.in_doubt.items():
            found[sent[row]] = _Exception(Outcome.DEFERRED, problem, again=False)
    return found


def _planned(plan: Plan, row: int, problem: Problem) -> _Exception:
    outcome = Outcome(plan.records.column(OUTCOME)[row].as_py())
    kept_back = outcome is Outcome.DEFERRED
    return _Exception(outcome, problem, again=not kept_back, tried=not kept_back)


def _answered(outcome: Outcome, problem: Problem) -> _Exception:
    return _Exception(outcome, problem, tried=problem.code not in NOTHING_APPLIED)


def _operations(planned: Any, delivery: Delivered | None, sent: Sequence[int]) -> Any:
    """What was done: where an update met no record, a create may be what is in doubt."""
    if delivery is None or not delivery.receipt.in_doubt:
        return planned
    mask = at([sent[row] for row in delivery.receipt.in_doubt], len(planned))
    return pc.if_else(mask, Operation.CREATE.value, planned)


def _waiting(records: pa.Table) -> dict[int, _Exception]:
    rows = pc.indices_nonzero(pc.equal(records.column(OUTCOME), Outcome.WAITING.value))
    parents = records.column(MISSING).take(rows).to_pylist()
    states = records.column(STATE).take(rows).to_pylist()
    return {
        row: _Exception(
            Outcome.WAITING,
            Problem.waiting(parent["entity"], parent["key"]),
            (parent["entity"], parent["key"]),
            log=state != RecordState.DUE,
            tried=False,
        )
        for row, parent, state in zip(rows.to_pylist(), parents, states, strict=True)
    }


def _outcomes(planned: Any, found: Mapping[int, _Exception]) -> Any:
    if not found:
        return planned
    outcomes = planned.to_pylist()
    for row, exception in found.items():
        outcomes[row] = exception.outcome.value
    return pa.chunked_array([pa.array(outcomes, pa.string())])


def _attempts(planned: Any, found: Mapping[int, _Exception]) -> Any:
    """How often each was tried, this time included where it was."""
    untried = [row for row, exception in found.items() if not exception.tried]
    if not untried:
        return planned
    return pc.subtract(planned, at(untried, len(planned)).cast(pa.int32()))


def _agreed(plan: Plan, outcomes: Any) -> dict[str, Any]:
    """What the ledger takes as agreed: payload, its fingerprint and its form, all three or none.

    What is written, and what is unchanged in a form that the ledger does not have yet.
    """
    records = plan.records
    restated = pc.and_(pc.equal(outcomes, Outcome.UNCHANGED.value), records.column(NEW_FORM))
    taken = pc.or_(among(outcomes, WRITTEN), restated)
    columns = {
        "payload": records.column(PAYLOAD),
        "fingerprint": records.column(FINGERPRINT),
        "form": pa.chunked_array([pa.repeat(pa.scalar(plan.form, pa.int64()), records.num_rows)]),
    }
    return {name: where(taken, column) for name, column in columns.items()}


def _claims(records: pa.Table, outcomes: Any) -> dict[str, Any]:
    """The keys at the target that records claim, or were refused by the plan; a refusal there claims none."""
    if TARGET_KEY not in records.column_names:
        return {}
    rejected = Outcome.REJECTED.value
    refused = pc.and_(pc.equal(outcomes, rejected), pc.not_equal(records.column(OUTCOME), rejected))
    return {"target_key": where(pc.invert(refused), records.column(TARGET_KEY))}


def _target_ids(records: pa.Table, delivery: Delivered | None, sent: Sequence[int]) -> Any:
    known = records.column(TARGET_ID)
    given = delivery.receipt.target_ids if delivery else None
    return pc.coalesce(_scattered(given, sent, records.num_rows), known) if given is not None else known


def _renamed(known: Any, ids: Any, outcomes: Any) -> bool:
    """Whether a record that was applied has another id than it had, be it before a delete."""
    if known.null_count == len(known):
        return False
    other = pc.and_(among(outcomes, WRITTEN), pc.fill_null(pc.not_equal(known, ids), False))
    return bool(pc.any(other).as_py())


def _scattered(values: pa.Array | None, rows: Sequence[int], length: int) -> Any:
    """Values of some rows as a column of all rows, null elsewhere."""
    if values is None:
        return pa.nulls(length, pa.int64())
    if len(rows) == length:
        return values
    column: list[object] = [None] * length
    for row, value in zip(rows, values.to_pylist(), strict=True):
        column[row] = value
    return pa.array(column, values.type)


def _details(
    found: Mapping[int, _Exception], records: pa.Table, entities: Mapping[str, int], now: int
) -> dict[str, Any]:
    """The columns that only exceptions fill."""
    length = records.num_rows
    names = {"code": pa.string(), "error": pa.string(), "field": pa.string(), "hint": pa.string()}
    names |= {"next_attempt": pa.int64(), "blocked_entity": pa.int64(), "blocked_key": pa.string()}
    if not found:
        nulls = {name: pa.nulls(length, type_) for name, type_ in names.items()}
        return {**nulls, "log": pa.repeat(False, length)}
    columns: dict[str, list[Any]] = {name: [None] * length for name in names}
    log = [False] * length
    for row, exception in found.items():
        attempt = records.column(ATTEMPT)[row].as_py()
        for name, value in _detail(exception, attempt, entities, now).items():
            columns[name][row] = value
        log[row] = exception.log
    return {**{name: pa.array(columns[name], type_) for name, type_ in names.items()}, "log": pa.array(log)}


def _detail(exception: _Exception, attempt: int, entities: Mapping[str, int], now: int) -> dict[str, Any]:
    problem, blocked = exception.problem, exception.blocked
    return {
        "code": problem.code,
        "error": problem.text,
        "field": problem.field or None,
        "hint": problem.hint or None,
        "next_attempt": next_attempt(exception.outcome, problem, attempt, now) if exception.again else None,
        "blocked_entity": entities[blocked[0]] if blocked else None,
        "blocked_key": blocked[1] if blocked else None,
    }


def _absent(plan: Plan, schema: pa.Schema, now: int) -> pa.Table:
    """Rows for records that are not in the source, of which something is to be written."""
    rows = [
        {
            "key": key,
            "operation": one.operation.value,
            "outcome": one.outcome.value,
            "cause": plan.cause.value,
            "stamp": one.stamp,
            "attempt": one.attempts,
            **_detail(_Exception(one.outcome, one.problem), one.attempts or 1, {}, now),
            "log": one.log,
        }
        for key, one in plan.absent.items()
        if one.problem is not None
    ]
    return pa.Table.from_pylist(rows, schema)


def _absent_ends(absent: Mapping[str, Absent]) -> pa.Table:
    ends = [{"key": key, "outcome": one.outcome.value} for key, one in absent.items()]
    return pa.Table.from_pylist(ends, pa.schema([(name, pa.string()) for name in ENDS]))


def _counts(outcomes: Any, absent: Mapping[str, Absent]) -> dict[Outcome, int]:
    found = outcomes.value_counts().to_pylist()
    counts = Counter({Outcome(item["values"]): item["counts"] for item in found})
    counts.update(one.outcome for one in absent.values())
    return dict(counts)
