"""Owns what a project is promised: the changes that each capture sees, the settings that nothing acts on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from marea.config.settings import EntitySettings, RelationSettings, Settings
from marea.sql.aggregate import ROOT, Aggregate
from marea.sql.feeds import Feeds
from marea.sql.pages import Pages

SEES = "every change that sets the last-edit date, of any size, by whomever"
SEES_ALL = "every change, because every run reads all of it"
LATE = ", also where its transaction commits after a run that passed meanwhile"
DIRECT = "direct SQL that leaves the date alone: `marea touch`, or `marea sync --full`"
HIDDEN = "a transaction that was open when a run passed, and commits then: {why}"
COUNTED = (
    "a number is no time: a transaction that took one, let a run pass and commits then, with a number "
    "before the latest that was read: `marea sync --full` finds it"
)
UNDATED = "a change in this table alone: give it `modified`, or run `marea sync --full`"
DELETES = (
    "what is deleted in the source stays in the target; `deletes` and `guard` wait for the version that acts"
)
ACCEPTED = {
    "schedule": "nothing runs by itself: call `marea sync` from cron or a scheduler",
    "scan": "there is no scheduled comparison: call `marea sync --full`",
    "capture": "records are found by their last-edit dates, whatever other capture is asked for",
    "maintenance": "windows are not watched: a target that is away is noticed when it does not answer",
}
"""Settings that are checked and accepted, and what is done instead."""


@dataclass(frozen=True, slots=True)
class TableReport:
    """How changes of one table are found, and what that promises."""

    relation: str
    """The path of its relation; empty for the root table."""
    table: str
    capture: str
    """`watermark`, `full read` where the entity has no last-edit date at all, or `none`."""
    modified: str | None
    sees: str
    gaps: tuple[str, ...]
    warnings: tuple[str, ...] = ()
    """What its last-edit dates hide as they are, one sentence each."""


def tables(entity: EntitySettings, pages: Pages, hidden: str) -> list[TableReport]:
    """How changes of each table of an entity are found, the root table first.

    `hidden` says why its source may not tell who is writing (`marea.ports.Writers`).
    """
    aggregate, modified = pages.aggregate, dates_written(entity)
    if not aggregate.feeds():
        return [TableReport(path, name, "full read", None, SEES_ALL, ()) for path, name in _names(aggregate)]
    feeds = Feeds(pages.dialect, aggregate)
    late = dict.fromkeys(aggregate.feeds(), "" if hidden else LATE)
    gaps = {
        path: (HIDDEN.format(why=hidden),) if hidden else () if feeds.timed(path) else (COUNTED,)
        for path in aggregate.feeds()
    }
    return [
        _table(path, name, modified[path], entity.lag, late.get(path, ""), gaps.get(path, ()))
        for path, name in _names(aggregate)
    ]


def _names(aggregate: Aggregate) -> list[tuple[str, str]]:
    """Path and table of the root and of each relation."""
    lines = aggregate.lineages()
    return [(ROOT, aggregate.table.name), *((line[-1].path, line[-1].table.name) for line in lines)]


def dates_written(entity: EntitySettings) -> dict[str, str | None]:
    """Path -> the last-edit date as it is written in the configuration."""
    return {ROOT: entity.source.modified, **_modified(entity.source.related, "")}


def _modified(relations: Sequence[RelationSettings], above: str) -> dict[str, str | None]:
    found: dict[str, str | None] = {}
    for relation in relations:
        path = above + relation.name
        found |= {path: relation.modified, **_modified(relation.children, f"{path}.")}
    return found


def _table(
    path: str, name: str, modified: str | None, lag: float, late: str, gaps: tuple[str, ...]
) -> TableReport:
    if modified is None:
        return TableReport(path, name, "none", None, "nothing of its own", (UNDATED,))
    again = f"; {lag:g} s before that are read again" if lag else ""
    return TableReport(path, name, "watermark", modified, f"{SEES}{late}{again}", (DIRECT, *gaps))


def unacted(settings: Settings) -> list[str]:
    """What the configuration asks for that this version accepts and does not act on."""
    entities = settings.entities.values()
    asked = {
        "schedule": [entity.name for entity in entities if entity.schedule],
        "scan": [entity.name for entity in entities if entity.scan],
        "capture": [entity.name for entity in entities if entity.source.capture not in ("auto", "watermark")],
        "maintenance": [system.name for system in settings.systems.values() if system.maintenance],
    }
    found = [f"{name} ({', '.join(asked[name])}): {text}" for name, text in ACCEPTED.items() if asked[name]]
    deleting = [entity.name for entity in entities if entity.deletes.action != "ignore"]
    return [*found, f"deletes ({', '.join(deleting)}): {DELETES}"] if deleting else found
