"""Owns what a project is promised: the changes that each capture sees, the settings that nothing acts on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from marea.capture.names import LOG, SCAN, TRIGGER, WATERMARK, XMIN
from marea.config.settings import EntitySettings, RelationSettings, Settings
from marea.engine.entity.captures import CAPTURES
from marea.sql.aggregate import ROOT
from marea.sql.feeds import Feeds
from marea.sql.pages import Pages

FULL_READ = "full read"
NOTHING = "none"


@dataclass(frozen=True, slots=True)
class Promise:
    """What a capture promises of the changes of one table, in plain words."""

    sees: str
    direct_sql: str
    """Whether it sees a change that left the last-edit date alone."""
    deletes: str
    late_commits: str
    """Whether it sees what a transaction wrote that commits after a run that passed meanwhile."""
    delay: str
    cost: str
    """What it costs the source."""
    gaps: tuple[str, ...] = ()
    """What it does not see, and what does."""


@dataclass(frozen=True, slots=True)
class TableReport:
    """How changes of one table are found, and what that promises."""

    relation: str
    """The path of its relation; empty for the root table."""
    table: str
    capture: str
    """A capture's name, `full read` where every run reads all of it, or `none`."""
    modified: str | None
    """The last-edit date, where the capture goes by it."""
    promise: Promise
    warnings: tuple[str, ...] = ()
    """What its last-edit dates hide as they are, one sentence each."""


STAYS = "no: `marea scan` finds it, or `marea sync ENTITY --key KEY`"
NEXT_RUN = "until the next run"
FULL = "`marea sync --full`"

PROMISES = {
    WATERMARK: Promise(
        "every change that sets the last-edit date, of any size, by whomever",
        f"no, where it leaves the date alone: `marea touch`, or {FULL}",
        STAYS,
        "yes: the position never passes a transaction that is still open",
        NEXT_RUN,
        "a range of an index that begins with the date; a pass over the table where there is none",
    ),
    XMIN: Promise(
        "every row that was written, dated or not, by whomever",
        "yes",
        STAYS,
        "yes: what was open is read again until it has ended",
        NEXT_RUN,
        "a pass over the table a run, about 0.15 s for each million rows, unless nothing was written on the "
        "whole server; only what changed leaves it",
        (f"a related row that is gone, or that leads to another record now: {FULL}",),
    ),
    TRIGGER: Promise(
        "every change, dated or not, by whomever, from when the triggers were installed",
        "yes",
        "yes",
        "yes: what commits late is noted by then, and read by the next run",
        NEXT_RUN,
        "one narrow row written for each that changes, in the statement that changes it",
    ),
    SCAN: Promise(
        "every change of what is read of any table, by whomever, also what came back from a backup",
        "yes",
        "yes",
        "yes, by the next run",
        NEXT_RUN,
        "a pass over its tables a run, about 1.5 s for each million rows, and two more where anything "
        "differs; only what differs leaves the source",
    ),
    LOG: Promise(
        "every change, dated or not, by whomever, from when the log was installed",
        "yes",
        "yes",
        "yes: the log tells of a transaction when it has committed",
        NEXT_RUN,
        "next to nothing for who writes; the log is kept until the next run, and read through by each entity",
    ),
    FULL_READ: Promise(
        "every change, because every run reads all of it",
        "yes",
        STAYS,
        "yes",
        NEXT_RUN,
        "all rows are read by every run",
    ),
    NOTHING: Promise(
        "nothing of its own",
        f"no: {FULL}",
        STAYS,
        "no",
        "until its record is read for another reason",
        "none",
        (f"a change in this table alone: give it `modified`, or run {FULL}",),
    ),
}
"""What each capture promises where nothing stands against it."""

HIDDEN = "not of a transaction that was open when a run passed, and commits then: {why}"
COUNTED = (
    "yes, where numbers are drawn in ascending order: not those of a sequence with a CACHE, nor those that "
    f"a program makes up; {FULL} finds them"
)
DELETES = "it deletes nothing at the target; `deactivate` waits for the version that acts on it"
ACCEPTED = {
    "schedule": "nothing runs by itself: call `marea sync` from cron or a scheduler",
    "scan": "there is no scheduled comparison: call `marea scan` from cron or a scheduler",
    "capture": "records are found by the best capture there is, whatever other one is asked for",
    "maintenance": "windows are not watched: a target that is away is noticed when it does not answer",
}
"""Settings that are checked and accepted, and what is done instead."""


def tables(capture: str, entity: EntitySettings, pages: Pages, hidden: str) -> list[TableReport]:
    """How a capture finds the changes of each table of an entity, the root table first.

    `hidden` says why its source may not tell who is writing (`marea.ports.Writers`).
    """
    names = [(path, table.name) for path, table in pages.aggregate.tables()]
    if capture != WATERMARK:
        promise = PROMISES[capture]
        if capture == TRIGGER:
            promise = replace(promise, gaps=tuple(f"{gap}: {FULL}" for gap in pages.dialect.unnoted))
        if capture == LOG:
            promise = replace(promise, gaps=tuple(f"{gap}: {FULL}" for gap in pages.dialect.unlogged))
        return [TableReport(path, name, capture, None, promise) for path, name in names]
    dated = pages.aggregate.feeds()
    if not dated:
        return [TableReport(path, name, FULL_READ, None, PROMISES[FULL_READ]) for path, name in names]
    feeds, modified = Feeds(pages.dialect, pages.aggregate), dates_written(entity)
    return [
        TableReport(path, name, WATERMARK, modified[path], _by_dates(feeds, path, entity.lag, hidden))
        if path in dated
        else TableReport(path, name, NOTHING, None, PROMISES[NOTHING])
        for path, name in names
    ]


def _by_dates(feeds: Feeds, path: str, lag: float, hidden: str) -> Promise:
    """The promise of the watermark for one table with a date."""
    promise = PROMISES[WATERMARK]
    if hidden:
        return replace(promise, late_commits=_overlapped(HIDDEN.format(why=hidden), lag))
    return promise if feeds.timed(path) else replace(promise, late_commits=COUNTED)


def _overlapped(gap: str, lag: float) -> str:
    return f"{gap}; `lag`: {lag:g} s before that are read again" if lag else gap


def dates_written(entity: EntitySettings) -> dict[str, str | None]:
    """Path -> the last-edit date as it is written in the configuration."""
    return {ROOT: entity.source.modified, **_modified(entity.source.related, "")}


def _modified(relations: Sequence[RelationSettings], above: str) -> dict[str, str | None]:
    found: dict[str, str | None] = {}
    for relation in relations:
        path = above + relation.name
        found |= {path: relation.modified, **_modified(relation.children, f"{path}.")}
    return found


def unacted(settings: Settings) -> list[str]:
    """What the configuration asks for that this version accepts and does not act on."""
    entities = settings.entities.values()
    asked = {
        "schedule": [entity.name for entity in entities if entity.schedule],
        "scan": [entity.name for entity in entities if entity.scan],
        "capture": [entity.name for entity in entities if entity.source.capture not in ("auto", *CAPTURES)],
        "maintenance": [system.name for system in settings.systems.values() if system.maintenance],
    }
    found = [f"{name} ({', '.join(asked[name])}): {text}" for name, text in ACCEPTED.items() if asked[name]]
    deleting = [entity.name for entity in entities if entity.deletes.action == "deactivate"]
    return [*found, f"deletes ({', '.join(deleting)}): {DELETES}"] if deleting else found
