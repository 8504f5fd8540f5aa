"""Owns what every contestant has in common: where it works, what it runs, what its target must hold."""

from __future__ import annotations

import subprocess
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from bench.compare import Pair
from bench.data import COLUMNS, KEY, STAMP, TABLE
from bench.measure import Command
from environments import NotInstalled, install

BENCH = Path(__file__).resolve().parent.parent
PEERS = BENCH / "peers"
PROCESSES = BENCH / "processes"


class Absent(Exception):
    """The contestant cannot take part on this machine; the text says why."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a contestant works: both databases, a folder of its own, and where its environment may be."""

    source: str
    target: str
    folder: Path
    environments: Path


@dataclass(frozen=True, slots=True)
class Stream:
    """What a peer synchronizes: a table or view of the source, the table it becomes, its key and date."""

    source: str
    target: str
    key: tuple[str, ...]
    stamp: str


WHOLE = Stream(TABLE, TABLE, KEY, STAMP)
"""The one stream of the jobs."""


class Contestant(ABC):
    """A way to align a table with another, run as a process of its own for every job."""

    name: ClassVar[str]
    jobs: ClassVar[str] = "ABCD"
    requirements: ClassVar[str] = ""
    """The file in `peers/` with its pinned packages; empty when it runs in the project's environment."""

    def __init__(self, place: Place) -> None:
        self.place = place

    @property
    def environment(self) -> Path:
        """Its Python environment."""
        return self.place.environments / self.name

    def install(self) -> None:
        """Makes its environment, once. Raises Absent."""
        if not self.requirements:
            return
        try:
            install(self.environment, PEERS / self.requirements)
        except NotInstalled as reason:
            raise Absent(str(reason).splitlines()[-1]) from reason

    @abstractmethod
    def version(self) -> str:
        """Its version, as it says itself. Raises Absent when it does not run."""

    def reset(self) -> None:  # noqa: B027  most have nothing to forget
        """Forgets all state and makes the target ready for a first load; the target database is empty."""

    @abstractmethod
    def command(self, since: str | None) -> Command:
        """What to run for a job; `since` is the newest last-edit date before it, None for a first load."""

    def scan(self) -> Command:
        """What to run for the job that compares all rows; only of those that have it among their jobs."""
        raise NotImplementedError

    def problem(self, output: str, changed: int) -> str:
        """What is wrong with what it said it did, in words; empty when nothing is."""
        return ""

    target: ClassVar[str] = TABLE
    """The table it writes."""

    def pairs(self) -> Sequence[Pair]:
        """What its target must hold, column by column: the source's columns as they are."""
        return [same(column.name, column.type) for column in COLUMNS]

    def made(self, *arguments: object, environment: Mapping[str, str] | None = None) -> Command:
        """A command of this contestant, in its folder."""
        return Command([str(each) for each in arguments], environment or {}, self.place.folder)


class Peer(Contestant):
    """Another tool: it takes over a table as it is, whichever table that is."""

    def command(self, since: str | None) -> Command:
        return self.synchronize(WHOLE, since)

    @abstractmethod
    def synchronize(self, stream: Stream, since: str | None) -> Command:
        """What to run for one stream; `since` is the newest date of it before, None for a first load."""


def same(name: str, type_: str) -> Pair:
    """A column taken over unchanged; a target may hold it in a wider type."""
    if type_.startswith("numeric"):
        text = f"trim_scale({name}::numeric)::text"
    elif type_.startswith("timestamp"):
        text = f"{name}::timestamp::text"
    else:
        text = f"{name}::text"
    return Pair(text, text)


def said(*command: object) -> str:
    """What a program prints, e.g. its version. Raises Absent."""
    return _run(*command).strip()


def _run(*command: object) -> str:
    try:
        done = subprocess.run(
            [str(each) for each in command], capture_output=True, text=True, check=False, timeout=600
        )
    except OSError as error:
        raise Absent(str(error)) from error
    if done.returncode:
        raise Absent((done.stderr or done.stdout).strip().splitlines()[-1])
    return done.stdout
