"""Owns what a connector, a source or a target may be able to do beside its port: the engine asks who can.

As in `marea.ports`, every method says whether it may be called again after a failure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from marea.config.settings import EntitySettings, SystemSettings
    from marea.errors import Fault
    from marea.ports import Column, Reader, Shape, Table
    from marea.sql.dialect import Query
    from marea.sql.noted import ChangeTable
    from marea.stop import Stop


@runtime_checkable
class Addressing(Protocol):
    """Optional capability of a connector: the configuration says how records are addressed there."""

    def addressing(self, system: SystemSettings, entity: EntitySettings) -> Mapping[str, str]:
        """How and where the entity's records are addressed, readable values by name, without secrets.

        Always the same names; what only makes a delivery faster or more patient is left out. Opens
        nothing. Raises ConfigurationError where it cannot be read.
        """
        ...


@runtime_checkable
class Catalogue(Protocol):
    """Optional capability of a source: it can list what it holds (`marea init`)."""

    def tables(self) -> list[str]:
        """Names of the tables the login sees, sorted, system tables left out. Repeatable.

        Also of those it may not read: `Table.grant` says so.
        """
        ...


@runtime_checkable
class Editable(Protocol):
    """Optional capability of a source: it carries out an UPDATE asked for (`marea touch`)."""

    def execute(self, query: Query) -> int:
        """Runs one statement in a transaction of its own; gives the rows changed.

        Raises ConfigurationError when the database rejects it or the login may not write.
        """
        ...


@dataclass(frozen=True, slots=True)
class Right:
    """What a login lacks for a capture."""

    capture: str
    lacks: str
    """What it cannot do, one sentence without its end."""
    grant: str
    """The statement that grants it, or what else an administrator does."""
    making: bool = False
    """Whether only who installs the capture needs it."""


@runtime_checkable
class Entitled(Protocol):
    """Optional capability of a source: it tells which captures its login may not use (`marea check`)."""

    def rights(self, tables: Sequence[str]) -> list[Right]:
        """What it lacks for captures that take more than reading these tables; empty where it may all.

        Repeatable. Raises SystemUnreachable.
        """
        ...


@runtime_checkable
class GivingIds(Protocol):
    """Optional capability of a target that may know records by ids of its own, which it could give twice."""

    def gives_ids(self, shape: Shape) -> bool:
        """Whether it does so with records of this shape. Repeatable; asks the target nothing."""
        ...

    def heed_ids(self, known: Callable[[str], bool]) -> None:
        """From now on nothing is taken over whose key is spelt otherwise, and whose id is `known`.

        `known` says whether a record of the entity under way was given an id; any thread may ask it.
        """
        ...


@runtime_checkable
class Hindering(Protocol):
    """Optional capability of a source whose reading may keep other programs waiting (`marea check`)."""

    def hindrance(self) -> str:
        """Whom a run keeps waiting, and what ends that; else empty. Repeatable. Raises SystemUnreachable."""
        ...


@dataclass(frozen=True, slots=True)
class Watched:
    """A table of an entity whose changes a capture is to learn from the source itself."""

    entity: str
    path: str
    """The path of its relation; empty for the root table."""
    table: Table
    columns: tuple[Column, ...]
    """Whose values lead to its record: the key of the root, else what joins it to the table above."""


@runtime_checkable
class Installable(Protocol):
    """Optional capability of a source: what a capture needs there can be installed (`marea capture`).

    All methods but `carry_out` change nothing and are repeatable. They raise SystemUnreachable, and
    ConfigurationError for a table that cannot be watched so.
    """

    def captures(self) -> tuple[str, ...]:
        """Which captures need something there that it can install: of `trigger` and `log`."""
        ...

    def lacking(self, capture: str, watched: Sequence[Watched]) -> list[str]:
        """What of it is not there for these tables, one sentence each; empty where all is."""
        ...

    def installing(self, capture: str, watched: Sequence[Watched]) -> list[str]:
        """The SQL statements, in order, that make what is lacking; none where all is there.

        `watched` are all tables of each of their entities. Carried out twice they do no harm.
        """
        ...

    def removing(self, capture: str, watched: Sequence[Watched]) -> list[str]:
        """The SQL statements, in order, that remove what is there for the entities of these tables.

        With the last of them nothing of ours is left in the source.
        """
        ...

    def carry_out(self, statements: Sequence[str]) -> None:
        """Runs such statements one by one, each on its own; after a failure all may come again.

        Raises ConfigurationError where the login may not, with what lets it; SystemUnreachable.
        """
        ...

    def script(self, statements: Sequence[str]) -> str:
        """Such statements as a text that the database's own client takes as it is."""
        ...


