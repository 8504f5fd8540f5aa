"""Owns `marea sync`, `marea retry` and `marea approve`: a run, its progress, and what it came to."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Iterator
from contextlib import suppress
from shlex import quote
from typing import TYPE_CHECKING

from marea.cli.commands import pasteable
from marea.cli.common import EXIT_CODES, counts, in_words, opened, seconds
from marea.cli.output import plural, say, show_json, table
from marea.cli.signals import stopping
from marea.cli.streams import Unwritable
from marea.model import Outcome, RunStatus

if TYPE_CHECKING:
    from marea.engine.look.reasons import Reason
    from marea.engine.project import Project
    from marea.engine.run.ended import Run
    from marea.model import Books

REASONS = 5  # groups of reasons shown, and beyond them the first of each entity
SAFE = "nothing is lost"


def sync(options: Namespace) -> int:
    """Delivers what changed."""
    with stopping(json=options.json) as stop, opened(options) as project:
        names = project.names(options.entities)
        selects = bool(options.where or options.key or options.only_failed)
        from marea.cli.progress import watched

        with watched(project, names, full=options.full or options.moved, selects=selects) as progress:
            run = project.sync(
                names,
                full=options.full,
                resend=options.resend,
                moved=options.moved,
                where=options.where,
                keys=options.key,
                only_failed=options.only_failed,
                progress=progress,
                stop=stop,
            )
        return told(project, run, options)


def retry(options: Namespace) -> int:
    """Tries again what is not in order."""
    with stopping(json=options.json) as stop, opened(options) as project:
        run = project.retry(options.entity, keys=options.key, stop=stop)
        return told(project, run, options)


def approve(options: Namespace) -> int:
    """Lets deletes pass that were held back."""
    with stopping(json=options.json) as stop, opened(options) as project:
        return told(project, project.approve(options.run, stop=stop), options)


def told(project: Project, run: Run, options: Namespace) -> int:
    """Says what a run came to; the exit code it ends with. Raises Unwritable."""
    rejected = any(books.counts[Outcome.REJECTED] for books in run.entities.values())
    for message in run.messages:
        say(pasteable(f"{message}{_safely(message, rejected=rejected)}", options.config), sys.stderr)
    for note in run.notes:
        say(pasteable(note, options.config), sys.stderr)
    for name, books in run.entities.items():
        for sentence in books.on_left_out(name):
            say(sentence, sys.stderr)
    for sentence in _on_left(run) if _left_behind(run) else ():
        say(pasteable(sentence, options.config), sys.stderr)
    try:
        _show(project, run, options)
    except Unwritable:
        ended = f"run {run.id} itself ended, {run.status}: marea runs shows it"
        with suppress(OSError):  # stderr may be as full as stdout is, which is what the process ends with
            say(pasteable(ended, options.config), sys.stderr)
        raise
    return EXIT_CODES[RunStatus.PARTIAL] if _left_behind(run) else EXIT_CODES[run.status]


def _show(project: Project, run: Run, options: Namespace) -> None:
    """Writes what the run came to. Raises Unwritable."""
    if options.json:
        show_json(document(run))
    else:
        for line in _summary(project, run):
            say(pasteable(line, options.config))
    sys.stdout.flush()


def _safely(message: str, *, rejected: bool) -> str:
    """That nothing is lost and what to do, as far as the message does not say it."""
    safe = "" if SAFE in message else f"; {SAFE}"
    later = ", and `marea retry` for what was rejected, which else comes on its schedule" if rejected else ""
    if "run again" in message or not safe:
        return safe + later
    return f"{safe}: run again to deliver what is left{later}"


def _left_behind(run: Run) -> bool:
    """Whether earlier runs left something: a run without trouble of its own does not hide it."""
    return run.status is RunStatus.SUCCEEDED and run.left > 0


def _on_left(run: Run) -> Iterator[str]:
    """What brings back what earlier runs left."""
    from marea.engine.entity.keys import shown

    others = run.left - sum(some.records for some in run.by_key)
    if others:
        yield f"{plural(others, 'record')} of earlier runs not in order: marea status, marea retry"
    for some in run.by_key:
        are = (
            "is in doubt, and comes by its key"
            if some.records == 1
            else "are in doubt, and come by their keys"
        )
        name, key = some.entity, quote(shown(some.key))
        yield (
            f"{name}: {plural(some.records, 'record')} of earlier runs {are} alone: {some.hint} "
            f"(marea retry {name} --key {key}; why: marea explain {name} {key})"
        )


def document(run: Run) -> dict[str, object]:
    """A run as docs/commands.md has it."""
    entities = {
        name: {**counts(books), "seconds": round(books.seconds, 3)} for name, books in run.entities.items()
    }
    return {
        "run": str(run.id),
        "kind": run.kind,
        "status": run.status,
        "seconds": round(run.seconds, 3),
        "left": run.left,
        "by_key": sum(some.records for some in run.by_key),
        "entities": entities,
    }


def _summary(project: Project, run: Run) -> Iterator[str]:
    yield f"run {run.id}: {run.kind}, {run.status}, {seconds(run.seconds)}"
    rows = [
        (f"  {name}", _outcome(run, name, books), seconds(books.seconds) if books.detected else "")
        for name, books in run.entities.items()
    ]
    yield from table(("", "", ""), rows)
    # Why a run that was interrupted deferred what it did is said already.
    deferred = () if run.status is RunStatus.INTERRUPTED else (Outcome.DEFERRED,)
    for outcome in (Outcome.REJECTED, Outcome.WAITING, *deferred, Outcome.HELD):
        number = sum(books.counts[outcome] for books in run.entities.values())
        if number:
            yield from _reasons(project, run, outcome, number)


def _outcome(run: Run, name: str, books: Books) -> str:
    """What became of an entity; of one that was cut short before any record nothing is known."""
    return "not reached" if name in run.cut_short and not books.detected else in_words(books)


def _reasons(project: Project, run: Run, outcome: Outcome, number: int) -> Iterator[str]:
    """Why records ended so, the most frequent reasons first, and the commands that tell more."""
    from marea.engine.entity.keys import shown

    reasons = project.reasons(run, outcome)
    yield ""
    yield f"{plural(number, 'record')} {outcome}:"
    told = _foremost(reasons)
    for reason in told:
        like = ", and the like" if reason.alike else ""
        yield f"  {reason.records:,} x {reason.entity}: {reason.text or 'no reason was given'}{like}"
    if len(reasons) > len(told):
        yield f"  … and {plural(len(reasons) - len(told), 'other reason')}"
    logged = any(True for _ in project.log(run=run.id, outcome=outcome, limit=1))
    which, whose = (f"--run {run.id} ", "") if logged else ("", " (an earlier run found them)")
    yield f"  see them: marea log {which}--outcome {outcome}{whose}"
    if outcome is Outcome.HELD:
        yield f"  is the source whole? then delete them: marea approve {run.id}"
    for reason in reasons[:1]:
        yield f"  see one:  marea explain {reason.entity} {quote(shown(reason.key))}"


def _foremost(reasons: list[Reason]) -> list[Reason]:
    """The most frequent reasons, and of each entity its first."""
    firsts = {reason.entity: reason for reason in reversed(reasons)}
    return [
        reason for number, reason in enumerate(reasons) if number < REASONS or reason is firsts[reason.entity]
    ]
