"""Owns `marea sync` and `marea retry`: a run, its progress, and what it came to."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from marea.cli.common import EXIT_CODES, counts, in_words, opened, seconds
from marea.cli.output import clean, plural, show_json, table
from marea.model import Outcome, RunStatus

if TYPE_CHECKING:
    from marea.engine.project import Project, Run
    from marea.model import Books
    from marea.store.journal import Entry

REASONS = 5  # groups of reasons shown
SAFE = "nothing is lost"
EXAMINED = 2000  # entries looked at to group them


def sync(options: Namespace) -> int:
    """Delivers what changed."""
    with opened(options) as project:
        names = project.names(options.entities)
        selects = bool(options.where or options.key or options.only_failed)
        from marea.cli.progress import watched

        with watched(project, names, full=options.full, selects=selects) as progress:
            run = project.sync(
                names,
                full=options.full,
                resend=options.resend,
                where=options.where,
                keys=options.key,
                only_failed=options.only_failed,
                progress=progress,
            )
        return _told(project, run, options)


def retry(options: Namespace) -> int:
    """Tries again what is not in order."""
    with opened(options) as project:
        run = project.retry(options.entity, keys=options.key)
        return _told(project, run, options)


def _told(project: Project, run: Run, options: Namespace) -> int:
    for message in run.messages:
        safe = "" if SAFE in message else f"; {SAFE}: run again to deliver what is left"
        print(clean(message) + safe, file=sys.stderr)
    if _left_behind(run):
        left = plural(run.left, "record")
        print(f"{left} of earlier runs not in order: marea status, marea retry", file=sys.stderr)
    if options.json:
        show_json(document(run))
    else:
        for line in _summary(project, run):
            print(line)
    return EXIT_CODES[RunStatus.PARTIAL] if _left_behind(run) else EXIT_CODES[run.status]


def _left_behind(run: Run) -> bool:
    """Whether earlier runs left something: a run without trouble of its own does not hide it."""
    return run.status is RunStatus.SUCCEEDED and run.left > 0


def document(run: Run) -> dict[str, object]:
    """A run as interface.md has it."""
    entities = {
        name: {**counts(books), "seconds": round(books.seconds, 3)} for name, books in run.entities.items()
    }
    return {
        "run": str(run.id),
        "kind": run.kind,
        "status": run.status,
        "seconds": round(run.seconds, 3),
        "left": run.left,
        "entities": entities,
    }


def _summary(project: Project, run: Run) -> Iterator[str]:
    yield f"run {run.id}: {run.kind}, {run.status}, {seconds(run.seconds)}"
    rows = [
        (f"  {name}", _outcome(run, books), seconds(books.seconds) if books.detected else "")
        for name, books in run.entities.items()
    ]
    yield from table(("", "", ""), rows)
    for outcome in (Outcome.REJECTED, Outcome.WAITING, Outcome.HELD):
        number = sum(books.counts[outcome] for books in run.entities.values())
        if number:
            yield from _reasons(project, run, outcome, number)


def _outcome(run: Run, books: Books) -> str:
    if run.status is RunStatus.INTERRUPTED and not books.detected:
        return "nothing was settled"
    return in_words(books)


def _reasons(project: Project, run: Run, outcome: Outcome, number: int) -> Iterator[str]:
    """Why records ended so, the most frequent reasons first, and the commands that tell more."""
    entries = list(project.log(run=run.id, outcome=outcome, limit=EXAMINED))
    yield ""
    yield f"{plural(number, 'record')} {outcome}:"
    groups = Counter((entry.entity, _reason(entry)) for entry in entries)
    for (entity, reason), times in groups.most_common(REASONS):
        yield f"  {times:,} x {entity}: {clean(reason)}"
    if len(groups) > REASONS:
        yield f"  … and {plural(len(groups) - REASONS, 'other reason')}"
    which = f"--run {run.id} --outcome" if entries else "--outcome"
    yield f"  see them: marea log {which} {outcome}"
    if not entries:
        yield "  as an earlier run found them"
    for entry in entries[:1]:
        yield f"  see one:  marea explain {entry.entity} {_spelled(entry.key)}"


def _reason(entry: Entry) -> str:
    return entry.error or "no reason was given"


def _spelled(key: object) -> str:
    """A key as a shell takes it."""
    import json
    from shlex import quote

    from marea.engine.keys import shown

    return clean(quote(shown(json.dumps(key, ensure_ascii=False, default=str))))
