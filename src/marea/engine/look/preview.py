"""Owns the dry run: the stages of a run up to its plan, on live data, with nothing written anywhere."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from marea.capture.batch import BatchReader
from marea.capture.step import Step
from marea.config.settings import EntitySettings, Settings
from marea.engine.entity.alignment import Alignment
from marea.engine.entity.basis import begins_anew, differences
from marea.engine.entity.clock import Clock
from marea.engine.entity.known import basis_for, known_entity, unknown_entity
from marea.engine.entity.order import in_order, referring_to_later
from marea.engine.entity.private import pairs, values
from marea.engine.entity.ready import check, make_ready
from marea.engine.entity.request import Request
from marea.engine.entity.systems import Systems
from marea.engine.look.promised import Promised
from marea.engine.run.context import PAGE_ROWS
from marea.engine.run.restored import beside_source
from marea.engine.run.stages import Planning, ids_in_ledger
from marea.engine.run.steps import Standing, due_by_cause, listed, pages_of, standing_of, steps
from marea.flow import CAUSE, MISSING, OUTCOME, Plan
from marea.model import Books, Cause, Operation, Outcome, Problem
from marea.planning.absent import Leaving
from marea.ports import CHANGES, KEY, OPERATION, PAYLOAD

if TYPE_CHECKING:
    import pyarrow as pa

    from marea.store.digests import Digests
    from marea.store.state import EntityRow, State


@dataclass(frozen=True, slots=True)
class PlannedRecord:
    """What would be done with one record, and why."""

    key: str
    """JSON text."""
    operation: Operation
    outcome: Outcome
    cause: Cause
    changes: dict[str, tuple[Any, Any]]
    """Field -> (before, after)."""
    code: str | None = None
    error: str | None = None


@dataclass(slots=True)
class EntityPreview:
    """What a run would do with one entity."""

    books: Books = field(default_factory=Books)
    records: list[PlannedRecord] = field(default_factory=list)
    """The first records that are not unchanged, as many as were asked for."""


class Previewer:
    """Plans what a run would do; serves one thread. Memory does not grow with the records read."""

    def __init__(self, settings: Settings, state: State, systems: Systems, clock: Clock, limit: int) -> None:
        self._settings = settings
        self._state = state
        self._systems = systems
        self._clock = clock
        self._limit = limit

    def preview(self, names: Sequence[str], request: Request) -> dict[str, EntityPreview]:
        """Entity -> its preview, parents first. Raises ConfigurationError, SystemUnreachable."""
        order = in_order(self._settings.entities, names)
        rows = {name: known_entity(self._state, entity) for name, entity in self._settings.entities.items()}
        alignments = {
            name: Alignment(self._settings, self._settings.entities[name], self._systems) for name in order
        }
        checking = partial(check, self._settings, self._state)
        make_ready({name: partial(checking, alignments[name], rows[name], request) for name in order})
        rows |= {name: self._begun(alignments[name], rows[name], request) for name in order}
        promised = Promised(self._wanted_parents(order))
        passes = {name: self._pass(alignments[name], rows, promised, request) for name in order}
        for one in passes.values():
            one.run(request)
        for name in referring_to_later(self._settings.entities, order):
            passes[name].release()
        return {name: one.result for name, one in passes.items()}

    def _begun(self, alignment: Alignment, row: EntityRow, request: Request) -> EntityRow:
        """The entity as a run would begin it: anew where its ledger is of another basis."""
        known = basis_for(self._state, row, alignment.basis, request)
        if begins_anew(known, row.basis, alignment.basis):
            return unknown_entity(alignment.entity)
        return replace(row, positions={}) if differences(row.basis, alignment.basis) else row

    def _wanted_parents(self, order: Sequence[str]) -> set[str]:
        return {item.entity for name in order for item in self._settings.entities[name].references()}

    def _pass(
        self, alignment: Alignment, rows: Mapping[str, EntityRow], promised: Promised, request: Request
    ) -> _Pass:
        entity = alignment.entity
        row = rows[entity.name]
        ids = {name: row.id for name, row in rows.items()}
        look_up = promised.beside(ids_in_ledger(self._state.ledger, ids))
        ledger = self._state.ledger
        named = bool(request.keys)
        contested = {} if request.anew else self._state.own_ids.contested(row.id)
        planning = Planning(
            alignment,
            ledger,
            row.id,
            look_up,
            resend=request.resend,
            named=named,
            leaving=Leaving.DELETED,
            contested=contested,
        )
        standing = beside_source(request, standing_of(alignment, row), alignment, row, ledger, PAGE_ROWS)
        known = ledger.digests(row.id)
        if request.selects:
            return _Pass(alignment, planning, promised, standing, known, {}, set(), self._limit)
        due = due_by_cause(self._state.ledger.due(row.id, self._clock()))
        due[Cause.RETRY] = [*due.get(Cause.RETRY, ()), *self._state.departed.due(row.id)]
        waits = self._waits(entity, row.id, promised)
        return _Pass(alignment, planning, promised, standing, known, due, waits, self._limit)

    def _waits(self, entity: EntitySettings, number: int, promised: Promised) -> set[str]:
        """The records that wait for others since earlier runs."""
        if not entity.references():
            return set()
        ledger = self._state.ledger
        found = set()
        for key in ledger.troubled(number).column("key").to_pylist():
            record = ledger.record(number, key)
            if record and record.trouble and record.trouble.blocked_on:
                promised.wait(entity.name, key, record.trouble.blocked_on)
                found.add(key)
        return found


class _Pass:
    """The preview of one entity while it is made."""

    def __init__(
        self,
        alignment: Alignment,
        planning: Planning,
        promised: Promised,
        standing: Standing,
        known: Digests,
        due: dict[Cause, list[str]],
        waits: set[str],
        limit: int,
    ) -> None:
        self.result = EntityPreview()
        self._alignment = alignment
        self._entity: EntitySettings = alignment.entity
        self._planning = planning
        self._promised = promised
        self._standing = standing
        self._known = known
        self._due = {key: cause for cause, keys in due.items() for key in keys}
        self._waits = waits
        self._limit = limit

    def run(self, request: Request) -> None:
        """What the request means, then what is due besides."""
        began = time.monotonic()
        pages = pages_of(request, self._standing, self._alignment)
        with self._alignment.source.snapshot() as reader:
            batches = BatchReader(pages, reader, PAGE_ROWS)
            self._take(steps(request, self._standing, batches, self._alignment, self._known))
            for cause in (Cause.RETRY, Cause.PARENT):
                keys = [key for key, of in self._due.items() if of is cause]
                self._take(listed(keys, cause, batches))
        self.release()
        self.result.books.seconds += time.monotonic() - began

    def release(self) -> None:
        """Plans again what waited for records that the plan has come to create since."""
        while keys := self._promised.released(self._entity.name):
            self._forget(keys)
            with self._alignment.source.snapshot() as reader:
                batches = BatchReader(self._alignment.pages, reader, PAGE_ROWS)
                self._take(listed(keys, Cause.PARENT, batches))

    def _take(self, found: Iterator[Step]) -> None:
        for planned in self._planning.planned(found):
            if planned.plan is not None:
                self._add(planned.plan)

    def _add(self, plan: Plan) -> None:
        books = self.result.books
        books.add(plan.detected, plan.counts())
        for reason, number in plan.skipped.items():
            books.skipped[reason] = books.skipped.get(reason, 0) + number
        self._promise(plan)
        self._show(plan)

    def _promise(self, plan: Plan) -> None:
        if self._due or self._waits:
            for key in plan.records.column(KEY).to_pylist():
                self._due.pop(key, None)
                self._waits.discard(key)
        self._promised.add(self._entity.name, plan.records)

    def _forget(self, keys: Sequence[str]) -> None:
        """Takes waiting records out of the books: they are planned once more."""
        books = self.result.books
        gone = set(keys)
        counted = len(gone - self._waits)
        books.detected -= counted
        books.counts[Outcome.WAITING] -= counted
        self.result.records = [record for record in self.result.records if record.key not in gone]

    def _show(self, plan: Plan) -> None:
        import pyarrow.compute as pc

        room = self._limit - len(self.result.records)
        if room <= 0:
            return
        records = plan.records
        numbers = pc.indices_nonzero(pc.not_equal(records.column(OUTCOME), Outcome.UNCHANGED.value))
        for number in numbers.slice(0, room).to_pylist():
            self.result.records.append(self._record(records, number, plan.problems.get(number)))

    def _record(self, records: pa.Table, number: int, problem: Problem | None) -> PlannedRecord:
        row = {
            name: records.column(name)[number].as_py()
            for name in (KEY, OPERATION, OUTCOME, CAUSE, CHANGES, PAYLOAD, MISSING)
        }
        changes = pairs(self._entity, row[CHANGES])
        if row[OPERATION] == Operation.CREATE:
            changes = {name: (None, value) for name, value in values(self._entity, row[PAYLOAD]).items()}
        if row[OPERATION] == Operation.DELETE:
            changes = {name: (value, None) for name, value in values(self._entity, row[PAYLOAD]).items()}
        if row[OUTCOME] == Outcome.WAITING:
            parent = row[MISSING]
            problem = Problem.waiting(parent["entity"], parent["key"])
        return PlannedRecord(
            row[KEY],
            Operation(row[OPERATION]),
            Outcome(row[OUTCOME]),
            Cause(row[CAUSE]),
            changes,
            problem.code if problem else None,
            problem.text if problem else None,
        )
