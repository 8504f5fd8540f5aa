"""Owns the rounds: what changes, who runs when, what is measured, that every target is right."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench import data
from bench.compare import differences
from bench.contestants import CONTESTANTS, Contestant
from bench.contestants.base import Absent, Place
from bench.data import JOBS, Job
from bench.measure import Measured, measure
from bench.server import BenchServer


@dataclass(slots=True)
class Results:
    """What was measured: per job and contestant, and what is wrong with a contestant."""

    runs: dict[str, dict[str, list[Measured]]] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    absent: dict[str, str] = field(default_factory=dict)
    wrong: dict[str, str] = field(default_factory=dict)

    def add(self, job: Job, name: str, measured: Measured) -> None:
        """Note one run."""
        self.runs.setdefault(job.letter, {}).setdefault(name, []).append(measured)

    def fault(self, job: Job, name: str, text: str) -> None:
        """Note what a contestant did wrong; the first fault is the one reported."""
        if text:
            self.wrong.setdefault(name, f"job {job.letter}: {text}")
            say(f"    {name}: WRONG: {text}")


class Contest:
    """All contestants on one server, job by job."""

    def __init__(self, server: BenchServer, rows: int, folder: Path, environments: Path) -> None:
        self._server = server
        self._rows = rows
        self._folder = folder
        self._environments = environments
        self._turn = 0
        self._source = server.fresh("source")
        self._since: str | None = None
        self.results = Results()

    def prepare(self, names: Sequence[str]) -> None:
        """Fill the source and make the contestants' environments."""
        say(f"filling {self._rows:,} rows")
        data.load(self._source, self._rows)
        self._server.settle(self._source)
        self._present = [each for name in names if (each := self._present_or_not(name))]

    def _present_or_not(self, name: str) -> Contestant | None:
        folder = self._folder / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        database = "target_" + name.replace("-", "_")
        contestant = CONTESTANTS[name](
            Place(self._source, self._server.url(database), folder, self._environments)
        )
        try:
            contestant.install()
            self.results.versions[name] = contestant.version()
        except Absent as error:
            self.results.absent[name] = str(error)
            return None
        return contestant

    def run(self, letters: str, rounds: int | None) -> None:
        """Measure the jobs asked for. Without A the first loads happen too, and are not measured."""
        chosen = [job for job in JOBS if job.letter in letters]
        counts = {job.letter: rounds or job.rounds for job in chosen}
        for turn in range(max(counts.values())):
            for job in JOBS:
                if turn < counts.get(job.letter, 0):
                    say(f"round {turn + 1}, job {job.letter}: {job.title}")
                    self._job(job, turn)
                elif job.share is None and turn == 0:
                    say("first loads, not measured")
                    self._job(job, turn, counted=False)

    def _job(self, job: Job, turn: int, *, counted: bool = True) -> None:
        """One job for every contestant, each round starting with another one."""
        changed = self._rows
        if job.share is None:
            since = None
        else:
            since = data.newest(self._source)
            self._turn += 1
            changed = data.change(self._source, job.share, self._turn)
            self._server.settle(self._source)
        present = [each for each in self._present if job.letter in each.jobs]
        first = turn % max(len(present), 1)
        for contestant in (*present[first:], *present[:first]):
            measured = self._measured(job, contestant, since, changed)
            if measured and counted:
                self.results.add(job, contestant.name, measured)

    def _measured(self, job: Job, contestant: Contestant, since: str | None, changed: int) -> Measured | None:
        place, name = contestant.place, contestant.name
        if since is None:
            self._server.fresh(place.target.rpartition("/")[2])
            contestant.reset()
        self._server.settle(place.target)
        if job.letter == data.SCAN:
            # What other jobs delivered since the last scan is read once, before what is measured.
            measure(contestant.scan())
        measured = measure(contestant.scan() if job.letter == data.SCAN else contestant.command(since))
        say(f"    {name}: {measured.seconds:.2f} s, {measured.peak_mb:.0f} MB")
        if measured.code:
            self.results.fault(job, name, f"exit {measured.code}: {_last_line(measured)}")
            return None
        self.results.fault(job, name, contestant.problem(measured.output, changed))
        self.results.fault(
            job,
            name,
            differences(self._source, data.TABLE, place.target, contestant.target, contestant.pairs()),
        )
        return measured


def _last_line(measured: Measured) -> str:
    lines = (measured.messages.strip() or measured.output.strip()).splitlines()
    return lines[-1] if lines else "it said nothing"


def say(text: str) -> None:
    """Progress, for whoever watches; the report goes to standard output."""
    print(text, file=sys.stderr, flush=True)
