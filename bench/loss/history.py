"""Owns the form of a history: steps of source transactions, after each of which everybody synchronizes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum, auto

PARTY = "party"
ADDRESS = "address"

Key = tuple[str, str]
"""A row of the source: its table and its key."""


class Operation(Enum):
    """What happens to a row."""

    INSERT = auto()
    EDIT = auto()
    DELETE = auto()
    MOVE = auto()
    """A party gets another key, an address another party."""
    CLOSE = auto()
    """A party leaves the filter."""
    REOPEN = auto()


class Stamp(Enum):
    """What happens to its last-edit date."""

    KEPT = auto()
    """Nothing: direct SQL."""
    CLOCK = auto()
    """The clock at the statement."""
    BEGUN = auto()
    """The clock when the transaction began."""
    SHARED = auto()
    """The one moment that all such changes of a step take."""
    NONE = auto()
    BACK = auto()
    """Years ago, as after a restore."""
    AHEAD = auto()
    """A year from now."""


@dataclass(frozen=True, slots=True)
class Change:
    """A change of one row."""

    table: str
    operation: Operation
    key: str
    stamp: Stamp = Stamp.CLOCK
    to: str | None = None
    """Of a party that moves its new key; of an address that comes or moves its party."""


@dataclass(frozen=True, slots=True)
class Begin:
    """A transaction begins; other actions name it."""

    transaction: str


@dataclass(frozen=True, slots=True)
class Write:
    """Changes in a transaction that has begun."""

    transaction: str
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class End:
    """A transaction ends."""

    transaction: str
    commit: bool = True


Action = Begin | Write | End
Step = tuple[Action, ...]
"""What the source's programs do between two synchronizations. Transactions may stay open over them."""


@dataclass(frozen=True, slots=True)
class Party:
    """A row that is there from the start."""

    code: str
    number: int


@dataclass(frozen=True, slots=True)
class Address:
    """A row that is there from the start."""

    id: int
    party: str


@dataclass(frozen=True, slots=True)
class History:
    """What the source holds at first, what is then done to it, and which hazard each row stands for."""

    parties: tuple[Party, ...]
    addresses: tuple[Address, ...]
    steps: tuple[Step, ...]
    hazards: Mapping[Key, str]
    """Of each row that is there or ever will be, the name of its hazard; rows of none are missing."""

    def changes(self) -> Iterator[tuple[int, Change]]:
        """Every change with the number of its step, in order."""
        for number, step in enumerate(self.steps):
            for action in step:
                if isinstance(action, Write):
                    yield from ((number, change) for change in action.changes)
