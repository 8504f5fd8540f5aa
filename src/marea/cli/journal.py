"""Owns `marea log`: entries as text, as a document, and exported."""

from __future__ import annotations

import re
import sys
from argparse import Namespace
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING

from marea.cli.changes import changes_text
from marea.cli.common import opened
from marea.cli.output import encode, moment, say, show_json_list
from marea.config.names import suggest
from marea.errors import ConfigurationError
from marea.model import Cause, Operation, Outcome

if TYPE_CHECKING:
    from marea.engine.project import Project
    from marea.store.journal import Entry

_AGO = re.compile(r"(\d{1,6})([smhdw])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


def log(options: Namespace) -> int:
    """Shows or exports the entries that fit."""
    with opened(options, systems=False) as project:
        if options.export:
            return _export(_entries(project, options, options.limit), options)
        if options.json:
            show_json_list(map(document, _entries(project, options, options.limit)))
            return 0
        limit = options.limit or options.limit_default
        found = _entries(project, options, limit + 1)
        if not _printed(islice(found, limit)):
            say(f"no entry fits{_wanted(options)}{_unheard(project, options)}")
        if any(True for _ in found):
            shown = "the newest entry is" if limit == 1 else f"the newest {limit:,} entries are"
            say(f"{shown} shown: --limit shows more, --export has all", sys.stderr)
    return 0


def _entries(project: Project, options: Namespace, limit: int | None) -> Iterator[Entry]:
    since, until = _span(options, datetime.now().astimezone())
    return project.log(
        options.entity,
        key=options.key,
        run=options.run,
        outcome=Outcome(options.outcome) if options.outcome else None,
        cause=_cause(options.cause) if options.cause else None,
        field=options.field,
        since=since,
        until=until,
        text=options.text,
        limit=limit,
    )


def _span(options: Namespace, now: datetime) -> tuple[datetime | None, datetime | None]:
    """The first and the last moment looked for, as far as they are given."""
    since = moment_of(options.since, now) if options.since else None
    until = moment_of(options.until, now, end=True) if options.until else None
    if since and until and since > until:
        raise ConfigurationError.single(
            f"--since {options.since} is after --until {options.until}", hint="no entry can be in between"
        )
    return since, until


def _cause(text: str) -> Cause:
    known = {cause.value.casefold(): cause for cause in Cause}
    found = known.get(text.casefold().replace("_", " "))
    if found is None:
        hint = suggest(text, [cause.value for cause in Cause])
        raise ConfigurationError.single(f"there is no cause {text!r}", hint=hint)
    return found


def moment_of(text: str, now: datetime, *, end: bool = False) -> datetime:
    """A moment of the command line: a date, a date and time (local unless it says a zone), or `2h` ago.

    With `end` a date means its last microsecond.
    """
    try:
        return _moment(text, now, end=end)
    except (ValueError, OverflowError):  # a word, or a moment before or after all that can be told
        raise ConfigurationError.single(
            f"{text!r} is no time", hint="write 2026-11-05, 2026-11-05T14:30, or 2h for two hours ago"
        ) from None


def _moment(text: str, now: datetime, *, end: bool) -> datetime:
    ago = _AGO.fullmatch(text)
    if ago:
        return now - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
    found = datetime.fromisoformat(text)
    if end and _DAY.fullmatch(text):
        found += timedelta(days=1, microseconds=-1)
    return found if found.tzinfo else found.astimezone()


# -- shapes --------------------------------------------------------------------------------------


def document(entry: Entry) -> dict[str, object]:
    """An entry as docs/commands.md has it."""
    return {
        "run": str(entry.run),
        "at": entry.at,
        "entity": entry.entity,
        "key": entry.key,
        "operation": entry.operation,
        "outcome": entry.outcome,
        "cause": entry.cause,
        "changes": entry.changes,
        "target_id": entry.target_id,
        "attempt": entry.attempt,
        "code": entry.code,
        "error": entry.error,
        "duration_ms": entry.duration_ms,
    }


def lines(entry: Entry, indent: str = "", *, with_record: bool = True) -> Iterator[str]:
    """An entry as people read it."""
    key = ",".join(str(part) for part in entry.key) if isinstance(entry.key, list) else str(entry.key)
    record = f"  {entry.entity} {key}" if with_record else ""
    yield f"{indent}{moment(entry.at)}  run {entry.run}{record}  {entry.outcome} ({entry.cause})"
    if entry.error:
        yield f"{indent}    {entry.error}"
    created = entry.operation is Operation.CREATE
    yield from changes_text(entry.changes, f"{indent}    ", created=created)


def _wanted(options: Namespace) -> str:
    """What was looked for, as it was written, behind a colon."""
    names = ("entity", "key", "run", "outcome", "cause", "field", "since", "until", "text")
    given = [f"{name} {value}" for name in names if (value := getattr(options, name)) is not None]
    return f": {', '.join(given)}" if given else ""


def _unheard(project: Project, options: Namespace) -> str:
    """What there is instead of a run or a field that is not there, in parentheses."""
    hints = [hint for hint in (_last_run(project, options), _nearest_field(project, options)) if hint]
    return f" ({'; '.join(hints)})" if hints else ""


def _last_run(project: Project, options: Namespace) -> str:
    last = next((run.id for run in project.runs(1)), 0)
    if options.run is None or options.run <= last:
        return ""
    return f"the last run is {last}" if last else "there was no run yet"


def _nearest_field(project: Project, options: Namespace) -> str:
    entities = project.settings.entities
    meant = [entities[options.entity]] if options.entity in entities else entities.values()
    fields = list(dict.fromkeys(field.name for entity in meant for field in entity.fields))
    return "" if options.field is None or options.field in fields else suggest(options.field, fields)


def _printed(entries: Iterator[Entry]) -> int:
    """Prints the entries; gives how many there were."""
    number = 0
    for number, entry in enumerate(entries, 1):  # noqa: B007 - the last one counts
        for line in lines(entry):
            say(line)
    return number


def _export(entries: Iterator[Entry], options: Namespace) -> int:
    from marea.cli.export import export

    number = export(map(document, entries), options.export)
    if options.json:
        print(encode({"file": options.export, "entries": number}))
    else:
        say(f"{number:,} entries written to {options.export}")
    return 0
