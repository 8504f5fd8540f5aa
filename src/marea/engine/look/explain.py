"""Owns the life of one record: in the source now, in the ledger, in the log, and what they come to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import tzinfo
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, Any

from marea.capture.batch import Batch, BatchReader
from marea.capture.names import WATERMARK
from marea.capture.step import Step
from marea.config.settings import EntitySettings, Settings
from marea.engine.entity.alignment import Alignment
from marea.engine.entity.captures import known_capture
from marea.engine.entity.clock import Clock
from marea.engine.entity.keys import Key, key_text, likely_texts
from marea.engine.entity.known import known_entity, known_ids
from marea.engine.entity.present import present, unknown
from marea.engine.entity.private import NAME_IN_SQL, PRIVATE, hidden, pairs, private_columns, values
from marea.engine.entity.request import Request
from marea.engine.entity.systems import Systems
from marea.engine.look.finding import Finding, Parent, Verdict
from marea.engine.look.promised import Promised
from marea.engine.look.status import loaded
from marea.engine.look.verdict import judge
from marea.engine.run.context import PAGE_ROWS
from marea.engine.run.restored import beside_source
from marea.engine.run.stages import Planning, ids_in_ledger
from marea.engine.run.steps import meets, pages_of, standing_of
from marea.errors import SystemUnreachable
from marea.flow import MISSING, OUTCOME, Plan
from marea.model import Cause, Outcome, Presence, Problem
from marea.ports import CHANGES, KEY, PAYLOAD, STAMP

if TYPE_CHECKING:
    from marea.store.journal import Entry
    from marea.store.ledger import RecordRow
    from marea.store.state import EntityRow, State

ENTRIES = 20  # shown of one record, newest first


@dataclass(frozen=True, slots=True)
class SourceNow:
    """The record as the source has it at this moment."""

    system: str
    found: Presence
    message: str = ""
    """Why it did not answer, or was not asked."""
    row: Mapping[str, Any] = field(default_factory=dict)
    """The root row's columns that the mapping, `where` and `modified` use."""
    related: Mapping[str, list[dict[str, Any]]] = field(default_factory=dict)
    """Relation -> its rows."""


