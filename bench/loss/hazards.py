"""Owns the hazards of the history: what each does to its rows, step by step, and how it can be noticed."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum, IntEnum, auto
from itertools import count

from bench.loss.history import ADDRESS, PARTY, Action, Begin, Change, End, Operation, Stamp, Write


class Trace(Enum):
    """What a hazard leaves behind for whoever looks later: all that a capture could notice."""

    DATED = auto()
    """Rows with a last-edit date that no earlier run could pass."""
    UNDATED = auto()
    """Rows that differ, and whose date does not tell."""
    GONE = auto()
    """One party less."""
    CHILD_GONE = auto()
    """One address less in a party that nothing else happened to."""


class Place(IntEnum):
    """Where in its step something happens."""

    FIRST = 0
    MIDDLE = 1
    LAST = 2


@dataclass(frozen=True, slots=True)
class Act:
    """Actions that stay together, and when they happen."""

    step: int
    place: Place
    actions: tuple[Action, ...]


@dataclass(slots=True)
class Room:
    """The rows of one hazard, and the steps it may use: 0 to `steps` - 1, and one more to end in."""

    hazard: str
    draw: random.Random
    steps: int
    parties: Sequence[str] = ()
    fresh: Sequence[str] = ()
    """Keys of parties that are not there yet."""
    addresses: Sequence[str] = ()
    fresh_addresses: Sequence[str] = ()
    number: Iterator[int] = field(default_factory=count)

    def spread(self, changes: Iterable[Change], parts: int = 3) -> Iterator[tuple[int, tuple[Change, ...]]]:
        """The changes in a few parts, each with a step of its own."""
        shuffled = list(changes)
        self.draw.shuffle(shuffled)
        steps = self.draw.sample(range(self.steps), min(parts, self.steps))
        for index, step in enumerate(steps):
            if part := tuple(shuffled[index :: len(steps)]):
                yield step, part

    def name(self) -> str:
        """Another transaction's name."""
        return f"{self.hazard} {next(self.number)}"

    def done(self, step: int, changes: Sequence[Change], place: Place = Place.MIDDLE) -> Act:
        """A transaction that begins and commits at once."""
        name = self.name()
        return Act(step, place, (Begin(name), Write(name, tuple(changes)), End(name)))

    def homes(self) -> list[str]:
        """The party of each address at first: the other half of the parties has none."""
        half = len(self.parties) // 2
        return [self.parties[i % half] for i in range(len(self.addresses))]

    def others(self) -> list[str]:
        """For each address a party that has none at first."""
        half = len(self.parties) // 2
        return [self.draw.choice(self.parties[half:]) for _ in self.addresses]


Play = Callable[[Room], Iterator[Act]]


@dataclass(frozen=True, slots=True)
class Hazard:
    """A kind of thing that happens to rows; the shares say of how many, as parts of the usual number."""

    name: str
    trace: Trace
    play: Play
    parties: float = 0.0
    fresh: float = 0.0
    addresses: float = 0.0
    fresh_addresses: float = 0.0
    parents: bool = False
    """Whether only its addresses count, and its parties are there to have them."""


def _inserts(room: Room, stamp: Stamp) -> list[Change]:
    return [Change(PARTY, Operation.INSERT, code, stamp) for code in room.fresh]


def _each(room: Room, operation: Operation, stamp: Stamp = Stamp.CLOCK) -> list[Change]:
    return [Change(PARTY, operation, code, stamp) for code in room.parties]


def _edits(stamp: Stamp) -> Play:
    """Rows are edited and inserted, each transaction over before the next synchronization."""

    def play(room: Room) -> Iterator[Act]:
        for step, part in room.spread([*_each(room, Operation.EDIT, stamp), *_inserts(room, stamp)]):
            yield room.done(step, part)

    return play


def _ordinary(room: Room) -> Iterator[Act]:
    """Something everywhere: what is committed before it is no longer the newest."""
    changes = [*_each(room, Operation.EDIT), *_inserts(room, Stamp.CLOCK)]
    for step, part in room.spread(changes, room.steps):
        yield room.done(step, part)


def _open(commit: bool) -> Play:
    """Rows are written, newer ones are committed and synchronized, then the transaction ends."""

    def play(room: Room) -> Iterator[Act]:
        changes = [*_each(room, Operation.EDIT, Stamp.BEGUN), *_inserts(room, Stamp.BEGUN)]
        for step, part in room.spread(changes):
            name = room.name()
            over = min(step + room.draw.choice((1, 2)), room.steps)
            yield Act(step, Place.FIRST, (Begin(name), Write(name, part)))
            yield Act(over, Place.FIRST, (End(name, commit),))

    return play


def _tie(room: Room) -> Iterator[Act]:
    """The newest stamp that is synchronized is also that of rows which commit directly afterwards."""
    changes = [*_each(room, Operation.EDIT, Stamp.SHARED), *_inserts(room, Stamp.SHARED)]
    for step, (newest, *rest) in room.spread(changes):
        name = room.name()
        yield Act(step, Place.FIRST, (Begin(name),))
        yield room.done(step, [newest], Place.LAST)
        yield Act(step, Place.LAST, (Write(name, tuple(rest)),))
        yield Act(step + 1, Place.FIRST, (End(name),))


def _again(room: Room) -> Iterator[Act]:
    """A row is committed and synchronized, and edited once more under the stamp it has."""
    for step, part in room.spread(_each(room, Operation.EDIT, Stamp.SHARED)):
        first, name = room.name(), room.name()
        yield Act(step, Place.FIRST, (Begin(name),))
        actions = (Begin(first), Write(first, part), End(first), Write(name, part))
        yield Act(step, Place.LAST, actions)
        yield Act(step + 1, Place.FIRST, (End(name),))


