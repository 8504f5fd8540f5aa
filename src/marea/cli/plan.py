"""Owns `marea plan`: what a run would do, as a document and as text."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator
from typing import TYPE_CHECKING

from marea.cli.changes import changes_text
from marea.cli.commands import pasteable
from marea.cli.common import counts, in_words, key_value, opened
from marea.cli.output import plural, say, show_json, table
from marea.model import Operation, Outcome

if TYPE_CHECKING:
    from marea.engine.look.preview import EntityPreview, PlannedRecord


def plan(options: Namespace) -> int:
    """Shows what a run with the same words would do; writes nothing."""
    with opened(options) as project:
        found = project.plan(
            options.entities,
            full=options.full,
            resend=options.resend,
            moved=options.moved,
            where=options.where,
            keys=options.key,
            limit=options.limit or options.limit_default,
        )
    show(found, "`marea sync` with the same words", options)
    return 0


def show(found: dict[str, EntityPreview], command: str, options: Namespace) -> None:
    """Shows previews, and by which command what they tell is done."""
    if options.json:
        show_json({"entities": {name: document(preview) for name, preview in found.items()}})
    else:
        for line in _text(found):
            say(line)
        say(pasteable(_closing(found, command), options.config))


def document(preview: EntityPreview) -> dict[str, object]:
    """One entity's preview: its counts, why records are skipped, and its first records."""
    return {**counts(preview.books), "records": [_record(record) for record in preview.records]}


def _record(record: PlannedRecord) -> dict[str, object]:
    return {
        "key": key_value(record.key),
        "operation": record.operation,
        "outcome": record.outcome,
        "cause": record.cause,
        "changes": record.changes,
        "code": record.code,
        "error": record.error,
    }


def _text(found: dict[str, EntityPreview]) -> Iterator[str]:
    rows = [(name, in_words(preview.books), _skips(preview)) for name, preview in found.items()]
    yield from table(("", "", ""), rows)
    for name, preview in found.items():
        if preview.records:
            yield ""
            yield from _records(name, preview)
    yield ""


def _closing(found: dict[str, EntityPreview], command: str) -> str:
    if any(preview.books.detected for preview in found.values()):
        return f"nothing was written; {command} does it"
    return "nothing was written, and a run would find nothing to do"


def _skips(preview: EntityPreview) -> str:
    parts = [f"{number:,} {reason}" for reason, number in preview.books.skipped.items()]
    return f"({', '.join(parts)})" if parts else ""


def _records(name: str, preview: EntityPreview) -> Iterator[str]:
    from marea.engine.entity.keys import shown

    for record in preview.records:
        yield f"{name} {shown(record.key)}: {record.outcome} ({record.cause})"
        if record.error:
            yield f"    {record.error}"
        elif record.outcome is not Outcome.UNCHANGED:
            created = record.operation is Operation.CREATE
            yield from changes_text(record.changes, "    ", created=created)
    books = preview.books
    rest = books.detected - books.counts[Outcome.UNCHANGED] - len(preview.records)
    if rest > 0:
        yield f"… and {plural(rest, 'more record')} of {name}: --limit shows more"
