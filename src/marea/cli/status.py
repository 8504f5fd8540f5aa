"""Owns `marea status` and `marea runs`: where everything stands, and what ran."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator
from shlex import quote
from typing import TYPE_CHECKING

from marea.cli.commands import pasteable
from marea.cli.common import counts, in_words, opened, seconds
from marea.cli.output import moment, say, show_json, show_json_list, table
from marea.model import FirstLoad, RunStatus

if TYPE_CHECKING:
    from marea.engine.look.status import EntityStatus, Status
    from marea.store.runs import RunRow


def status(options: Namespace) -> int:
    """Shows where entities stand."""
    with opened(options, systems=False) as project:
        found = project.status(options.entities)
    if options.json:
        show_json(
            {
                "entities": {name: _entity(entity) for name, entity in found.entities.items()},
                "runs": [document(run, options.config) for run in found.runs],
            }
        )
    else:
        for line in _text(found):
            say(pasteable(line, options.config))
    return 0


def runs(options: Namespace) -> int:
    """Shows the last runs."""
    with opened(options, systems=False) as project:
        found = project.runs(options.limit or options.limit_default)
    if options.json:
        show_json_list(document(run, options.config) for run in found)
    else:
        for line in _runs_text(found):
            say(pasteable(line, options.config))
    return 0


def document(run: RunRow, config: str | None) -> dict[str, object]:
    """A run as the state keeps it; `config` is the configuration that the command line named."""
    entities = {
        name: {**counts(books), "seconds": round(books.seconds, 3)} for name, books in run.books.items()
    }
    return {
        "run": str(run.id),
        "kind": run.kind,
        "cause": run.cause,
        "status": run.status,
        "started": run.started,
        "ended": run.ended,
        "seconds": _took(run),
        "message": pasteable(run.message, config),
        "entities": entities,
    }


def _took(run: RunRow) -> float | None:
    return round((run.ended - run.started).total_seconds(), 3) if run.ended else None


def _entity(entity: EntityStatus) -> dict[str, object]:
    return {
        "source": entity.source,
        "target": entity.target,
        "loaded": entity.loaded,
        "position_moved_at": entity.moved_at,
        "mapping_changed": entity.mapping_changed,
        "records": entity.records,
        "delivered": entity.delivered,
        "backlog": entity.backlog,
        "circling": entity.circling,
    }


def _text(found: Status) -> Iterator[str]:
    headers = ("entity", "from", "to", "records", "delivered", "not in order", "position moved", "")
    rows = [
        (
            name,
            entity.source,
            entity.target,
            sum(entity.records.values()),
            entity.delivered,
            ", ".join(f"{number:,} {outcome}" for outcome, number in entity.backlog.items()) or "-",
            moment(entity.moved_at) or "never",
            _remark(name, entity),
        )
        for name, entity in found.entities.items()
    ]
    yield from table(headers, rows)
    yield ""
    yield from _runs_text(found.runs)


def _remark(name: str, entity: EntityStatus) -> str:
    words = {FirstLoad.NEVER: "never synchronized", FirstLoad.UNDERWAY: "first load not through"}
    changed = "mapping changed: the next run evaluates all" if entity.mapping_changed else ""
    return "; ".join(part for part in (words.get(entity.loaded, ""), changed, _circle(name, entity)) if part)


def _circle(name: str, entity: EntityStatus) -> str:
    if entity.circling_key is None:
        return ""
    from marea.engine.entity.keys import shown

    example = f"marea explain {name} {quote(shown(entity.circling_key))}"
    return f"{entity.circling:,} wait in a circle: {example}"


def _runs_text(found: list[RunRow]) -> Iterator[str]:
    if not found:
        yield "no runs yet: marea sync"
        return
    for run in found:
        took = _took(run)
        ended = "running" if run.status is RunStatus.RUNNING else "ended without a word"
        duration = seconds(took) if took is not None else ended
        yield f"run {run.id}  {moment(run.started)}  {run.cause}  {run.status}  {duration}"
        for name, books in run.books.items():
            if books.detected:
                yield f"    {name}: {in_words(books)}"
        if run.message:
            yield f"    {run.message}"
