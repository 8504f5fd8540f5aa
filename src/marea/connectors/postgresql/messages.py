"""Owns what PostgreSQL's logical decoding tells: transactions, tables, rows before and after."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto


class Absent(Enum):
    """What stands for a value that a message does not carry."""

    UNCHANGED = auto()
    """A long value (TOAST) that an update left alone."""


UNCHANGED = Absent.UNCHANGED

Values = tuple[bytes | Absent | None, ...]
"""One value a column, in the order of its relation: its text as the server writes it, None for NULL."""


class Identity(Enum):
    """What a table gives of a row before it was changed: its REPLICA IDENTITY."""

    DEFAULT = "d"
    NOTHING = "n"
    FULL = "f"
    INDEX = "i"


@dataclass(frozen=True, slots=True)
class Begin:
    """A transaction whose changes follow; transactions come in the order of their commits."""

    commit: int
    """Where its commit begins in the log (LSN)."""
    at: int
    """Microseconds since 2000."""
    xid: int
    """Of the transaction as a whole, without the epoch."""


@dataclass(frozen=True, slots=True)
class Commit:
    """The end of a transaction."""

    commit: int
    end: int
    """Behind its commit (LSN): whoever has read it goes on from here."""
    at: int


@dataclass(frozen=True, slots=True)
class Origin:
    """The server a transaction was replicated from."""

    commit: int
    name: str


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a relation as it was when a row of it changed."""

    name: str
    type: int
    modifier: int
    identity: bool
    """Whether it is one of those that identify a row."""


@dataclass(frozen=True, slots=True)
class Relation:
    """A table, told before its first change and again when it has changed itself."""

    id: int
    schema: str
    name: str
    identity: Identity
    columns: tuple[Column, ...]


@dataclass(frozen=True, slots=True)
class Type:
    """A type that is none of PostgreSQL's own."""

    id: int
    schema: str
    name: str


@dataclass(frozen=True, slots=True)
class Insert:
    """A new row."""

    relation: int
    new: Values


@dataclass(frozen=True, slots=True)
class Update:
    """A row that was changed.

    `key` holds what identified it, all other columns None, where that has changed; `old` the whole row
    before, where the identity is FULL.
    """

    relation: int
    new: Values
    key: Values | None = None
    old: Values | None = None


@dataclass(frozen=True, slots=True)
class Delete:
    """A row that is gone: what identified it, or all of it where the identity is FULL."""

    relation: int
    key: Values | None = None
    old: Values | None = None


@dataclass(frozen=True, slots=True)
class Truncate:
    """Tables that were emptied."""

    relations: tuple[int, ...]
    cascade: bool
    restart: bool


@dataclass(frozen=True, slots=True)
class Note:
    """A message that a program wrote into the log."""

    transactional: bool
    at: int
    prefix: str
    content: bytes


Message = Begin | Commit | Origin | Relation | Type | Insert | Update | Delete | Truncate | Note
