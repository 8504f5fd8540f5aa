"""Owns the choice of what is delivered of a plan: its records, and their keys before that."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from marea.flow import OUTCOME, TARGET_KEY, Plan
from marea.model import APPLIED, DELIVERED, Operation, Outcome
from marea.ports import CHANGES, KEY, OPERATION, TARGET_ID
from marea.sql.arrays import among, kept, put, where
from marea.sql.keys import identities


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


def keys_to_give(plan: Plan, key: Sequence[str], *, stay: bool) -> pa.Table | None:
    """The keys that `to_deliver(plan)` gives and a later delivery may not: key, target_id, target_key.

    Those at the target (fields `key`) that change, and where they do not `stay` those of creates too. Until
    it is known that a record has got one, it may stand under it or not. None where none is given.
    """
    records = plan.records
    changes = records.column(CHANGES)
    given = pc.equal(records.column(OUTCOME), Outcome.UPDATED.value)
    # A value that reads like the name of a field does no harm: a key is remembered for nothing.
    names = (f"{json.dumps(name, ensure_ascii=False)}:[" for name in key)
    named = [pc.match_substring(changes, name) for name in names]
    for mask in named[1:]:
        named[0] = pc.or_(named[0], mask)
    given = pc.and_(given, pc.fill_null(named[0], False))
    if not stay:
        given = pc.or_(given, pc.equal(records.column(OUTCOME), Outcome.CREATED.value))
    if not pc.any(given).as_py():
        return None
    records = records.filter(given)
    ids = identities([records.column(name) for name in key])
    claimed = TARGET_KEY in records.column_names
    texts = records.column(TARGET_KEY) if claimed else pa.nulls(len(ids), pa.string())
    return pa.table({"key": records.column(KEY), "target_id": ids, "target_key": texts})
