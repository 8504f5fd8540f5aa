"""Owns the middle stages of a run: plan each batch, announce what it delivers, deliver it, settle it."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from itertools import takewhile
from typing import TYPE_CHECKING

from marea.capture.batch import Batch, BatchReader, Misfit
from marea.capture.step import Step
from marea.engine.entity.alignment import Alignment
from marea.engine.entity.clock import Clock
from marea.engine.entity.private import PRIVATE, private_columns
from marea.engine.run.claimed import are_kept, unclaimed
from marea.engine.run.departures import Departures
from marea.errors import SystemUnreachable
from marea.flow import Plan
from marea.model import KEYLESS, NOT_UNIQUE, UNREADABLE, Cause, Operation, RecordState
from marea.planning.absent import Leaving
from marea.ports import DIGEST, KEY, TRIED
from marea.sql.arrays import put
from marea.store.custody import Announced

if TYPE_CHECKING:
    import pyarrow as pa

    from marea.delivery.settle import Settlement
    from marea.mapping.mapper import LookUp
    from marea.planning.claims import Claims
    from marea.planning.plan import Planner
    from marea.stop import Stop
    from marea.store.ledger import Ledger


@dataclass(frozen=True, slots=True)
class Planned:
    """A batch's plan, and the position once it is settled; without a plan the position moves alone."""

    plan: Plan | None
    position: str | None
    release: Callable[[], None] | None = None
    """Lets go of what the source keeps for it, once it is committed (I2)."""
    intent: int | None = None
    """The number under which its delivery was announced; None where it delivers nothing."""


@dataclass(frozen=True, slots=True)
class Settled:
    """What a batch came to, ready to be committed."""

    position: str | None
    """None where it stays: what the target left undecided is read again (I1)."""
    release: Callable[[], None] | None = None
    """Lets go of what the source keeps for it (I2); None where that is still needed."""
    settlement: Settlement | None = None
    intent: int | None = None
    """The number of the intent that this answers."""
    skipped: Mapping[str, int] = field(default_factory=dict)
    """Why records are unchanged, or rows left out that are no records -> how many."""
    away: SystemUnreachable | None = None
    """Set when the target went away: what it did not decide is deferred."""


