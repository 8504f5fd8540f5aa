"""Owns the passes of a run over its entities: what changed, what is released by that, then what has left."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from marea.config.digest import mapping_digest
from marea.engine.entity.alignment import Alignment
from marea.engine.entity.basis import as_text, begins_anew, differences
from marea.engine.entity.known import basis_for
from marea.engine.entity.request import Request
from marea.engine.run.claimed import keep_claims
from marea.engine.run.context import Context
from marea.engine.run.heartbeat import Heartbeat
from marea.engine.run.undone import Undone
from marea.store.custody import Custody

if TYPE_CHECKING:
    from marea.engine.run.sync import EntitySync
    from marea.store.state import EntityRow


class Passes:
    """Goes through the entities of one run, parents first; what is left undone is noted."""

    def __init__(
        self,
        context: Context,
        alignments: Mapping[str, Alignment],
        rows: Mapping[str, EntityRow],
        owner: str,
        undone: Undone,
    ) -> None:
        self._context = context
        self._state = context.state
        self._alignments = alignments
        self._rows = rows
        self._owner = owner
        self._undone = undone

    def run(self, request: Request, quiet: Set[str]) -> None:
        """Run the entities one after the other, but for quiet ones that nothing wakes."""
        if request.approves is not None:
            self._approve(request.approves)
            return
        for name in self._alignments:
            awake = name not in quiet or self._is_stale(name) or self._is_due(name)
            if (
                not awake
                or self._undone.attempt(self._alignments[name], self._work(name, request)) is not None
            ):
                self._undone.ended.add(name)
        if not request.selects:
            self._release()
        self._delete(self._context.run if request.selects else None)

    def _release(self) -> None:
        """Deliver what waited for a parent that came after it, round by round until none is released.

        What was given ids that its parents changed later is looked at as a whole, once a run:
        a target that gives other ids each time would not let it end.
        """
        stale = set(self._alignments)
        released = True
        while released:
            asked: dict[str, Request | None] = {name: None for name in self._alignments if self._is_due(name)}
            asked |= {name: Request() for name in stale if self._is_stale(name)}
            stale -= {name for name, request in asked.items() if request}
            released = False
            for name, request in asked.items():
                number = self._undone.attempt(self._alignments[name], self._work(name, request))
                released = bool(number or request) or released

    def _delete(self, found_by: int | None) -> None:
        """Delete what has left the sources, children before their parents, and after all that is written.

        `found_by` is a run that has found it; None for whichever did.
        """
        for name in reversed(list(self._alignments)):
            if not self._state.departed.any_due(self._rows[name].id, found_by):
                continue
            work = partial(self._delete_of, name, found_by)
            if self._undone.attempt(self._alignments[name], work) is None:
                self._undone.ended.discard(name)

    def _approve(self, run: int) -> None:
        """Delete what a run has held back, as far as it is gone still; children before their parents."""
        for name in reversed(list(self._alignments)):
            if self._undone.attempt(self._alignments[name], partial(self._approved, name, run)) is not None:
                self._undone.ended.add(name)

    def _approved(self, name: str, run: int) -> bool:
        with self._syncing(name, Request()) as sync:
            sync.deliver_held(run)
        return True

    def _work(self, name: str, request: Request | None) -> partial[int]:
        return partial(self._entity, name, request)

    def _entity(self, name: str, request: Request | None) -> int:
        """Deliver what the request means, if any, then what is due; gives how many of the latter."""
        with self._syncing(name, request or Request()) as sync:
            if request is not None:
                sync.run(request)
            return 0 if request is not None and request.selects else sync.deliver_due()

    def _delete_of(self, name: str, found_by: int | None) -> bool:
        with self._syncing(name, Request()) as sync:
            sync.deliver_leaving(found_by)
        return True

    @contextmanager
    def _syncing(self, name: str, request: Request) -> Iterator[EntitySync]:
        """An entity taken over, under a lease of its own."""
        # Imported where records move: most runs end before.
        from marea.engine.run.sync import EntitySync

        context, alignment, number = self._context, self._alignments[name], self._rows[name].id
        context.stop.check()
        with Heartbeat(self._state.leases, number, self._owner, context.clock, context.stop) as lease:
            custody = Custody(number, context.run, lease.fence)
            row = self._taken_over(alignment, custody, request)
            yield EntitySync(context, alignment, row, mapping_digest(alignment.entity), custody, lease)

    def _taken_over(self, alignment: Alignment, custody: Custody, request: Request) -> EntityRow:
        """The entity as it stands under the lease: until now another run may have moved it."""
        name, target = alignment.entity.name, alignment.entity.target.system
        row = self._state.entity(name, target)
        basis = alignment.basis
        known = basis_for(self._state, row, basis, request)
        if not request.anew:
            alignment.check_basis(known)
        anew = begins_anew(known, row.basis, basis)
        elsewhere = bool(differences(row.basis, basis))
        now, referrers = self._context.clock(), self._context.referrers.get(name, ())
        self._state.take_over(
            custody, now, as_text(basis), anew=anew, elsewhere=elsewhere, referrers=referrers
        )
        if request.anew:
            self._state.own_ids.distrust(custody, now)
        row = self._state.entity(name, target)
        keep_claims(self._state, alignment, row, custody)
        return row

    def _is_stale(self, name: str) -> bool:
        return self._state.is_stale(self._rows[name].id)

    def _is_due(self, name: str) -> bool:
        return self._state.ledger.is_due(self._rows[name].id, self._context.clock())
