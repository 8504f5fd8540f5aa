"""Owns what is not delivered because its id at the target is another record's too: none is written over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc

from marea.flow import OUTCOME, Plan
from marea.model import DELIVERED, Outcome, Problem
from marea.ports import KEY, TARGET_ID
from marea.sql.arrays import among, put


def without_taken(plan: Plan, contested: Mapping[str, Sequence[str]], entity: str) -> Plan:
    """The plan, those of its deliveries rejected whose id several records have: id -> their keys."""
    records = plan.records
    ids = records.column(TARGET_ID)
    taken = pc.and_(among(records.column(OUTCOME), DELIVERED), pc.is_in(ids, pa.array(contested, ids.type)))
    rows = pc.indices_nonzero(taken)
    problems = dict(plan.problems)
    keys = records.column(KEY).take(rows).to_pylist()
    for row, key, target_id in zip(rows.to_pylist(), keys, ids.take(rows).to_pylist(), strict=True):
        other = next(one for one in reversed(contested[target_id]) if one != key)
        problems[row] = Problem.id_taken(entity, target_id, other)
    outcome = pc.if_else(taken, Outcome.REJECTED.value, records.column(OUTCOME))
    return replace(plan, records=put(records, OUTCOME, outcome), problems=problems)
