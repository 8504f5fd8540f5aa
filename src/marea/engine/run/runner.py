"""Owns one run over several entities: what it begins with, what is made ready, its books, its end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from threading import Thread
from typing import TYPE_CHECKING

from marea.config.digest import mapping_digest
from marea.config.settings import Settings
from marea.engine.entity.alignment import Alignment
from marea.engine.entity.clock import Clock
from marea.engine.entity.order import in_order, referrers, waking
from marea.engine.entity.ready import check, make_ready
from marea.engine.entity.request import Request
from marea.engine.entity.systems import Systems
from marea.engine.run.circles import tell_circles
from marea.engine.run.context import PAGE_ROWS, Context, Progress
from marea.engine.run.counted import Counted
from marea.engine.run.ended import Run, status_of
from marea.engine.run.left import Left, left_of
from marea.engine.run.passes import Passes
from marea.engine.run.quiet import is_quiet
from marea.engine.run.undone import Undone
from marea.errors import MareaError, RunInterrupted, RunStopped
from marea.model import Outcome, RunKind, RunStatus
from marea.stop import Stop
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
        kind = request.kind
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
                Passes(context, alignments, rows, self._owner, undone).run(request, quiet)
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

    def _is_quiet(self, alignment: Alignment, row: EntityRow, request: Request, undone: Undone) -> bool:
        question = partial(is_quiet, alignment, row, mapping_digest(alignment.entity), request)
        state = self._state
        due = state.ledger.is_due(row.id, self._clock()) or state.departed.any_due(row.id)
        return not due and bool(undone.attempt(alignment, question))

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
