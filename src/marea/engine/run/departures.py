"""Owns the planning of records that left an entity's source: what becomes of each, how many deletes pass."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from marea.errors import ConfigurationError
from marea.model import LEAVING, Outcome
from marea.planning.absent import GONE, Absence, Leaving
from marea.planning.guard import passing

if TYPE_CHECKING:
    from marea.capture.batch import Batch
    from marea.config.settings import Settings
    from marea.engine.entity.alignment import Alignment
    from marea.flow import Plan
    from marea.store.ledger import Ledger
    from marea.store.state import State


class Departures:
    """Plans what is absent from one entity's source; `tried` are keys of records at several places."""

    def __init__(
        self,
        alignment: Alignment,
        ledger: Ledger,
        entity: int,
        leaving: Leaving,
        *,
        named: bool,
        tried: Collection[str],
    ) -> None:
        self._alignment = alignment
        self._ledger = ledger
        self._entity = entity
        self._leaving = leaving if alignment.entity.deletes.action == "propagate" else Leaving.STAY
        self._named = named
        self._tried = tried

    def planned(self, plan: Plan, batch: Batch) -> Plan:
        """The plan of a batch with its absent records: how each ends, or a row for its delete."""
        absence = Absence(self._alignment.aggregate.where is not None, self._leaving, self._named)
        found = absence.ends(batch.absent, self._ledger.troubles(self._entity, batch.absent), self._tried)
        unchanged = sum(one.outcome is Outcome.UNCHANGED for one in found.values())
        skipped = {GONE: unchanged} if unchanged else {}
        plan = replace(plan, absent=found, skipped={**plan.skipped, **skipped})
        left = [key for key, one in found.items() if one.problem and one.problem.code == LEAVING]
        deleted = left if self._leaving is Leaving.DELETED else []
        return self._with_deletes(plan, deleted, batch.outside) if deleted else plan

    def _with_deletes(self, plan: Plan, keys: Sequence[str], outside: frozenset[str]) -> Plan:
        import pyarrow as pa

        from marea.planning.leaving import with_deletes

        known = self._ledger.look_up(self._entity, pa.array(keys, pa.string()))
        payloads = self._ledger.payloads(known.column("payload").combine_chunks())
        types = dict(self._alignment.mapper.mapping.fields)
        fields = [(name, types[name]) for name in self._alignment.entity.target.key]
        return with_deletes(plan, keys, known, payloads, fields, outside)


def let_pass(alignment: Alignment, ledger: Ledger, entity: int, leaving: int) -> int:
    """How many of so many records that are leaving the guard lets pass."""
    guard = alignment.entity.guard
    held = ledger.count_troubled(entity).get(Outcome.HELD, 0)
    # All records are counted only where it matters: the ledger may hold millions.
    records = ledger.count(entity)[1] if leaving > guard.at_least else 0
    return passing(guard, records, leaving, held)


def holding(settings: Settings, state: State, run: int) -> list[str]:
    """The entities of whose records a run has held back deletes, and does so still.

    Raises ConfigurationError where there are none.
    """
    rows = {name: state.entity(name, it.target.system) for name, it in settings.entities.items()}
    found = [name for name, row in rows.items() if state.departed.held(row.id, run)]
    if not found:
        text = f"nothing that run {run} held back is held any more"
        raise ConfigurationError.single(text, hint="marea status tells what is")
    return found
