"""Owns the synchronization of one entity: capture, read, map, plan, deliver, commit."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from marea.capabilities import GivingIds
from marea.capture.batch import BatchReader
from marea.capture.step import Step
from marea.capture.sweep import swept
from marea.config.digest import MIXED
from marea.engine.entity.alignment import Alignment
from marea.engine.entity.captures import asked_before, choice, others
from marea.engine.entity.request import Request
from marea.engine.run.ahead import SideBySide
from marea.engine.run.context import Context
from marea.engine.run.counted import Again
from marea.engine.run.intents import Intents
from marea.engine.run.remarks import remarks
from marea.engine.run.restored import COMPARED, beside_source
from marea.engine.run.stages import (
    Planned,
    Planning,
    Settled,
    delivered,
    ids_in_ledger,
    intended,
    under_lease,
)
from marea.engine.run.steps import Standing, due_by_cause, listed, reads_all, standing_of, steps
from marea.errors import MareaError
from marea.model import Cause
from marea.store.commit import Commit, Move

if TYPE_CHECKING:
    from marea.capture.horizon import Before
    from marea.delivery.settle import Settlement
    from marea.engine.run.heartbeat import Heartbeat
    from marea.ports import Reader
    from marea.store.custody import Custody
    from marea.store.state import EntityRow

ONCE_ROWS = 20
"""Records a batch where a create is sent once: a person looks for each that a death leaves in doubt."""


_Find = Callable[[BatchReader], Generator[Step, None, None]]
"""Finds records with a reader of batches."""


class EntitySync:
    """Synchronizes one entity within one run, under its lease."""

    def __init__(
        self,
        context: Context,
        alignment: Alignment,
        row: EntityRow,
        mapping: str,
        custody: Custody,
        lease: Heartbeat,
    ) -> None:
        self._context = context
        self._alignment = alignment
        self._row = row
        self._entity = row.id
        self._name = alignment.entity.name
        self._mapping = mapping
        self._known_mapping = row.mapping
        self._stale = row.stale
        self._custody = custody
        self._lease = lease
        self._intents = Intents(context.state, custody)
        self._referrers = context.referrers.get(self._name, ())
        self._counted = context.counted[self._name]
        self._capture = choice(alignment, row).capture
        self._position = row.positions.get(self._capture)
        self._loading = False
        self._releases: list[Callable[[], None]] = []
        self._settled = 0
        self._since = time.monotonic()

    def run(self, request: Request) -> None:
        """Deliver what the request means.

        Raises SystemUnreachable when source or target is away, and what a `Stop` was asked for with
        when what was in delivery then is settled and committed.
        """
        standing = self._standing(request)
        # A first load notes what it goes by with its first batch: a mapping edited on the way begins it anew.
        self._loading = standing.loading and not request.selects
        with self._counted.look():
            self._flow(
                lambda batches: steps(request, standing, batches, self._alignment),
                resend=request.resend,
                named=bool(request.keys),
                moves=not request.selects,
            )
        if reads_all(request, standing, self._alignment.pages):
            self._ask_again()
        if not request.selects and self._outdated:
            self._commit(Settled(None), evaluated=True)

    def deliver_due(self) -> int:
        """Deliver records whose time has come or whose parent is there now; gives how many were there.

        A parent may be a record of this very entity, so it goes on until none is released.
        """
        seen: set[str] = set()
        before = self._settled
        while fresh := self._due(seen):
            seen.update(key for keys in fresh.values() for key in keys)
            for cause, keys in fresh.items():
                self._deliver(keys, cause)
        return self._settled - before

    def _ask_again(self) -> None:
        """Ask for what is in trouble and was not among all the records: its trouble ends when it is gone."""
        ledger, run = self._context.state.ledger, self._context.run
        left = ledger.troubled(self._entity, before=run).column("key").to_pylist()
        if left:
            self._deliver(left, Cause.RETRY)

    def _deliver(self, keys: Sequence[str], cause: Cause) -> None:
        self._flow(partial(listed, keys, cause))

    def _batches(self, reader: Reader, before: Before | None) -> BatchReader:
        """Reads as many records at once as may be in doubt together."""
        page = self._context.page
        rows = page if self._alignment.repeats else min(page, ONCE_ROWS)
        return BatchReader(self._alignment.pages, reader, rows, before)

    @property
    def _outdated(self) -> bool:
        """Whether the ledger follows another mapping, or ids that may have changed."""
        return self._known_mapping != self._mapping or self._stale is not None

    def _standing(self, request: Request) -> Standing:
        ledger = self._context.state.ledger
        troubled = ledger.troubled(self._entity).column("key").to_pylist() if request.only_failed else []
        standing = standing_of(self._alignment, self._row, troubled)
        found = beside_source(request, standing, self._alignment, self._row, ledger, self._context.page)
        if found.restored:
            self._context.notes.append(found.restored.told(COMPARED))
        return found

    def _due(self, seen: set[str]) -> dict[Cause, list[str]]:
        due = due_by_cause(self._context.state.ledger.due(self._entity, self._context.clock()))
        fresh = {cause: [key for key in keys if key not in seen] for cause, keys in due.items()}
        return {cause: keys for cause, keys in fresh.items() if keys}

    def _flow(self, find: _Find, *, resend: bool = False, named: bool = False, moves: bool = False) -> None:
        """Run the stages until nothing is left of what is found, or an end is asked for, which is raised.

        `moves`: the position may move.
        """
        try:
            self._run_stages(self._found(find, moves=moves), resend=resend, named=named)
        finally:
            # No stage delivers or announces any more. Where the state is away the intents stay as they are.
            with suppress(MareaError):
                self._intents.leave()
        self._release()
        self._lease.stop.check()

    def _release(self) -> None:
        """Let go of what the source keeps for what is committed (I2).

        Not while it is read: a SQLite file outside WAL mode takes no writer then, not even us.
        """
        releases, self._releases = self._releases, []
        for release in releases:
            release()

    def _found(self, find: _Find, *, moves: bool) -> Generator[Step, None, None]:
        """What is found at one moment of the source, which is opened and closed where it is read."""
        before = asked_before(self._capture, self._alignment) if moves else None
        with self._alignment.source.snapshot() as reader:
            batches = self._batches(reader, before)
            if before:
                self._note(remarks(self._alignment.entity, before.writers, batches))
            yield from find(batches)

    def _note(self, notes: Iterable[str]) -> None:
        """Says once a run what there is to say."""
        known = self._context.notes
        known += [note for note in notes if note not in known]

    def _run_stages(self, found: Generator[Step, None, None], *, resend: bool, named: bool) -> None:
        """Run the stages side by side and commit what comes out, batch by batch."""
        alignment, ledger = self._alignment, self._context.state.ledger
        look_up = ids_in_ledger(ledger, self._context.entities)
        contested = self._context.state.own_ids.contested(self._entity)
        planning = Planning(
            alignment, ledger, self._entity, look_up, resend=resend, named=named, contested=contested
        )
        if isinstance(alignment.target, GivingIds):
            alignment.target.heed_ids(self._is_given)
        with SideBySide() as ahead:
            read = ahead(found, "read", self._lease.stop, leave=True)
            settled = self._ahead if alignment.repeats else self._one_by_one
            for batch in settled(ahead, planning.planned(read)):
                self._commit(batch)
                if batch.release is not None:
                    self._releases.append(batch.release)
                if batch.settlement is not None:
                    planning.committed()
                if batch.away is not None:
                    raise batch.away

    def _is_given(self, target_id: str) -> bool:
        """Whether a record has this id at the target, by what is committed."""
        return self._context.state.own_ids.given(self._entity, target_id)

    def _ahead(self, ahead: SideBySide, plans: Generator[Planned, None, None]) -> Iterator[Settled]:
        """What plans come to, each announced while the one before is delivered, and that is committed."""
        announced = ahead(intended(plans, self._alignment, self._intents.announce), "plan", self._lease.stop)
        return ahead(self._delivered(announced), "deliver")

    def _one_by_one(self, ahead: SideBySide, plans: Generator[Planned, None, None]) -> Iterator[Settled]:
        """What plans come to, each announced when the one before is committed: one is in doubt at most."""
        planned = ahead(plans, "plan", self._lease.stop)
        return self._delivered(intended(planned, self._alignment, self._intents.announce))

    def _delivered(self, plans: Iterator[Planned]) -> Generator[Settled, None, None]:
        context, stop = self._context, self._lease.stop
        sent = under_lease(plans, self._lease.hold, self._intents.begun, stop)
        return delivered(sent, self._alignment, context.entities, context.clock, stop)

    def _commit(self, batch: Settled, *, evaluated: bool = False) -> None:
        """Write outcome, ledger, journal and position of a batch in one transaction (I1, I3).

        `evaluated`: every record has been looked at by the mapping of today.
        """
        moved = batch.position if batch.position is not None else self._position
        move = None
        if moved is not None and moved != self._position:
            move = Move(self._capture, self._position, moved, self._ended_by(moved))
        if batch.settlement is not None and self._alignment.gives_ids:
            batch = self._with_ids_apart(batch, batch.settlement)
        evaluated = evaluated or (self._loading and self._outdated and move is not None)
        if batch.settlement is None and move is None and not evaluated:
            return
        written = self._written(batch, move, evaluated=evaluated)
        self._context.state.commit(written)
        self._intents.answered(batch.intent)
        self._since += written.seconds
        self._position = moved
        self._known_mapping = written.mapping or self._known_mapping
        if evaluated:
            self._stale = None
        self._settled += written.detected
        self._context.progress(self._name, self._settled)

    def _ended_by(self, moved: str) -> tuple[str, ...]:
        """The captures by which the entity went before, once this one has read all records."""
        return others(self._capture, self._row) if self._loading and swept(moved) is None else ()

    def _with_ids_apart(self, batch: Settled, settlement: Settlement) -> Settled:
        """The batch, those of its records in trouble whose id at the target another one has."""
        from marea.delivery.taken import apart

        holders = partial(self._context.state.own_ids.holders, self._entity)
        return replace(batch, settlement=apart(settlement, holders, self._name))

    def _written(self, batch: Settled, move: Move | None, *, evaluated: bool) -> Commit:
        """What the commit of a batch writes."""
        settlement = batch.settlement
        again = self._counted.count(settlement.ends, batch.skipped) if settlement else Again()
        return Commit(
            entity=self._entity,
            run=self._context.run,
            fence=self._custody.fence,
            at=self._context.clock(),
            rows=settlement.rows if settlement else None,
            position=move,
            intent=batch.intent,
            mapping=self._mapping if evaluated else self._mixed(batch),
            ends_stale=self._stale if evaluated else None,
            referrers=self._referrers if settlement and settlement.renamed else (),
            gives_ids=self._alignment.gives_ids,
            detected=settlement.detected if settlement else 0,
            counts=settlement.counts if settlement else {},
            skipped=batch.skipped,
            again=again.counts,
            skipped_again=again.skipped,
            seconds=time.monotonic() - self._since,
        )

    def _mixed(self, batch: Settled) -> str | None:
        """What to note when only some records follow today's mapping: it may be taken back before all do."""
        known = (None, MIXED, self._mapping)
        return MIXED if batch.settlement is not None and self._known_mapping not in known else None
