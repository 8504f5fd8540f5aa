"""Owns the choice of what is delivered of a plan: its records, and their keys before that."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from marea.flow import OUTCOME, Plan
from marea.model import APPLIED, DELIVERED, Operation
from marea.ports import KEY, OPERATION, TARGET_ID
from marea.sql.arrays import among, kept, put, where


def to_deliver(plan: Plan) -> pa.Table:
    """The plan's records that go to the target; one that is created has no id there, whatever it had once."""
    batch = kept(plan.records, among(plan.records.column(OUTCOME), DELIVERED))
    ids = batch.column(TARGET_ID)
    if ids.null_count == len(ids):
        return batch
    known = pc.not_equal(batch.column(OPERATION), Operation.CREATE.value)
    return put(batch, TARGET_ID, where(known, ids))


def keys_to_deliver(plan: Plan) -> dict[Operation, pa.ChunkedArray]:
    """The keys of `to_deliver(plan)`, by operation; only those there are."""
    outcomes, keys = plan.records.column(OUTCOME), plan.records.column(KEY)
    masks = {op: pc.equal(outcomes, APPLIED[op].value) for op in Operation if APPLIED[op] in DELIVERED}
    return {op: keys.filter(mask) for op, mask in masks.items() if pc.any(mask).as_py()}
