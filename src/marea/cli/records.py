"""Owns the commands about chosen records: `marea explain` and `marea touch`."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC
from typing import TYPE_CHECKING

from marea.cli.changes import changes_text
from marea.cli.commands import pasteable, pasteable_throughout
from marea.cli.common import key_value, opened
from marea.cli.output import moment, plural, say, show_json, table, value_text
from marea.model import Outcome, Presence, RecordState

if TYPE_CHECKING:
    from marea.engine.look.explain import Explanation, PlanNow, SourceNow
    from marea.engine.touch import Touched
    from marea.store.journal import Entry
    from marea.store.ledger import RecordRow, Trouble


def touch(options: Namespace) -> int:
    """Sets the last-edit date of the records meant."""
    with opened(options) as project:
        found = project.touch(options.entity, options.where, dry_run=options.dry_run)
    if options.json:
        show_json(asdict(found))
    else:
        for line in _touched(found):
            say(pasteable(line, options.config))
    return 0


def _touched(found: Touched) -> Iterator[str]:
    if not found.rows:
        do = "does but is" if found.outside == 1 else "do but are"
        outside = f"; {plural(found.outside, 'row')} of {found.table} {do} outside `where`"
        yield f"no row of {found.entity} fulfils this{outside if found.outside else ''}"
    elif found.dry_run:
        yield f"{plural(found.rows, 'row')} of {found.table} would be touched; nothing was changed"
    else:
        yield f"{plural(found.rows, 'row')} of {found.table} touched: {found.column} is now"
        yield f"deliver them: marea sync {found.entity}"


def explain(options: Namespace) -> int:
    """Tells the life of one record."""
    with opened(options, systems=False) as project:
        found = project.explain(options.entity, options.key, zone=UTC if options.json else None)
    if options.json:
        from marea.cli.journal import document as entry

        show_json(document(found, options.config) | {"entries": [entry(item) for item in found.entries]})
    else:
        for line in _text(found, options.config):
            say(line)
    return 0


# -- the document --------------------------------------------------------------------------------


def document(found: Explanation, config: str | None) -> dict[str, object]:
    """An explanation without its entries; `config` is the configuration that the command line named."""
    return {
        "entity": found.entity,
        "key": key_value(found.key),
        "target": found.target,
        "verdict": found.verdict.text,
        "steps": pasteable_throughout(found.verdict.steps, config),
        "source": _source(found.source),
        "now": _now(found.now) if found.now else None,
        "ledger": _ledger(found.ledger, found, config) if found.ledger else None,
    }


def _source(source: SourceNow) -> dict[str, object]:
    return {
        "system": source.system,
        "found": source.found,
        "message": source.message,
        "row": source.row,
        "related": source.related,
    }


def _now(now: PlanNow) -> dict[str, object]:
    return {
        "outcome": now.outcome,
        "payload": now.payload,
        "changes": now.changes,
        "code": now.problem.code if now.problem else None,
        "error": now.problem.text if now.problem else None,
        "waits_for": _parent(now.parent),
    }


def _parent(parent: tuple[str, str] | None) -> dict[str, object] | None:
    return {"entity": parent[0], "key": key_value(parent[1])} if parent else None


def _ledger(record: RecordRow, found: Explanation, config: str | None) -> dict[str, object]:
    return {
        "state": record.state,
        "target_id": record.target_id,
        "stamp": record.stamp,
        "payload": found.delivered or None,
        "run": str(record.run),
        "blocks": record.blocks,
        "trouble": _trouble(record.trouble, config) if record.trouble else None,
    }


def _trouble(trouble: Trouble, config: str | None) -> dict[str, object]:
    return {
        "outcome": trouble.outcome,
        "attempts": trouble.attempts,
        "next_attempt": trouble.next_attempt,
        "code": trouble.code,
        "error": trouble.error,
        "field": trouble.field,
        "hint": pasteable_throughout(trouble.hint, config),
        "waits_for": _parent(trouble.blocked_on),
        "since": trouble.since,
        "run": str(trouble.run),
    }


# -- the text ------------------------------------------------------------------------------------


def _text(found: Explanation, config: str | None) -> Iterator[str]:
    yield found.verdict.text
    yield from (f"  -> {pasteable(step, config)}" for step in found.verdict.steps)
    yield from _source_text(found.source)
    if found.now is not None:
        yield from _now_text(found.now, found)
    yield from _ledger_text(found.ledger, found)
    yield from _entries_text(found.entries)


_PRESENCE = {
    Presence.THERE: "",
    Presence.NOT_THERE: "not there",
    Presence.OUTSIDE: "there, but outside the filter",
    Presence.AWAY: "away",
    Presence.NOT_ASKED: "not asked",
}


def _source_text(source: SourceNow) -> Iterator[str]:
    yield ""
    yield f"in the source {source.system} now: {_PRESENCE[source.found]}".rstrip(": ") + (
        ":" if source.row else ""
    )
    yield from table(("", ""), [(f"  {name}", value_text(value)) for name, value in source.row.items()])
    for path, rows in source.related.items():
        yield f"  {path}: {plural(len(rows), 'row')}"
        yield from (f"    {_row(row)}" for row in rows[:10])


def _row(row: dict[str, object]) -> str:
    return ", ".join(f"{name} {value_text(value)}" for name, value in row.items())


def _now_text(now: PlanNow, found: Explanation) -> Iterator[str]:
    yield ""
    if now.changes:
        yield "what differs from the last delivery:"
        yield from changes_text(now.changes, "  ", created=False)
    else:
        yield f"what {found.target} would be given:"
        yield from table(("", ""), [(f"  {name}", value_text(value)) for name, value in now.payload.items()])


def _ledger_text(record: RecordRow | None, found: Explanation) -> Iterator[str]:
    yield ""
    if record is None:
        yield "in the ledger: not there, no run has detected it"
        return
    aligned = record.state is RecordState.ALIGNED
    # The word would say that nothing is to be done about what the source does not give any more.
    state = (
        "last delivered"
        if aligned and found.source.found in (Presence.NOT_THERE, Presence.OUTSIDE)
        else record.state
    )
    yield f"in the ledger: {state}, target id {record.target_id or 'none'}, run {record.run}"
    if record.blocks:
        wait = "waits" if record.blocks == 1 else "wait"
        yield f"  {plural(record.blocks, 'record')} {wait} for it"
    if record.trouble:
        yield from table(
            ("", ""), [(f"  {name}", text) for name, text in _trouble_rows(record.trouble, found)]
        )


def _trouble_rows(trouble: Trouble, found: Explanation) -> Iterator[tuple[str, str]]:
    yield str(trouble.outcome), f"since {moment(trouble.since)}, {plural(trouble.attempts, 'attempt')}"
    if trouble.error:
        yield "reason", f"{trouble.error} ({trouble.code})" if trouble.code else trouble.error
    yield "next", _again(trouble, found)


def _again(trouble: Trouble, found: Explanation) -> str:
    if trouble.next_attempt:
        return f"the first run after {moment(trouble.next_attempt)}"
    if trouble.blocked_on:
        return "when the record it waits for is delivered"
    if trouble.in_doubt and (found.now is None or found.now.outcome is Outcome.DEFERRED):
        return "only when it is asked for by its key"
    return "when a run reads it again, or on request"


def _entries_text(entries: list[Entry]) -> Iterator[str]:
    from marea.cli.journal import lines

    yield ""
    yield "in the log, newest first:" if entries else "in the log: nothing"
    for entry in entries:
        yield from lines(entry, "  ", with_record=False)