@runtime_checkable
class Noting(Installable, Protocol):
    """Optional capability of a source: triggers note there what changes, in a table of their own."""

    def change_table(self) -> ChangeTable:
        """Where they write, and how it is told which of them are there. Repeatable.

        Raises SystemUnreachable.
        """
        ...

    def triggers(self, watched: Sequence[Watched]) -> list[str]:
        """The names of the triggers that these tables need. Repeatable. Raises SystemUnreachable."""
        ...

    def let_go(self, queries: Sequence[Query]) -> None:
        """Deletes rows of the change table in one transaction that keeps no writer waiting. Repeatable.

        Raises ConfigurationError where the login may not, with what lets it; SystemUnreachable.
        """
        ...


@runtime_checkable
class Knocking(Protocol):
    """Optional capability of a target whose `prepare` asks nothing of its system (`marea check`)."""

    def knock(self) -> None:
        """Finds whether anything answers there, with no login and nothing that could change anything.

        Repeatable. Raises SystemUnreachable.
        """
        ...


Noted = tuple[str | None, ...]
"""What leads to a record as the log has it: a text for each of `Watched.columns`, as the system writes it."""


@dataclass(frozen=True, slots=True)
class LogPage:
    """What a piece of a log tells of watched tables, all of it changes that the reader's moment shows."""

    noted: Mapping[str, Sequence[Noted]]
    """Path -> what leads to the records of its changed rows, as they were before and after; none twice."""
    position: str | None
    """Where the log is read to with this page; None in the middle of a transaction."""
    whole: bool = False
    """Whether any record may differ: a table was emptied, or the log does not tell what a row had."""


class ChangeLog(Protocol):
    """The log of a source as far as it tells of one entity.

    A position is a text that only it understands. Every method raises SystemUnreachable; any thread may
    call them.
    """

    def lost(self, position: str) -> str:
        """Why changes since a position are not to be had any more, or may lead elsewhere; else empty.

        Changes nothing. Repeatable.
        """
        ...

    def keep(self, position: str | None) -> None:
        """Sees to it that the log is kept: from a position on, or from now on where that is None or lost.

        A moment that is opened afterwards shows all that came before. Repeatable. Raises ConfigurationError
        where the login may not.
        """
        ...

    def pages(self, reader: Reader, position: str | None, rows: int) -> Iterator[LogPage]:
        """What was changed since a position, or since it is kept, as far as the reader's moment shows.

        About `rows` values a page, with a page at the end that has the position to go on from.
        """
        ...

    def held(self, position: str) -> int:
        """How many bytes of its log the source keeps for a position. Repeatable."""
        ...

    def release(self, position: str) -> None:
        """Lets the source give up its log before a position (I2). Repeatable."""
        ...


@runtime_checkable
class Logged(Protocol):
    """Optional capability of a source: its log tells which rows of tables were changed."""

    def log(self, watched: Sequence[Watched]) -> ChangeLog:
        """The log as it tells of all tables of one entity; opens nothing yet."""
        ...


@runtime_checkable
class Making(Protocol):
    """Optional capability of a target that makes the place of records where there is none (`marea check`)."""

    def would_make(self, shape: Shape) -> bool:
        """Whether `prepare` would make a place for the shape now; makes nothing itself.

        Never one that records were delivered to. What is wrong with the shape `prepare` says.
        Repeatable. Raises SystemUnreachable.
        """
        ...


@runtime_checkable
class Foreseeing(Protocol):
    """Optional capability of a target: it sees in its own description what may refuse records."""

    def foreseen(self, shape: Shape) -> list[Fault]:
        """What of a prepared shape's place will or may refuse its records: warnings, `field` naming theirs.

        Repeatable; asks the target nothing.
        """
        ...


@runtime_checkable
class Stoppable(Protocol):
    """Optional capability of a target that makes many calls of one batch: it ends a delivery early."""

    def heed(self, stop: Stop) -> None:
        """From now on no delivery begins another call, or waits for one, once `stop` is asked for.

        What was not sent then is `deferred` with the code `marea.model.INTERRUPTED`.
        """
        ...
