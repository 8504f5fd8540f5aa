"""Owns the replay: what happens to the source, who synchronizes after it, what each has wrong at the end."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import shorten
from typing import ClassVar

from bench.contest import say
from bench.contestants.base import Absent, Place
from bench.loss import facts, source
from bench.loss.entrants import PEERS, ByTable, Entrant, IngestrByLog
from bench.loss.facts import Fault, Tally
from bench.loss.hazards import Trace
from bench.loss.history import History, Key, Step
from bench.loss.marea import ALL, CAPTURES, PROMISED, Marea
from bench.measure import Command, Measured, measure
from bench.server import SETTINGS, BenchServer

QUIET = "rows left alone"
"""Rows of no hazard."""


class LossServer(BenchServer):
    """With a log that can be decoded."""

    settings: ClassVar = {**SETTINGS, "wal_level": "logical", "shared_buffers": "128MB"}


@dataclass(frozen=True, slots=True)
class Found:
    """What was wrong with the target of an entrant, and what it must get right."""

    name: str
    tally: Tally
    promised: frozenset[Trace] | None
    """None where nothing is: it is a peer."""


@dataclass(slots=True)
class Results:
    """What came of it."""

    found: list[Found] = field(default_factory=list)
    versions: dict[str, str] = field(default_factory=dict)
    absent: dict[str, str] = field(default_factory=dict)
    troubles: list[str] = field(default_factory=list)
    """What a program said when it ended with another exit code than 0."""


class Replay:
    """One history on one server, before everybody."""

    def __init__(self, server: BenchServer, history: History, folder: Path, environments: Path) -> None:
        self._server = server
        self._history = history
        self._folder = folder
        self._environments = environments
        self._source = server.fresh("source")
        self._needless: dict[str, Counter[Key]] = {}
        self.results = Results()

    def run(self, names: Sequence[str]) -> None:
        """All of it, for those of these names that are there."""
        source.load(self._source, self._history)
        self._server.settle(self._source)
        present = [each for each in map(self._entrant, names) if self._ready(each)]
        programs = source.Programs(self._source)
        try:
            for number, step in enumerate([(), *self._history.steps, ()]):
                self._step(number, step, programs, present)
        finally:
            programs.close()
        self._judge(present)

    def _entrant(self, name: str) -> Entrant:
        folder = self._folder / name.replace(" ", "-")
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        target = self._server.fresh("target_" + name.replace(" ", "_").replace("-", "_"))
        return entrant(name, Place(self._source, target, folder, self._environments))

    def _ready(self, each: Entrant) -> bool:
        try:
            self.results.versions[each.name] = each.prepare()
        except Absent as error:
            self.results.absent[each.name] = str(error)
            return False
        self._needless[each.name] = Counter()
        return True

    def _step(self, number: int, step: Step, programs: source.Programs, present: Sequence[Entrant]) -> None:
        programs.play(step)
        say(f"step {number} of {len(self._history.steps) + 1}")
        for each in present:
            self._synchronize(each, each.commands(), f"step {number}")

    def _synchronize(self, each: Entrant, commands: Sequence[Command], when: str) -> bool:
        """Run it and count what it wrote needlessly; whether it went well."""
        before = facts.versions(each.place.target, each.shape.written)
        went = [measure(command, 300) for command in commands]
        after = facts.versions(each.place.target, each.shape.written)
        self._needless[each.name].update(facts.needless(before, after))
        wrong = [f"{each.name}, {when}: exit {one.code}: {_last_line(one)}" for one in went if one.code]
        self.results.troubles += wrong
        for text in wrong:
            say(f"    {text}")
        return not wrong

    def _judge(self, present: Sequence[Entrant]) -> None:
        expected = facts.facts(self._source, facts.SOURCE)
        for each in present:
            promised = PROMISED[each.capture] if isinstance(each, Marea) else None
            self.results.found.append(Found(each.name, self._tally(each, expected), promised))
            backing = each.backing() if isinstance(each, Marea) else None
            if backing and self._synchronize(each, [backing], "the scan behind it"):
                name = f"{each.name} + scan"
                self.results.found.append(Found(name, self._tally(each, expected), ALL))

    def _tally(self, each: Entrant, expected: facts.Facts) -> Tally:
        found = facts.facts(each.place.target, each.shape.facts)
        again = [(key, Fault.NEEDLESS) for key in self._needless[each.name].elements()]
        return facts.tally([*facts.differences(expected, found), *again], self._history.hazards, QUIET)


def entrants() -> Mapping[str, type[Entrant]]:
    """Everybody by name, in the order of the report."""
    ours = {f"marea-{capture}": Marea for capture in CAPTURES}
    return {**ours, **{peer.name: ByTable for peer in PEERS}, IngestrByLog.name: IngestrByLog}


def entrant(name: str, place: Place) -> Entrant:
    """The one of that name."""
    if name.startswith("marea-"):
        return Marea(name.removeprefix("marea-"), place)
    if name == IngestrByLog.name:
        return IngestrByLog(place)
    return ByTable(next(peer for peer in PEERS if peer.name == name), place)


def _last_line(measured: Measured) -> str:
    lines = (measured.messages.strip() or measured.output.strip()).splitlines()
    return shorten(lines[-1], 200, placeholder=" …") if lines else "it said nothing"