@dataclass(frozen=True, slots=True)
class PlanNow:
    """What a delivery of the record would be at this moment."""

    outcome: Outcome
    payload: Mapping[str, Any]
    changes: Mapping[str, tuple[Any, Any]]
    """Field -> (in the ledger, now)."""
    stamp: str | None
    read: bool = True
    """Whether the next run reads the record."""
    problem: Problem | None = None
    parent: tuple[str, str] | None = None
    """(entity, key) of the record it refers to that is not in the target."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """Everything there is to say about one record."""

    entity: str
    key: str
    """JSON text."""
    target: str
    verdict: Verdict
    source: SourceNow
    now: PlanNow | None
    """None where the source has no such record, did not answer, or was not asked."""
    ledger: RecordRow | None
    """None where Marea has never seen it."""
    delivered: Mapping[str, Any]
    """The last agreed payload."""
    entries: list[Entry]
    """Its last ones in the log, newest first."""


class Explainer:
    """Explains records of one project."""

    def __init__(self, settings: Settings, state: State, systems: Systems, clock: Clock) -> None:
        self._settings = settings
        self._state = state
        self._systems = systems
        self._clock = clock

    def explain(self, entity: EntitySettings, key: Key, zone: tzinfo | None) -> Explanation:
        """The life of one record. Raises ConfigurationError; a source that is away is in the answer."""
        return _Life(self._settings, self._state, self._systems, entity, key).told(zone, self._clock())


class _Life:
    """One record while its explanation is put together."""

    def __init__(
        self, settings: Settings, state: State, systems: Systems, entity: EntitySettings, key: Key
    ) -> None:
        self._settings = settings
        self._state = state
        self._entity = entity
        self._given = key
        self._systems = systems
        self._alignment = Alignment(settings, entity, systems)
        self._row: EntityRow = known_entity(state, entity)

    def told(self, zone: tzinfo | None, at: int) -> Explanation:
        source, now = self._read()
        ledger = self._state.ledger.record(self._row.id, self._key)
        capture = known_capture(self._entity, self._row) or WATERMARK
        finding = Finding(
            self._entity,
            self._key,
            source.found,
            source.message,
            now,
            ledger,
            loaded(self._row.positions.get(capture)),
            self._parent(now),
            self._key in self._state.ledger.in_doubt(self._row.id),
            self._state.ledger.is_due(self._row.id, at, self._key),
            capture == WATERMARK,
            zone,
        )
        return Explanation(
            self._entity.name,
            self._key,
            self._entity.target.system,
            judge(finding),
            source,
            now,
            ledger,
            values(self._entity, ledger.payload if ledger else None),
            list(self._entries(self._entity.name, self._key)),
        )

    @cached_property
    def _key(self) -> str:
        """The key in the ledger's form; where the source cannot tell its types, the form the ledger has."""
        try:
            return key_text(self._given, self._entity.name, self._alignment.aggregate.key)
        except SystemUnreachable:
            likely = likely_texts(self._given, len(self._entity.source.key))
            known = (text for text in likely if self._state.ledger.record(self._row.id, text))
            return next(known, likely[0])

    def _entries(self, entity: str, key: str) -> Iterator[Entry]:
        from marea.store.journal import EntryFilter

        found = self._state.journal.entries(EntryFilter(entity, key), ENTRIES)
        return hidden(self._settings, islice(found, ENTRIES))

    def _parent(self, now: PlanNow | None) -> Parent | None:
        """Where the record stands that this one waits for."""
        if now is None or now.parent is None:
            return None
        name, key = now.parent
        entity = self._settings.entities[name]
        record = self._state.ledger.record(known_entity(self._state, entity).id, key)
        there = present(Alignment(self._settings, entity, self._systems), key)
        return Parent(entity, key, there.found, there.key or key, record.trouble if record else None)

    # -- the source ------------------------------------------------------------------------

    def _read(self) -> tuple[SourceNow, PlanNow | None]:
        there = present(self._alignment, self._key)
        if there.batch is None:
            return SourceNow(there.system, there.found, there.message), None
        try:
            now = self._plan(there.batch) if there.found is Presence.THERE else None
            return self._source_now(there.found, there.batch), now
        except SystemUnreachable as error:
            return SourceNow(error.system, unknown(error), error.message), None

    def _source_now(self, found: Presence, batch: Batch) -> SourceNow:
        row = batch.root.slice(0, 1).to_pylist()[0]
        related = {path: list(map(self._plain, rows.to_pylist())) for path, rows in batch.related.items()}
        return SourceNow(self._entity.source.system, found, "", self._plain(row | self._telling()), related)

    def _telling(self) -> Mapping[str, Any]:
        """The root row's columns that say whether it is meant, and when it was edited."""
        pages = self._alignment.pages
        source = self._entity.source
        words = set(NAME_IN_SQL.findall(f"{source.where or ''} {source.modified or ''}".lower()))
        columns = [column for column in pages.aggregate.table.columns if column.name.lower() in words]
        read = tuple(dict.fromkeys((*pages.aggregate.key, *columns)))
        bare = replace(pages.aggregate, columns=read, where=None, relations=())
        pages = replace(pages, aggregate=bare)
        with self._alignment.source.snapshot() as reader:
            found = BatchReader(pages, reader, 1).read(pages.keys(f"[{self._key}]"), Cause.REQUEST)
            rows = [row for batch in found for row in batch.root.to_pylist()]
        return {column.name: rows[0][column.name] for column in columns} if rows else {}

    def _plain(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """A row without the columns that only travel along, private ones hidden."""
        private = private_columns(self._entity)
        return {
            name: PRIVATE if name.lower() in private else value
            for name, value in row.items()
            if not name.startswith("$")
        }

    def _plan(self, batch: Batch) -> PlanNow:
        ledger = self._state.ledger
        look_up = Promised().beside(ids_in_ledger(ledger, known_ids(self._state, self._settings)))
        contested = self._state.own_ids.contested(self._row.id)
        planning = Planning(self._alignment, ledger, self._row.id, look_up, resend=False, contested=contested)
        planned = next(planning.planned(iter([Step(batch, None)])))
        if planned.plan is None:
            raise AssertionError("a step with a batch has a plan")
        return _plan_now(self._entity, planned.plan, read=self._meets())

    def _meets(self) -> bool:
        """Whether the next run reads the record."""
        standing = standing_of(self._alignment, self._row)
        ledger = self._state.ledger
        standing = beside_source(Request(), standing, self._alignment, self._row, ledger, PAGE_ROWS)
        pages, known = pages_of(Request(), standing, self._alignment), ledger.digests(self._row.id)
        with self._alignment.source.snapshot() as reader:
            return meets(standing, BatchReader(pages, reader, 1), self._alignment, known, self._key)


def _plan_now(entity: EntitySettings, plan: Plan, *, read: bool) -> PlanNow:
    row = {
        name: plan.records.column(name)[0].as_py()
        for name in (KEY, OUTCOME, CHANGES, PAYLOAD, STAMP, MISSING)
    }
    outcome = Outcome(row[OUTCOME])
    parent = row[MISSING]
    waits = outcome is Outcome.WAITING
    return PlanNow(
        outcome,
        values(entity, row[PAYLOAD]),
        pairs(entity, row[CHANGES]),
        row[STAMP],
        read,
        plan.problems.get(0),
        (parent["entity"], parent["key"]) if waits and parent else None,
    )
