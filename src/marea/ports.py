"""Owns the protocols between the engine and the connectors: what they, their sources and targets must do.

A `Connector` makes a `Source`, a `Target` or both. Every method says whether it may be
called again after a failure. A connector raises only errors of `marea.errors`. What the
suites of `marea.testing` ask for they prove of it; the rest is in its author's hands.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from marea.model import Problem

if TYPE_CHECKING:
    import pyarrow as pa

    from marea.config.declared import Declaration
    from marea.config.settings import SystemSettings
    from marea.sql.dialect import Dialect, Query

# Columns that travel in every batch; the dollar sign keeps them apart from what a database allows unquoted.
KEY = "$key"  # utf8: the source key as JSON text, `"0815"` or `[3211264,"0815"]`
STAMP = "$stamp"  # utf8: the root row's own last-edit stamp, in the source's form
DIGEST = (
    "$digest"  # int64: stands for the content of a record or row, as `marea.sql.digests` makes it; or null
)
OPERATION = "$operation"  # utf8: a value of `marea.model.Operation`
TARGET_ID = "$target_id"  # utf8: the id the target gave this record, or null
MISFIT = "$misfit"  # struct of column, type, value (utf8): what of a row its column's type cannot hold
PAYLOAD = "$payload"  # utf8: the record in the target's shape as canonical JSON
CHANGES = "$changes"  # utf8: {field: [before, after]} as JSON text, null where nothing is compared
TRIED = "$tried"  # list of utf8: keys at the target, as `marea.sql.keys.identities` writes them, or null


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a source or target table."""

    name: str
    type: pa.DataType
    native: str
    """The type in the system's own words, fit for a CAST in its SQL."""
    nullable: bool = True
    given: bool = False
    """Whether the database gives it a value where an INSERT names none: a default, a number of its own."""


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """A reference found in a database: these columns point at those of another table."""

    columns: tuple[str, ...]
    table: str
    referred: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A table as its database describes it; names are in the database's own case."""

    name: str
    """The name, or `schema.name` where the schema is not the login's default."""
    columns: tuple[Column, ...]
    key: tuple[str, ...] = ()
    foreign_keys: tuple[ForeignKey, ...] = ()
    unique: tuple[tuple[str, ...], ...] = ()
    """Column sets that a unique index without a condition guards, the key included."""
    grant: str = ""
    """The statement that lets the login read it, where it may not."""
    folding: frozenset[str] = frozenset()
    """Columns that take texts for equal which are spelt otherwise: in case, accents, blanks at the end."""
    yielding: tuple[str, ...] = ()
    """Clauses in its own words by which it drops rows without an error: `ON CONFLICT REPLACE`."""
    stored: bool = True
    """Whether its rows are its own: not those of a view, nor of another server."""

    def column(self, name: str) -> Column | None:
        """The column of that name: exactly, else the only one that differs in case alone."""
        for column in self.columns:
            if column.name == name:
                return column
        near = [column for column in self.columns if column.name.casefold() == name.casefold()]
        return near[0] if len(near) == 1 else None


@dataclass(frozen=True, slots=True)
class Writers:
    """The transactions of others that are open: a snapshot that begins now may not see their rows."""

    asked: float
    """When they were asked for, before the first was looked at: seconds since 1970 by the source's clock."""
    open: Mapping[str, float | None] = field(default_factory=dict)
    """A name of each, that no later one has -> since when, no later than its first stamp.

    None where the login may not see that. Those that began after `asked` may be missing.
    """
    hidden: str = ""
    """Why others may be open that the login does not see, and what lets it; empty where these are all."""


class Reader(Protocol):
    """Reads of one moment of the source, as consistent as the source can make them."""

    def stream(self, query: Query, columns: Sequence[Column], rows: int) -> Iterator[pa.Table]:
        """The rows of `query` in its order, in tables of about `rows` rows typed as `columns`.

        An exhausted stream yields nothing; no table yielded is empty. Several streams
        of one reader may be open at once. Not restartable: ask again with a new query.
        A value that its column's type cannot hold comes as null, and MISFIT tells it, a
        column that only tables with such a row have: the record is rejected, not the run.
        Raises SystemUnreachable; ConfigurationError when the source rejects the SQL.
        """
        ...


class Source(Protocol):
    """A database that records are read from; read only, but for `Editable`."""

    @property
    def dialect(self) -> Dialect:
        """The SQL of this database."""
        ...

    def describe(self, table: str) -> Table | None:
        """The table, its name matched exactly, else by case alone; None where there is none.

        Repeatable. Raises SystemUnreachable.
        """
        ...

    def type_of(self, table: str, expression: str) -> Column:
        """The type of an SQL expression over the rows of `table`, read from no row.

        Repeatable. Raises ConfigurationError with the database's words when it rejects
        the expression, SystemUnreachable.
        """
        ...

    def writers(self, *, fresh: bool = False) -> Writers:
        """Who is open: each that is not among them has committed, or begins after `Writers.asked`.

        `fresh`: or begins after the call, which may take longer then.
        Asked directly before the snapshot of a capture that goes by time, and by nobody else: it may cost
        what a read does not. Repeatable. Raises SystemUnreachable.
        """
        ...

    def snapshot(self) -> AbstractContextManager[Reader]:
        """Opens one moment of the source, closed on exit; but for `Hindering` nobody waits for it (I9)."""
        ...

    def close(self) -> None:
        """Gives back every connection. Repeatable."""
        ...