def _once(operation: Operation, stamp: Stamp = Stamp.CLOCK) -> Play:
    """One thing happens to every party."""

    def play(room: Room) -> Iterator[Act]:
        for step, part in room.spread(_each(room, operation, stamp)):
            yield room.done(step, part)

    return play


def _back(away: Operation, back: Operation) -> Play:
    """Parties are away for one synchronization, and come back with other values."""

    def play(room: Room) -> Iterator[Act]:
        for step, part in room.spread(_each(room, away)):
            yield room.done(step, part)
            yield room.done(step + 1, [Change(PARTY, back, change.key) for change in part])

    return play


def _replaced(room: Room) -> Iterator[Act]:
    """Parties are deleted, and inserted again before anybody looks."""
    for step, part in room.spread(_each(room, Operation.DELETE)):
        again = [Change(PARTY, Operation.INSERT, change.key) for change in part]
        yield room.done(step, [*part, *again])


def _rekeyed(room: Room) -> Iterator[Act]:
    changes = [
        Change(PARTY, Operation.MOVE, code, to=new)
        for code, new in zip(room.parties, room.fresh, strict=True)
    ]
    for step, part in room.spread(changes):
        yield room.done(step, part)


def _whole(room: Room) -> Iterator[Act]:
    """Parties go, and their addresses with them."""
    parties = _each(room, Operation.DELETE)
    addresses = [Change(ADDRESS, Operation.DELETE, each) for each in room.addresses]
    yield room.done(room.draw.randrange(room.steps), [*addresses, *parties])


def _addresses(operation: Operation, stamp: Stamp = Stamp.CLOCK) -> Play:
    """One thing happens to every address, nothing to its party."""

    def play(room: Room) -> Iterator[Act]:
        others = room.others() if operation is Operation.MOVE else [None] * len(room.addresses)
        changes = [
            Change(ADDRESS, operation, each, stamp, other)
            for each, other in zip(room.addresses, others, strict=True)
        ]
        for step, part in room.spread(changes):
            yield room.done(step, part)

    return play


def _new_addresses(room: Room) -> Iterator[Act]:
    changes = [
        Change(ADDRESS, Operation.INSERT, each, to=room.draw.choice(room.parties))
        for each in room.fresh_addresses
    ]
    for step, part in room.spread(changes):
        yield room.done(step, part)


def _ahead(room: Room) -> Iterator[Act]:
    """At the very end, for it hides from most what comes after; the next hazard is that."""
    yield room.done(room.steps, _each(room, Operation.EDIT, Stamp.AHEAD), Place.LAST)


def _after(room: Room) -> Iterator[Act]:
    changes = [*_each(room, Operation.EDIT), *_inserts(room, Stamp.CLOCK)]
    yield room.done(room.steps + 1, changes)


def _ahead_and_after(room: Room) -> Iterator[Act]:
    yield from _ahead(room)
    yield room.done(room.steps + 1, _each(room, Operation.EDIT))


def _of_addresses(name: str, trace: Trace, play: Play) -> Hazard:
    return Hazard(name, trace, play, parties=1, addresses=1, parents=True)


HAZARDS = (
    Hazard("ordinary edit", Trace.DATED, _ordinary, parties=4, fresh=1),
    Hazard("late commit", Trace.DATED, _open(commit=True), parties=0.5, fresh=0.5),
    Hazard("rolled back", Trace.DATED, _open(commit=False), parties=0.5, fresh=0.5),
    Hazard("stamp read last", Trace.DATED, _tie, parties=0.5, fresh=0.5),
    Hazard("again in one stamp", Trace.DATED, _again, parties=1),
    Hazard("direct SQL", Trace.UNDATED, _edits(Stamp.KEPT), parties=1),
    Hazard("stamp NULL", Trace.UNDATED, _edits(Stamp.NONE), parties=0.5, fresh=0.5),
    Hazard("stamp set back", Trace.UNDATED, _edits(Stamp.BACK), parties=0.5, fresh=0.5),
    Hazard("deleted", Trace.GONE, _once(Operation.DELETE), parties=1),
    Hazard("deleted with addresses", Trace.GONE, _whole, parties=0.5, addresses=1),
    Hazard("deleted, back at once", Trace.DATED, _replaced, parties=1),
    Hazard("deleted, back later", Trace.DATED, _back(Operation.DELETE, Operation.INSERT), parties=1),
    Hazard("key changed", Trace.GONE, _rekeyed, parties=1, fresh=1),
    Hazard("left the filter", Trace.GONE, _once(Operation.CLOSE), parties=1),
    Hazard("left it, came back", Trace.DATED, _back(Operation.CLOSE, Operation.REOPEN), parties=1),
    _of_addresses("address edited", Trace.DATED, _addresses(Operation.EDIT)),
    Hazard("address added", Trace.DATED, _new_addresses, parties=0.5, fresh_addresses=1, parents=True),
    _of_addresses("address moved", Trace.CHILD_GONE, _addresses(Operation.MOVE)),
    _of_addresses("address deleted", Trace.CHILD_GONE, _addresses(Operation.DELETE)),
    _of_addresses("address, direct SQL", Trace.UNDATED, _addresses(Operation.EDIT, Stamp.KEPT)),
    Hazard("stamp ahead", Trace.DATED, _ahead, parties=1),
    Hazard("stamp ahead, then edited", Trace.DATED, _ahead_and_after, parties=1),
    Hazard("edited after a stamp ahead", Trace.DATED, _after, parties=0.5, fresh=0.5),
)
"""In the order of the report. Rows of one hazard are of no other."""
