"""Owns a project: one configuration opened, its state and systems at hand, everything one can ask of it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, tzinfo
from types import TracebackType
from typing import TYPE_CHECKING

from marea.config.names import suggest
from marea.config.settings import EntitySettings, Settings
from marea.engine.entity.clock import Clock, system_clock
from marea.engine.entity.memory import Memory
from marea.engine.entity.order import in_order
from marea.engine.entity.request import Request
from marea.engine.entity.systems import Systems
from marea.errors import ConfigurationError

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from marea.engine.entity.keys import Key
    from marea.engine.install import Work
    from marea.engine.look.doctor import Report
    from marea.engine.look.explain import Explanation
    from marea.engine.look.preview import EntityPreview
    from marea.engine.look.reasons import Reason
    from marea.engine.look.status import Status
    from marea.engine.run.context import Progress
    from marea.engine.run.ended import Run
    from marea.engine.touch import Touched
    from marea.model import Cause, Outcome
    from marea.stop import Stop
    from marea.store.journal import Entry
    from marea.store.runs import RunRow


def open_project(
    path: str | Path = "marea.yaml",
    environment: Mapping[str, str] = os.environ,
    clock: Clock = system_clock,
    *,
    systems: bool = True,
) -> Project:
    """Opens the project of a configuration file; connects to nothing yet.

    `environment` replaces the process's own where the file names variables. Without `systems` it need
    not have what these need, and such are not asked: `status`, `runs`, `log` and `explain` do without.
    Raises ConfigurationError with every fault of the file.
    """
    from marea.config.cache import load_cached

    return Project(load_cached(path, environment, systems=systems), clock)


class Project:
    """A configuration at work. Serves one thread; a context manager that closes itself."""

    def __init__(self, settings: Settings, clock: Clock = system_clock) -> None:
        self.settings = settings
        self._clock = clock
        self._systems = Systems(settings)
        self._memory = Memory(settings.state)

    def __enter__(self) -> Project:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Gives every connection back. Repeatable."""
        self._systems.close()
        self._memory.close()

    # -- runs ------------------------------------------------------------------------------

    def sync(
        self,
        names: Sequence[str] | None = None,
        *,
        full: bool = False,
        resend: bool = False,
        where: str | None = None,
        keys: Sequence[Key] = (),
        only_failed: bool = False,
        moved: bool = False,
        progress: Progress | None = None,
        stop: Stop | None = None,
    ) -> Run:
        """Delivers what changed since the last run, parents before the records that refer to them.

        `full` reads everything again and delivers the differences; `resend` delivers equal
        records too. `where` (the source's own SQL), `keys` and `only_failed` choose records
        of one entity and leave the position alone. `moved` is `full` where the source is the
        same database at another place than before: what is known of the target is kept. `stop`
        may be asked for from another thread: what is being delivered is finished, and the run
        ends as interrupted. A system that is away is in the run's messages, not raised. Raises
        ConfigurationError before anything is delivered, or where only a delivery shows the fault, and
        RunStopped when going on could lose or invent data.
        """
        chosen = self.names(names)
        request = Request(full or moved, resend, where, (), only_failed, moved)
        return self._run(chosen, self._asked(chosen, request, keys), progress, stop)

    def scan(
        self, names: Sequence[str] | None = None, progress: Progress | None = None, stop: Stop | None = None
    ) -> Run:
        """Compares all records with what is known of them, by digests that the sources make.

        So what no date and no notice tells of is found and delivered; what agrees is not read, and not
        counted. `plan` with `scan` only tells it. Positions stay. Raises as `sync` does.
        """
        return self._run(self.names(names), Request(reconcile=True), progress, stop)

    def retry(
        self,
        name: str | None = None,
        *,
        keys: Sequence[Key] = (),
        progress: Progress | None = None,
        stop: Stop | None = None,
    ) -> Run:
        """Tries again, now, what is rejected, waiting or deferred: all of it, or what is named."""
        return self.sync([name] if name else None, keys=keys, only_failed=True, progress=progress, stop=stop)

    def approve(self, run: int, *, stop: Stop | None = None) -> Run:
        """Deletes what a run has held back and is still gone. Raises ConfigurationError for nothing."""
        from marea.engine.run.departures import holding

        names = holding(self.settings, self._memory.state, run)
        return self._run(names, Request(approves=run), None, stop)

    def plan(
        self,
        names: Sequence[str] | None = None,
        *,
        full: bool = False,
        resend: bool = False,
        where: str | None = None,
        keys: Sequence[Key] = (),
        moved: bool = False,
        scan: bool = False,
        limit: int = 20,
    ) -> dict[str, EntityPreview]:
        """What `sync` with the same words would do, `limit` records of each entity field by field.

        Or, with `scan` and no other word, what that would do. Reads the source live and writes nothing
        anywhere. Raises ConfigurationError, SystemUnreachable.
        """
        from marea.engine.look.preview import Previewer

        chosen = self.names(names)
        request = Request(full or moved, resend, where, moved=moved, reconcile=scan)
        previewer = Previewer(self.settings, self._memory.known, self._systems, self._clock, limit)
        return previewer.preview(chosen, self._asked(chosen, request, keys))

    def touch(self, name: str, where: str, *, dry_run: bool = False) -> Touched:
        """Sets the last-edit date of an entity's root rows to the source's own clock.

        `where` is in the source's own SQL. Raises ConfigurationError, SystemUnreachable.
        """
        from marea.engine.touch import touch

        entity = self._entity(name)
        with self._systems.located():
            return touch(self.settings.file, entity, self._systems, where, dry_run)

    def install(
        self, names: Sequence[str] | None = None, *, remove: bool = False, carry_out: bool = True
    ) -> list[Work]:
        """Makes in the sources what captures of entities lack there, or removes it; or only gives the SQL.

        Raises ConfigurationError, SystemUnreachable.
        """
        from marea.engine.install import install, removed

        entities = [self.settings.entities[name] for name in self.names(names)]
        with self._systems.located():
            if remove:
                return removed(self.settings, self._systems, entities, carry_out=carry_out)
            return install(self.settings, self._systems, entities, named=bool(names), carry_out=carry_out)

    def reasons(self, run: Run, outcome: Outcome) -> list[Reason]:
        """Why records that a run met are rejected, waiting or deferred; the most frequent first."""
        from marea.engine.look.reasons import reasons

        entities = [self.settings.entities[name] for name in run.entities]
        return reasons(self._memory.known, entities, run.id, outcome)

    # -- what is known ---------------------------------------------------------------------

    def status(self, names: Sequence[str] | None = None) -> Status:
        """Where every entity stands, or those named, and the last runs. Raises ConfigurationError."""
        from marea.engine.look.status import status

        return status(self.settings, self._memory.known, self.names(names))

    def runs(self, limit: int = 20) -> list[RunRow]:
        """The last runs, newest first."""
        from marea.engine.look.status import last_runs

        return last_runs(self.settings, self._memory.known, limit)

    def log(
        self,
        entity: str | None = None,
        *,
        key: Key | None = None,
        run: int | None = None,
        outcome: Outcome | None = None,
        cause: Cause | None = None,
        field: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        text: str | None = None,
        limit: int | None = None,
    ) -> Iterator[Entry]:
        """The entries that fit, of the newest run first, its last ones before the others; read page by page.

        `field` is a field whose value changed; `text` stands in the error, the key or a
        value; `since` and `until` are aware moments. Raises ConfigurationError for an entity
        that is neither configured nor remembered.
        """
        from marea.engine.entity.log import newest
        from marea.store.journal import EntryFilter

        wanted = EntryFilter(entity, None, run, outcome, cause, field, since, until, text)
        return newest(self.settings, self._memory.known, wanted, key, limit)

    def explain(self, name: str, key: Key, *, zone: tzinfo | None = UTC) -> Explanation:
        """The life of one record: in the source now, in the ledger, in the log, what to do.

        `zone` is the one that its sentences tell moments in; None is the machine's own. A source that
        is away is said, not raised. Raises ConfigurationError.
        """
        from marea.engine.look.explain import Explainer

        explainer = Explainer(self.settings, self._memory.known, self._systems, self._clock)
        return explainer.explain(self._entity(name), key, zone)

    def check(self, names: Sequence[str] | None = None) -> Report:
        """What is wrong with the project or the entities named, and what its captures promise and do not.

        Nothing is written, and nothing raised but ConfigurationError for a name that is none; faults and
        absent systems are in the report.
        """
        from marea.engine.look.doctor import examine

        return examine(self.settings, self._systems, self._memory, self.names(names))

    def totals(self, names: Sequence[str], *, full: bool) -> Iterator[tuple[str, int]]:
        """Entity -> records in its source, of those a run would read whole; counted when iterated."""
        from marea.engine.entity.totals import not_loaded, totals

        entities = [self.settings.entities[name] for name in names]
        return totals(self.settings, names if full else not_loaded(self._memory.known, entities))

    def names(self, wanted: Sequence[str] | None = None) -> list[str]:
        """The names of the entities wanted, of all by default, parents first. Raises ConfigurationError."""
        known = self.settings.entities
        return in_order(known, [self._entity(name).name for name in wanted] if wanted else known)

    # -- parts -----------------------------------------------------------------------------

    def _run(
        self, names: Sequence[str], request: Request, progress: Progress | None, stop: Stop | None
    ) -> Run:
        from marea.engine.run.context import silent
        from marea.engine.run.runner import Runner

        runner = Runner(self.settings, self._memory.state, self._systems, self._clock)
        return runner.run(names, request, progress or silent, stop)

    def _entity(self, name: str) -> EntitySettings:
        if name not in self.settings.entities:
            file, hint = self.settings.file, suggest(name, self.settings.entities)
            raise ConfigurationError.single(f"there is no entity {name}", file=file, hint=hint)
        return self.settings.entities[name]

    def _asked(self, names: Sequence[str], request: Request, keys: Sequence[Key]) -> Request:
        """The request with its keys in the ledger's form."""
        replace(request, keys=tuple(map(str, keys))).check()
        if (keys or request.where) and len(names) != 1:
            raise ConfigurationError.single("records are chosen within one entity", hint="name that entity")
        return replace(request, keys=self._known_keys(names[0], keys)) if keys else request

    def _known_keys(self, name: str, keys: Sequence[Key]) -> tuple[str, ...]:
        from marea.engine.entity.alignment import Alignment
        from marea.engine.entity.asked import asked
        from marea.engine.entity.known import known_entity

        entity, state = self.settings.entities[name], self._memory.known
        alignment = Alignment(self.settings, entity, self._systems)
        return asked(alignment, state.ledger, known_entity(state, entity).id, keys)
