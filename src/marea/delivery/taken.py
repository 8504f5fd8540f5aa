"""Owns what becomes of records that were delivered, and given ids at the target that others have."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from marea.delivery.settle import Settlement
from marea.model import WRITTEN, Outcome, Problem
from marea.sql.arrays import among, flat, put

Holders = Callable[[pa.Array], list[tuple[str | None, str | None]]]
"""For each id the first and the last key of the records that have it, None for none."""


def apart(settlement: Settlement, holders: Holders, entity: str) -> Settlement:
    """The settlement, those records rejected of which another has the id; of one batch the first has it."""
    rows = settlement.rows
    mask = pc.and_(among(rows["outcome"], WRITTEN), pc.is_valid(rows["target_id"]))
    given = pc.indices_nonzero(mask)
    keys, ids = (flat(rows[name].take(given)) for name in ("key", "target_id"))
    others = _others(keys.to_pylist(), ids.to_pylist(), holders(ids))
    if not others:
        return settlement
    numbers = given.to_pylist()
    problems = {
        numbers[place]: Problem.id_taken(entity, ids[place].as_py(), other) for place, other in others.items()
    }
    return _rejected(settlement, problems)


def _others(keys: list[str], ids: list[str], holders: list[tuple[str | None, str | None]]) -> dict[int, str]:
    """Place -> the key of another record that has its id."""
    found: dict[int, str] = {}
    first: dict[str, str] = {}
    for place, (key, target_id, held) in enumerate(zip(keys, ids, holders, strict=True)):
        having = (first.setdefault(target_id, key), *held)
        other = next((one for one in having if one not in (None, key)), None)
        if other is not None:
            found[place] = other
    return found


def _rejected(settlement: Settlement, problems: Mapping[int, Problem]) -> Settlement:
    """The rows with these problems; payload and id stay in them: the target has taken and given them."""
    rows, ends, counts = settlement.rows, settlement.ends, Counter(settlement.counts)
    changed: dict[str, dict[int, Any]] = {
        "outcome": dict.fromkeys(problems, Outcome.REJECTED.value),
        "code": {row: problem.code for row, problem in problems.items()},
        "error": {row: problem.text for row, problem in problems.items()},
        "hint": {row: problem.hint for row, problem in problems.items()},
        "log": dict.fromkeys(problems, True),
    }
    if "target_key" in rows.column_names:  # a rejected record that has one is due when that is free
        changed["target_key"] = dict.fromkeys(problems)
    counts.subtract(Outcome(rows["outcome"][row].as_py()) for row in problems)
    counts[Outcome.REJECTED] += len(problems)
    taken = pc.is_in(ends["key"], rows["key"].take(list(problems)).combine_chunks())
    ends = put(ends, "outcome", pc.if_else(taken, Outcome.REJECTED.value, ends["outcome"]))
    for name, values in changed.items():
        rows = put(rows, name, _with(rows[name], values))
    return replace(settlement, rows=rows, ends=ends, counts={one: n for one, n in counts.items() if n})


def _with(column: pa.ChunkedArray, values: Mapping[int, Any]) -> pa.Array:
    found = column.to_pylist()
    for row, value in values.items():
        found[row] = value
    return pa.array(found, column.type)