class Planning:
    """Maps and plans the batches of one entity against what the ledger knows."""

    def __init__(
        self,
        alignment: Alignment,
        ledger: Ledger,
        entity: int,
        look_up: LookUp,
        *,
        resend: bool,
        named: bool = False,
        leaving: Leaving = Leaving.DUE,
        contested: Mapping[str, Sequence[str]],
    ) -> None:
        """`named`: somebody asks for these records by key, and so has looked where a create is in doubt.

        `leaving`: what becomes of those that have left the source, unless `deletes` keeps them.
        `contested`: the ids at the target that several records have -> their keys.
        """
        self._alignment = alignment
        self._ledger = ledger
        self._entity = entity
        self._look_up = look_up
        self._resend = resend
        self._named = named
        self._contested = contested
        # None in a run, which has made them due; a dry run reads them as the run to come will.
        self._in_doubt = ledger.in_doubt(entity)
        # A first load does not ask a ledger that knows nothing; its keys come once each.
        self._nothing_known = ledger.empty(entity) and not self._in_doubt
        self._tried = ledger.tried(entity)
        tried = set(self._tried.column("key").to_pylist()) if self._tried is not None else set()
        self._departures = Departures(alignment, ledger, entity, leaving, named=named, tried=tried)
        self._claims = self._claims_kept() if are_kept(alignment, ledger, entity) else None

    def planned(self, steps: Iterator[Step]) -> Generator[Planned, None, None]:
        """The plan of each step's batch."""
        # Not a loop: its variable would hold a batch for as long as the next one takes.
        yield from map(self._planned, steps)

    def _planned(self, step: Step) -> Planned:
        return Planned(self._plan(step.batch) if step.batch else None, step.position, step.release)

    @cached_property
    def _planner(self) -> Planner:
        from marea.planning.plan import Planner

        mapping = self._alignment.mapper.mapping
        fields = [name for name, _ in mapping.fields]
        dated = self._alignment.aggregate.dated
        key = self._alignment.entity.target.key
        return Planner(fields, key, mapping.form, self._ledger.payloads, dated=dated)

    def _claims_kept(self) -> Claims:
        from marea.planning.claims import Claims

        entity = self._alignment.entity
        holders = partial(self._ledger.holders, self._entity)
        # None in a run, which has written them; a dry run takes them as the run to come will.
        before = unclaimed(self._alignment, self._ledger, self._entity)
        return Claims(entity.name, entity.target.key, entity.private, holders, self._absent, before)

    def _absent(self, keys: list[str]) -> set[str]:
        """Those of some records that are not in the source any more, as it is at this moment."""
        pages = self._alignment.pages
        with self._alignment.source.snapshot() as reader:
            batches = BatchReader(pages, reader, len(keys)).listed(keys, Cause.RETRY)
            return {key for batch in batches for key in batch.absent}

    def committed(self) -> None:
        """The oldest of the plans made here is committed with its outcome."""
        if self._claims is not None:
            self._claims.committed()

    def _plan(self, batch: Batch) -> Plan:
        records = self._alignment.mapper.map(batch.root, batch.related, self._look_up)
        if batch.misfits:
            records = self._without_misfits(records, batch.misfits)
        if batch.digests is not None:
            records = _with_digests(records, batch.root.column(KEY), batch.digests)
        if batch.repeated:
            records = _without_repeated(records, batch.repeated)
        known = self._known(records.column(KEY).combine_chunks())
        plan = self._planner.plan(records, known, batch.cause, detected=batch.detected, resend=self._resend)
        if batch.absent:
            plan = self._departures.planned(plan, batch)
        if self._contested:
            plan = self._without_contested(plan, self._contested)
        if self._tried is not None:
            plan = _with_tried(plan, self._tried)
        if batch.keyless:
            plan = replace(plan, skipped={**plan.skipped, KEYLESS: batch.keyless})
        return self._claims.decided(plan) if self._claims else plan

    def _without_contested(self, plan: Plan, contested: Mapping[str, Sequence[str]]) -> Plan:
        from marea.planning.taken import without_taken

        return without_taken(plan, contested, self._alignment.entity.name)

    def _without_misfits(self, records: pa.Table, misfits: Mapping[str, Misfit]) -> pa.Table:
        """The records, those with a value that could not be read rejected: it must not be taken for NULL."""
        from marea.mapping.mapper import refused

        private = private_columns(self._alignment.entity)
        reasons = {
            key: f'column "{misfit.relation and misfit.relation + "."}{misfit.column}" ({misfit.type}) holds '
            f"{PRIVATE if misfit.column.lower() in private else misfit.value}, which it cannot hold"
            for key, misfit in misfits.items()
        }
        return refused(records, reasons, code=UNREADABLE)

    def _known(self, keys: pa.Array) -> pa.Table:
        """What the ledger knows; without doubts where they keep nothing back."""
        import pyarrow as pa

        if self._nothing_known:
            return self._ledger.nothing(keys)
        known = self._ledger.look_up(self._entity, keys)
        if self._in_doubt:
            known = _doubted(known, keys, self._in_doubt)
        doubt = known.column("doubt")
        certain = doubt.null_count == len(doubt) or not (self._named or self._alignment.repeats)
        return known if certain else put(known, "doubt", pa.nulls(len(doubt), pa.string()))


def _without_repeated(records: pa.Table, repeated: Mapping[str, int]) -> pa.Table:
    """The records, those rejected whose key several rows have: none of them is the record."""
    from marea.mapping.mapper import refused

    reasons = {
        key: f"{number} rows of the source have the key {key}, which must name one record"
        for key, number in repeated.items()
    }
    return refused(records, reasons, code=NOT_UNIQUE)


