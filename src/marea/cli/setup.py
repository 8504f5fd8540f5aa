"""Owns the commands that come before the first run: `marea init`, `marea check`, `marea schema`."""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from marea.cli.arguments import DEFAULT
from marea.cli.commands import pasteable, pasteable_throughout
from marea.cli.common import opened
from marea.cli.output import plural, say, show_json
from marea.errors import ConfigurationError

if TYPE_CHECKING:
    from marea.engine.init.discovery import Belonging, Discovery, Draft
    from marea.engine.look.doctor import EntityReport, Report, SystemReport
    from marea.engine.look.promises import TableReport

FAULTS, AWAY = 2, 3


def schema(options: Namespace) -> int:
    """Prints the JSON Schema of the configuration."""
    import json

    from marea.config.schema import json_schema

    print(json.dumps(json_schema(), indent=None if options.json else 2, ensure_ascii=False))
    return 0


# -- init ----------------------------------------------------------------------------------------


def init(options: Namespace) -> int:
    """Writes a starter configuration."""
    from marea.engine.init.initialise import starter

    path = Path(options.output)
    if path.exists() and not options.force:
        raise ConfigurationError.single(
            "the file is there already", file=str(path), hint="name another with --output, or say --force"
        )
    made = starter(options.source, options.target, path, os.environ)
    try:
        path.write_text(made.text, encoding="utf-8")
    except OSError as error:
        raise ConfigurationError.single(
            f"cannot be written: {error.strerror or error}", file=str(path)
        ) from None
    if options.json:
        show_json(_discovery(path, made.found))
    else:
        _tell_discovery(path, made.found)
        if options.target is None:
            say(f"without --target the records are copied to {path.parent / 'target.db'}")
        if made.lacks:
            say(f"set {' and '.join(made.lacks)} first: the file holds no password")
        named = options.output if options.output != DEFAULT else None
        say(pasteable("next: marea check, marea plan, marea sync", named))
    return 0


def _discovery(path: Path, found: Discovery) -> dict[str, object]:
    entities = {
        draft.name: {
            "table": draft.table.name,
            "key": draft.table.key,
            "modified": draft.modified,
            "dates": draft.dates,
            "related": [part.name for part in draft.related],
            "references": sorted(set(draft.references.values())),
        }
        for draft in found.drafts
    }
    return {
        "file": str(path),
        "entities": entities,
        "without_key": found.keyless,
        "unreadable": found.unreadable,
    }


def _unless(part: Draft | Belonging) -> str:
    """What may be the last-edit date that is not known."""
    one = "one" if len(part.dates) > 1 else "it"
    return f", unless {one} is {' or '.join(part.dates)}" if part.dates else ""


def _tell_discovery(path: Path, found: Discovery) -> None:
    for draft in found.drafts:
        parts = [f"  {draft.name}: {draft.table.name} by {', '.join(draft.table.key)}"]
        parts.append(f"edited {draft.modified}" if draft.modified else f"no last-edit date{_unless(draft)}")
        if draft.related:
            parts.append(f"with {', '.join(part.name for part in draft.related)}")
        if draft.references:
            parts.append(f"refers to {', '.join(sorted(set(draft.references.values())))}")
        say("; ".join(parts))
    for name in found.keyless:
        say(f"  {name}: left out, it has no primary key")
    for name, grant in found.unreadable.items():
        say(f"  {name}: left out, the login may not read it ({grant})")
    say(f"{plural(len(found.drafts), 'entity').replace('entitys', 'entities')} written to {path}")


# -- check ---------------------------------------------------------------------------------------


def check(options: Namespace) -> int:
    """Examines the project."""
    with opened(options) as project:
        report = project.check(options.entities)
    if options.json:
        show_json(pasteable_throughout(document(report), options.config))
    else:
        for line in _text(report):
            say(pasteable(line, options.config))
    for fault in report.faults:
        say(pasteable(str(fault), options.config), sys.stderr)
    for system in report.away:
        say(f"{system.name} is away: {system.message}", sys.stderr)
    if report.faults:
        return FAULTS
    return AWAY if report.away else 0


def document(report: Report) -> dict[str, object]:
    """A report as a document."""
    return {
        "ok": not report.faults and not report.away,
        "faults": [asdict(fault) for fault in report.faults],
        "systems": {system.name: _system(system) for system in report.systems},
        "entities": {entity.name: _entity(entity) for entity in report.entities},
        "notes": report.notes,
    }


def _system(system: SystemReport) -> dict[str, object]:
    return {"connector": system.connector, "reachable": system.reachable, "message": system.message}


def _entity(entity: EntityReport) -> dict[str, object]:
    return {
        "source": entity.source,
        "target": entity.target,
        "capture": entity.capture,
        "why": entity.why,
        "better": [asdict(better) for better in entity.better],
        "tables": [asdict(table) for table in entity.tables],
        "notes": entity.notes,
    }


def _text(report: Report) -> Iterator[str]:
    for system in report.systems:
        more = f"; {system.message}" if system.reachable and system.message else ""
        yield f"system {system.name} ({system.connector}) {_answer(system, report)}{more}"
    for entity in report.entities:
        yield ""
        yield f"{entity.name}: {entity.source} -> {entity.target}"
        yield from _capture_text(entity)
        for table in entity.tables:
            yield from _table_text(table)
        yield from (f"  note: {note}" for note in entity.notes)
    yield from _promises(report)
    if report.notes:
        yield ""
        yield "accepted, and not acted on by this version:"
        yield from (f"  {note}" for note in report.notes)
    yield ""
    if report.faults:
        yield plural(len(report.faults), "fault") + " found"
    else:
        number = sum(len(table.warnings) for entity in report.entities for table in entity.tables)
        warned = f", {plural(number, 'warning')}" if number else ""
        yield ("no faults found in what could be reached" if report.away else "no faults") + warned


def _answer(system: SystemReport, report: Report) -> str:
    """Whether a system answers; of one that was not asked, why."""
    if system.reachable is not None:
        return "answers" if system.reachable else "is away"
    if not any(system.name in (entity.source, entity.target) for entity in report.entities):
        return "was not asked: no entity uses it"
    waits = "the faults below are mended" if report.faults else "the systems read from answer"
    return f"was not asked: that waits until {waits}"


def _table_text(table: TableReport) -> Iterator[str]:
    named = table.relation and table.relation != table.table
    name = f"{table.relation} ({table.table})" if named else table.table
    by = f"{table.capture} by {table.modified}" if table.modified else table.capture
    yield f"  {name}: {by}"
    yield from (f"    warning: {warning}" for warning in table.warnings)


def _capture_text(entity: EntityReport) -> Iterator[str]:
    """What finds the changes, why, and what would find more."""
    if entity.capture:
        yield f"  capture: {entity.capture}, because {entity.why}"
    for better in entity.better:
        yield f"    {better.capture} {better.would}"
        yield from (f"      the login lacks something: {lacks}" for lacks in better.lacks)
        yield from (f"      to have it: {step}" for step in better.steps)


def _promises(report: Report) -> Iterator[str]:
    """What each capture in use promises, said once."""
    found = {(table.capture, table.promise) for entity in report.entities for table in entity.tables}
    for capture, promise in sorted(found, key=lambda one: (one[0], one[1].late_commits)):
        yield ""
        yield f"{capture} sees {promise.sees}"
        for word in ("direct_sql", "deletes", "late_commits", "delay", "cost"):
            yield f"  {word.replace('_', ' ') + ':':14}{getattr(promise, word)}"
        yield from (f"  it does not see {gap}" for gap in promise.gaps)
