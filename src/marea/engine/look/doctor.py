"""Owns the examination of a project: what is wrong, what is away, what a run would find."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from marea.capabilities import Hindering, Knocking
from marea.capture.batch import BatchReader
from marea.config.settings import EntitySettings, Settings
from marea.engine.entity.alignment import Alignment
from marea.engine.entity.basis import Basis
from marea.engine.entity.captures import asked_before, choice
from marea.engine.entity.known import known_entity, unknown_entity
from marea.engine.entity.memory import Memory
from marea.engine.entity.neighbours import Known, remembered, shared, take_place
from marea.engine.entity.systems import Systems
from marea.engine.look.better import Better, better
from marea.engine.look.dates import warnings
from marea.engine.look.held import held
from marea.engine.look.identity import doubts
from marea.engine.look.judged import judged
from marea.engine.look.promises import TableReport, dates_written, tables, unacted
from marea.engine.run.context import PAGE_ROWS
from marea.engine.run.restored import WILL_BE, restored
from marea.errors import ConfigurationError, Fault, RunStopped, SystemUnreachable, in_order

if TYPE_CHECKING:
    from marea.store.state import EntityRow

UNTRIED = "the login was not tried: the first delivery does"


@dataclass(frozen=True, slots=True)
class SystemReport:
    """Whether a system answers."""

    name: str
    connector: str
    reachable: bool | None
    """None where nothing was asked of it: no entity uses it, or what would ask could not be made ready."""
    message: str = ""


@dataclass(slots=True)
class EntityReport:
    """One entity between its systems."""

    name: str
    source: str
    target: str
    capture: str = ""
    """What finds its changes; empty where its source does not answer."""
    why: str = ""
    """Why it is this capture."""
    tables: list[TableReport] = field(default_factory=list)
    better: list[Better] = field(default_factory=list)
    """What would find more, and what that needs."""
    notes: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Report:
    """What an examination found; without faults, and with every system there, a run can begin."""

    faults: list[Fault] = field(default_factory=list)
    systems: list[SystemReport] = field(default_factory=list)
    entities: list[EntityReport] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def away(self) -> list[SystemReport]:
        """The systems that did not answer."""
        return [system for system in self.systems if system.reachable is False]


def examine(settings: Settings, systems: Systems, memory: Memory, names: Sequence[str]) -> Report:
    """Looks at entities and their systems and gathers what it finds; raises none of it, writes nothing.

    The configuration itself is looked at as a whole. A system with options that do not count is
    examined without them, on a connection of its own.
    """
    faults, usable, unusable = judged(settings)
    meant = _meant(settings, names)
    if usable == settings.systems:
        return _Examination(settings, meant, systems, memory, faults, unusable).report()
    own = Systems(replace(settings, systems=usable))
    try:
        return _Examination(settings, meant, own, memory, faults, unusable).report()
    finally:
        own.close()


def _meant(settings: Settings, names: Sequence[str]) -> Settings:
    """Those entities alone, and their systems; of all entities every system, one that nobody uses too."""
    entities = {name: settings.entities[name] for name in names}
    if entities.keys() == settings.entities.keys():
        return replace(settings, entities=entities)
    used = {system for one in entities.values() for system in (one.source.system, one.target.system)}
    systems = {name: system for name, system in settings.systems.items() if name in used}
    return replace(settings, entities=entities, systems=systems)


class _Examination:
    def __init__(
        self,
        settings: Settings,
        meant: Settings,
        systems: Systems,
        memory: Memory,
        faults: Sequence[Fault],
        unusable: Collection[str],
    ) -> None:
        """`meant` is the part of the settings to look at.

        `faults` are those of the systems' options, `unusable` the systems that cannot be asked.
        """
        self._settings = settings
        self._meant = meant
        self._memory = memory
        self._systems = systems
        self._report = Report(faults=list(faults), notes=unacted(meant))
        self._answers: dict[str, str] = {}
        self._unusable = unusable
        self._remarks: dict[str, dict[str, None]] = {}
        self._known: list[Known] = []
        self._remembers = False

    def report(self) -> Report:
        self._known = self._remembered()
        for entity in self._meant.entities.values():
            self._report.entities.append(self._entity(entity))
        self._report.systems += [self._system(name) for name in self._meant.systems]
        self._note_neighbours()
        self._report.faults = in_order(self._report.faults)
        return self._report

    def _note_neighbours(self) -> None:
        entities = self._settings.entities.values()
        places = {entity.name: place for entity in entities if (place := self._place(entity))}
        for report in self._report.entities:
            report.notes += shared(report.name, places)

    def _place(self, entity: EntitySettings) -> Basis | None:
        try:
            return Alignment(self._settings, entity, self._systems).configured
        except ConfigurationError as error:
            self._report.faults.extend(error.faults)
            return None

    def _knowledge(self, report: EntityReport) -> Known:
        nothing = Known(report.name, report.target)
        wanted = (report.name, report.target)
        return next((known for known in self._known if (known.name, known.target) == wanted), nothing)

    def _row(self, entity: EntitySettings) -> EntityRow:
        """The entity as the state knows it, or as it is before its first run where the state is away."""
        return known_entity(self._memory.known, entity) if self._remembers else unknown_entity(entity)

    def _remembered(self) -> list[Known]:
        """What the state knows of entities; a state that is away is in the report."""
        scheme = self._settings.state.partition("://")[0]
        try:
            found = remembered(self._memory.known)
            self._remembers = True
            return found
        except SystemUnreachable as error:
            self._report.systems.append(SystemReport("state", scheme, False, error.message))
        except (ConfigurationError, RunStopped) as error:
            faults = error.faults if isinstance(error, ConfigurationError) else (Fault(str(error)),)
            self._report.faults.extend(faults)
        return []

    def _system(self, name: str) -> SystemReport:
        answer = self._answers.get(name)
        reachable = None if answer is None else not answer
        remarks = "; ".join(self._remarks.get(name, ()) if reachable else ())
        return SystemReport(name, self._settings.systems[name].connector, reachable, answer or remarks)

    def _remark(self, system: str, text: str) -> None:
        """Note what is said of a system that answers, once."""
        if text:
            self._remarks.setdefault(system, {})[text] = None

    def _entity(self, entity: EntitySettings) -> EntityReport:
        report = EntityReport(entity.name, entity.source.system, entity.target.system)
        known = self._knowledge(report)
        alignment = Alignment(self._settings, entity, self._systems, delivered=known.delivered)
        if entity.source.system in self._unusable:
            return report
        if self._tried(entity.source.system, lambda: alignment.aggregate):
            self._tried(entity.source.system, lambda: self._tables(alignment, report))
            self._tried(entity.source.system, lambda: self._hindrance(alignment))
            self._tried(entity.source.system, lambda: self._dates(alignment, report))
            self._tried(entity.source.system, lambda: report.notes.extend(_doubts(alignment)))
            if known.delivered:
                self._tried(entity.source.system, lambda: report.notes.extend(self._went_back(alignment)))
                self._tried(entity.source.system, lambda: report.notes.extend(self._held(alignment)))
            usable = self._tried(entity.source.system, lambda: alignment.mapper)
            if entity.target.system in self._unusable:
                return report
            if not usable:
                self._tried(entity.source.system, lambda: alignment.check_basis(known.basis))
            elif self._tried(entity.source.system, lambda: self._placed(alignment, known, report)):
                self._target(alignment, report)
        return report

    def _placed(self, alignment: Alignment, known: Known, report: EntityReport) -> None:
        """Whether it goes where its ledger says, and in whose place."""
        alignment.check_basis(known.basis)
        report.notes += take_place(alignment, known.begun, lambda: self._known, self._settings)

    def _went_back(self, alignment: Alignment) -> list[str]:
        """Whether the source is older than what was read of it."""
        state, row = self._memory.known, self._row(alignment.entity)
        with alignment.source.snapshot() as reader:
            batches = BatchReader(alignment.pages, reader, PAGE_ROWS)
            found = restored(alignment, choice(alignment, row).capture, row, state.ledger, batches)
        return [found.told(WILL_BE)] if found else []

    def _held(self, alignment: Alignment) -> list[str]:
        return held(alignment, self._row(alignment.entity))

    def _hindrance(self, alignment: Alignment) -> None:
        source = alignment.source
        if isinstance(source, Hindering):
            self._remark(alignment.entity.source.system, source.hindrance())

    def _tables(self, alignment: Alignment, report: EntityReport) -> None:
        found = choice(alignment, self._row(alignment.entity))
        before = asked_before(found.capture, alignment)
        hidden = before.writers.hidden if before else ""
        report.capture, report.why = found.capture, found.why
        report.tables = tables(found.capture, alignment.entity, alignment.pages, hidden)
        report.better = better(alignment, found.capture)

    def _dates(self, alignment: Alignment, report: EntityReport) -> None:
        found = warnings(alignment.source, alignment.aggregate, dates_written(alignment.entity))
        report.tables = [replace(table, warnings=found.get(table.relation, ())) for table in report.tables]

    def _target(self, alignment: Alignment, report: EntityReport) -> None:
        """Asks the target whether it can hold the entity; what a run would make is not made now."""
        if self._answers.get(report.target):
            return
        self._tried(report.target, lambda: self._asked(alignment, report))

    def _asked(self, alignment: Alignment, report: EntityReport) -> None:
        if alignment.made_by_the_first_run:
            place = alignment.shape.object
            report.notes.append(f"{place} is not there yet: the first run makes it")
        else:
            self._prepared(alignment, report)

    def _prepared(self, alignment: Alignment, report: EntityReport) -> None:
        target = alignment.target
        if isinstance(target, Knocking):
            target.knock()
            self._remark(alignment.entity.target.system, UNTRIED)
        report.notes += [str(fault) for fault in alignment.foreseen()]

    def _tried(self, system: str, action: Callable[[], object]) -> bool:
        """Whether it went well; what went wrong is in the report."""
        try:
            action()
        except ConfigurationError as error:
            self._report.faults.extend(error.faults)
            if not any(_of_system(fault, system) for fault in error.faults):
                self._answers.setdefault(system, "")
            return False
        except SystemUnreachable as error:
            self._answers[error.system] = error.message
            return False
        self._answers.setdefault(system, "")
        return True


def _of_system(fault: Fault, system: str) -> bool:
    """Whether it is of the system's own settings: then nothing says that it answers."""
    return fault.field.startswith(f"systems.{system}.")


def _doubts(alignment: Alignment) -> list[str]:
    with alignment.source.snapshot() as reader:
        return list(doubts(alignment.pages, reader))
