"""Owns how a batch of records reaches an SQL table: its own transaction, staged and merged, exactly.

A database gives a `Session` (its driver) and `Statements` (its SQL); everything else is here.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from marea.config.names import nearest
from marea.connectors.base import lost, unknown_options
from marea.connectors.merged import check
from marea.connectors.session import Contended, DuplicateKey, Session
from marea.connectors.statements import Landing, Statements
from marea.errors import BatchRefused, ConfigurationError, Fault, RunStopped, SystemUnreachable
from marea.model import UNKNOWN, Problem
from marea.ports import Column, Receipt, Shape, Table

if TYPE_CHECKING:
    import pyarrow as pa

    from marea.connectors.landing import Work

ATTEMPTS = 3
"""How often a batch is tried at once when another transaction stood in its way."""


class _Unanswered(SystemUnreachable):
    """The connection broke over a commit: nobody knows whether it was carried out."""


@dataclass(slots=True)
class _Place:
    """A prepared shape: its landing, and what is known about the table at the moment."""

    landing: Landing
    seen_empty: bool
    """Nobody but this target has written to the table since it was seen empty, as far as known."""
    staged: Session | None = field(default=None, repr=False)
    """The session that holds the staging tables."""


class RelationalTarget:
    """Tables of a database as a target. Calls from several threads are carried out one by one."""

    def __init__(self, system: str, connect: Callable[[], Session], statements: Statements) -> None:
        self._system = system
        self._connect = connect
        self._statements = statements
        self._session: Session | None = None
        self._places: dict[str, _Place] = {}
        self._numbers = itertools.count()
        self._lock = threading.RLock()

    def prepare(self, shape: Shape) -> None:
        """Finds the table, or makes it with `create: true`; names every fault at once. Repeatable.

        A table that records were delivered to is never made anew: it would lack them.
        """
        with self._lock:
            session = self._open()
            try:
                table, created = self._table(session, shape)
                landing = self._landing(shape, table)
                empty = landing.guarded and (created or session.empty(self._quoted(landing)))
                session.commit()
            except BaseException:
                self._abandon(session)
                raise
            known = self._places.get(shape.entity)
            if known is None or known.landing != replace(landing, number=known.landing.number):
                self._places[shape.entity] = _Place(landing, known.seen_empty if known else empty)

    def would_make(self, shape: Shape) -> bool:
        """Whether there is no table, and `create: true` asks for one. Repeatable."""
        makes, faults = self._options(shape)
        if faults or not makes:
            return False
        with self._lock:
            session = self._open()
            try:
                return session.describe(shape.object) is None
            finally:
                self._abandon(session)

    def foreseen(self, shape: Shape) -> list[Fault]:
        """Columns that no field fills, and texts where the table has another type."""
        from marea.connectors.foreseen import foreseen  # what a run never needs

        with self._lock:
            place = self._places.get(shape.entity)
        return foreseen(shape, place.landing, self._statements) if place else []

    def repeats(self, shape: Shape) -> bool:
        """Always: rows are found by their key."""
        return True

    def deliver(self, shape: Shape, batch: pa.Table) -> Receipt:
        """Applies a batch in one transaction."""
        with self._lock:
            place = self._places.get(shape.entity)
            if place is None:
                raise RunStopped(f"target {self._system} was not prepared for {shape.entity}")
            from marea.connectors.landing import sort_out  # what a source never needs

            work = sort_out(shape, batch)
            for attempt in range(1, ATTEMPTS + 1):
                try:
                    self._apply(place, work)
                    break
                except Contended:
                    if attempt == ATTEMPTS:
                        raise
                except _Unanswered as error:
                    return _in_doubt(batch.num_rows, error)
            return Receipt(target_ids=work.ids)

    def close(self) -> None:
        """Gives the connection back. Repeatable."""
        with self._lock:
            session, self._session = self._session, None
            if session:
                session.close()

    # -- the transaction of a batch ----------------------------------------------------

    def _apply(self, place: _Place, work: Work) -> None:
        session = self._open()
        try:
            moves = work.renames.num_rows or work.tried.num_rows
            empty = place.seen_empty and not place.landing.table.yielding
            direct = empty and work.creates_only and not moves
            if not (direct and self._load(session, place, work)):
                self._merge(session, place, work)
            self._commit(session)
        except BaseException:
            self._abandon(session)
            raise

    def _commit(self, session: Session) -> None:
        try:
            session.commit()
        except SystemUnreachable as error:
            if session.lost:
                raise _Unanswered(error.system, error.message, hint=error.hint) from None
            raise

    def _load(self, session: Session, place: _Place, work: Work) -> bool:
        """Straight into the table, without a merge.

        False when another writer was there first, or the table did not take every row: a merge tells which.
        """
        with suppress(DuplicateKey):
            taken = session.load(self._quoted(place.landing), place.landing.columns, work.upserts)
            if taken == work.upserts.num_rows:
                return True
        session.rollback()
        place.seen_empty = False
        return False

    def _merge(self, session: Session, place: _Place, work: Work) -> None:
        """Deletes, renamed keys, then creates and updates, so that a freed key can be taken again."""
        landing = place.landing
        if work.twice and not landing.guarded:
            raise BatchRefused(f'two records have the same key in "{landing.table.name}"', code="duplicate")
        if place.staged is not session:
            self._run(session, self._statements.stage(landing))
            session.commit()
            place.staged = session
        if work.deletes.num_rows:
            self._stage(session, landing.keys, landing.old, work.deletes)
            self._run(session, self._statements.delete(landing))
        if work.renames.num_rows:
            self._stage(session, landing.keys, (*landing.old, *landing.new), work.renames)
            self._run(session, self._statements.rename(landing))
        if work.tried.num_rows:
            # A key is moved in one transaction: where its row was found already, one here is not ours.
            self._stage(session, landing.keys, (*landing.old, *landing.new), work.tried)
            self._run(session, self._statements.untaken(landing))
            self._run(session, self._statements.rename(landing))
        if work.upserts.num_rows:
            self._stage(session, landing.stage, landing.columns, work.upserts)
            changed = self._run(session, self._statements.upsert(landing))
            whole = landing.guarded and changed >= work.upserts.num_rows
            check(session, self._statements, landing, whole=whole)

    def _stage(self, session: Session, table: str, columns: Sequence[str], rows: pa.Table) -> None:
        self._run(session, self._statements.clear(table))
        session.load(self._statements.staging(table), columns, rows)

    def _run(self, session: Session, statements: Sequence[str]) -> int:
        """Runs statements in their order; gives the rows they changed."""
        return sum([session.execute(statement) for statement in statements])

    def _quoted(self, landing: Landing) -> str:
        return self._statements.dialect.table(landing.table.name)

    # -- the connection ------------------------------------------------------------------

    def _open(self) -> Session:
        if self._session is None:
            self._session = self._connect()
        return self._session

    def _abandon(self, session: Session) -> None:
        """Nothing of the transaction stays, and a lost connection is replaced."""
        session.rollback()
        if session.lost and session is self._session:
            self.close()

    # -- the table -------------------------------------------------------------------------

    def _table(self, session: Session, shape: Shape) -> tuple[Table, bool]:
        """The table of a shape, and whether it was made just now."""
        makes, faults = self._options(shape)
        found = session.describe(shape.object)
        if found is None and not makes:
            faults.append(self._absent(session, shape))
        if faults:
            raise ConfigurationError(faults)
        return (found, False) if found else (self._create(session, shape), True)

    def _options(self, shape: Shape) -> tuple[bool, list[Fault]]:
        """Whether a table that is missing is to be made, and what is wrong with the options."""
        create = shape.options.get("create", False)
        unknown = (text.partition(": ") for text in unknown_options(shape.options, ("create",)))
        faults = [_fault(shape, text, f"target.{name}") for name, _, text in unknown]
        if not isinstance(create, bool):
            faults.append(_fault(shape, f"create is true or false, not {create!r}", "target.create"))
        return create is True and not shape.delivered, faults

    def _absent(self, session: Session, shape: Shape) -> Fault:
        text = f'system {self._system} has no table "{shape.object}"'
        if shape.delivered:
            lacks = f"{text} any more, and records were delivered to it"
            return _fault(shape, lacks, "target.object", lost(shape))
        hint = nearest(shape.object, session.tables()) or "write `create: true` to have it made"
        return _fault(shape, text, "target.object", hint)

    def _create(self, session: Session, shape: Shape) -> Table:
        try:
            self._run(session, self._statements.create(shape.object, shape.fields, shape.key))
        except ValueError as error:
            text = f'table "{shape.object}" cannot be made: {error}'
            raise ConfigurationError([_fault(shape, text, hint="give the field another type")]) from None
        table = session.describe(shape.object)
        if table is None:
            raise RunStopped(f'table "{shape.object}" was made in {self._system} but cannot be seen')
        return table

    def _landing(self, shape: Shape, table: Table) -> Landing:
        columns = {name: table.column(name) for name in shape.fields.names}
        missing = [name for name, column in columns.items() if column is None]
        faults = [self._missing(shape, table, name) for name in missing]
        faults += [
            _fault(shape, f'the key "{name}" is not one of the fields', "target.key")
            for name in shape.key
            if name not in columns
        ]
        faults += self._merging(shape, columns)
        if faults:
            raise ConfigurationError(faults)
        names = {name: column.name for name, column in columns.items() if column}
        key = tuple(names[name] for name in shape.key)
        return Landing(table, tuple(names.values()), key, next(self._numbers))

    def _merging(self, shape: Shape, columns: Mapping[str, Column | None]) -> Iterator[Fault]:
        """Columns of the key that make one value of several which are none to us."""
        for name in shape.key:
            column = columns.get(name)
            if column and not self._statements.strict:
                does = self._statements.alters(shape.fields.field(name).type, column)
                text = f'the key "{name}" is text, and column "{column.name}" is {column.native} and {does}'
                yield from [_fault(shape, text, "target.key", "make the column one of text")] if does else ()

    def _missing(self, shape: Shape, table: Table, name: str) -> Fault:
        hint = nearest(name, [column.name for column in table.columns])
        text = f'table "{table.name}" of system {self._system} has no column "{name}"'
        return _fault(shape, text, f"fields.{name}", hint or "add the column, or leave the field out")


def _in_doubt(rows: int, error: _Unanswered) -> Receipt:
    problem = Problem(UNKNOWN, f"whether it was applied is not known: {error.message}")
    return Receipt(deferred=dict.fromkeys(range(rows), problem), away=error.message)


def _fault(shape: Shape, message: str, place: str = "target", hint: str = "") -> Fault:
    """A fault at a place of the entity; the line is known where its settings are."""
    return Fault(message, entity=shape.entity, field=place, hint=hint)
