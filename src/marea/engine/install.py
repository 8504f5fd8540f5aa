"""Owns `marea capture`: what captures need in a source, installed there, removed, or told as SQL."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from marea.capabilities import Installable, Watched
from marea.config.settings import EntitySettings, Settings
from marea.engine.entity.alignment import Alignment
from marea.engine.entity.captures import CAPTURES, NEEDING, installs, no_capture, of_capture
from marea.engine.entity.systems import Systems
from marea.engine.entity.watched import watched
from marea.errors import ConfigurationError, Fault


@dataclass(frozen=True, slots=True)
class Work:
    """What is done in one system for the entities that one capture finds the changes of."""

    system: str
    capture: str
    entities: tuple[str, ...]
    statements: tuple[str, ...]
    script: str
    """The statements as the database's own client takes them; empty where there are none."""


def install(
    settings: Settings, systems: Systems, entities: Sequence[EntitySettings], *, named: bool, carry_out: bool
) -> list[Work]:
    """Makes what the captures of these entities lack; without `carry_out` it is only told.

    `named`: each was asked for by its name. Raises ConfigurationError where one needs nothing in its
    source, where a table cannot be watched so or the login may not; SystemUnreachable.
    """
    captures = {it.name: _capture(systems, it, named=named) for it in entities}
    if faults := [_nothing_to_install(settings, it) for it in entities if named and not captures[it.name]]:
        raise ConfigurationError(faults)
    asking = [it for it in entities if captures[it.name]]
    if not asking:
        raise ConfigurationError.single(
            "no entity has a capture that needs anything in its source",
            file=settings.file,
            hint="write `capture: trigger` (or `log`) where its source is described",
        )
    work: list[tuple[Work, Installable]] = []
    for system, capture in dict.fromkeys((it.source.system, captures[it.name]) for it in asking):
        its = [it for it in asking if (it.source.system, captures[it.name]) == (system, capture)]
        source = _installable(settings, systems, its[0], capture)
        tables = _tables(settings, systems, its)
        work.append((_work(system, capture, its, source, source.installing(capture, tables)), source))
    return _done(settings, work, carry_out=carry_out)


def _capture(systems: Systems, entity: EntitySettings, *, named: bool) -> str:
    """The capture to install for an entity: as configured, or the best there is for one named; or none."""
    wanted = entity.source.capture
    if wanted == "auto" and named:
        source = systems.source(entity.source.system)
        known = source.captures() if isinstance(source, Installable) else ()
        return next((name for name in known if name in CAPTURES), "")
    return wanted if wanted in NEEDING else ""


def removed(
    settings: Settings, systems: Systems, entities: Sequence[EntitySettings], *, carry_out: bool
) -> list[Work]:
    """Removes what any capture has in the sources of these entities; without `carry_out` it is only told.

    Raises ConfigurationError where the login may not; SystemUnreachable.
    """
    work: list[tuple[Work, Installable]] = []
    for system in dict.fromkeys(it.source.system for it in entities):
        its = [it for it in entities if it.source.system == system]
        source = systems.source(system)
        if isinstance(source, Installable):
            tables = _tables(settings, systems, its)
            found = {capture: source.removing(capture, tables) for capture in source.captures()}
            work += [
                (_work(system, name, its, source, removing), source)
                for name, removing in found.items()
                if removing
            ]
    return _done(settings, work, carry_out=carry_out)


def _tables(settings: Settings, systems: Systems, entities: Sequence[EntitySettings]) -> list[Watched]:
    return [
        table for it in entities for table in watched(it.name, Alignment(settings, it, systems).aggregate)
    ]


def _work(
    system: str,
    capture: str,
    entities: Sequence[EntitySettings],
    source: Installable,
    statements: Sequence[str],
) -> Work:
    script = source.script(statements) if statements else ""
    return Work(system, capture, tuple(it.name for it in entities), tuple(statements), script)


def _done(settings: Settings, work: list[tuple[Work, Installable]], *, carry_out: bool) -> list[Work]:
    for item, source in work if carry_out else ():
        try:
            source.carry_out(item.statements)
        except ConfigurationError as error:
            raise ConfigurationError(list(_placed(settings, item, error))) from None
    return [item for item, _ in work]


def _placed(settings: Settings, work: Work, error: ConfigurationError) -> Iterator[Fault]:
    """The faults of a system that did not take the statements, with the way that needs no right of ours."""
    entity = settings.entities[work.entities[0]]
    by_hand = (
        f"or have an administrator run what `marea capture install {' '.join(work.entities)} --sql` prints"
    )
    for fault in error.faults:
        hint = f"{fault.hint}; {by_hand}" if fault.hint else by_hand
        yield replace(
            fault, file=settings.file, line=fault.line or entity.source.line, entity=entity.name, hint=hint
        )


def _installable(settings: Settings, systems: Systems, entity: EntitySettings, capture: str) -> Installable:
    """The source of an entity, which can install what its capture needs. Raises ConfigurationError."""
    source = systems.source(entity.source.system)
    if installs(source, capture):
        return source
    known = source.captures() if isinstance(source, Installable) else ()
    instead = f"it knows {' and '.join(known)}" if known else "choose another capture"
    text = no_capture(entity.source.system, capture)
    raise ConfigurationError([of_capture(settings.file, entity, text, instead)])


def _nothing_to_install(settings: Settings, entity: EntitySettings) -> Fault:
    text = f"the capture of {entity.name} ({entity.source.capture}) needs nothing in its source"
    return of_capture(settings.file, entity, text, "write `capture: trigger` (or `log`) there")
