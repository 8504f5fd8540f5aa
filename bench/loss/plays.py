"""Owns the plays: what each hazard does to its rows, and in which steps."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from itertools import count

from bench.loss.history import ADDRESS, PARTY, Action, Begin, Change, End, Operation, Stamp, Write


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


def _inserts(room: Room, stamp: Stamp) -> list[Change]:
    return [Change(PARTY, Operation.INSERT, code, stamp) for code in room.fresh]


def _each(room: Room, operation: Operation, stamp: Stamp = Stamp.CLOCK) -> list[Change]:
    return [Change(PARTY, operation, code, stamp) for code in room.parties]


def edits(stamp: Stamp) -> Play:
    """Rows are edited and inserted, each transaction over before the next synchronization."""

    def play(room: Room) -> Iterator[Act]:
        for step, part in room.spread([*_each(room, Operation.EDIT, stamp), *_inserts(room, stamp)]):
            yield room.done(step, part)

    return play


def ordinary(room: Room) -> Iterator[Act]:
    """Something everywhere: what is committed before it is no longer the newest."""
    changes = [*_each(room, Operation.EDIT), *_inserts(room, Stamp.CLOCK)]
    for step, part in room.spread(changes, room.steps):
        yield room.done(step, part)


def stays_open(commit: bool) -> Play:
    """Rows are written, newer ones are committed and synchronized, then the transaction ends."""

    def play(room: Room) -> Iterator[Act]:
        changes = [*_each(room, Operation.EDIT, Stamp.BEGUN), *_inserts(room, Stamp.BEGUN)]
        for step, part in room.spread(changes):
            name = room.name()
            over = min(step + room.draw.choice((1, 2)), room.steps)
            yield Act(step, Place.FIRST, (Begin(name), Write(name, part)))
            yield Act(over, Place.FIRST, (End(name, commit),))

    return play


def tie(room: Room) -> Iterator[Act]:
    """The newest stamp that is synchronized is also that of rows which commit directly afterwards."""
    changes = [*_each(room, Operation.EDIT, Stamp.SHARED), *_inserts(room, Stamp.SHARED)]
    for step, (newest, *rest) in room.spread(changes):
        name = room.name()
        yield Act(step, Place.FIRST, (Begin(name),))
        yield room.done(step, [newest], Place.LAST)
        yield Act(step, Place.LAST, (Write(name, tuple(rest)),))
        yield Act(step + 1, Place.FIRST, (End(name),))


def again(room: Room) -> Iterator[Act]:
    """A row is committed and synchronized, and edited once more under the stamp it has."""
    for step, part in room.spread(_each(room, Operation.EDIT, Stamp.SHARED)):
        first, name = room.name(), room.name()
        yield Act(step, Place.FIRST, (Begin(name),))
        actions = (Begin(first), Write(first, part), End(first), Write(name, part))
        yield Act(step, Place.LAST, actions)
        yield Act(step + 1, Place.FIRST, (End(name),))


def once(operation: Operation, stamp: Stamp = Stamp.CLOCK) -> Play:
    """One thing happens to every party."""

    def play(room: Room) -> Iterator[Act]:
        for step, part in room.spread(_each(room, operation, stamp)):
            yield room.done(step, part)

    return play


def away_and_back(away: Operation, back: Operation) -> Play:
    """Parties are away for one synchronization, and come back with other values."""

    def play(room: Room) -> Iterator[Act]:
        for step, part in room.spread(_each(room, away)):
            yield room.done(step, part)
            yield room.done(step + 1, [Change(PARTY, back, change.key) for change in part])

    return play


def replaced(room: Room) -> Iterator[Act]:
    """Parties are deleted, and inserted again before anybody looks."""
    for step, part in room.spread(_each(room, Operation.DELETE)):
        again = [Change(PARTY, Operation.INSERT, change.key) for change in part]
        yield room.done(step, [*part, *again])


def rekeyed(room: Room) -> Iterator[Act]:
    """The key of each party becomes another."""
    changes = [
        Change(PARTY, Operation.MOVE, code, to=new)
        for code, new in zip(room.parties, room.fresh, strict=True)
    ]
    for step, part in room.spread(changes):
        yield room.done(step, part)


def whole(room: Room) -> Iterator[Act]:
    """Parties go, and their addresses with them."""
    parties = _each(room, Operation.DELETE)
    addresses = [Change(ADDRESS, Operation.DELETE, each) for each in room.addresses]
    yield room.done(room.draw.randrange(room.steps), [*addresses, *parties])


def addresses(operation: Operation, stamp: Stamp = Stamp.CLOCK) -> Play:
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


def new_addresses(room: Room) -> Iterator[Act]:
    """Addresses come, and nothing happens to their parties."""
    changes = [
        Change(ADDRESS, Operation.INSERT, each, to=room.draw.choice(room.parties))
        for each in room.fresh_addresses
    ]
    for step, part in room.spread(changes):
        yield room.done(step, part)


def ahead(room: Room) -> Iterator[Act]:
    """At the very end, for it hides from most what comes after; the next hazard is that."""
    yield room.done(room.steps, _each(room, Operation.EDIT, Stamp.AHEAD), Place.LAST)


def after(room: Room) -> Iterator[Act]:
    """Ordinary edits when there is a stamp from the future."""
    changes = [*_each(room, Operation.EDIT), *_inserts(room, Stamp.CLOCK)]
    yield room.done(room.steps + 1, changes)


def swapped(room: Room) -> Iterator[Act]:
    """As many go as come without a date, while no other number changes: a count tells nothing."""
    yield room.done(room.steps + 1, [*_each(room, Operation.DELETE), *_inserts(room, Stamp.BACK)])


def ahead_and_after(room: Room) -> Iterator[Act]:
    """Rows are dated from the future, and edited in the ordinary way afterwards."""
    yield from ahead(room)
    yield room.done(room.steps + 1, _each(room, Operation.EDIT))
