"""Owns one run over several entities: their order, their leases, what a missing system stops, the end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from contextlib import contextmanager, suppress
from functools import partial
from threading import Thread
from typing import TYPE_CHECKING

from marea.config.digest import mapping_digest
from marea.config.settings import Settings
from marea.engine.entity.alignment import Alignment
from marea.engine.entity.basis import as_text, begins_anew, differences
from marea.engine.entity.clock import Clock
from marea.engine.entity.known import basis_for
from marea.engine.entity.order import in_order, referrers, waking
from marea.engine.entity.ready import check, make_ready
from marea.engine.entity.request import Request
from marea.engine.entity.systems import Systems
from marea.engine.run.circles import tell_circles
from marea.engine.run.claimed import keep_claims
from marea.engine.run.context import PAGE_ROWS, Context, Progress
from marea.engine.run.counted import Counted
from marea.engine.run.ended import Run, status_of
from marea.engine.run.heartbeat import Heartbeat
from marea.engine.run.left import Left, left_of
from marea.engine.run.quiet import is_quiet
from marea.engine.run.undone import Undone
from marea.errors import MareaError, RunInterrupted, RunStopped
from marea.model import Outcome, RunKind, RunStatus
from marea.stop import Stop
from marea.store.custody import Custody
from marea.store.owner import current_owner

if TYPE_CHECKING:
    from marea.store.journal import Entry
    from marea.store.state import EntityRow, State


class Runner:
    """Performs runs of one project."""

    def __init__(
        self, settings: Settings, state: State, systems: Systems, clock: Clock, page: int = PAGE_ROWS
    ) -> None:
        self._settings = settings
        self._state = state
        self._systems = systems
        self._clock = clock
        self._page = page
        self._owner = current_owner()

    def run(
        self, names: Sequence[str], request: Request, progress: Progress, stop: Stop | None = None
    ) -> Run:
        """Synchronize entities, parents first. What cannot be reached is in the run's messages, not raised.

        `stop` ends it early: what is in delivery then is settled and committed. Raises
        ConfigurationError before the run is begun; and where only a delivery shows the fault, as RunStopped
        when going on could lose or invent data: the run is then closed as failed.
        """
        stop = stop or Stop()
        started = self._clock()
        rows = self._rows()
        order = in_order(self._settings.entities, names)
        alignments = {name: self._alignment(rows[name], request) for name in order}
        undone = Undone()
        quiet = {name for name in order if self._is_quiet(alignments[name], rows[name], request, undone)}
        awake = [alignments[name] for name in waking(self._settings.entities, order, quiet)]
        notes: list[str] = []
        self._make_ready(awake, rows, request, undone, notes)
        kind = RunKind.FULL if request.full else RunKind.INCREMENTAL
        stop.heeded = True
        run = self._state.runs.begin(kind, request.command, self._owner, started)
        ids = {name: row.id for name, row in rows.items()}
        referring = referrers(self._settings.entities)
        referrer_ids = {name: [ids[one] for one in others] for name, others in referring.items()}
        counted = self._counted(order)
        context = Context(
            self._state, run, ids, referrer_ids, counted, self._clock, progress, self._page, notes, stop
        )
        met = [rows[name] for name in order]
        with self._closing(run):
            try:
                self._entities(alignments, quiet, rows, context, request, undone)
            except RunInterrupted as error:
                undone.interrupted(error, self._settled(run, met))
            left = Left() if request.selects else left_of(alignments, met, self._state.ledger, run)
            return self._finished(run, kind, started, undone, notes, met, left)

    @contextmanager
    def _closing(self, run: int) -> Iterator[None]:
        """Closes a run that an error ends: as interrupted or as failed, with the error's words."""
        try:
            yield
        except BaseException as error:
            # Words of foreign errors may hold a password; ours do not.
            text = str(error) if isinstance(error, MareaError) else f"internal error: {type(error).__name__}"
            status = RunStatus.INTERRUPTED if isinstance(error, KeyboardInterrupt) else RunStatus.FAILED
            # The error says more than one of a state that is away, and the next run closes this one.
            with suppress(MareaError):
                self._state.runs.finish(run, status, self._clock(), text)
            raise

    def _settled(self, run: int, rows: Sequence[EntityRow]) -> int:
        """How many records a run has met, without those that it deferred."""
        books = [self._state.runs.books(run, row.id) for row in rows]
        return sum(book.detected - book.counts[Outcome.DEFERRED] for book in books)

    def _rows(self) -> dict[str, EntityRow]:
        """Every entity of the configuration in the state: references may name any of them."""
        return {
            name: self._state.entity(name, entity.target.system)
            for name, entity in self._settings.entities.items()
        }

    def _entities(
        self,
        alignments: Mapping[str, Alignment],
        quiet: Set[str],
        rows: Mapping[str, EntityRow],
        context: Context,
        request: Request,
        undone: Undone,
    ) -> None:
        """Run the entities one after the other; what is left undone is noted."""
        for name in alignments:
            work = partial(self._entity, alignments[name], rows[name], context, request)
            awake = name not in quiet or self._is_stale(rows[name]) or self._is_due(rows[name])
            if not awake or undone.attempt(alignments[name], work) is not None:
                undone.ended.add(name)
        if not request.selects:
            self._release(alignments, rows, context, undone)

    def _counted(self, order: Sequence[str]) -> dict[str, Counted]:
        """What refers to others of the run may go stale within it: all its records are looked at again."""
        referred = {name: self._settings.entities[name].references() for name in order}
        return {
            name: Counted(again=any(item.entity in referred for item in references))
            for name, references in referred.items()
        }

    def _alignment(self, row: EntityRow, request: Request) -> Alignment:
        entity = self._settings.entities[row.name]
        delivered = not request.anew and self._state.ledger.delivered(row.id)
        return Alignment(self._settings, entity, self._systems, delivered=delivered)

    def _make_ready(
        self,
        alignments: Sequence[Alignment],
        rows: Mapping[str, EntityRow],
        request: Request,
        undone: Undone,
        notes: list[str],
    ) -> None:
        """Find every fault there is before a record is delivered. Raises ConfigurationError with all."""
        # The code of the targets is read while the sources are asked for their tables.
        loading = Thread(target=_load_targets, args=(alignments,), name="marea-load", daemon=True)
        loading.start()

        def compiled(alignment: Alignment) -> None:
            row = rows[alignment.entity.name]
            notes.extend(check(self._settings, self._state, alignment, row, request))

        def prepared(alignment: Alignment) -> None:
            loading.join()
            _ = alignment.target

        make_ready(
            *(
                {one.entity.name: partial(undone.attempt, one, partial(step, one)) for one in alignments}
                for step in (compiled, prepared)
            )
        )
        loading.join()

    def _release(
        self,
        alignments: Mapping[str, Alignment],
        rows: Mapping[str, EntityRow],
        context: Context,
        undone: Undone,
    ) -> None:
        """Deliver what waited for a parent that came after it, round by round until none is released.

        What was given ids that its parents changed later is looked at as a whole, once a run:
        a target that gives other ids each time would not let it end.
        """
        stale = set(alignments)
        released = True
        while released:
            asked: dict[str, Request | None] = {n: None for n in alignments if self._is_due(rows[n])}
            asked |= {name: Request() for name in stale if self._is_stale(rows[name])}
            stale -= {name for name, request in asked.items() if request}
            released = False
            for name, request in asked.items():
                work = partial(self._entity, alignments[name], rows[name], context, request)
                released = bool(undone.attempt(alignments[name], work) or request) or released

    def _entity(self, alignment: Alignment, row: EntityRow, context: Context, request: Request | None) -> int:
        """Deliver what the request means, if any, then what is due; gives how many of the latter."""
        # Imported where records move: most runs end before.
        from marea.engine.run.sync import EntitySync

        context.stop.check()
        with Heartbeat(self._state.leases, row.id, self._owner, self._clock, context.stop) as lease:
            custody = Custody(row.id, context.run, lease.fence)
            referrers = context.referrers.get(row.name, ())
            row = self._taken_over(alignment, row, custody, referrers, request or Request())
            sync = EntitySync(context, alignment, row, mapping_digest(alignment.entity), custody, lease)
            if request is not None:
                sync.run(request)
            return 0 if request is not None and request.selects else sync.deliver_due()

    def _taken_over(
        self,
        alignment: Alignment,
        row: EntityRow,
        custody: Custody,
        referrers: Sequence[int],
        request: Request,
    ) -> EntityRow:
        """The entity as it stands under the lease: until now another run may have moved it."""
        row = self._state.entity(row.name, row.target)
        basis = alignment.basis
        known = basis_for(self._state, row, basis, request)
        if not request.anew:
            alignment.check_basis(known)
        anew = begins_anew(known, row.basis, basis)
        elsewhere = bool(differences(row.basis, basis))
        now = self._clock()
        self._state.take_over(
            custody, now, as_text(basis), anew=anew, elsewhere=elsewhere, referrers=referrers
        )
        if request.anew:
            self._state.own_ids.distrust(custody, now)
        row = self._state.entity(row.name, row.target)
        keep_claims(self._state, alignment, row, custody)
        return row

    def _is_quiet(self, alignment: Alignment, row: EntityRow, request: Request, undone: Undone) -> bool:
        question = partial(is_quiet, alignment, row, mapping_digest(alignment.entity), request)
        return not self._is_due(row) and bool(undone.attempt(alignment, question))

    def _is_stale(self, row: EntityRow) -> bool:
        return self._state.is_stale(row.id)

    def _is_due(self, row: EntityRow) -> bool:
        return self._state.ledger.is_due(row.id, self._clock())

    def _finished(
        self,
        run: int,
        kind: RunKind,
        started: int,
        undone: Undone,
        notes: Sequence[str],
        rows: Sequence[EntityRow],
        left: Left,
    ) -> Run:
        books = {row.name: self._state.runs.books(run, row.id) for row in rows}
        unbalanced = [name for name, book in books.items() if not book.balanced]
        if unbalanced:
            raise RunStopped(
                f"the books of {', '.join(unbalanced)} do not balance", hint="please report this"
            )
        if any(book.detected for book in books.values()):
            tell_circles(self._state)
        left_out = [sentence for name, book in books.items() for sentence in book.on_left_out(name)]
        messages = undone.messages
        status = status_of(books, messages)
        now = self._clock()
        self._state.runs.finish(run, status, now, "; ".join([*messages, *notes, *left_out]))
        seconds = (now - started) / 1e6
        return Run(
            run,
            kind,
            status,
            seconds,
            tuple(messages),
            tuple(notes),
            books,
            frozenset(books) - undone.ended,
            left.records,
            left.by_key,
            self._entries,
        )

    def _entries(self, run: int) -> Iterator[Entry]:
        from marea.engine.entity.log import of_run

        return of_run(self._settings, self._state, run)


def _load_targets(alignments: Sequence[Alignment]) -> None:
    """What is wrong with a target is said when it is prepared."""
    for alignment in alignments:
        with suppress(MareaError):
            alignment.load_target()
