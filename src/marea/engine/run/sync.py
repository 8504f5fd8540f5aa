"""Owns the synchronization of one entity: capture, read, map, plan, deliver, commit."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from marea.capture.sweep import swept
from marea.config.digest import MIXED
from marea.engine.entity.alignment import Alignment
from marea.engine.entity.captures import choice, keep, others
from marea.engine.entity.request import Request
from marea.engine.run.context import Context
from marea.engine.run.counted import Again
from marea.engine.run.departures import let_pass
from marea.engine.run.intents import Intents
from marea.engine.run.pipeline import Pipeline
from marea.engine.run.restored import COMPARED, beside_source
from marea.engine.run.stages import (
    Settled,
)
from marea.engine.run.steps import (
    Standing,
    due_by_cause,
    listed,
    pages_of,
    reads_all,
    standing_of,
    steps,
)
from marea.model import Cause
from marea.planning.absent import Leaving
from marea.store.commit import Commit, Move

if TYPE_CHECKING:
    from marea.delivery.settle import Settlement
    from marea.engine.run.heartbeat import Heartbeat
    from marea.store.custody import Custody
    from marea.store.state import EntityRow


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
        self._pipeline = Pipeline(
            context, alignment, self._capture, row.id, self._intents, lease, self._commit
        )
        self._position = row.positions.get(self._capture)
        self._loading = False
        self._settled = 0
        self._since = time.monotonic()

    def run(self, request: Request) -> None:
        """Deliver what the request means.

        Raises SystemUnreachable when source or target is away, and what a `Stop` was asked for with
        when what was in delivery then is settled and committed.
        """
        standing = self._standing(request)
        self._pipeline.pages = pages_of(request, standing, self._alignment)
        known = self._context.state.ledger.digests(self._entity)
        # A first load notes what it goes by with its first batch: a mapping edited on the way begins it anew.
        self._loading = standing.loading and not request.selects
        with self._counted.look():
            self._pipeline.run(
                lambda batches: steps(request, standing, batches, self._alignment, known),
                resend=request.resend,
                named=bool(request.keys),
                moves=not (request.selects or (request.reconcile and not standing.loading)),
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

    def deliver_leaving(self, found_by: int | None) -> None:
        """Delete what has left the source, or of it what one run has found; each is read once more (I7).

        What the guard does not let pass is held back first: should the run end there, nothing passes later.
        """
        state = self._context.state
        keys = state.departed.due(self._entity, found_by)
        passing = let_pass(self._alignment, state.ledger, self._entity, len(keys))
        self._leave(keys[passing:], Leaving.HELD)
        self._leave(keys[:passing], Leaving.DELETED)

    def deliver_held(self, run: int) -> None:
        """Delete what a run has held back, as far as it is still gone from the source."""
        self._leave(self._context.state.departed.held(self._entity, run), Leaving.DELETED)

    def _leave(self, keys: Sequence[str], leaving: Leaving) -> None:
        if keys:
            self._pipeline.run(partial(listed, keys, Cause.RETRY), leaving=leaving)

    def _ask_again(self) -> None:
        """Ask for what is in trouble and was not among all the records: its trouble ends when it is gone."""
        ledger, run = self._context.state.ledger, self._context.run
        left = ledger.troubled(self._entity, before=run).column("key").to_pylist()
        if left:
            self._deliver(left, Cause.RETRY)

    def _deliver(self, keys: Sequence[str], cause: Cause) -> None:
        self._pipeline.run(partial(listed, keys, cause))

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
        if not request.selects:
            keep(self._capture, found.position, self._alignment)
        return found

    def _due(self, seen: set[str]) -> dict[Cause, list[str]]:
        due = due_by_cause(self._context.state.ledger.due(self._entity, self._context.clock()))
        fresh = {cause: [key for key in keys if key not in seen] for cause, keys in due.items()}
        return {cause: keys for cause, keys in fresh.items() if keys}

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