def _with_digests(records: pa.Table, keys: pa.ChunkedArray, digests: pa.Array) -> pa.Table:
    """Mapped records with the digests of the rows of these keys."""
    from pyarrow import compute as pc

    return put(records, DIGEST, digests.take(pc.index_in(records.column(KEY), keys)))


def _doubted(known: pa.Table, keys: pa.Array, in_doubt: Mapping[str, Operation]) -> pa.Table:
    """What is known, with the records in doubt as due."""
    import pyarrow as pa
    from pyarrow import compute as pc

    places = pc.index_in(keys, pa.array(list(in_doubt), pa.string()))
    doubt = pa.array(list(in_doubt.values()), pa.string()).take(places)
    doubted = pc.is_valid(places)
    known = put(known, "state", pc.if_else(doubted, RecordState.DUE.value, known["state"]))
    known = put(known, "unsent", pc.if_else(doubted, pa.scalar(0, pa.int32()), known["unsent"]))
    return put(known, "doubt", pc.coalesce(doubt, known["doubt"]))


def _with_tried(plan: Plan, tried: pa.Table) -> Plan:
    """The plan with the keys that its records may stand under."""
    from pyarrow import compute as pc

    places = pc.index_in(plan.records.column(KEY), tried.column("key"))
    return replace(plan, records=put(plan.records, TRIED, tried.column("tried").take(places)))


def intended(
    plans: Iterator[Planned], alignment: Alignment, announce: Callable[[Announced], int]
) -> Generator[Planned, None, None]:
    """Announce each plan's deliveries before they are handed on to be made."""
    from marea.delivery.chosen import keys_to_deliver, keys_to_give

    key, stay = alignment.entity.target.key, alignment.keys_stay

    def announced(item: Planned) -> Planned:
        keys = keys_to_deliver(item.plan) if item.plan is not None else {}
        if item.plan is None or not keys:
            return item
        given = keys_to_give(item.plan, key, stay=stay)
        return replace(item, intent=announce(Announced(keys, given)))

    yield from map(announced, plans)


def under_lease(
    plans: Iterator[Planned], hold: Callable[[], None], begun: Callable[[int], None], stop: Stop
) -> Iterator[Planned]:
    """Pass on each plan under the lease, directly before it is delivered, and note that this begins.

    Nothing is passed on any more once `stop` is asked for: not even a position, which would move past
    what the delivery before left undecided.
    """

    def checked(item: Planned) -> Planned:
        if item.intent is not None:
            hold()
            begun(item.intent)
        return item

    return map(checked, takewhile(lambda _: not stop.asked, plans))


def delivered(
    plans: Iterator[Planned], alignment: Alignment, entities: Mapping[str, int], clock: Clock, stop: Stop
) -> Generator[Settled, None, None]:
    """Hand each plan's differences to the target and settle what became of them."""
    from marea.delivery.chosen import to_deliver
    from marea.delivery.deliver import deliver
    from marea.delivery.settle import settle

    system = alignment.entity.target.system

    def settled(item: Planned) -> Settled:
        if item.plan is None:
            return Settled(item.position, item.release)
        batch = to_deliver(item.plan)
        with alignment.placing():
            delivery = (
                deliver(system, alignment.target, alignment.shape, batch, stop) if batch.num_rows else None
            )
        settlement = settle(item.plan, delivery, entities, clock())
        whole = delivery is None or delivery.whole
        position, release = (item.position, item.release) if whole else (None, None)
        away = delivery.away if delivery else None
        return Settled(position, release, settlement, item.intent, item.plan.skipped, away)

    yield from map(settled, plans)


def ids_in_ledger(ledger: Ledger, entities: Mapping[str, int]) -> Callable[[str, pa.Array], pa.Table]:
    """What the ledger knows of the records that references name: key, target_id, delivered."""

    def look_up(entity: str, keys: pa.Array) -> pa.Table:
        return ledger.target_ids(entities[entity], keys).add_column(0, "key", keys)

    return look_up