@dataclass(frozen=True, slots=True)
class Shape:
    """What an entity's records look like at its target."""

    entity: str
    object: str
    """The table, path element or action name the target knows it by."""
    key: tuple[str, ...]
    """Fields that identify a record at the target."""
    fields: pa.Schema
    """Typed fields in order. A field of JSON text (lists) has metadata {b"marea": b"json"}."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """The entity's `target:` entries that only its connector understands, e.g. `create`."""
    delivered: bool = False
    """Whether records were delivered there before: their place must be there, and is not made anew."""


@dataclass(slots=True)
class Receipt:
    """What became of a batch: all of it was applied, except the rows named here, counted from 0.

    A row is named once at most. A run stops at a receipt that cannot be one of its batch.
    """

    rejected: dict[int, Problem] = field(default_factory=dict)
    target_ids: pa.Array | None = None
    """One id a row, null where the target gave none: the one it gave before then stays.

    None when it gives no ids at all: a record's key there stands for its id, as
    `marea.sql.keys.identities` writes it. References to the record deliver that.
    """
    deferred: dict[int, Problem] = field(default_factory=dict)
    """Rows whose end is not known; they are delivered again, as they are then.

    The target went away before it decided; or its answer was lost, which the code
    `marea.model.UNKNOWN` says: it may have applied them; or they were not sent any more
    because of a `Stop`, which the code `marea.model.INTERRUPTED` says.
    """
    in_doubt: dict[int, Problem] = field(default_factory=dict)
    """Rows that may have been created, of which a second create would make a second record.

    They are delivered again only when somebody asks for them by key. A target that repeats
    creates has none.
    """
    away: str = ""
    """Why nothing more can be delivered now; empty while the target is there."""
    durations: pa.Array | None = None
    """Milliseconds a row took (int64), where the protocol takes one record a call."""


class Target(Protocol):
    """A system that records are delivered to.

    One serves a whole run, whose threads share it: `prepare` and `close` are called in that of the
    run, `repeats` where it reads and plans, `deliver` where it delivers, never twice at once.
    """

    def prepare(self, shape: Shape) -> None:
        """Makes ready for records of this shape; called once per run before its first batch.

        It alone checks `shape.options`. Where nobody answers, it raises or else `Knocking.knock` does.
        Repeatable. Raises ConfigurationError when the target cannot hold the shape
        (a missing table or field, a place that is gone with what was delivered to it),
        SystemUnreachable.
        """
        ...

    def repeats(self, shape: Shape) -> bool:
        """Whether a create that may have been applied can come again without making a second record.

        So it is wherever the target finds a record by its key. Else what is in doubt waits for a
        person to look. Repeatable, also before `prepare`; asks the target nothing.
        """
        ...

    def deliver(self, shape: Shape, batch: pa.Table) -> Receipt:
        """Applies a batch: columns KEY, OPERATION, TARGET_ID, PAYLOAD, CHANGES and the shape's fields.

        CHANGES are those since the last agreed payload: where they name a key field the record was
        known by the key that stands before the change, and may not stay there under it. They decide.
        TARGET_ID is the id it had then; where a target's ids are its keys that says the same.
        TRIED is there only where deliveries whose end is not known may have given records other keys:
        such a record may stand under one of these, and may not stay there but under its own.
        Key fields are null only in deletes, which have a TARGET_ID then: the plan rejects the
        other records without a key.
        A create is an upsert where `repeats` says so: the same batch may come again after a
        crash, and must then change nothing (I6).
        Raises BatchRefused when nothing of the batch was applied because of its content;
        SystemUnreachable when nothing of it was applied because the target is away;
        ConfigurationError when what became of it cannot be told before the configuration is
        mended: it comes again then.
        When only part was applied before the target went away, the rest is `deferred` and the
        receipt says `away`.
        """
        ...

    def close(self) -> None:
        """Gives back every connection. Repeatable."""
        ...


class Connector(Protocol):
    """What an entry point of the group `marea.connectors` gives: a class made without arguments."""

    declares: ClassVar[Declaration]
    """What it is before any system is known: the schemes of its URLs, and what is behind them."""

    def validate(self, options: Mapping[str, object]) -> list[str]:
        """What is wrong with a system's options, one sentence each; nothing is opened.

        A sentence about one option begins with its place and a colon, such as `auth.bearer: is empty`.
        """
        ...

    def place(self, system: SystemSettings) -> str:
        """Where the system is, in one spelling for all of its urls: without login and parameters.

        Opens nothing. Raises ConfigurationError where the url cannot be read.
        """
        ...

    def source(self, system: SystemSettings) -> Source:
        """The system as a source; opens nothing yet.

        Raises ConfigurationError where it is none, with its name and its line.
        """
        ...

    def target(self, system: SystemSettings) -> Target:
        """The system as a target; opens nothing yet. Raises as `source`."""
        ...
