"""Owns reading the journal: what became of records, with the values before and after."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from itertools import islice
from typing import Any

from marea.model import Cause, Operation, Outcome
from marea.store.database import Database, Row
from marea.store.moments import micros, moment

PAGE = 2000
LAST = 2**63 - 1
PARSER = json.JSONDecoder(parse_float=Decimal)


@dataclass(frozen=True, slots=True)
class Entry:
    """What became of one record in one run."""

    run: int
    at: datetime
    """Aware, in UTC."""
    entity: str
    key: Any
    """A scalar, or a list where the key has several columns."""
    operation: Operation
    outcome: Outcome
    cause: Cause
    changes: Mapping[str, tuple[Any, Any]]
    """Field -> (before, after); numbers with a fraction are Decimals, exact as they were sent."""
    target_id: str | None
    attempt: int | None
    code: str | None
    error: str | None
    field: str | None
    hint: str | None
    duration_ms: int | None


@dataclass(frozen=True, slots=True)
class EntryFilter:
    """Which entries are wanted; what is left None does not matter."""

    entity: str | None = None
    key: str | None = None
    """JSON text, as in every batch."""
    run: int | None = None
    outcome: Outcome | None = None
    cause: Cause | None = None
    field: str | None = None
    """A field whose value changed."""
    since: datetime | None = None
    until: datetime | None = None
    """Aware moments, both included."""
    text: str | None = None
    """Stands somewhere in the error, the key or the values; upper and lower case are the same."""


class Journal:
    """The entries of all runs."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def entries(
        self, wanted: EntryFilter, limit: int | None = None, newest_first: bool = True
    ) -> Iterator[Entry]:
        """The entries wanted, read a page at a time: any number of them fits into memory."""
        return islice(self._matching(wanted, newest_first, limit or PAGE), limit)

    def _matching(self, wanted: EntryFilter, newest_first: bool, page: int) -> Iterator[Entry]:
        low, high = (0, LAST) if wanted.run is None else (wanted.run << 32, (wanted.run + 1 << 32) - 1)
        conditions = _conditions(wanted)
        if low > LAST:  # no database numbers runs so high
            return
        order = {"newest_first" if newest_first else "oldest_first": True}
        size = min(page, PAGE)
        while True:
            rows = self._database.rows("entries", low=low, high=high, page=size, **conditions, **order)
            for row in rows:
                entry = _entry(row)
                if _holds(entry, wanted):
                    yield entry
            if len(rows) < size:
                return
            low, high = (low, rows[-1][0] - 1) if newest_first else (rows[-1][0] + 1, high)
            size = PAGE


def _conditions(wanted: EntryFilter) -> dict[str, object]:
    """What the database can decide; for fields and texts it narrows, and `_holds` decides."""
    one_record = wanted.entity is not None and wanted.key is not None
    return {
        "entity": wanted.entity,
        "one_record": one_record or None,
        "any_record": (wanted.entity is not None and not one_record) or None,
        "key": wanted.key,
        "outcome": wanted.outcome and wanted.outcome.value,
        "cause": wanted.cause and wanted.cause.value,
        "since": wanted.since and micros(wanted.since),
        "until": wanted.until and micros(wanted.until),
        "field": _plain(wanted.field),
        "text": _plain(wanted.text),
    }


def _plain(text: str | None) -> str | None:
    """The longest part of a text that JSON and any collation leave as it is, and LIKE finds."""
    return max(re.findall(r"[A-Za-z0-9 .,@_-]+", text or ""), key=len, default=None)


def _holds(entry: Entry, wanted: EntryFilter) -> bool:
    if wanted.field is not None:
        before, after = entry.changes.get(wanted.field, (None, None))
        if before == after:
            return False
    return wanted.text is None or any(wanted.text.lower() in text.lower() for text in _texts(entry))


def _texts(entry: Entry) -> Iterator[str]:
    yield from (entry.error or "", _text(entry.key))
    for before, after in entry.changes.values():
        yield from (_text(before), _text(after))


def _text(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def _entry(row: Row) -> Entry:
    (_, run, at, entity, key, operation, outcome, cause, changes, payload, target_id, *rest) = row
    return Entry(
        run,
        moment(at),
        entity,
        PARSER.decode(key),
        Operation(operation),
        Outcome(outcome),
        Cause(cause),
        _changes(Operation(operation), changes, payload),
        target_id,
        *rest,
    )


def _changes(operation: Operation, changes: str | None, payload: str | None) -> dict[str, tuple[Any, Any]]:
    """As written, or for a create and a delete, which repeat no values, from the payload."""
    if changes is not None:
        return {name: (pair[0], pair[1]) for name, pair in PARSER.decode(changes).items()}
    if payload is None or operation not in (Operation.CREATE, Operation.DELETE):
        return {}
    values = PARSER.decode(payload).items()
    if operation is Operation.CREATE:
        return {name: (None, value) for name, value in values}
    return {name: (value, None) for name, value in values}
