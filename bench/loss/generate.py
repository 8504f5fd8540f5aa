"""Owns the making of a history from a seed: the same seed and sizes give the same one."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bench.loss.hazards import HAZARDS, Hazard
from bench.loss.history import ADDRESS, PARTY, Address, History, Key, Party, Step
from bench.loss.plays import Act, Room


@dataclass(frozen=True, slots=True)
class Size:
    """How large a history is."""

    quiet: int = 5000
    """Parties that nothing happens to; every other one has two addresses."""
    each: int = 40
    """Rows of a hazard, times its shares."""
    steps: int = 6
    """Steps in which hazards mingle; two more end what is open and bring stamps from the future."""


class _Keys:
    """Keys nobody has yet, in no order, so that the hazards lie among the other rows."""

    def __init__(self, draw: random.Random, parties: int, addresses: int) -> None:
        self._codes = iter([f"C{number:06}" for number in draw.sample(range(10**6), parties)])
        self._ids = iter([str(number) for number in draw.sample(range(10**6), addresses)])

    def codes(self, number: int) -> list[str]:
        return [next(self._codes) for _ in range(number)]

    def ids(self, number: int) -> list[str]:
        return [next(self._ids) for _ in range(number)]


def generate(seed: int, size: Size) -> History:
    """The history of a seed."""
    draw = random.Random(seed)
    keys = _Keys(draw, size.quiet + _sum("parties", "fresh", size), size.quiet + _addresses(size))
    rooms = [_room(hazard, keys, draw, size) for hazard in HAZARDS]
    quiet = keys.codes(size.quiet)
    parties = [*quiet, *(code for room in rooms for code in room.parties)]
    addresses = [(each, code) for code in quiet[::2] for each in keys.ids(2)]
    for room in rooms:
        addresses += zip(room.addresses, room.homes(), strict=True)
    acts = [act for hazard, room in zip(HAZARDS, rooms, strict=True) for act in hazard.play(room)]
    return History(
        tuple(Party(code, number) for number, code in enumerate(parties)),
        tuple(Address(int(each), party) for each, party in addresses),
        _steps(acts, draw),
        {key: hazard.name for hazard, room in zip(HAZARDS, rooms, strict=True) for key in _rows(room)},
    )


def _room(hazard: Hazard, keys: _Keys, draw: random.Random, size: Size) -> Room:
    return Room(
        hazard.name,
        draw,
        size.steps,
        keys.codes(round(hazard.parties * size.each)),
        keys.codes(round(hazard.fresh * size.each)),
        keys.ids(round(hazard.addresses * size.each)),
        keys.ids(round(hazard.fresh_addresses * size.each)),
    )


def _rows(room: Room) -> Iterator[Key]:
    yield from ((PARTY, code) for code in (*room.parties, *room.fresh))
    yield from ((ADDRESS, each) for each in (*room.addresses, *room.fresh_addresses))


def _sum(first: str, second: str, size: Size) -> int:
    """How many keys all hazards need of two kinds together."""
    return sum(round(getattr(hazard, name) * size.each) for hazard in HAZARDS for name in (first, second))


def _addresses(size: Size) -> int:
    return _sum("addresses", "fresh_addresses", size) + 1


def _steps(acts: Sequence[Act], draw: random.Random) -> tuple[Step, ...]:
    """The acts by step; those of one place in any order, but for what one hazard does after itself."""
    found: list[Step] = []
    for step in range(max(act.step for act in acts) + 1):
        present = [(act.place, draw.random(), act) for act in acts if act.step == step]
        present.sort(key=lambda each: each[:2])
        found.append(tuple(action for _, _, act in present for action in act.actions))
    return tuple(found)
