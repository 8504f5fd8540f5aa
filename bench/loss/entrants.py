"""Owns whom the history is replayed against: how each is run, step by step, and what its target holds."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar

from bench.contestants.base import Peer, Place, Stream
from bench.contestants.dlt import Dlt
from bench.contestants.ingestr import Ingestr
from bench.contestants.sling import Sling
from bench.loss import facts, source
from bench.loss.facts import Shape
from bench.loss.history import ADDRESS, PARTY
from bench.measure import Command

STREAMS = (
    Stream(source.VIEW, PARTY, ("code",), "stamp"),
    Stream(ADDRESS, ADDRESS, ("id",), "stamp"),
)


class Entrant(ABC):
    """A way to align the target with the source, run after each step."""

    shape: ClassVar[Shape]

    def __init__(self, name: str, place: Place) -> None:
        self.name = name
        self.place = place

    @abstractmethod
    def prepare(self) -> str:
        """Makes it ready, the source being filled; gives its version. Raises Absent."""

    @abstractmethod
    def commands(self) -> Sequence[Command]:
        """What to run for the next synchronization, one after the other."""


class ByTable(Entrant):
    """A peer that takes one table a call."""

    shape = facts.tables()

    def __init__(self, peer: type[Peer], place: Place) -> None:
        super().__init__(peer.name, place)
        self._peer = peer(place)
        self._since: dict[str, str | None] = {}

    def prepare(self) -> str:
        self._peer.install()
        version = self._peer.version()
        self._peer.reset()
        return version

    def commands(self) -> Sequence[Command]:
        return [self._next(stream) for stream in STREAMS]

    def _next(self, stream: Stream) -> Command:
        """The date that its caller passes is the newest that the source had when it was run last."""
        since = self._since.get(stream.source)
        self._since[stream.source] = source.newest(self.place.source, stream.source, stream.stamp)
        return self._peer.synchronize(stream, since)


class IngestrByLog(Entrant):
    """ingestr by logical replication: no dates; what is deleted is marked, and a reader leaves it out."""

    shape = facts.tables(
        "(SELECT * FROM party WHERE NOT _cdc_deleted AND NOT closed) AS party",
        "(SELECT * FROM address WHERE NOT _cdc_deleted) AS address",
        "_cdc_deleted",
    )

    name = "ingestr-cdc"

    def __init__(self, place: Place) -> None:
        super().__init__(self.name, place)
        self._peer = Ingestr(place)

    def prepare(self) -> str:
        self._peer.install()
        source.execute(self.place.source, "CREATE PUBLICATION ingestr FOR TABLE party, address")
        return self._peer.version()

    def commands(self) -> Sequence[Command]:
        return [self._peer.by_log("ingestr")]


PEERS: tuple[type[Peer], ...] = (Dlt, Sling, Ingestr)
