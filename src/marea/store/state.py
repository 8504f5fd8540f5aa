"""Owns opening the state database and what one connection to it offers the engine."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from marea.errors import ConfigurationError
from marea.store.commit import Commit, apply_commit
from marea.store.custody import Announced, Custody, intend, leave, set_claims, take_over, withdraw
from marea.store.database import Database
from marea.store.departed import Departed
from marea.store.journal import Journal
from marea.store.leases import Leases
from marea.store.ledger import Ledger
from marea.store.moments import moment
from marea.store.own_ids import OwnIds
from marea.store.runs import Runs
from marea.store.waits import Waits

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True, slots=True)
class EntityRow:
    """An entity at a target, as the state knows it."""

    id: int
    name: str
    target: str
    mapping: str | None
    """The digest of the mapping that the ledger follows, or `mixed`; None before the first commit."""
    basis: str | None
    """What the ledger was written under, as JSON text; None before the first run."""
    stale: int | None
    """Set while records it refers to may have other ids than it was given; each mark is another number."""
    positions: Mapping[str, str]
    """Capture -> how far it has been read."""
    moved_at: Mapping[str, datetime]
    """Capture -> when its position last moved."""


class State:
    """The state database. Threads may share it; the ledger is for one thread, beside the others."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._database = _connect(url)
        self._ledger: Ledger | None = None
        self._reading: Database | None = None
        self._issued: dict[int, int] = {}
        self._lock = threading.Lock()
        self.journal = Journal(self._database)
        self.runs = Runs(self._database)
        self.leases = Leases(self._database, self.runs)
        self.waits = Waits(self._database)
        self.own_ids = OwnIds(self._database)
        self.departed = Departed(self._database)

    @property
    def ledger(self) -> Ledger:
        """Reads of the ledger, on a connection of their own that is opened when first asked for."""
        with self._lock:
            if self._ledger is None:
                self._reading = _connect(self._url)
                self._ledger = Ledger(self._reading)
            return self._ledger

    def entity(self, name: str, target: str) -> EntityRow:
        """The entity at this target; made when new."""
        row = self._database.row("entity", name=name, target=target)
        if row is None:
            self._database.run("add_entity", name=name, target=target)
            row = self._database.rows("entity", name=name, target=target)[0]
        return self._entity(*row)

    def entities(self) -> list[EntityRow]:
        """Every entity there ever was, also those no longer in the configuration."""
        return [self._entity(*row) for row in self._database.rows("entities")]

    def is_stale(self, entity: int) -> bool:
        """Whether records it refers to may have other ids than it was given."""
        return self._database.row("is_stale", entity=entity) is not None

    def take_over(
        self,
        custody: Custody,
        at: int,
        basis: str,
        *,
        anew: bool,
        elsewhere: bool = False,
        referrers: Sequence[int] = (),
    ) -> None:
        """Begins a run's work on an entity; see `marea.store.custody`."""
        take_over(self._database, custody, at, basis, anew=anew, elsewhere=elsewhere, referrers=referrers)

    def set_claims(self, custody: Custody, claims: pa.Table | None) -> None:
        """Writes all claims of an entity anew; see `marea.store.custody`."""
        set_claims(self._database, custody, claims)

    def intend(self, custody: Custody, n: int, announced: Announced) -> None:
        """Commits that these records are about to be delivered; see `marea.store.custody`."""
        intend(self._database, custody, n, announced)

    def leave(self, custody: Custody, n: int, announced: Announced) -> None:
        """Says that nobody will know what became of this delivery; see `marea.store.custody`."""
        leave(self._database, custody, n, announced)

    def withdraw(self, custody: Custody, n: int) -> None:
        """Takes back an intent whose delivery was never begun; see `marea.store.custody`."""
        withdraw(self._database, custody, n)

    def commit(self, commit: Commit) -> None:
        """Writes a batch in one transaction (I1, I3): all of it, or nothing and an error.

        Raises RunStopped when the lease was lost, the position was moved by another, or the
        rows do not fit the counts. After SystemUnreachable it may or may not have been
        written: read the position again before the next one.
        """
        rows = 0 if commit.rows is None else commit.rows.num_rows
        apply_commit(self._database, commit, self._take_ids(commit.run, rows))

    def close(self) -> None:
        """Gives every connection back. Repeatable."""
        with self._lock:
            if self._reading is not None:
                self._reading.close()
        self._database.close()

    def _take_ids(self, run: int, count: int) -> int:
        """The first of `count` ids nobody else has: only this process writes for its run."""
        with self._lock:
            first = self._issued.get(run, run << 32)
            self._issued[run] = first + count
            return first

    def _entity(
        self, number: int, name: str, target: str, mapping: str | None, basis: str | None, stale: int | None
    ) -> EntityRow:
        rows = self._database.rows("positions", entity=number)
        positions = {capture: value for capture, value, _ in rows}
        moved = {capture: moment(at) for capture, _, at in rows}
        return EntityRow(number, name, target, mapping, basis, stale, positions, moved)


def open_state(url: str) -> State:
    """Opens the state at `sqlite:///path` or `postgresql://…`; makes or updates its tables.

    Raises ConfigurationError for a URL that cannot be used, SystemUnreachable when the
    database does not answer, RunStopped when it is damaged, read-only, full, or was
    written by a newer program.
    """
    return State(url)


def exists(url: str) -> bool:
    """Whether a state is kept there; makes nothing. Raises what `open_state` raises."""
    scheme, _, rest = url.partition("://")
    if scheme == "sqlite":
        return Path(rest[1:]).is_file()
    database = _driver(url)
    try:
        return database.made
    finally:
        database.close()


def _connect(url: str) -> Database:
    database = _driver(url)
    try:
        database.migrate()
    except BaseException:
        database.close()
        raise
    return database


def _driver(url: str) -> Database:
    scheme, _, rest = url.partition("://")
    if scheme == "sqlite" and rest.startswith("/") and rest[1:] not in ("", ":memory:"):
        from marea.store.sqlite import SqliteDatabase

        return SqliteDatabase(rest[1:])
    if scheme in ("postgresql", "postgres"):
        from marea.store.postgresql import PostgresqlDatabase

        return PostgresqlDatabase(url)
    raise ConfigurationError.single(
        f"no state can be kept at {scheme or 'an empty address'}://",
        field="state",
        hint="write sqlite:///path/to/file.db or postgresql://user@host/database",
    )
