"""Owns the plan of deletes: rows for records that left the source, as their target was last given them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc

from marea.flow import ATTEMPT, CAUSE, FOLLOW, NEW_FORM, OUTCOME, STATE, Plan
from marea.model import Cause, Operation, Outcome
from marea.planning.agreed import values_in
from marea.ports import KEY, OPERATION, PAYLOAD, STAMP, TARGET_ID
from marea.sql import duck


def with_deletes(
    plan: Plan,
    keys: Sequence[str],
    ledger: pa.Table,
    payloads: pa.Array,
    fields: Sequence[tuple[str, str]],
    outside: Collection[str],
) -> Plan:
    """The plan with a row a key, and these no longer among its absent.

    `ledger` has the rows of `Ledger.look_up`, `payloads` their texts; `fields` are those of the key at the
    target with their DuckDB types. Of `outside` are those that are in the source, but not within the filter.
    """
    schema, number = plan.records.schema, len(keys)
    values = values_in(duck.connect(), fields, payloads)
    causes = [Cause.FILTER if key in outside else Cause.DELETE for key in keys]
    known = {
        KEY: pa.array(keys, pa.string()),
        STAMP: ledger.column("stamp"),
        TARGET_ID: ledger.column("target_id"),
        OPERATION: pa.repeat(Operation.DELETE.value, number),
        OUTCOME: pa.repeat(Outcome.DELETED.value, number),
        CAUSE: pa.array(causes, pa.string()),
        STATE: ledger.column("state"),
        ATTEMPT: pc.add(pc.fill_null(ledger.column("attempts"), 0), 1),
        NEW_FORM: pa.repeat(False, number),
        FOLLOW: pa.repeat(False, number),
        PAYLOAD: payloads,
        **{name: values.column(place) for place, (name, _) in enumerate(fields)},
    }
    columns = [
        known[field.name].cast(field.type) if field.name in known else pa.nulls(number, field.type)
        for field in schema
    ]
    left = {key: one for key, one in plan.absent.items() if key not in set(keys)}
    records = pa.concat_tables([plan.records, pa.table(columns, schema=schema)])
    return replace(plan, records=records, absent=left)
