"""Owns taking what is found of one entity through the stages, side by side, until nothing of it is left."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING

from marea.capabilities import GivingIds
from marea.capture.batch import BatchReader
from marea.capture.step import Step
from marea.engine.entity.alignment import Alignment
from marea.engine.entity.captures import asked_before
from marea.engine.run.ahead import SideBySide
from marea.engine.run.context import Context
from marea.engine.run.intents import Intents
from marea.engine.run.remarks import remarks
from marea.engine.run.stages import (
    Planned,
    Planning,
    Settled,
    delivered,
    ids_in_ledger,
    intended,
    under_lease,
)
from marea.errors import MareaError
from marea.planning.absent import Leaving

if TYPE_CHECKING:
    from marea.capture.horizon import Before
    from marea.engine.run.heartbeat import Heartbeat
    from marea.ports import Reader

ONCE_ROWS = 20
"""Records a batch where a create is sent once: a person looks for each that a death leaves in doubt."""

Find = Callable[[BatchReader], Generator[Step, None, None]]
"""Finds records with a reader of batches."""


class Pipeline:
    """The stages of one entity in one run; what they come to is handed on batch by batch."""

    def __init__(
        self,
        context: Context,
        alignment: Alignment,
        capture: str,
        entity: int,
        intents: Intents,
        lease: Heartbeat,
        commit: Callable[[Settled], None],
    ) -> None:
        self._context = context
        self._alignment = alignment
        self._capture = capture
        self._entity = entity
        self._intents = intents
        self._lease = lease
        self._commit = commit
        self._releases: list[Callable[[], None]] = []
        self.pages = alignment.pages
        """What reads the records: with their digests where these are compared."""

    def run(
        self,
        find: Find,
        *,
        resend: bool = False,
        named: bool = False,
        leaving: Leaving = Leaving.DUE,
        moves: bool = False,
    ) -> None:
        """Run the stages until nothing is left of what is found, or an end is asked for, which is raised.

        `moves`: the position may move.
        """
        try:
            self._run_stages(self._found(find, moves=moves), resend=resend, named=named, leaving=leaving)
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

    def _found(self, find: Find, *, moves: bool) -> Generator[Step, None, None]:
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

    def _run_stages(
        self, found: Generator[Step, None, None], *, resend: bool, named: bool, leaving: Leaving
    ) -> None:
        """Run the stages side by side and commit what comes out, batch by batch."""
        alignment, ledger = self._alignment, self._context.state.ledger
        look_up = ids_in_ledger(ledger, self._context.entities)
        contested = self._context.state.own_ids.contested(self._entity)
        planning = Planning(
            alignment,
            ledger,
            self._entity,
            look_up,
            resend=resend,
            named=named,
            leaving=leaving,
            contested=contested,
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

    def _batches(self, reader: Reader, before: Before | None) -> BatchReader:
        """Reads as many records at once as may be in doubt together."""
        page = self._context.page
        rows = page if self._alignment.repeats else min(page, ONCE_ROWS)
        return BatchReader(self.pages, reader, rows, before)
