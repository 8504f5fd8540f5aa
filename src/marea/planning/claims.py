"""Owns who may have a key at the target: of several records with the same one, one; others are rejected."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc

from marea.flow import FOLLOW, OUTCOME, TARGET_KEY, Plan
from marea.model import AGREED, WRITTEN, Outcome, Problem
from marea.ports import KEY
from marea.sql.arrays import among, at, flat, put
from marea.sql.keys import key_texts

DUPLICATE = "duplicate-key"

_HINT = (
    "give one of them another key in the source; where they exchange their keys, give one a third key, "
    "run `marea sync`, and then give it its own"
)
"""No run exchanges them itself: between its two deliveries one record stood under the key of the other, and a
run that ended there left it so."""


class Claims:
    """The claims of one entity's records on keys at its target.

    One thread decides and another settles: what was decided and is not settled yet is
    known here, everything before it by `holders`. `holders` gives for each key at the
    target the key of the record that has it, or null; `absent` those of some records that
    the source does not have any more. `before` are claims (target_key, key) that `holders` does not know.
    """

    def __init__(
        self,
        entity: str,
        fields: Sequence[str],
        private: Collection[str],
        holders: Callable[[pa.Array], pa.Array],
        absent: Callable[[list[str]], set[str]],
        before: pa.Table | None = None,
    ) -> None:
        self._entity = entity
        self._fields = fields
        self._shows = not set(fields) & set(private)
        self._holders = holders
        self._absent = absent
        self._lock = threading.Lock()
        self._pending: deque[tuple[pa.Array, pa.Array]] = deque()
        self._before = (flat(before.column("target_key")), flat(before.column("key"))) if before else None

    def decided(self, plan: Plan) -> Plan:
        """The plan with TARGET_KEY; a record whose key at the target another one has is rejected in it."""
        records = plan.records
        outcome = records.column(OUTCOME)
        texts = key_texts([records.column(name) for name in self._fields])
        # What is kept back may have its key at the target: it claims that until it is known.
        claiming = flat(among(outcome, (*AGREED, Outcome.DEFERRED)))
        texts = pc.if_else(claiming, texts, pa.scalar(None, pa.string()))
        keys = flat(records.column(KEY))
        occupants = self._occupants(texts)
        own = pc.fill_null(pc.equal(occupants, keys), False)
        lost = (
            self._contest(keys, texts, occupants, outcome.to_pylist())
            if _contested(texts, occupants, own)
            else {}
        )
        won = pc.and_(pc.is_valid(texts), pc.invert(at(lost, len(texts))))
        with self._lock:
            self._pending.append((texts.filter(won), keys.filter(won)))
        follow = pc.or_(records.column(FOLLOW), pc.and_(won, pc.invert(own)))
        plan = replace(plan, records=put(put(records, FOLLOW, follow), TARGET_KEY, texts))
        return self._rejected(plan, lost) if lost else plan

    def committed(self) -> None:
        """What was decided first is known to `holders` from now on."""
        with self._lock:
            self._pending.popleft()

    def _occupants(self, texts: pa.Array) -> pa.Array:
        """For each key at the target the key of the record that has it; null where none has."""
        # What is pending is taken down first: what is settled meanwhile is found behind it.
        with self._lock:
            pending = list(self._pending)
        occupants = self._holders(texts)
        for claimed, keys in [self._before, *pending] if self._before else pending:
            occupants = pc.coalesce(keys.take(pc.index_in(texts, claimed)), occupants)
        return occupants

    def _contest(
        self, keys: pa.Array, texts: pa.Array, occupants: pa.Array, outcomes: Sequence[str]
    ) -> dict[int, str]:
        """Row -> the key of the record it loses to.

        Who has the key keeps it while it is in the source, even when it is about to leave it:
        until that is settled nobody knows whether it will. Else it is who is there already,
        and then the first by its key.
        """
        rivals: dict[str, list[tuple[bool, str, int]]] = {}
        holders: dict[str, str] = {}
        columns = zip(keys.to_pylist(), texts.to_pylist(), occupants.to_pylist(), outcomes, strict=True)
        for row, (key, text, holder, planned) in enumerate(columns):
            if text is not None:
                rivals.setdefault(text, []).append((planned in WRITTEN, key, row))
                if holder is not None:
                    holders[text] = holder
        strangers = set(holders.values()).difference(keys.to_pylist())
        gone = self._absent(sorted(strangers)) if strangers else set()
        lost: dict[int, str] = {}
        for text, found in rivals.items():
            holder = holders.get(text)
            winner = holder if holder is not None and holder not in gone else min(found)[1]
            lost |= {row: winner for _, key, row in found if key != winner}
        return lost

    def _rejected(self, plan: Plan, lost: Mapping[int, str]) -> Plan:
        """The plan without what lost: it is not sent; what was not to be sent has just no claim."""
        outcomes, texts = (plan.records.column(name).to_pylist() for name in (OUTCOME, TARGET_KEY))
        problems = dict(plan.problems)
        for row, winner in lost.items():
            if outcomes[row] in WRITTEN:
                outcomes[row] = Outcome.REJECTED.value
                problems[row] = self._problem(texts[row], winner)
            else:
                texts[row] = None
        records = put(plan.records, OUTCOME, pa.array(outcomes, pa.string()))
        records = put(records, TARGET_KEY, pa.array(texts, pa.string()))
        return replace(plan, records=records, problems=problems)

    def _problem(self, text: str, holder: str) -> Problem:
        fields = ", ".join(self._fields)
        value = f" {text}" if self._shows else ""
        said = f"{self._entity} {holder} has the same key at the target: {fields}{value}"
        return Problem(DUPLICATE, said, fields, _HINT)


def _contested(texts: pa.Array, occupants: pa.Array, own: pa.Array) -> bool:
    strange = pc.and_(pc.is_valid(occupants), pc.invert(own))
    several = pc.count_distinct(texts).as_py() < len(texts) - texts.null_count
    return bool(several or pc.any(strange).as_py())
